/**
 * How much of the rows a decoder gives back.
 * @module
 */
import type { Decoder } from "./sae.ts";

/**
 * The fraction of variance explained, summed row by row in f64.
 *
 * `1 − Σ ‖x − x̂‖² / Σ ‖x − x̄‖²` with `x̂ = f · wDec + bDec` and x̄ the mean of all rows added. 1 is perfect, 0 no better than the
 * mean, below 0 worse. NaN when the rows do not vary, or there are none.
 *
 * Source: SAELens' `explained_variance`, with sums over all rows in place of a mean of ratios.
 *
 * @example
 * ```ts
 * import { ExplainedVariance } from "./explained_variance.ts";
 * const variance = new ExplainedVariance({ wDec: new Float32Array([1, 1]), bDec: new Float32Array(2) });
 * variance.add(new Float32Array([1, 1, 3, 3]), new Float32Array([1, 3]));
 * console.assert(variance.value === 1);
 * ```
 */
export class ExplainedVariance {
  readonly #decoder: Decoder;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #restored: Float64Array;
  #residual = 0;
  #rows = 0;

  /** Takes the decoder; its `bDec` says how wide rows are. */
  constructor(decoder: Decoder) {
    const dVit = decoder.bDec.length;
    this.#decoder = decoder;
    this.#sum = new Float64Array(dVit);
    this.#squares = new Float64Array(dVit);
    this.#restored = new Float64Array(dVit);
  }

  /**
   * Adds rows.
   *
   * @param x `f32 [n, dVit]`: rows as the encoder took them, after its `inputNorm` and before its `bPre`.
   * @param f `f32 [n, dSae]`: their activations.
   * @throws {TypeError} If the two are not of the same number of rows.
   */
  add(x: Float32Array, f: Float32Array): void {
    const { wDec, bDec } = this.#decoder;
    const dVit = bDec.length;
    const dSae = wDec.length / dVit;
    const n = x.length / dVit;
    if (!Number.isInteger(n) || f.length !== n * dSae) {
      throw new TypeError(
        `Cannot compare ${x.length} values of rows of ${dVit} with ${f.length} activations of ${dSae}`,
      );
    }
    const restored = this.#restored;
    for (let r = 0; r < n; r++) {
      restored.set(bDec);
      for (let j = 0; j < dSae; j++) {
        const value = f[r * dSae + j];
        if (value === 0) continue;
        for (let d = 0; d < dVit; d++) restored[d] += value * wDec[j * dVit + d];
      }
      for (let d = 0; d < dVit; d++) {
        const value = x[r * dVit + d];
        this.#sum[d] += value;
        this.#squares[d] += value * value;
        this.#residual += (value - restored[d]) ** 2;
      }
    }
    this.#rows += n;
  }

  /** The fraction, of all rows added so far. */
  get value(): number {
    let total = 0;
    this.#squares.forEach((squares, d) => total += squares - this.#sum[d] ** 2 / this.#rows);
    return total > 0 ? 1 - this.#residual / total : NaN;
  }
}
