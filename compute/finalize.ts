/**
 * From the state of a pass to its results.
 * @module
 */
import { exactSumToNumber } from "./exact_sum.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "./latent_state.ts";
import { advanceZeros, estimatorRule } from "./percentile_estimator.ts";
import { sketchQuantiles } from "./quantile_sketch.ts";
import { type Tensor, tensor } from "./tensor.ts";
import type { TopKImg, TopKPatch } from "./topk.ts";

/** What the state does not know of its job. */
export interface FinalizeOptions {
  /** Percentile of the online estimator, 0 … 100. */
  readonly percentile: number;
  /** Its learning rate. */
  readonly percentileLr: number;
  /** Rows in the whole job, skipped ones included: images times rows per image. */
  readonly totalRows: number;
}

/**
 * The results of a pass: `TopKPatch` if the state has heatmaps, else `TopKImg`.
 *
 * The ranking arrays are the state's own, not copies.
 *
 * @param state The state after the last row.
 * @param options What the state does not know.
 * @throws {TypeError} If the distributions do not fit `totalRows`.
 * @throws {RangeError} If the percentile or its learning rate is out of range.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * import { finalize } from "./finalize.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 2 });
 * const result = finalize(state, { percentile: 99, percentileLr: 1e-3, totalRows: 10 });
 * console.assert(result.kind === "img" && Number.isNaN(result.meanValues.data[0]));
 * ```
 */
export function finalize(state: LatentState, options: FinalizeOptions): TopKImg | TopKPatch {
  const { dSae, k, patches } = state;
  const { totalRows } = options;
  const m = totalRows === 0 ? 0 : state.distributions.length / totalRows;
  if (!Number.isInteger(m)) {
    throw new TypeError(`Cannot view ${state.distributions.length} activations as rows of ${totalRows}`);
  }
  const rankValues = tensor(state.topValue, [dSae, k]);
  const shared = {
    rankValues,
    topI: tensor(state.topImage, [dSae, k]),
    topCount: tensor(state.topCount, [dSae]),
    meanValues: meanValues(state),
    sparsity: sparsity(state),
    distributions: tensor(state.distributions, [m, totalRows]),
    percentiles: percentiles(state, options),
  };
  if (patches === 0) return { kind: "img", topValues: rankValues, ...shared };
  return {
    kind: "patch",
    topValues: tensor(state.heatmap, [dSae, k, patches]),
    topPatchI: tensor(state.topPatch, [dSae, k]),
    ...shared,
  };
}

/**
 * Firing rates: `count/rows`, `f32 [dSae]`; NaN when no row was folded. Skipped rows are in neither number.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * import { sparsity } from "./finalize.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(1, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 0 });
 * state.count[0] = 5;
 * console.assert(sparsity({ ...state, rows: 10 }).data[0] === 0.5);
 * ```
 */
export function sparsity(state: LatentState): Tensor {
  return tensor(Float32Array.from(state.count, (count) => count / state.rows), [state.dSae]);
}

/**
 * Means of the positive activations: exact sum over count, `f32 [dSae]`.
 *
 * NaN for a latent that never fired; Infinity for one that reached Infinity.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * import { meanValues } from "./finalize.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(1, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 0 });
 * console.assert(Number.isNaN(meanValues(state).data[0]));
 * ```
 */
export function meanValues(state: LatentState): Tensor {
  const out = new Float32Array(state.dSae);
  for (let j = 0; j < state.dSae; j++) {
    if (state.max[j] === Infinity) out[j] = Infinity;
    else out[j] = exactSumToNumber(state.sumBins, j * SUM_BINS) / state.count[j];
  }
  return tensor(out, [state.dSae]);
}

/**
 * The online percentile estimates with the zeros after each latent's last firing applied, rounded to f32.
 *
 * @returns `f32 [dSae]`; NaN where the state's own estimate is NaN, as after a merge.
 * @throws {RangeError} If an option is out of range.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * import { percentiles } from "./finalize.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(1, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 0 });
 * const [first] = percentiles(state, { percentile: 50, percentileLr: 1e-3, totalRows: 10 }).data;
 * console.assert(first === 0);
 * ```
 */
export function percentiles(state: LatentState, options: FinalizeOptions): Tensor {
  const rule = estimatorRule(options.percentile, Math.max(1, options.totalRows), options.percentileLr);
  const out = new Float32Array(state.dSae);
  for (let j = 0; j < state.dSae; j++) {
    const seen = state.estimateRow[j];
    out[j] = advanceZeros(state.estimate[j], seen, state.rows - seen, rule);
  }
  return tensor(out, [state.dSae]);
}

/**
 * Quantiles of every latent's positive activations, from the sketch; its error bound is `SKETCH_RELATIVE_ERROR`.
 *
 * @param state The state.
 * @param qs Quantiles, each 0 … 1.
 * @returns `f64 [dSae, qs.length]`; NaN for a latent that never fired.
 * @throws {RangeError} If a quantile is outside 0 … 1.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * import { quantiles } from "./finalize.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 0 });
 * console.assert(quantiles(state, [0.5, 0.9]).shape.join() === "4,2");
 * ```
 */
export function quantiles(state: LatentState, qs: readonly number[]): Tensor<Float64Array> {
  const { dSae, histogram, count, min, max } = state;
  const out = new Float64Array(dSae * qs.length);
  // One walk over a latent's bins meets its quantiles in ascending order.
  const order = Array.from(qs.keys()).sort((a, b) => qs[a] - qs[b]);
  const ascending = order.map((i) => qs[i]);
  const row = new Float64Array(qs.length);
  for (let j = 0; j < dSae; j++) {
    const sketch = { histogram, offset: j * SKETCH_BINS, count: count[j], min: min[j], max: max[j] };
    sketchQuantiles(sketch, ascending, row);
    order.forEach((i, place) => out[j * qs.length + i] = row[place]);
  }
  return tensor(out, [dSae, qs.length]);
}
