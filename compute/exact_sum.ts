/**
 * Sums of non-negative f32 values without rounding: integers per exponent bucket, so that order never matters.
 * @module
 */
import { SUM_BINS } from "./latent_state.ts";

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * Adds one value to an exact sum.
 *
 * With biased exponent e and significand m (24 bits; for e = 0 the fraction shifted left by one), adds `m << (e & 7)` to
 * bucket `e >> 3`, whose unit is `2^(8·bucket − 150)`: exact for up to 2^32 values. Zero, NaN and negative values add
 * nothing, nor does Infinity: it shows in the latent's maximum instead.
 *
 * @param bins `u64 [≥ offset + SUM_BINS]`, buckets of one or more sums.
 * @param offset Where this sum's buckets begin.
 * @param f The value; rounded to f32 first.
 *
 * @example
 * ```ts
 * import { addExact, exactSumToNumber } from "./exact_sum.ts";
 * import { SUM_BINS } from "./latent_state.ts";
 * const bins = new BigUint64Array(SUM_BINS);
 * for (const f of [2 ** 60, 0.5, 0.25]) addExact(bins, 0, f);
 * console.assert(exactSumToNumber(bins, 0) === 2 ** 60);
 * ```
 */
export function addExact(bins: BigUint64Array, offset: number, f: number): void {
  if (!(f > 0)) return;
  float[0] = f;
  const b = bits[0];
  const exponent = b >>> 23;
  if (exponent === 255) return;
  const fraction = b & 0x7fffff;
  const significand = exponent === 0 ? fraction << 1 : fraction | 0x800000;
  // At most 24 + 7 bits: still a positive i32.
  bins[offset + (exponent >>> 3)] += BigInt(significand << (exponent & 7));
}

/**
 * The value of an exact sum, correctly rounded to f64 (ties to even).
 *
 * @param bins `u64 [≥ offset + SUM_BINS]`.
 * @param offset Where the sum's buckets begin.
 *
 * @example
 * ```ts
 * import { exactSumToNumber } from "./exact_sum.ts";
 * import { SUM_BINS } from "./latent_state.ts";
 * console.assert(exactSumToNumber(new BigUint64Array(SUM_BINS), 0) === 0);
 * ```
 */
export function exactSumToNumber(bins: BigUint64Array, offset: number): number {
  let sum = 0n;
  for (let bucket = SUM_BINS - 1; bucket >= 0; bucket--) sum = (sum << 8n) + bins[offset + bucket];
  // Number() rounds once, correctly; the power of two is exact because every non-zero sum is at least 2^-149.
  return Number(sum) * 2 ** -150;
}
