/**
 * What every checkpoint format needs: the first line, and tensors of a checked shape.
 * @module
 */
import { CheckpointError } from "../compute/errors.ts";
import { type ByteSource, readBytes, sourceFrom } from "./byte_source.ts";
import type { TorchValue } from "./torch_file.ts";
import type { TorchTensor } from "./torch_tensor.ts";

/** A first line longer than this is not a config. */
const MAX_HEADER_BYTES = 1 << 20;

/**
 * Splits a checkpoint into its first line of JSON, if it begins with one, and the rest.
 *
 * @throws {CheckpointError} If it begins with `{` but the line is not a JSON object.
 */
export async function readHeader(
  file: ByteSource,
): Promise<{ header: Record<string, unknown> | undefined; body: ByteSource }> {
  const head = await readBytes(file, 0, MAX_HEADER_BYTES);
  if (head[0] !== 0x7b) return { header: undefined, body: file };
  const end = head.indexOf(0x0a);
  try {
    if (end < 0) throw new SyntaxError("it has no end");
    const header = JSON.parse(new TextDecoder().decode(head.subarray(0, end)));
    return { header, body: sourceFrom(file, end + 1) };
  } catch (cause) {
    const found = (cause as Error).message;
    throw new CheckpointError(
      `Cannot read the first line of ${file.path}: ${found}, and one JSON object was expected`,
      { path: file.path, key: "first line", found, expected: "one JSON object" },
      { cause },
    );
  }
}

/** The tensor under a key. */
export function tensorAt(path: string, value: TorchValue, key: string): TorchTensor {
  const item = value instanceof Map ? value.get(key) : undefined;
  if (item !== null && typeof item === "object" && "dtype" in item) return item;
  const found = item === undefined ? "nothing" : `a ${typeof item}`;
  throw new CheckpointError(`Cannot use checkpoint ${path}: ${key} is ${found}, and a tensor was expected`, {
    path,
    key,
    found,
    expected: "a tensor",
  });
}

/**
 * The tensor under a key as f32, of exactly this shape and finite.
 *
 * @throws {CheckpointError} If it is missing, of another shape, of integers, or holds a NaN or infinity.
 */
export function weightsAt(path: string, value: TorchValue, key: string, shape: readonly number[]): Float32Array {
  const { data, shape: found, dtype } = tensorAt(path, value, key);
  if (found.length !== shape.length || found.some((axis, i) => axis !== shape[i])) {
    return wrong(path, key, `shape [${found.join(", ")}]`, `[${shape.join(", ")}]`);
  }
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return wrong(path, key, dtype, "floating point");
  const weights = data instanceof Float32Array ? data : Float32Array.from(data);
  for (let i = 0; i < weights.length; i++) {
    if (!Number.isFinite(weights[i])) wrong(path, key, `${weights[i]} at element ${i}`, "finite weights");
  }
  return weights;
}

/**
 * The one number that a tensor under a key holds.
 *
 * @throws {CheckpointError} If it is missing, holds several, or is not finite.
 */
export function scalarAt(path: string, value: TorchValue, key: string): number {
  const { data, shape } = tensorAt(path, value, key);
  const number = Number(data[0]);
  if (data.length === 1 && Number.isFinite(number)) return number;
  return wrong(path, key, `[${shape.join(", ")}] with ${data[0]}`, "one finite number");
}

/** Throws the error that says what a checkpoint holds and what was expected. */
export function wrong(path: string, key: string, found: string, expected: string): never {
  throw new CheckpointError(
    `Cannot use checkpoint ${path}: ${key} has ${found}, and ${expected} was expected`,
    { path, key, found, expected },
  );
}
