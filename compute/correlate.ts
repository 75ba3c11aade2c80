/**
 * Correlation of the latents of two runs over the same pictures, image by image.
 * @module
 */

/** A latent of the other run that behaves alike. */
export interface Match {
  /** Column in the second run. */
  readonly other: number;
  /** Pearson's correlation, −1 … 1. */
  readonly correlation: number;
}

/**
 * Collects sums over images of two sets of values: memory is `8·a·b` bytes, whatever the number of images.
 *
 * Sums are in f64, in the order of images; only pairs that are both positive cost anything.
 *
 * Source: Pearson's product-moment correlation from its sums.
 *
 * @example
 * ```ts
 * import { Correlation } from "./correlate.ts";
 * const sums = new Correlation(1, 2);
 * for (const x of [0, 1, 2]) sums.add(new Float32Array([x]), new Float32Array([3 * x, 1]));
 * const [[best]] = sums.matches(1);
 * console.assert(best.other === 0 && Math.abs(best.correlation - 1) < 1e-12);
 * ```
 */
export class Correlation {
  readonly #a: number;
  readonly #b: number;
  readonly #sumA: Float64Array;
  readonly #squaresA: Float64Array;
  readonly #sumB: Float64Array;
  readonly #squaresB: Float64Array;
  readonly #products: Float64Array;
  #images = 0;

  /** Takes the numbers of columns. */
  constructor(a: number, b: number) {
    [this.#a, this.#b] = [a, b];
    [this.#sumA, this.#squaresA] = [new Float64Array(a), new Float64Array(a)];
    [this.#sumB, this.#squaresB] = [new Float64Array(b), new Float64Array(b)];
    this.#products = new Float64Array(a * b);
  }

  /** Images added so far. */
  get images(): number {
    return this.#images;
  }

  /**
   * Adds an image.
   *
   * @param a `f32 [a]`, ≥ 0.
   * @param b `f32 [b]`, ≥ 0.
   */
  add(a: Float32Array, b: Float32Array): void {
    this.#images += 1;
    const firing: number[] = [];
    for (let j = 0; j < this.#b; j++) {
      if (!(b[j] > 0)) continue;
      firing.push(j);
      this.#sumB[j] += b[j];
      this.#squaresB[j] += b[j] * b[j];
    }
    for (let i = 0; i < this.#a; i++) {
      const value = a[i];
      if (!(value > 0)) continue;
      this.#sumA[i] += value;
      this.#squaresA[i] += value * value;
      const row = i * this.#b;
      for (const j of firing) this.#products[row + j] += value * b[j];
    }
  }

  /**
   * For each column of the first set the `count` most correlated ones of the second: by correlation descending, then column.
   *
   * Columns that do not vary correlate with nothing.
   */
  matches(count: number): Match[][] {
    const n = this.#images;
    const spread = (sum: number, squares: number): number => n * squares - sum * sum;
    return Array.from({ length: this.#a }, (_, i) => {
      const own = spread(this.#sumA[i], this.#squaresA[i]);
      const found: Match[] = [];
      for (let other = 0; other < this.#b; other++) {
        const theirs = spread(this.#sumB[other], this.#squaresB[other]);
        if (!(own > 0 && theirs > 0)) continue;
        const shared = n * this.#products[i * this.#b + other] - this.#sumA[i] * this.#sumB[other];
        // Rounding may take a perfect match past 1.
        const correlation = Math.max(-1, Math.min(1, shared / Math.sqrt(own) / Math.sqrt(theirs)));
        if (found.length === count && correlation <= found[count - 1].correlation) continue;
        let place = found.length;
        while (place > 0 && found[place - 1].correlation < correlation) place -= 1;
        found.splice(place, 0, { other, correlation });
        if (found.length > count) found.pop();
      }
      return found;
    });
  }
}
