/**
 * Adding up what two passes over different images learned.
 * @module
 */
import { copyState } from "./copy_state.ts";
import type { LatentState } from "./latent_state.ts";
import { mergeInto } from "./merge_into.ts";

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
  return mergeInto(copyState(a), b);
}
