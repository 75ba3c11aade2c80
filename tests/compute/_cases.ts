/**
 * What tests of every backend share: small random cases, a driver for a pass, and comparisons of states.
 * @module
 */
import assert from "node:assert/strict";
import type { Backend, FoldPlan } from "../../compute/backend.ts";
import type { LatentState } from "../../compute/latent_state.ts";
import { prepareRows } from "../../compute/prepare_rows.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../../compute/rows.ts";
import { type Activation, firingThreshold, type Sae } from "../../compute/sae.ts";

/** A small pseudorandom generator (mulberry32), so that a case depends on its seed alone. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** Uniform in [0, 1). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  /** Integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }
  /** Standard normal (Box–Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
  /** `f32 [n]`, normal with this mean and spread. */
  normals(n: number, spread = 1, mean = 0): Float32Array {
    return Float32Array.from({ length: n }, () => mean + spread * this.normal());
  }
}

/** What {@linkcode makeCase} takes; everything has a default. */
export interface CaseOptions {
  seed?: number;
  dVit?: number;
  dSae?: number;
  nImages?: number;
  /** Patch tokens per image, CLS excluded. */
  patches?: number;
  activation?: Activation["kind"] | Activation;
  kind?: RowLayout["kind"];
  layers?: number;
  cls?: boolean;
  /** Mean of the encoder bias; lower is sparser. */
  bias?: number;
  /** Whether rows are centred and scaled. */
  scale?: boolean;
  clamp?: number;
  /** Makes activations, weights and biases small integers, so that f32 sums are exact in any order and ties abound. */
  integers?: boolean;
}

/** An encoder, a layout and raw activations that fit each other. */
export interface Case {
  sae: Sae;
  layout: RowLayout;
  nImages: number;
  /** `f32 [nImages, layers, tokens, dVit]`. */
  block: Float32Array;
}

/** Builds a random case, the same for the same options. */
export function makeCase(options: CaseOptions = {}): Case {
  const { seed = 1, dVit = 12, dSae = 40, nImages = 9, patches = 4, kind = "patches", layers = 1, cls = true } =
    options;
  const { bias = -0.8, scale = false, clamp = 1e5, integers = false } = options;
  const random = new Random(seed);
  const draw = (n: number, spread: number, mean = 0): Float32Array =>
    integers ? Float32Array.from({ length: n }, () => random.below(5) - 2) : random.normals(n, spread, mean);
  const wEnc = draw(dVit * dSae, 1 / Math.sqrt(dVit));
  const bEnc = draw(dSae, 0.1, bias);
  const bPre = draw(dVit, 0.2);
  const tokens = patches + (cls ? 1 : 0);
  const layout: RowLayout = {
    kind,
    layers,
    tokens,
    firstToken: cls ? 1 : 0,
    dVit,
    clamp,
    mean: scale ? random.normals(dVit, 0.3) : undefined,
    scalar: scale ? Math.fround(1.37) : 1,
  };
  const block = draw(nImages * layers * tokens * dVit, 1);
  const activation = typeof options.activation === "object"
    ? options.activation
    : makeActivation(options.activation ?? "relu", dSae, random);
  return { sae: { dVit, dSae, wEnc, bEnc, bPre, activation }, layout, nImages, block };
}

function makeActivation(kind: Activation["kind"], dSae: number, random: Random): Activation {
  switch (kind) {
    case "relu":
      return { kind };
    case "topk":
      return { kind, k: Math.max(1, Math.floor(dSae / 8)) };
    case "threshold":
      return { kind, threshold: Math.fround(0.25) };
    case "jumprelu":
      return { kind, threshold: Float32Array.from({ length: dSae }, () => random.uniform() * 0.8 - 0.2) };
  }
}

/** A plan for a case; what is not given has a small default that fits the layout. */
export function makePlan(given: Case, options: Partial<FoldPlan> = {}): FoldPlan {
  return {
    layout: given.layout,
    nImages: given.nImages,
    batchImages: given.nImages,
    k: 5,
    sortBy: given.layout.kind === "patches" ? "patch" : "img",
    dedupe: "none",
    percentile: 90,
    percentileLr: 1e-2,
    nDistributions: 3,
    nonFinite: "error",
    maxMemoryBytes: 2 ** 31,
    threads: 1,
    ...options,
  };
}

/** Images `first … end − 1` of the job, to fold after `from`. */
export interface FoldRange {
  first?: number;
  end?: number;
  from?: LatentState;
}

/** Runs a pass over a block in batches of at most `batchImages` and returns its state. */
export async function runFold(
  backend: Backend,
  sae: Sae,
  plan: FoldPlan,
  block: Float32Array,
  batchImages: number = plan.batchImages,
  range: FoldRange = {},
): Promise<LatentState> {
  const { first = 0, end = plan.nImages, from } = range;
  const stride = imageStride(plan.layout);
  const fold = await backend.open(sae, { ...plan, batchImages }, from);
  try {
    for (let image = first; image < end; image += batchImages) {
      const nImages = Math.min(batchImages, end - image);
      const lent = await fold.lend();
      assert(lent.length >= nImages * stride, "lent buffer is too short");
      lent.set(block.subarray(image * stride, (image + nImages) * stride));
      await fold.fold({ block: lent, firstImage: image, nImages });
    }
    return await fold.state();
  } finally {
    await fold.close();
  }
}

const ARRAYS = [
  "count",
  "sumBins",
  "histogram",
  "min",
  "max",
  "topCount",
  "topValue",
  "topImage",
  "topPatch",
  "heatmap",
  "estimate",
  "estimateRow",
  "distributions",
] as const;

/** Asserts that two states agree in every bit (NaN payloads aside), naming the first element that differs. */
export function assertSameState(actual: LatentState, expected: LatentState): void {
  for (const key of ["dSae", "k", "patches", "rows", "skippedRows"] as const) {
    assert.equal(actual[key], expected[key], `${key}: ${actual[key]} !== ${expected[key]}`);
  }
  for (const key of ARRAYS) {
    const a = actual[key];
    const b = expected[key];
    assert.equal(a.constructor, b.constructor, `${key}: another array type`);
    assert.equal(a.length, b.length, `${key}: length ${a.length} !== ${b.length}`);
    for (let i = 0; i < a.length; i++) {
      if (!Object.is(a[i], b[i])) assert.fail(`${key}[${i}]: ${a[i]} !== ${b[i]}`);
    }
  }
}

/** Unit roundoff of f32. */
const U = 2 ** -24;

/**
 * The most an f32 dot product in any order (with or without fused multiply-add) may be off, per latent, for one row:
 * `gamma_{n+2}·(Σ_d |x'_d·w_dj| + |b_j|)` with `gamma_n = n·u/(1 − n·u)`, u = 2^-24; n + 2 counts the bias and the
 * rounding of the reference itself. A subnormal is added for underflow.
 *
 * @param x `f32 [dVit]`, a prepared row.
 * @returns `f64 [dSae]`.
 */
export function gammaBound(x: Float32Array, sae: Sae): Float64Array {
  const { dVit, dSae, wEnc, bEnc, bPre } = sae;
  const n = dVit + 2;
  const gamma = (n * U) / (1 - n * U);
  const bound = new Float64Array(dSae);
  for (let j = 0; j < dSae; j++) {
    let sum = Math.abs(bEnc[j]);
    for (let d = 0; d < dVit; d++) sum += Math.abs(Math.fround(x[d] - bPre[d]) * wEnc[d * dSae + j]);
    bound[j] = gamma * sum + n * 2 ** -149;
  }
  return bound;
}

/** Pre-activations and their bounds for every row of a case. */
export interface Oracle {
  rows: number;
  /** `u8 [rows]`, 1 where skipped. */
  skipped: Uint8Array;
  /** `f64 [rows, dSae]`, not rounded. */
  pre: Float64Array;
  /** `f64 [rows, dSae]`, see {@linkcode gammaBound}. */
  bound: Float64Array;
}

/** Computes every pre-activation in f64, latent by latent, and how far f32 arithmetic may be from it. */
export function oracle(given: Case, nonFinite: FoldPlan["nonFinite"] = "error"): Oracle {
  const { sae, layout, nImages, block } = given;
  const { dVit, dSae, wEnc, bEnc, bPre } = sae;
  const prepared = prepareRows(block, nImages, 0, layout, nonFinite);
  const rows = nImages * rowsPerImage(layout);
  const pre = new Float64Array(rows * dSae);
  const bound = new Float64Array(rows * dSae);
  for (let r = 0; r < rows; r++) {
    const x = prepared.rows.subarray(r * dVit, (r + 1) * dVit);
    bound.set(gammaBound(x, sae), r * dSae);
    for (let j = 0; j < dSae; j++) {
      let sum = 0;
      for (let d = 0; d < dVit; d++) sum += Math.fround(x[d] - bPre[d]) * wEnc[d * dSae + j];
      pre[r * dSae + j] = sum + bEnc[j];
    }
  }
  return { rows, skipped: prepared.skipped ?? new Uint8Array(rows), pre, bound };
}

/**
 * Asserts what a state must satisfy whatever order its backend summed in (not for `topk`, whose choice depends on other
 * latents): counts lie between the rows that surely fire and those that may; the exact sum, `min`, `max` and every
 * ranking value are within the bound of some true value; heatmaps match f within the bound.
 */
export function assertWithinBounds(state: LatentState, given: Case, plan: FoldPlan): void {
  const { sae } = given;
  const { dSae } = sae;
  const { rows, skipped, pre, bound } = oracle(given, plan.nonFinite);
  const perImage = rowsPerImage(plan.layout);
  const skippedRows = skipped.reduce((a, b) => a + b, 0);
  assert.equal(state.rows, rows - skippedRows);
  assert.equal(state.skippedRows, skippedRows);
  for (let j = 0; j < dSae; j++) {
    const threshold = firingThreshold(sae.activation, j);
    let surely = 0;
    let maybe = 0;
    let largest = 0;
    for (let r = 0; r < rows; r++) {
      if (skipped[r] === 1) continue;
      const p = pre[r * dSae + j];
      const e = bound[r * dSae + j];
      if (p - e > threshold) surely += 1;
      if (p + e > threshold) maybe += 1;
      if (p - e > threshold) largest = Math.max(largest, p - e);
    }
    assert(state.count[j] >= surely && state.count[j] <= maybe, `count[${j}] ${state.count[j]}: ${surely} … ${maybe}`);
    assert(state.max[j] >= Math.fround(largest) || state.max[j] >= largest, `max[${j}] ${state.max[j]} < ${largest}`);
    for (let e = 0; e < state.topCount[j]; e++) {
      const at = j * state.k + e;
      for (let p = 0; p < state.patches; p++) {
        const r = state.topImage[at] * perImage + p;
        const truth = skipped[r] === 1 ? 0 : pre[r * dSae + j];
        const slack = skipped[r] === 1 ? 0 : bound[r * dSae + j];
        const f = state.heatmap[at * state.patches + p];
        const ok = f > 0 ? Math.abs(f - truth) <= slack : skipped[r] === 1 || truth - slack <= threshold;
        assert(ok, `heatmap of latent ${j}, entry ${e}, patch ${p}: ${f}, expected ${truth} ± ${slack}`);
      }
      if (plan.sortBy === "sum") continue;
      const r = state.topImage[at] * perImage + state.topPatch[at];
      const off = Math.abs(state.topValue[at] - pre[r * dSae + j]);
      assert(off <= bound[r * dSae + j], `topValue of latent ${j}, entry ${e}: off by ${off}`);
    }
  }
}
