/**
 * Typed arrays with a shape: the only array type that crosses a room's wall.
 * @module
 */

/** Any typed array a {@linkcode Tensor} may hold. */
export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/**
 * A dense array: `data` in row-major order (the last axis varies fastest), `shape` one length per axis.
 *
 * `data.length` is the product of `shape`; a scalar has shape `[]` and one element.
 */
export interface Tensor<A extends TypedArray = Float32Array> {
  /** The elements, row-major. */
  readonly data: A;
  /** Length of each axis, outermost first. */
  readonly shape: readonly number[];
}

/**
 * Wraps `data` as a tensor of `shape`, without copying.
 *
 * @param data Elements, row-major.
 * @param shape Length of each axis; every one a non-negative integer.
 * @returns The tensor; it shares memory with `data`.
 * @throws {RangeError} If an axis is negative or fractional.
 * @throws {TypeError} If the shape's product is not `data.length`.
 *
 * @example
 * ```ts
 * import { tensor } from "./tensor.ts";
 * const t = tensor(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
 * console.assert(t.data[1 * 3 + 2] === 6);
 * ```
 */
export function tensor<A extends TypedArray>(data: A, shape: readonly number[]): Tensor<A> {
  const size = sizeOf(shape);
  if (size !== data.length) {
    throw new TypeError(
      `Cannot view ${data.length} elements as shape [${shape.join(", ")}], which holds ${size}`,
    );
  }
  return { data, shape };
}

/**
 * The number of elements of a shape: the product of its axes, 1 for `[]`.
 *
 * @throws {RangeError} If an axis is negative, fractional or past 2^53 − 1.
 *
 * @example
 * ```ts
 * import { sizeOf } from "./tensor.ts";
 * console.assert(sizeOf([2, 3, 4]) === 24);
 * ```
 */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const axis of shape) {
    if (!Number.isSafeInteger(axis) || axis < 0) {
      throw new RangeError(`Cannot use shape [${shape.join(", ")}]: every axis must be a non-negative integer`);
    }
    size *= axis;
  }
  return size;
}
