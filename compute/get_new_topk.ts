/**
 * Merging two rankings.
 * @module
 */
import { type Tensor, tensor, type TypedArray } from "./tensor.ts";

/**
 * Keeps the k largest of two sets of values per row, with their indices, best first.
 *
 * Ties: the first set comes before the second, and within a set the lower position. NaN ranks below everything.
 *
 * @param val1 `f32 [dSae, k1]`.
 * @param i1 Indices `[dSae, k1]`.
 * @param val2 `f32 [dSae, k2]`.
 * @param i2 Indices `[dSae, k2]`, the same array type as `i1`.
 * @param k Entries to keep, 0 … k1 + k2.
 * @returns `values: f32 [dSae, k]` and `indices [dSae, k]`.
 * @throws {TypeError} If the shapes do not fit each other.
 * @throws {RangeError} If k is not an integer from 0 to k1 + k2.
 *
 * Source: upstream's `get_new_topk`.
 *
 * @example
 * ```ts
 * import { getNewTopk } from "./get_new_topk.ts";
 * import { tensor } from "./tensor.ts";
 * const { values, indices } = getNewTopk(
 *   tensor(new Float32Array([9, 4]), [1, 2]), tensor(new Uint32Array([0, 1]), [1, 2]),
 *   tensor(new Float32Array([7, 9]), [1, 2]), tensor(new Uint32Array([2, 3]), [1, 2]), 3,
 * );
 * console.assert(values.data.join() === "9,9,7" && indices.data.join() === "0,3,2");
 * ```
 */
export function getNewTopk<I extends TypedArray>(
  val1: Tensor,
  i1: Tensor<I>,
  val2: Tensor,
  i2: Tensor<I>,
  k: number,
): { values: Tensor; indices: Tensor<I> } {
  const [dSae, k1] = shapeOf(val1, i1);
  const [dSae2, k2] = shapeOf(val2, i2);
  if (dSae !== dSae2) throw new TypeError(`Cannot merge rankings of ${dSae} and ${dSae2} latents`);
  if (!Number.isInteger(k) || k < 0 || k > k1 + k2) {
    throw new RangeError(`Cannot keep ${k} of ${k1} + ${k2} values: expected an integer from 0 to ${k1 + k2}`);
  }
  const values = new Float32Array(dSae * k);
  // Typed arrays construct their own kind; TypeScript cannot say so of a type parameter.
  const indices = new (i1.data.constructor as new (length: number) => I)(dSae * k);
  const candidates = new Float32Array(k1 + k2);
  for (let j = 0; j < dSae; j++) {
    candidates.set(val1.data.subarray(j * k1, (j + 1) * k1));
    candidates.set(val2.data.subarray(j * k2, (j + 1) * k2), k1);
    // Array sort is stable: equal values stay in order of position.
    const order = Array.from(candidates.keys()).sort((a, b) => compare(candidates[a], candidates[b]));
    for (let e = 0; e < k; e++) {
      const from = order[e];
      values[j * k + e] = candidates[from];
      indices[j * k + e] = from < k1 ? i1.data[j * k1 + from] : i2.data[j * k2 + from - k1];
    }
  }
  return { values: tensor(values, [dSae, k]), indices: tensor(indices, [dSae, k]) };
}

/** Descending, NaN last; unlike a difference it is sound for infinities. */
function compare(a: number, b: number): number {
  if (a !== a || b !== b) return (a !== a ? 1 : 0) - (b !== b ? 1 : 0);
  return a > b ? -1 : a < b ? 1 : 0;
}

function shapeOf(values: Tensor, indices: Tensor<TypedArray>): [number, number] {
  const [dSae, k] = values.shape;
  if (values.shape.length !== 2 || indices.shape.length !== 2 || indices.shape[0] !== dSae || indices.shape[1] !== k) {
    throw new TypeError(
      `Cannot rank values [${values.shape.join(", ")}] with indices [${indices.shape.join(", ")}]: expected [dSae, k]`,
    );
  }
  return [dSae, k];
}
