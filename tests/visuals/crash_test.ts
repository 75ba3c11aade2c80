import assert from "node:assert/strict";
import type { Backend, Fold } from "../../compute/backend.ts";
import { DeviceLimitError } from "../../compute/errors.ts";
import type { LatentState } from "../../compute/latent_state.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import { fieldAddress } from "../../compute/wasm/fields.ts";
import { createWasmBackend } from "../../compute/wasm/mod.ts";
import { foldRows, planFold } from "../../visuals/fold_rows.ts";
import { Stopwatch, withDefaults } from "../../visuals/hooks.ts";
import { openInputs } from "../../visuals/open_inputs.ts";
import type { ResumePoint } from "../../visuals/saved_progress.ts";
import { PERMISSIONS, smallJob } from "./_jobs.ts";

/** A backend whose passes do `harm` to the buffer of their n-th batch. */
function harmed(backend: Backend, n: number, passes: number, harm: (block: Float32Array) => void): Backend {
  let opened = 0;
  return {
    name: backend.name,
    details: backend.details,
    async open(sae, plan, from): Promise<Fold> {
      const fold = await backend.open(sae, plan, from);
      if (opened++ >= passes) return fold;
      let batch = 0;
      return {
        lend: () => fold.lend(),
        fold: (given): Promise<void> => {
          if (++batch === n) harm(given.block);
          return fold.fold(given);
        },
        state: () => fold.state(),
        profile: () => fold.profile(),
        close: () => fold.close(),
      };
    },
    encode: (x, sae) => backend.encode(x, sae),
    close: () => backend.close(),
  };
}

/** Keeps one state in memory, as the disk would: a copy. */
function memory(): {
  saves: number[];
  loads: number[];
  save(p: ResumePoint): Promise<void>;
  load(): Promise<ResumePoint | undefined>;
} {
  let last: ResumePoint | undefined;
  const [saves, loads]: number[][] = [[], []];
  return {
    saves,
    loads,
    save: ({ state, nextImage }): Promise<void> => {
      saves.push(nextImage);
      last = { state: structuredClone(state), nextImage };
      return Promise.resolve();
    },
    load: (): Promise<ResumePoint | undefined> => {
      if (last !== undefined) loads.push(last.nextImage);
      return Promise.resolve(last);
    },
  };
}

async function pass(
  backend: Backend,
  kept?: ReturnType<typeof memory>,
): Promise<{ state: LatentState; lines: string[] }> {
  const config = smallJob("unused", "wasm");
  const inputs = await openInputs(config);
  const lines: string[] = [];
  const hooks = withDefaults({ log: (line) => void lines.push(line) });
  const saving = kept && { to: kept, everySeconds: 1e-9 };
  const plan = planFold(config, inputs, inputs.layout);
  try {
    const { state, release } = await foldRows(inputs, plan, { backend, hooks, watch: new Stopwatch(), saving });
    const copy = structuredClone(state);
    await release();
    return { state: copy, lines };
  } finally {
    await backend.close();
  }
}

/** Makes kernels go astray: the weights now lie past the end of the memory. */
function astray(block: Float32Array): void {
  new DataView(block.buffer).setUint32(fieldAddress("wt"), 0xfffff000, true);
}

for (const [where, workersAbove] of [["in workers", 0], ["in the calling thread", Infinity]] as const) {
  Deno.test({
    name: `foldRows() replays from the last state after kernels have crashed ${where}, once`,
    permissions: PERMISSIONS,
    async fn(): Promise<void> {
      const create = (): Promise<Backend> => createWasmBackend({ workersAbove });
      const { state: expected } = await pass(await create());
      const kept = memory();
      const once = await pass(harmed(await create(), 20, 1, astray), kept);
      assert.equal(once.lines.filter((line) => line.includes("starting it again, once")).length, 1);
      assert.equal(kept.loads.length, 1);
      assert.ok(kept.loads[0] > 0 && kept.loads[0] < 20, String(kept.loads));
      assert.deepEqual(once.state, expected);
      // Nothing saved: from the first row.
      assert.deepEqual((await pass(harmed(await create(), 3, 1, astray))).state, expected);
      await assert.rejects(pass(harmed(await create(), 3, 2, astray)), /out of bounds/);
    },
  });
}

Deno.test({
  name: "foldRows() says how to get by when there is no memory",
  permissions: PERMISSIONS,
  async fn(): Promise<void> {
    const backend = createReferenceBackend();
    const open = (): Promise<Fold> => Promise.reject(new RangeError("WebAssembly.Memory(): could not allocate memory"));
    await assert.rejects(pass({ ...backend, open }), (error: Error) => {
      assert.ok(error instanceof DeviceLimitError);
      assert.match(error.message, /take a smaller --top-k/);
      return true;
    });
  },
});
