/**
 * Percentiles over all rows, zeros included, from the quantile sketch.
 * @module
 */
import { type LatentState, SKETCH_BINS } from "./latent_state.ts";
import { sketchQuantile } from "./quantile_sketch.ts";
import { type Tensor, tensor } from "./tensor.ts";

/**
 * What the online percentile estimates, read off the sketch: it merges, the online estimate does not.
 *
 * With N rows, of which c fired, the value of rank `max(1, ceil(p/100·N))` in ascending order: 0 while that is at most N − c,
 * else the positive value of rank r − (N − c), within `SKETCH_RELATIVE_ERROR`; the least and the largest are exact.
 *
 * @param state The state; its rows are all rows of the job that were not skipped.
 * @param percentile 0 … 100.
 * @returns `f32 [dSae]`; 0 for a latent that never fired, and when there were no rows.
 * @throws {RangeError} If the percentile is out of range.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * import { sketchPercentiles } from "./sketch_percentiles.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(1, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 0 });
 * console.assert(sketchPercentiles({ ...state, rows: 10 }, 99).data[0] === 0);
 * ```
 */
export function sketchPercentiles(state: LatentState, percentile: number): Tensor {
  if (!(percentile >= 0 && percentile <= 100)) {
    throw new RangeError(`Cannot estimate percentile ${percentile}: expected a number from 0 to 100`);
  }
  const { dSae, rows, count, histogram, min, max } = state;
  const rank = Math.max(1, Math.ceil((percentile / 100) * rows));
  const out = new Float32Array(dSae);
  for (let j = 0; j < dSae; j++) {
    const positiveRank = rank - (rows - count[j]);
    if (count[j] === 0 || positiveRank <= 0) continue;
    // The middle between two ranks, so that no rounding moves it to the next.
    const q = (positiveRank - 0.5) / count[j];
    out[j] = sketchQuantile(histogram, j * SKETCH_BINS, count[j], q, min[j], max[j]);
  }
  return tensor(out, [dSae]);
}
