/**
 * How well the online percentile estimator does on a known distribution.
 * @module
 */
import { Pcg64 } from "./_pcg64.ts";
import { PercentileEstimator } from "./percentile_estimator.ts";

/** See {@linkcode simulateOnlineQuantile}. */
export interface OnlineQuantileOptions {
  /** Updates to make, ≥ 1; 100,000 if not given. */
  readonly samples?: number;
  /** Learning rate, > 0; 1e-3 if not given. */
  readonly lr?: number;
  /** Seed, a non-negative safe integer; 0 if not given. */
  readonly seed?: number;
  /** Most points of the course to keep, ≥ 1; 1,000 if not given. */
  readonly points?: number;
}

/** The course of a simulation. */
export interface OnlineQuantile {
  /** Updates made at each point kept, increasing; the last is `samples`. */
  readonly steps: Float64Array;
  /** The estimate at each point kept. */
  readonly estimates: Float32Array;
  /** The percentile estimated, 0 … 100. */
  readonly percentile: number;
  /** The distribution's percentile. */
  readonly trueQuantile: number;
  /** The percentile of the numbers drawn, by linear interpolation as numpy's default. */
  readonly sampleQuantile: number;
}

/**
 * Feeds the estimator normal numbers of variance 1, shifted so that their percentile is `trueQuantile`.
 *
 * The percentile of a standard normal is itself found by bisection on its distribution function.
 *
 * @param trueQuantile What the estimate should come to.
 * @param percentile Above 0 and below 100.
 * @param options Lengths, rate and seed.
 * @throws {RangeError} If an argument is out of range.
 *
 * Source: upstream's `test_online_quantile_estimation`.
 *
 * @example
 * ```ts
 * import { simulateOnlineQuantile } from "./online_quantile.ts";
 * const { estimates } = simulateOnlineQuantile(0.2, 50, { samples: 2000, points: 10 });
 * console.assert(estimates.length === 10);
 * ```
 */
export function simulateOnlineQuantile(
  trueQuantile: number,
  percentile: number,
  options: OnlineQuantileOptions = {},
): OnlineQuantile {
  const { samples = 100_000, lr = 1e-3, seed = 0, points = 1000 } = options;
  if (!Number.isFinite(trueQuantile)) throw new RangeError(`Cannot aim at ${trueQuantile}: expected a finite number`);
  if (!(percentile > 0 && percentile < 100)) {
    throw new RangeError(`Cannot simulate percentile ${percentile}: expected a number between 0 and 100`);
  }
  if (!Number.isSafeInteger(points) || points < 1) {
    throw new RangeError(`Cannot keep ${points} points: expected an integer of at least 1`);
  }
  const estimator = new PercentileEstimator(percentile, samples, lr);
  const random = new Pcg64(seed);
  const shift = trueQuantile - normalQuantile(percentile / 100);
  const drawn = new Float32Array(samples);
  const kept = Math.min(points, samples);
  const steps = Float64Array.from({ length: kept }, (_, i) => Math.round(((i + 1) * samples) / kept));
  const estimates = new Float32Array(kept);
  let point = 0;
  for (let i = 0; i < samples; i++) {
    drawn[i] = shift + normal(random);
    estimator.update(drawn[i]);
    if (i + 1 === steps[point]) estimates[point++] = estimator.estimate.data[0];
  }
  return { steps, estimates, percentile, trueQuantile, sampleQuantile: percentileOf(drawn, percentile) };
}

/** A standard normal number (Box–Muller). */
function normal(random: Pcg64): number {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}

/** The percentile of numbers, interpolated linearly between order statistics; sorts them. */
function percentileOf(values: Float32Array, percentile: number): number {
  values.sort();
  const at = (percentile / 100) * (values.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, values.length - 1);
  return values[below] + (at - below) * (values[above] - values[below]);
}

/** The q-quantile of the standard normal, to about 1e-12. */
function normalQuantile(q: number): number {
  let low = -40;
  let high = 40;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalDistribution(middle) < q) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Φ(z) = 1/2 ± φ(z)·(|z| + |z|³/3 + |z|⁵/(3·5) + …), a series of positive terms; beyond |z| = 8 it is 0 or 1 within 1e-15.
 *
 * Source: Marsaglia, "Evaluating the normal distribution" (2004).
 */
function normalDistribution(z: number): number {
  const a = Math.abs(z);
  if (a > 8) return z < 0 ? 0 : 1;
  let term = a;
  let sum = a;
  for (let i = 3; term > sum * 1e-17; i += 2) {
    term *= (a * a) / i;
    sum += term;
  }
  const half = sum * Math.exp((-a * a) / 2) / Math.sqrt(2 * Math.PI);
  return z < 0 ? 0.5 - half : 0.5 + half;
}
