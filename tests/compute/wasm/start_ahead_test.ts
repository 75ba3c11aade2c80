/** Workers that are started before a pass asks for them: taken once, or ended. */
import assert from "node:assert/strict";
import { loadAhead as loadChosenAhead } from "../../../compute/choose_backend.ts";
import { loadKernels } from "../../../compute/wasm/kernel_module.ts";
import { createWasmBackend, loadAhead } from "../../../compute/wasm/mod.ts";
import { makeMemory } from "../../../compute/wasm/open_pass.ts";
import { openPool, type Pool, startAhead } from "../../../compute/wasm/pool.ts";
import { assertSameState, makeCase, makePlan, runFold } from "../_cases.ts";
import { untilRunning, watchWorkers } from "./_watch_workers.ts";

async function open(threads: number, permissions: "none" | "inherit" = "none"): Promise<Pool> {
  const { modules } = await loadKernels("auto");
  return await openPool({ modules, memory: makeMemory(1 << 20), threads, permissions });
}

/** Until the engine has told what happened. */
const soon = (ms = 100): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test({
  name: "startAhead()'s workers are taken by the next pool, which ends them; disposing of it leaves them alone",
  permissions: "none",
  fn: () =>
    watchWorkers(async ({ started, ended, running }) => {
      const ahead = startAhead(2, "none");
      assert.equal(started.length, 2);
      const pool = await open(2);
      assert.equal(pool.kind, "workers");
      assert.equal(started.length, 2, "the pool started workers of its own");
      ahead[Symbol.dispose]();
      assert.equal(ended.size, 0, "workers of a pool were ended");
      await pool.run("probeFma", 1, 1, 1);
      // They are taken once: another pool has its own.
      const other = await open(2);
      assert.equal(started.length, 4);
      pool.close();
      assert.deepEqual(running(), started.slice(2));
      other.close();
      assert.deepEqual(running(), []);
    }),
});

Deno.test({
  name: "startAhead()'s workers that no pool took are ended on disposal, and handed out no more",
  permissions: "none",
  fn: () =>
    watchWorkers(async ({ started, running }) => {
      {
        using _ahead = startAhead(3, "none");
        // Takes two of them.
        const pool = await open(2);
        assert.equal(started.length, 3);
        pool.close();
        assert.equal(running().length, 1);
      }
      assert.deepEqual(running(), []);
      const pool = await open(2);
      assert.equal(started.length, 5);
      pool.close();
    }),
});

Deno.test({
  name: "startAhead()'s workers serve pools of their permissions only, and a pool starts what is missing",
  permissions: "none",
  fn: () =>
    watchWorkers(async ({ started, running }) => {
      using _one = startAhead(1, "none");
      using _two = startAhead(2, "inherit");
      const pool = await open(3, "none");
      assert.equal(started.length, 5, "one was there, two were not");
      assert.deepEqual(running().length, 5);
      pool.close();
      assert.deepEqual(running(), started.slice(1, 3));
    }),
});

Deno.test({
  name: "startAhead()'s worker that died is not handed out, and its death is nobody's error",
  permissions: "none",
  fn: () =>
    watchWorkers(async ({ started }) => {
      using _ahead = startAhead(2, "none");
      await new Promise((resolve) => started[0].addEventListener("error", resolve, { once: true }));
      let late: ReturnType<typeof setTimeout> | undefined;
      const noAnswer = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error("a dead worker was handed out")), 60_000);
      });
      const pool = await Promise.race([open(2), noAnswer]);
      clearTimeout(late);
      assert.equal(pool.kind, "workers");
      assert.equal(started.length, 3, "a dead worker was handed out");
      await pool.run("probeFma", 1, 1, 1);
      pool.close();
    }, (n, url) => n === 0 ? "data:text/javascript,throw new Error('died early')" : url),
});

Deno.test({
  name: "startAhead() does nothing where there are no workers",
  permissions: "none",
  fn: async () => {
    const Own = globalThis.Worker;
    globalThis.Worker = class {
      constructor() {
        throw new DOMException("forbidden", "SecurityError");
      }
    } as unknown as typeof Worker;
    try {
      using _ahead = startAhead(2, "none");
      assert.equal((await open(2)).kind, "in-thread");
    } finally {
      globalThis.Worker = Own;
    }
  },
});

Deno.test({
  name:
    "loadAhead() starts a job's workers, and none for small jobs or one thread; a pass takes them, with the same bits",
  permissions: "none",
  fn: () =>
    watchWorkers(async ({ started, running }) => {
      const backend = await createWasmBackend({ workersAbove: 0, workerPermissions: "none" });
      const given = makeCase({ dVit: 24, dSae: 64, nImages: 40, patches: 9 });
      const plan = makePlan(given, { threads: 2 });
      const expected = await runFold(backend, given.sae, { ...plan, threads: 1 }, given.block);
      for (const job of [{ threads: 2, work: 1e8 }, { threads: 1, work: 1e12 }, { threads: 2, work: 0 }]) {
        using _ahead = loadAhead({ ...job, workerPermissions: "none" });
        assert.equal(started.length, 0, JSON.stringify(job));
      }
      {
        using _ahead = loadAhead({ threads: 2, work: 1e12, workerPermissions: "none" });
        assert.equal(started.length, 2);
        assertSameState(await runFold(backend, given.sae, plan, given.block), expected);
        assert.equal(started.length, 2, "the pass started workers of its own");
      }
      await backend.close();
      assert.deepEqual(running(), []);
    }),
});

Deno.test({
  name: "chooseBackend's loadAhead() starts workers where wasm may be chosen, unless it was disposed of before",
  permissions: "none",
  fn: () =>
    watchWorkers(async ({ started, running }) => {
      const job = { threads: 2, work: 1e12 } as const;
      for (const device of ["reference", "webgpu"] as const) loadChosenAhead(device, job)[Symbol.dispose]();
      using _reference = loadChosenAhead("reference", job);
      using _webgpu = loadChosenAhead("webgpu", job);
      loadChosenAhead("wasm", job)[Symbol.dispose]();
      await soon();
      assert.equal(started.length, 0);
      for (const device of ["auto", "wasm"] as const) {
        const ahead = loadChosenAhead(device, job);
        await untilRunning(2, { running });
        assert.equal(running().length, 2, device);
        ahead[Symbol.dispose]();
        assert.equal(running().length, 0, device);
      }
    }),
});
