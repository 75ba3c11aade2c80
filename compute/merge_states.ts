/**
 * Adding up what two passes over different images learned.
 * @module
 */
import type { LatentState } from "./latent_state.ts";
import { mergeSketch } from "./quantile_sketch.ts";

/**
 * Merges the states of two passes with the same plan over disjoint images; neither is changed.
 *
 * Everything but the online percentile is exact: the result equals that of one pass over all images, bit for bit and in
 * either order. The online estimate depends on every row before it, so it cannot be merged: unless one side has seen no
 * row, `estimate` is NaN and `estimateRow` the number of rows; the sketch gives quantiles that do merge.
 *
 * @param a One state.
 * @param b Another, of the same lengths.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If together they counted more than 2^32 − 1 rows.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * import { mergeStates } from "./merge_states.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(1, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 0 });
 * state.count[0] = 2;
 * console.assert(mergeStates({ ...state, rows: 5 }, { ...state, rows: 4 }).count[0] === 4);
 * ```
 */
export function mergeStates(a: LatentState, b: LatentState): LatentState {
  for (const key of ["dSae", "k", "patches"] as const) {
    if (a[key] !== b[key]) throw new TypeError(`Cannot merge states with ${key} ${a[key]} and ${b[key]}`);
  }
  if (a.distributions.length !== b.distributions.length) {
    throw new TypeError(
      `Cannot merge states with ${a.distributions.length} and ${b.distributions.length} kept activations`,
    );
  }
  const rows = a.rows + b.rows;
  if (rows > 2 ** 32 - 1) throw new RangeError(`Cannot count ${rows} rows: expected at most 2^32 - 1`);
  const merged: LatentState = { ...structuredClone(a), rows, skippedRows: a.skippedRows + b.skippedRows };
  for (let j = 0; j < a.dSae; j++) {
    merged.count[j] += b.count[j];
    merged.min[j] = Math.min(a.min[j], b.min[j]);
    merged.max[j] = Math.max(a.max[j], b.max[j]);
    mergeRanking(merged, a, b, j);
    if (a.rows > 0 && b.rows > 0) {
      merged.estimate[j] = NaN;
      merged.estimateRow[j] = rows;
    } else if (b.rows > 0) {
      merged.estimate[j] = b.estimate[j];
      merged.estimateRow[j] = b.estimateRow[j];
    }
  }
  for (let i = 0; i < a.sumBins.length; i++) merged.sumBins[i] += b.sumBins[i];
  mergeSketch(merged.histogram, b.histogram);
  // A column that a pass did not reach is 0 there, and NaN (a skipped row) stays NaN.
  for (let i = 0; i < a.distributions.length; i++) merged.distributions[i] += b.distributions[i];
  return merged;
}

/** Merges two sorted runs by value descending, image ascending. */
function mergeRanking(into: LatentState, a: LatentState, b: LatentState, j: number): void {
  const { k, patches } = into;
  let x = j * k;
  let y = j * k;
  const xEnd = x + a.topCount[j];
  const yEnd = y + b.topCount[j];
  const kept = Math.min(k, a.topCount[j] + b.topCount[j]);
  for (let to = j * k; to < j * k + kept; to++) {
    const takeA = y === yEnd || (x < xEnd && precedes(a, x, b, y));
    const source = takeA ? a : b;
    const from = takeA ? x++ : y++;
    into.topValue[to] = source.topValue[from];
    into.topImage[to] = source.topImage[from];
    into.topPatch[to] = source.topPatch[from];
    into.heatmap.set(source.heatmap.subarray(from * patches, (from + 1) * patches), to * patches);
  }
  into.topCount[j] = kept;
}

/** The images are disjoint, so that patches never decide. */
function precedes(a: LatentState, x: number, b: LatentState, y: number): boolean {
  if (a.topValue[x] !== b.topValue[y]) return a.topValue[x] > b.topValue[y];
  return a.topImage[x] < b.topImage[y];
}
