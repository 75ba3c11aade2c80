/**
 * Tensors as torch files store them: a window with strides onto a storage.
 * @module
 */
import { TorchFileError } from "../compute/errors.ts";
import { sizeOf, type TypedArray } from "../compute/tensor.ts";
import type { ByteSource } from "./byte_source.ts";

/** Element types that are read, in torch's words. */
export type TorchDtype =
  | "float64"
  | "float32"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint8"
  | "bool";

/** Bytes of one stored element. */
export const DTYPE_BYTES: Readonly<Record<TorchDtype, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/**
 * A tensor read from a torch file, contiguous and row-major whatever the file's strides were.
 *
 * `data` is of the type `dtype` names, except that `float16` and `bfloat16` are widened exactly to `Float32Array`, and
 * `bool` is a `Uint8Array` of 0 and 1. `int64` is a `BigInt64Array`.
 */
export interface TorchTensor {
  /** Element type in the file. */
  readonly dtype: TorchDtype;
  /** Length of each axis, outermost first; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** Elements, row-major. */
  readonly data: TypedArray;
}

/** A run of bytes in a torch file that tensors look onto. */
export interface Storage {
  /** Element type. */
  readonly dtype: TorchDtype;
  /** Elements it holds. */
  readonly length: number;
  /** Name of the storage in the file. */
  readonly key: string;
}

/** A tensor that has not been read yet. */
export interface TensorRef {
  /** Element type. */
  readonly dtype: TorchDtype;
  /** Length of each axis. */
  readonly shape: readonly number[];
  /** Elements between neighbours on each axis; 0 where an axis is expanded. */
  readonly stride: readonly number[];
  /** Index of the first element in the storage. */
  readonly offset: number;
  /** Where its elements lie. */
  readonly storage: Storage;
}

/**
 * Checks that a tensor lies within its storage.
 *
 * @throws {TorchFileError} If an axis, stride or offset is negative or not an integer, or an element lies outside.
 */
export function checkRef(ref: TensorRef, path: string): TensorRef {
  const numbers = [...ref.shape, ...ref.stride, ref.offset];
  if (ref.shape.length !== ref.stride.length || ref.shape.length > 64 || !numbers.every(isCount)) {
    fail(path, `shape [${ref.shape}] with strides [${ref.stride}] at ${ref.offset} is not a tensor`);
  }
  // Also of an empty tensor: 2^53 · 2^53 · … · 0 is not a number once it has overflowed.
  if (!Number.isSafeInteger(sizeOrNaN(ref.shape.map((axis) => Math.max(1, axis))))) {
    fail(path, `a tensor of shape [${ref.shape}] is too large`);
  }
  if (ref.shape.includes(0)) return ref;
  const last = ref.shape.reduce((sum, axis, i) => sum + (axis - 1) * ref.stride[i], ref.offset);
  if (!(last < ref.storage.length)) {
    fail(
      path,
      `a tensor of shape [${ref.shape}] with strides [${ref.stride}] at ${ref.offset} needs ${last + 1} elements of ` +
        `storage ${ref.storage.key}, which holds ${ref.storage.length}`,
    );
  }
  return ref;
}

/**
 * The part `start … end − 1` of a tensor's first axis, so that a slice of a large file can be read alone.
 *
 * @throws {RangeError} If the tensor is a scalar or the range is not within its first axis.
 *
 * @example
 * ```ts
 * import { sliceRef } from "./torch_tensor.ts";
 * const storage = { dtype: "float32", length: 12, key: "0" } as const;
 * const ref = { dtype: "float32", shape: [4, 3], stride: [3, 1], offset: 0, storage } as const;
 * console.assert(sliceRef(ref, 1, 3).offset === 3);
 * ```
 */
export function sliceRef(ref: TensorRef, start: number, end: number): TensorRef {
  if (ref.shape.length === 0 || !isCount(start) || !isCount(end) || start > end || end > ref.shape[0]) {
    throw new RangeError(`Cannot take rows ${start} to ${end} of a tensor of shape [${ref.shape}]`);
  }
  return { ...ref, shape: [end - start, ...ref.shape.slice(1)], offset: ref.offset + start * ref.stride[0] };
}

/**
 * Reads a tensor's elements; contiguous ones straight into place, others through the span of the storage they lie in.
 *
 * @param storageStart Where the tensor's storage begins in `source`, in bytes.
 * @throws {TorchFileError} If the file ends before the elements do.
 */
export async function readTensor(source: ByteSource, storageStart: number, ref: TensorRef): Promise<TorchTensor> {
  const { dtype, shape } = ref;
  const length = sizeOf(shape);
  const bytes = new Uint8Array(spanBytes(ref));
  const start = storageStart + ref.offset * DTYPE_BYTES[dtype];
  const found = bytes.length === 0 ? 0 : await source.readInto(bytes, start);
  if (found < bytes.length) {
    fail(source.path, `it ends ${bytes.length - found} bytes before storage ${ref.storage.key} does; it is truncated`);
  }
  const span = asStored(dtype, bytes.buffer);
  return { dtype, shape, data: widen(dtype, isContiguous(ref) ? span : gather(span, ref, length)) };
}

/** Bytes from a tensor's first element to its last: what is read of the file for it. */
export function spanBytes({ shape, stride, dtype }: TensorRef): number {
  if (shape.includes(0)) return 0;
  return (1 + shape.reduce((sum, axis, i) => sum + (axis - 1) * stride[i], 0)) * DTYPE_BYTES[dtype];
}

/** Whether the elements lie in row-major order without gaps. */
function isContiguous(ref: TensorRef): boolean {
  let expected = 1;
  for (let axis = ref.shape.length - 1; axis >= 0; axis--) {
    if (ref.shape[axis] === 0) return true;
    if (ref.shape[axis] !== 1 && ref.stride[axis] !== expected) return false;
    expected *= ref.shape[axis];
  }
  return true;
}

function asStored(dtype: TorchDtype, buffer: ArrayBuffer): TypedArray {
  switch (dtype) {
    case "float64":
      return new Float64Array(buffer);
    case "float32":
      return new Float32Array(buffer);
    case "float16":
    case "bfloat16":
      return new Uint16Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "uint8":
    case "bool":
      return new Uint8Array(buffer);
  }
}

function gather(span: TypedArray, ref: TensorRef, length: number): TypedArray {
  const out = new (span.constructor as new (length: number) => TypedArray)(length);
  const { shape, stride } = ref;
  const inner = shape.length - 1;
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0, from = 0; at < length;) {
    for (let i = 0; i < shape[inner]; i++) out[at + i] = span[from + i * stride[inner]];
    at += shape[inner];
    for (let axis = inner - 1; axis >= 0; axis--) {
      from += stride[axis];
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * stride[axis];
      index[axis] = 0;
    }
  }
  return out;
}

/** Exact: every half and every bfloat16 is an f32. */
function widen(dtype: TorchDtype, stored: TypedArray): TypedArray {
  if (dtype === "bool") return (stored as Uint8Array).map((value) => value === 0 ? 0 : 1);
  if (dtype !== "float16" && dtype !== "bfloat16") return stored;
  const half = stored as Uint16Array;
  const out = new Float32Array(half.length);
  if (dtype === "bfloat16") {
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < half.length; i++) bits[i] = half[i] << 16;
    return out;
  }
  for (let i = 0; i < half.length; i++) {
    const exponent = half[i] >> 10 & 31;
    const fraction = half[i] & 1023;
    const sign = half[i] >> 15 === 0 ? 1 : -1;
    if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) out[i] = fraction === 0 ? sign * Infinity : NaN;
    else out[i] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return out;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function sizeOrNaN(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

function fail(path: string, what: string): never {
  throw new TorchFileError(`Cannot read ${path} as a torch file: ${what}`, { path });
}
