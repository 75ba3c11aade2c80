/** Whatever rows a plan's sample gives, they decide how fast a pass is and never what it ends in. */
import assert from "node:assert/strict";
import type { FoldPlan } from "../../../compute/backend.ts";
import type { LatentState } from "../../../compute/latent_state.ts";
import type { Sae } from "../../../compute/sae.ts";
import { createWasmBackend } from "../../../compute/wasm/mod.ts";
import { assertSameState, type Case, makeCase, makePlan, Random, runFold } from "../_cases.ts";
import { watchWorkers } from "./_watch_workers.ts";

const [D, N] = [70, 203];
const given = withOutliers(makeCase({ dVit: D, dSae: N, nImages: 260, patches: 7, bias: -2 }));
const ROWS = 260 * 7;

/** Rows with a mean and with dimensions of many sizes, to which the columns are fitted: a screen needs good constants for them. */
function withOutliers({ sae, ...job }: Case): Case {
  const size = (d: number): number => d % 9 === 4 ? 40 : 2 / (1 + d % 5);
  const block = job.block.map((x, i) => (x + i % D % 4) * size(i % D));
  const bPre = sae.bPre.map((b, d) => (b + d % 4) * size(d));
  const wEnc = sae.wEnc.map((w, i) => w / size(Math.floor(i / N)));
  return { ...job, block, sae: { ...sae, wEnc, bPre } };
}

/** Rows of the job: what a good sample gives. */
function jobRows(count: number): Float32Array {
  const { layout, block } = given;
  const out = new Float32Array(count * D);
  for (let r = 0; r < count; r++) {
    const row = Math.floor(r * ROWS / count);
    const from = (Math.floor(row / 7) * layout.tokens + 1 + row % 7) * D;
    for (let d = 0; d < D; d++) out[r * D + d] = block[from + d];
  }
  return out;
}

const random = new Random(77);
const good = jobRows(1024);
const filled = (value: (i: number) => number, rows = 1024): Float32Array =>
  Float32Array.from({ length: rows * D }, (_, i) => value(i));

const SAMPLES: Readonly<Record<string, Float32Array>> = {
  "of the job": good,
  "of 1,000 rows of the job": jobRows(1000),
  "of 40 rows of the job, barely more than there are directions": jobRows(40),
  "of five rows of the job": jobRows(5),
  "of one row": jobRows(1),
  "of no row": new Float32Array(0),
  "of more rows than asked for": jobRows(1500),
  "of equal rows": filled((i) => good[i % D]),
  "of two rows in turns": filled((i) => good[i % (2 * D)]),
  "of zeros": filled(() => 0),
  "of minus zeros": filled(() => -0),
  "with one row that is not zero": filled((i) => i < D ? good[i] : 0),
  "in one dimension only": filled((i) => i % D === 3 ? good[i] : 0),
  "of one value everywhere": filled(() => 1),
  "a thousand times too large": filled((i) => good[i] * 1e3),
  "whose squares overflow": filled((i) => good[i] * 1e25),
  "of the largest numbers there are": filled((i) => i % 3 === 0 ? -3.4e38 : 3.4e38),
  "with one huge row": filled((i) => i < D ? 3e38 : good[i]),
  "of denormal numbers": filled((i) => good[i] * 1e-42),
  "a million times too small": filled((i) => good[i] * 1e-6),
  "of other rows than the job's": filled(() => random.normal() * 10 ** (8 * random.uniform() - 4) + 5),
  "whose dimensions are of every size": filled((i) => good[i] * 10 ** (i % D - 35)),
  "with rows repeated, so that directions depend on each other": filled((i) => good[i % (20 * D)]),
};

/** Runs a pass, and says how large a share of the pairs the screen left; undefined if nothing was screened. */
async function runSampled(
  sae: Sae,
  plan: FoldPlan,
): Promise<{ state: LatentState; share: number | undefined; asked: number[] }> {
  const backend = await createWasmBackend({ screenAbove: 0, workersAbove: 0 });
  const asked: number[] = [];
  const { sample } = plan;
  let share: number | undefined;
  const watched = {
    ...backend,
    open: async (...to: Parameters<typeof backend.open>) => {
      const fold = await backend.open(...to);
      const close = fold.close.bind(fold);
      fold.close = () => {
        share = fold.profile().survivorShare;
        return close();
      };
      return fold;
    },
  };
  const counted = sample && ((n: number) => (asked.push(n), sample(n)));
  const state = await runFold(watched, sae, { ...plan, sample: counted }, given.block, 100);
  return { state, share, asked };
}

for (const activation of [{ kind: "relu" }, { kind: "topk", k: 6 }] as const) {
  Deno.test({
    name: `a pass has the dense bits whatever its sample gives, ${activation.kind}`,
    permissions: "none",
    fn: async (t) => {
      const sae = { ...given.sae, activation };
      const plan = makePlan(given, { k: 9, nDistributions: N });
      const dense = await createWasmBackend({ screenAbove: Infinity });
      const expected = await runFold(dense, sae, plan, given.block);
      await dense.close();
      assert(expected.count.some((count) => count > 0) && expected.count.some((count) => count < ROWS / 2));
      const without = await runSampled(sae, plan);
      assertSameState(without.state, expected);
      assert(without.share! > 0 && without.share! < 0.6, `${without.share}`);
      for (const [name, rows] of Object.entries(SAMPLES)) {
        await t.step(name, async () => {
          const { state, share, asked } = await runSampled(sae, {
            ...plan,
            sample: () => Promise.resolve(rows.slice()),
          });
          assertSameState(state, expected);
          assert.deepEqual(asked, [1024]);
          // No row: nothing to choose constants by, so nothing is screened. All else is, however badly.
          assert.equal(share === undefined, rows.length === 0, `${share} of the pairs were left`);
          if (name === "of the job") assert(share! < 1.25 * without.share!, `${share}, ${without.share}`);
          if (name === "of zeros") assert(share! > 2 * without.share!, `${share}, ${without.share}`);
        });
      }
    },
  });
}

Deno.test({
  name: "a pass that is taken up again chooses its constants anew, by any sample, and has the same bits",
  permissions: "none",
  fn: async () => {
    const backend = await createWasmBackend({ screenAbove: 0, workersAbove: 0 });
    const plan = makePlan(given, { k: 9, threads: 2 });
    const expected = await runFold(backend, given.sae, plan, given.block);
    const sampled = (name: string): FoldPlan => ({ ...plan, sample: () => Promise.resolve(SAMPLES[name]) });
    const from = await runFold(backend, given.sae, sampled("of the job"), given.block, 60, { end: 121 });
    const to = { first: 121, from };
    assertSameState(await runFold(backend, given.sae, sampled("of equal rows"), given.block, 50, to), expected);
    await backend.close();
  },
});

Deno.test({
  name: "a sample is not asked for where nothing is screened",
  permissions: "none",
  fn: async () => {
    const sample = (): Promise<Float32Array> => assert.fail("asked for");
    for (const options of [{}, { screenAbove: Infinity }, { screenAbove: 0, variant: "plain" }] as const) {
      const backend = await createWasmBackend(options);
      await runFold(backend, given.sae, makePlan(given, { sample }), given.block);
      await backend.close();
    }
  },
});

for (
  const [what, sample] of [
    ["rejects at once", (error: Error) => Promise.reject(error)],
    ["rejects late", (error: Error) => new Promise<never>((_, reject) => setTimeout(() => reject(error), 100))],
    ["throws", (error: Error) => {
      throw error;
    }],
  ] as const satisfies readonly (readonly [string, (error: Error) => Promise<Float32Array>])[]
) {
  Deno.test({
    name: `a sample that ${what} makes open() reject with its error, and no worker is left`,
    permissions: "none",
    fn: () =>
      watchWorkers(async ({ started, running }) => {
        const backend = await createWasmBackend({ screenAbove: 0, workersAbove: 0 });
        const error = new RangeError("no such shard");
        const plan = makePlan(given, { threads: 3, sample: () => sample(error) });
        await assert.rejects(backend.open(given.sae, plan), (thrown) => thrown === error);
        assert.equal(started.length, 3);
        assert.deepEqual(running(), []);
        await backend.close();
      }),
  });
}
