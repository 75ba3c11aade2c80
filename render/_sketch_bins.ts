/**
 * A quantile sketch drawn as a histogram over equal bins of log10.
 * @module
 */
import { SKETCH_BINS } from "../compute/latent_state.ts";
import { sketchBounds } from "../compute/quantile_sketch.ts";

/** One latent's sketch: counts, and what its end bins cannot say. */
export interface Sketch {
  /** `u32 [≥ offset + SKETCH_BINS]`. */
  readonly histogram: Uint32Array;
  /** Where this latent's counts begin. */
  readonly offset: number;
  /** Least value counted; +Infinity when there is none. */
  readonly min: number;
  /** Largest value counted; 0 when there is none. */
  readonly max: number;
}

/** `[log10(least), log10(largest)]` of what was counted, or undefined when nothing was. */
export function sketchRange(sketch: Sketch): [number, number] | undefined {
  let first = -1;
  let last = -1;
  for (let bin = 0; bin < SKETCH_BINS; bin++) {
    if (sketch.histogram[sketch.offset + bin] === 0) continue;
    if (first < 0) first = bin;
    last = bin;
  }
  if (first < 0) return undefined;
  const [lower] = clippedBounds(sketch, first);
  const [, upper] = clippedBounds(sketch, last);
  return [Math.log10(lower), Math.log10(upper)];
}

/**
 * Spreads the sketch's counts over `bins` equal bins of `range` (log10): each sketch bin's count is divided in
 * proportion to the overlap of the logarithms, so the total is kept and no false comb appears where widths nearly match.
 */
export function rebinSketch(sketch: Sketch, range: readonly [number, number], bins: number): Float64Array {
  const counts = new Float64Array(bins);
  const step = (range[1] - range[0]) / bins;
  for (let bin = 0; bin < SKETCH_BINS; bin++) {
    const count = sketch.histogram[sketch.offset + bin];
    if (count === 0) continue;
    const bounds = clippedBounds(sketch, bin);
    const from = clamp((Math.log10(bounds[0]) - range[0]) / step, 0, bins);
    const to = clamp((Math.log10(bounds[1]) - range[0]) / step, from, bins);
    const first = Math.min(bins - 1, Math.floor(from));
    const last = Math.min(bins - 1, Math.ceil(to) - 1);
    if (last <= first) counts[first] += count;
    else {for (let i = first; i <= last; i++) {
        counts[i] += (count * (Math.min(to, i + 1) - Math.max(from, i))) / (to - from);
      }}
  }
  return counts;
}

/** A bin's bounds, narrowed to `[min, max]`; the end bins, which are open, are widened to them. */
function clippedBounds(sketch: Sketch, bin: number): [number, number] {
  const { lo, hi } = sketchBounds(bin);
  const min = sketch.min > 0 && sketch.min < Infinity ? sketch.min : lo;
  const max = sketch.max > 0 && sketch.max < Infinity ? sketch.max : hi;
  const lower = bin === 0 ? Math.min(min, lo) : Math.max(lo, Math.min(min, hi));
  const upper = bin === SKETCH_BINS - 1 ? Math.max(max, hi) : Math.min(hi, Math.max(max, lo));
  return [lower, Math.max(lower, bin === SKETCH_BINS - 1 && max < Infinity ? Math.max(max, lower) : upper)];
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
