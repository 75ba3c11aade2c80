/**
 * Whole passes against the reference backend: plain functions that throw, so that they run under Deno and in a browser.
 *
 * Activations, weights and biases are small integers, so f32 sums are exact in any order, ties abound, and states must
 * agree in every bit but the percentile's.
 * @module
 */
import type { Backend, FoldPlan } from "../../../compute/backend.ts";
import type { LatentState } from "../../../compute/latent_state.ts";
import { advanceZeros, estimatorRule, PercentileEstimator } from "../../../compute/percentile_estimator.ts";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../../../compute/rows.ts";
import type { Activation, Sae } from "../../../compute/sae.ts";
import { same } from "./_run_kernel.ts";

/** A pass. */
export interface PassCase {
  name: string;
  sae: Sae;
  plan: FoldPlan;
  block: Float32Array;
}

/** What a case is made from; sizes are the interesting part. */
export interface PassOptions {
  dVit?: number;
  dSae?: number;
  nImages?: number;
  patches?: number;
  kind?: RowLayout["kind"];
  layers?: number;
  cls?: boolean;
  activation?: Activation;
  plan?: Partial<FoldPlan>;
  layout?: Partial<RowLayout>;
  /** Changes the block before use. */
  spoil?: (block: Float32Array) => void;
}

/** Makes a case of small integers. */
export function makePass(name: string, options: PassOptions = {}): PassCase {
  const { dVit = 5, dSae = 20, nImages = 9, patches = 4, kind = "patches", layers = 1, cls = true } = options;
  const { activation = { kind: "relu" } } = options;
  let seed = name.length * 7919 + dVit * 31 + dSae;
  const integer = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return ((seed >>> 16) % 5) - 2;
  };
  const draw = (n: number): Float32Array => Float32Array.from({ length: n }, integer);
  const sae: Sae = { dVit, dSae, wEnc: draw(dVit * dSae), bEnc: draw(dSae), bPre: draw(dVit), activation };
  const layout: RowLayout = {
    kind,
    layers,
    tokens: patches + Number(cls),
    firstToken: cls ? 1 : 0,
    dVit,
    clamp: 1e5,
    mean: undefined,
    scalar: 1,
    ...options.layout,
  };
  const block = draw(nImages * imageStride(layout));
  options.spoil?.(block);
  const plan: FoldPlan = {
    layout,
    nImages,
    batchImages: 4,
    k: 5,
    sortBy: kind === "patches" ? "patch" : "img",
    dedupe: "none",
    percentile: 90,
    percentileLr: 0.25,
    nDistributions: 3,
    nonFinite: "error",
    maxMemoryBytes: 2 ** 30,
    threads: 1,
    ...options.plan,
  };
  return { name, sae, plan, block };
}

/** Runs a pass in batches of `plan.batchImages` and returns its state. */
export async function runPass(backend: Backend, { sae, plan, block }: PassCase, range: {
  first?: number;
  end?: number;
  from?: LatentState;
  /** Called before each batch. */
  before?: (firstImage: number) => unknown;
} = {}): Promise<LatentState> {
  const { first = 0, end = plan.nImages, from } = range;
  const stride = imageStride(plan.layout);
  const pass = await backend.open(sae, plan, from);
  try {
    for (let image = first; image < end; image += plan.batchImages) {
      const nImages = Math.min(plan.batchImages, end - image);
      const lent = await pass.lend();
      lent.set(block.subarray(image * stride, (image + nImages) * stride));
      await range.before?.(image);
      await pass.fold({ block: lent, firstImage: image, nImages });
    }
    return await pass.state();
  } finally {
    await pass.close();
  }
}

const EXACT = [
  "count",
  "histogram",
  "min",
  "max",
  "topCount",
  "topValue",
  "topImage",
  "topPatch",
  "heatmap",
  "distributions",
] as const;

/** Throws unless two states agree in everything that is exact. */
export function sameExactParts(name: string, actual: LatentState, expected: LatentState): void {
  for (const key of EXACT) same(`${name}: ${key}`, actual[key], expected[key]);
  same(`${name}: sumBins`, Array.from(actual.sumBins, Number), Array.from(expected.sumBins, Number));
  const facts = (s: LatentState): number[] => [s.dSae, s.k, s.patches, s.rows, s.skippedRows];
  same(`${name}: facts`, facts(actual), facts(expected));
}

/** Throws unless estimates are those of the f32 estimator, step by step; needs distributions of all latents. */
export function checkEstimates(name: string, state: LatentState, plan: FoldPlan): void {
  const nRows = plan.nImages * rowsPerImage(plan.layout);
  const rule = estimatorRule(plan.percentile, nRows, plan.percentileLr);
  for (let j = 0; j < state.dSae; j++) {
    const estimator = new PercentileEstimator(plan.percentile, nRows, plan.percentileLr);
    const column = state.distributions.subarray(j * nRows, (j + 1) * nRows);
    for (const f of column) if (!Number.isNaN(f)) estimator.update(f);
    const seen = state.estimateRow[j];
    const estimate = advanceZeros(state.estimate[j], seen, state.rows - seen, rule);
    // Every update may be off by some roundings; where one decides a sign, by two steps.
    const off = Math.abs(estimate - estimator.estimate.data[0]);
    const slack = 2 * plan.percentileLr + nRows * 2 ** -22 * Math.max(1, Math.abs(estimate));
    if (!(off <= slack)) throw new Error(`${name}: estimate ${j} is off by ${off}, more than ${slack}`);
  }
}

const all = { nDistributions: 1 << 20 };

/** The cases: sizes around workgroups and tiles, every activation, ranking and row kind, and values that go wrong easily. */
export const PASS_CASES: readonly PassCase[] = [
  makePass("one of everything", { dVit: 1, dSae: 1, nImages: 1, patches: 1, plan: { k: 1, ...all } }),
  makePass("sizes below a tile", { dVit: 15, dSae: 63, nImages: 5, patches: 3, plan: all }),
  makePass("sizes of a tile", { dVit: 16, dSae: 64, nImages: 4, patches: 4, plan: all }),
  makePass("sizes above a tile", { dVit: 17, dSae: 65, nImages: 17, patches: 1, plan: { ...all, batchImages: 17 } }),
  makePass("two tiles and a bit", { dVit: 35, dSae: 131, nImages: 5, patches: 7, plan: { k: 3, ...all } }),
  makePass("no images", { nImages: 0 }),
  makePass("k = n", { plan: { k: 36 } }),
  makePass("k > n", { plan: { k: 50 } }),
  makePass("k = 1", { plan: { k: 1 } }),
  makePass("best patch of each image", { plan: { dedupe: "image" }, nImages: 30 }),
  makePass("sums", { plan: { sortBy: "sum", k: 9 }, nImages: 30 }),
  makePass("sums with no room", { plan: { sortBy: "sum", k: 1 }, nImages: 30, patches: 1 }),
  makePass("TopK", { activation: { kind: "topk", k: 3 }, dSae: 70, plan: all }),
  makePass("TopK larger than the encoder", { activation: { kind: "topk", k: 99 } }),
  makePass("threshold", { activation: { kind: "threshold", threshold: 2 } }),
  makePass("negative threshold", { activation: { kind: "threshold", threshold: -1 } }),
  makePass("JumpReLU", {
    activation: { kind: "jumprelu", threshold: Float32Array.from({ length: 20 }, (_, j) => (j % 5) - 1) },
  }),
  makePass("class tokens", { kind: "cls", nImages: 40 }),
  makePass("means over tokens", { kind: "meanpool", nImages: 20, patches: 4 }),
  makePass("means over layers", { layers: 2, plan: all }),
  makePass("no class token", { cls: false, plan: all }),
  makePass("centred and scaled by powers of two", {
    layout: { mean: new Float32Array([1, -1, 2, 0, 3]), scalar: 0.5, clamp: 2 },
    plan: all,
  }),
  makePass("all zero", { spoil: (block) => block.fill(0) }),
  makePass("negative zeros and subnormals", {
    spoil: (block) => block.forEach((v, i) => block[i] = v === 0 ? -0 : v === 1 ? 1e-42 : v),
    // Subnormals may be flushed: adding 1 to them must make no difference.
    layout: { mean: new Float32Array(5).fill(-1) },
  }),
  makePass("non-finite rows left out", {
    plan: { nonFinite: "skip", ...all },
    spoil: (block) => [NaN, Infinity, -Infinity, NaN].forEach((v, i) => block[11 + 37 * i] = v),
  }),
  makePass("non-finite means left out", {
    kind: "meanpool",
    plan: { nonFinite: "skip", ...all },
    spoil: (block) => block[60] = NaN,
  }),
  makePass("every row left out", { plan: { nonFinite: "skip", ...all }, spoil: (block) => block.fill(NaN) }),
];

/** Throws unless a backend gives the reference's state. */
export async function checkPass(backend: Backend, pass: PassCase): Promise<void> {
  const actual = await runPass(backend, pass);
  const expected = await runPass(createReferenceBackend(), pass);
  sameExactParts(pass.name, actual, expected);
  if (pass.plan.nDistributions >= pass.sae.dSae) checkEstimates(pass.name, actual, pass.plan);
}
