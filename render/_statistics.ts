/**
 * Binning and percentiles of logarithms, as the plots define them.
 * @module
 */

/** `log10` of every positive finite value, rounded to f32, in order. NaN and zeros are left out. */
export function positiveLogs(values: Float32Array): Float32Array {
  let count = 0;
  for (const value of values) if (value > 0 && value < Infinity) count += 1;
  const logs = new Float32Array(count);
  let i = 0;
  for (const value of values) if (value > 0 && value < Infinity) logs[i++] = Math.log10(value);
  return logs;
}

/**
 * The percentile of sorted values by linear interpolation: at rank `p/100·(n − 1)`, as numpy's default.
 *
 * @param sorted Increasing, at least one value.
 */
export function percentileOfSorted(sorted: ArrayLike<number>, percentile: number): number {
  const rank = (percentile / 100) * (sorted.length - 1);
  const below = Math.floor(rank);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - below);
}

/** Counts values into `bins` equal bins over `[lower, upper]`; the last bin is closed. */
export function countInBins(
  values: ArrayLike<number>,
  range: readonly [number, number],
  bins: number,
): Float64Array {
  const [lower, upper] = range;
  const counts = new Float64Array(bins);
  const scale = bins / (upper - lower);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((values[i] - lower) * scale);
    counts[Math.min(bins - 1, Math.max(0, bin))] += 1;
  }
  return counts;
}

/** Least and largest over all arrays; a single value is widened by 0.5 either side, none at all gives `[0, 1]`. */
export function sharedRange(arrays: readonly ArrayLike<number>[]): [number, number] {
  let lower = Infinity;
  let upper = -Infinity;
  for (const values of arrays) {
    for (let i = 0; i < values.length; i++) {
      if (values[i] < lower) lower = values[i];
      if (values[i] > upper) upper = values[i];
    }
  }
  if (lower > upper) return [0, 1];
  return lower === upper ? [lower - 0.5, upper + 0.5] : [lower, upper];
}
