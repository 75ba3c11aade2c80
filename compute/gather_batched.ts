/**
 * Picking rows per batch element.
 * @module
 */
import { type Tensor, tensor, type TypedArray } from "./tensor.ts";

/**
 * `out[b, k, :] = value[b, i[b, k], :]`.
 *
 * @param value `f32 [b, n, d]`.
 * @param i Integers `[b, k]`, each 0 … n − 1.
 * @returns `f32 [b, k, d]`; NaN is copied like any value.
 * @throws {TypeError} If the shapes are not `[b, n, d]` and `[b, k]`.
 * @throws {RangeError} If an index is outside 0 … n − 1 or fractional.
 *
 * Source: upstream's `gather_batched`.
 *
 * @example
 * ```ts
 * import { gatherBatched } from "./gather_batched.ts";
 * import { tensor } from "./tensor.ts";
 * const value = tensor(new Float32Array([1, 2, 3, 4]), [1, 2, 2]);
 * const out = gatherBatched(value, tensor(new Uint32Array([1, 1, 0]), [1, 3]));
 * console.assert(out.data.join() === "3,4,3,4,1,2");
 * ```
 */
export function gatherBatched<I extends TypedArray>(value: Tensor, i: Tensor<I>): Tensor {
  if (value.shape.length !== 3 || i.shape.length !== 2 || value.shape[0] !== i.shape[0]) {
    throw new TypeError(
      `Cannot gather [${i.shape.join(", ")}] from [${value.shape.join(", ")}]: expected [b, k] and [b, n, d]`,
    );
  }
  const [b, n, d] = value.shape;
  const k = i.shape[1];
  const out = new Float32Array(b * k * d);
  for (let row = 0; row < b; row++) {
    for (let entry = 0; entry < k; entry++) {
      const index = Number(i.data[row * k + entry]);
      if (!Number.isInteger(index) || index < 0 || index >= n) {
        throw new RangeError(
          `Cannot gather index ${index} at [${row}, ${entry}]: expected an integer from 0 to ${n - 1}`,
        );
      }
      const from = (row * n + index) * d;
      out.set(value.data.subarray(from, from + d), (row * k + entry) * d);
    }
  }
  return tensor(out, [b, k, d]);
}
