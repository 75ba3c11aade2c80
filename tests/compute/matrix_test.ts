/**
 * Every backend x sizes around its workgroups and tiles x values that go wrong easily, against lists that are sorted whole.
 *
 * Activations, weights and biases are small integers: f32 sums are exact in any order, ties abound, and everything counted
 * and ranked must agree in every bit. Real values and their derived bounds are tested with each backend.
 */
import assert from "node:assert/strict";
import type { Backend, BackendName, FoldPlan } from "../../compute/backend.ts";
import { chooseBackend } from "../../compute/choose_backend.ts";
import { exactSumToNumber } from "../../compute/exact_sum.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "../../compute/latent_state.ts";
import { sketchBounds } from "../../compute/quantile_sketch.ts";
import { type Case, makeCase, makePlan, runFold } from "./_cases.ts";
import { gpuTest } from "./webgpu/_adapter.ts";

/** Images, patches, latents, width: 0 and 1; 8, 16, 32, 64 and 128 with one less and one more; twice 64 and 128 plus 3. */
const SIZES: readonly (readonly [images: number, patches: number, dSae: number, dVit: number])[] = [
  ...[[0, 1, 1, 1], [1, 1, 1, 1], [1, 3, 7, 3], [7, 1, 8, 5], [9, 1, 9, 7], [5, 3, 15, 15], [4, 4, 16, 16]] as const,
  ...[[1, 17, 17, 17], [31, 1, 31, 6], [8, 4, 32, 8], [3, 11, 33, 9], [21, 3, 63, 13], [16, 4, 64, 31]] as const,
  ...[[5, 13, 65, 33], [1, 127, 127, 2], [128, 1, 128, 3], [43, 3, 129, 10], [131, 1, 131, 35], [
    7,
    37,
    259,
    5,
  ]] as const,
];

/** Ranks kept: 1, fewer than rows, all, more. */
const ranks = (rows: number): number[] => [1, Math.max(1, rows >> 1), Math.max(1, rows), rows + 3];

/** What a block may hold. */
const VALUES: Readonly<Record<string, (block: Float32Array) => void>> = {
  ties: () => {},
  "all the same": (block) => block.fill(1),
  "all zero": (block) => block.fill(0),
  "negative zeros": (block) => block.forEach((v, i) => block[i] = v === 0 ? -0 : v),
  // Centred by −1 each becomes 1 exactly, kept or flushed: 1 + 1e-42 rounds to 1.
  subnormals: (block) => block.forEach((v, i) => block[i] = v === 1 ? 1e-42 : v === -1 ? -1e-42 : v),
  "NaN, left out": (block) => block.forEach((_, i) => i % 37 === 11 && (block[i] = NaN)),
  "infinities, left out": (block) => block.forEach((_, i) => i % 41 === 7 && (block[i] = i % 2 ? Infinity : -Infinity)),
  "nothing but NaN": (block) => block.fill(NaN),
};

/** f of every row (undefined: left out), by plain sums. */
function activations({ sae, layout, block, nImages }: Case): (number[] | undefined)[] {
  const { dVit, dSae, wEnc, bEnc, bPre } = sae;
  const rows: (number[] | undefined)[] = [];
  for (let image = 0; image < nImages; image++) {
    for (let token = layout.firstToken; token < layout.tokens; token++) {
      const start = (image * layout.tokens + token) * dVit;
      const x = block.subarray(start, start + dVit);
      if (!x.every(Number.isFinite)) {
        rows.push(undefined);
        continue;
      }
      const centred = x.map((v, d) => Math.fround(v - (layout.mean?.[d] ?? 0)) - bPre[d]);
      rows.push(Array.from({ length: dSae }, (_, j) => {
        let sum = bEnc[j];
        for (let d = 0; d < dVit; d++) sum += centred[d] * wEnc[d * dSae + j];
        return Math.max(0, sum);
      }));
    }
  }
  return rows;
}

/** Compares a state with lists made from f. */
function check(state: LatentState, given: Case, plan: FoldPlan): void {
  const rows = activations(given);
  const patches = given.layout.tokens - given.layout.firstToken;
  assert.equal(state.rows, rows.filter((row) => row !== undefined).length, "rows");
  assert.equal(state.skippedRows, rows.filter((row) => row === undefined).length, "skipped rows");
  for (let j = 0; j < given.sae.dSae; j++) {
    const f = rows.map((row) => row?.[j] ?? 0);
    const positive = f.filter((value) => value > 0);
    assert.equal(state.count[j], positive.length, `count of ${j}`);
    assert.equal(state.min[j], Math.min(...positive), `min of ${j}`);
    assert.equal(state.max[j], Math.max(0, ...positive), `max of ${j}`);
    assert.equal(exactSumToNumber(state.sumBins, j * SUM_BINS), positive.reduce((a, b) => a + b, 0), `sum of ${j}`);
    const bins = state.histogram.subarray(j * SKETCH_BINS, (j + 1) * SKETCH_BINS);
    assert.equal(bins.reduce((a, b) => a + b, 0), positive.length, `bins of ${j}`);
    bins.forEach((n, bin) => {
      if (n === 0) return;
      const { lo, hi } = sketchBounds(bin);
      assert.equal(n, positive.filter((value) => value >= lo && value < hi).length, `bin ${bin} of ${j}`);
    });
    const image = (r: number): number[] => f.slice(r - r % patches, r - r % patches + patches);
    const value = (r: number): number => plan.sortBy === "sum" ? image(r).reduce((a, b) => a + b, 0) : f[r];
    const best = (r: number): boolean => image(r).indexOf(Math.max(...image(r))) === r % patches;
    const whole = plan.sortBy === "sum" || plan.dedupe === "image";
    const ranked = f.map((_, r) => r).filter((r) => value(r) > 0 && (!whole || best(r)))
      .sort((a, b) => value(b) - value(a) || a - b).slice(0, plan.k);
    assert.equal(state.topCount[j], ranked.length, `entries of ${j}`);
    ranked.forEach((r, i) => {
      const at = j * plan.k + i;
      const got = [state.topValue[at], state.topImage[at], state.topPatch[at]];
      assert.deepEqual(got, [value(r), Math.floor(r / patches), r % patches], `entry ${i} of ${j}`);
      assert.deepEqual([...state.heatmap.subarray(at * patches, (at + 1) * patches)], image(r), `heatmap ${i} of ${j}`);
    });
  }
}

async function runMatrix(name: BackendName): Promise<void> {
  const { backend } = await chooseBackend(name);
  try {
    const kinds = Object.keys(VALUES);
    for (const [i, [nImages, patches, dSae, dVit]] of SIZES.entries()) {
      const given = makeCase({ nImages, patches, dSae, dVit, integers: true, seed: i, cls: i % 2 === 0 });
      for (const [n, k] of ranks(nImages * patches).entries()) {
        const ranking = [{}, { dedupe: "image" }, { sortBy: "sum" }][(i + n) % 3] as Partial<FoldPlan>;
        await attempt(backend, given, { ranking, k, kind: "ties" });
      }
    }
    for (const [i, [nImages, patches, dSae, dVit]] of SIZES.filter((_, i) => i % 3 === 0).entries()) {
      for (const [n, kind] of kinds.entries()) {
        const given = makeCase({ nImages, patches, dSae, dVit, integers: true, seed: 100 + i });
        VALUES[kind](given.block);
        const ranking = [{}, { dedupe: "image" }, { sortBy: "sum" }][(i + n) % 3] as Partial<FoldPlan>;
        await attempt(backend, given, { ranking, k: 1 + 7 * (n % 3), kind });
      }
    }
  } finally {
    await backend.close();
  }
}

async function attempt(
  backend: Backend,
  given: Case,
  { ranking, k, kind }: { ranking: Partial<FoldPlan>; k: number; kind: string },
): Promise<void> {
  const layout = kind === "subnormals"
    ? { ...given.layout, mean: new Float32Array(given.sae.dVit).fill(-1) }
    : given.layout;
  const plan = makePlan({ ...given, layout }, { ...ranking, k, nonFinite: "skip" });
  const title = `${backend.name}: ${kind}, ${given.nImages} images of ${layout.tokens} tokens, ` +
    `${given.sae.dVit} x ${given.sae.dSae}, k = ${k}, ${JSON.stringify(ranking)}`;
  const state = await runFold(backend, given.sae, plan, given.block, Math.max(1, Math.ceil(given.nImages / 2)));
  try {
    check(state, { ...given, layout }, plan);
  } catch (error) {
    throw new Error(`${title}: ${(error as Error).message}`, { cause: error });
  }
}

for (const name of ["reference", "wasm"] as const) {
  Deno.test({
    name: `${name}: every size, k, tie, zero and non-finite value gives what whole lists give`,
    // Threads are local files.
    permissions: { read: ["."] },
    fn: () => runMatrix(name),
  });
}
gpuTest("webgpu: every size, k, tie, zero and non-finite value gives what whole lists give", () => runMatrix("webgpu"));
