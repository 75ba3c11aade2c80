/**
 * Which latents to draw.
 * @module
 */
import { PythonRandom } from "./python_random.ts";

/** See {@linkcode chooseLatents}. */
export interface ChooseLatentsOptions {
  /** `f32 [dSae]`: firing rates. */
  readonly sparsity: Float32Array;
  /** `f32 [dSae]`: mean positive activations; NaN where a latent never fired. */
  readonly meanValues: Float32Array;
  /** Open interval for `log10(sparsity)`. */
  readonly logFreqRange: readonly [number, number];
  /** Open interval for `log10(meanValues)`. */
  readonly logValueRange: readonly [number, number];
  /** Latents to take in any case, first and in this order. */
  readonly includeLatents: readonly number[];
  /** Latents to draw besides. */
  readonly nLatents: number;
  /** Seed of Python's generator. */
  readonly seed: number;
}

/**
 * Chooses latents: those included, then the first `nLatents` of the shuffled candidates, without duplicates.
 *
 * A latent j is a candidate if `min < log10(sparsity_j) < max` and `min < log10(meanValues_j) < max`, all in f32; NaN and
 * infinities never are. Candidates in increasing order are shuffled as by `random.seed(seed); random.shuffle(…)`, so that
 * a seed picks what it picks in Python. A drawn latent that was included already is not replaced by another.
 *
 * @param options Statistics, ranges and counts; not changed.
 * @returns Latent indices.
 * @throws {TypeError} If the two arrays differ in length.
 * @throws {RangeError} If an included latent does not exist, or nLatents is not a non-negative integer.
 *
 * Source: upstream's `main`.
 *
 * @example
 * ```ts
 * import { chooseLatents } from "./choose_latents.ts";
 * const chosen = chooseLatents({
 *   sparsity: new Float32Array([1e-3, 0.5, 1e-4]), meanValues: new Float32Array([1, 1, NaN]),
 *   logFreqRange: [-6, -2], logValueRange: [-1, 1], includeLatents: [2], nLatents: 400, seed: 42,
 * });
 * console.assert(chosen.join() === "2,0");
 * ```
 */
export function chooseLatents(options: ChooseLatentsOptions): number[] {
  const { sparsity, meanValues, logFreqRange, logValueRange, includeLatents, nLatents, seed } = options;
  if (sparsity.length !== meanValues.length) {
    throw new TypeError(`Cannot choose among ${sparsity.length} firing rates and ${meanValues.length} mean values`);
  }
  if (!Number.isSafeInteger(nLatents) || nLatents < 0) {
    throw new RangeError(`Cannot draw ${nLatents} latents: expected a non-negative integer`);
  }
  for (const latent of includeLatents) {
    if (!Number.isInteger(latent) || latent < 0 || latent >= sparsity.length) {
      throw new RangeError(`Cannot include latent ${latent}: expected an integer from 0 to ${sparsity.length - 1}`);
    }
  }
  const candidates: number[] = [];
  for (let j = 0; j < sparsity.length; j++) {
    if (isInside(sparsity[j], logFreqRange) && isInside(meanValues[j], logValueRange)) candidates.push(j);
  }
  new PythonRandom(seed).shuffle(candidates);
  return [...new Set([...includeLatents, ...candidates.slice(0, nLatents)])];
}

/** Upstream compares in f32: a rate of f32(0.01) has log10 exactly −2 there, though not in f64. */
function isInside(value: number, [min, max]: readonly [number, number]): boolean {
  const log = Math.fround(Math.log10(value));
  return Number.isFinite(log) && log > Math.fround(min) && log < Math.fround(max);
}
