/**
 * Writes tensors as files that Python's `torch.load(weights_only=True)` reads.
 * @module
 */
import { sizeOf, type Tensor, type TypedArray } from "../compute/tensor.ts";
import { type PickledTensor, pickleTensors } from "./_pickle_tensors.ts";
import { ZipWriter } from "./_zip_writer.ts";
import { atomicWrite, type FileOutput } from "./atomic_write.ts";

/** Elements converted at a time where the file's type is wider than the array's. */
const CONVERTED_ELEMENTS = 1 << 18;
/** Bytes given to the checksum and the disk at a time. */
const PIECE_BYTES = 4 << 20;

/**
 * What can be written; `Uint32Array` becomes int64, as torch has no unsigned 32-bit storage. It has none of unsigned 16 or
 * 64 bits either.
 */
export type TorchOutput = Tensor<Exclude<TypedArray, Uint16Array | BigUint64Array>> | StreamedTensor;

/** A float32 tensor that comes in pieces, so that it never is in memory as a whole. */
export interface StreamedTensor {
  /** Lengths, outermost first. */
  readonly shape: readonly number[];
  /** Gives the values in row-major order, once; a piece may be overwritten after the next was asked for. */
  readonly pieces: () => AsyncIterable<Float32Array>;
}

/** What else a file may hold. */
export interface TorchOptions {
  /** A text for readers, as the member `note`; torch passes over it. */
  readonly note?: string | undefined;
  /** See `atomicWrite`. */
  readonly flushes?: Promise<void>[] | undefined;
  /** See `ZipWriter`; for tests. */
  readonly zip64From?: number | undefined;
}

/**
 * Writes one tensor, or a dictionary of tensors, atomically.
 *
 * dtypes: `Float32Array` float32, `Float64Array` float64, `Uint32Array` and `BigInt64Array` int64, `Int32Array` int32,
 * `Int16Array` int16, `Int8Array` int8, `Uint8Array` uint8. Nothing is copied as a whole: memory stays flat however
 * large the arrays are, and they may be views on shared memory. torch 1.13 and later read the files.
 *
 * Source: torch's serialization format as formats.md describes it.
 *
 * @throws {TypeError} If a shape's product is not its array's length.
 * @throws {ArtifactError} If the file cannot be written.
 *
 * @example
 * ```ts
 * import { tensor } from "../compute/tensor.ts";
 * import { writeTorch } from "./write_torch.ts";
 * await writeTorch("tests/tmp/example.pt", tensor(new Float32Array([1, 2, 3, 4]), [2, 2]));
 * await Deno.remove("tests/tmp/example.pt");
 * ```
 */
export async function writeTorch(
  path: string,
  value: TorchOutput | Readonly<Record<string, TorchOutput>>,
  options: TorchOptions = {},
): Promise<void> {
  checkOutput(value);
  await atomicWrite(path, (output) => streamTorch(output, value, options), options.flushes);
}

/**
 * The same to an output that is open already.
 *
 * @example
 * ```ts
 * import { tensor } from "../compute/tensor.ts";
 * import { atomicWrite } from "./atomic_write.ts";
 * import { streamTorch } from "./write_torch.ts";
 * const bias = tensor(new Float32Array(3), [3]);
 * await atomicWrite("tests/tmp/streamed.pt", (output) => streamTorch(output, { bias }));
 * await Deno.remove("tests/tmp/streamed.pt");
 * ```
 */
export async function streamTorch(
  output: FileOutput,
  value: TorchOutput | Readonly<Record<string, TorchOutput>>,
  { note, zip64From }: TorchOptions = {},
): Promise<void> {
  const named: [string, TorchOutput][] = isTensor(value) ? [["", value]] : Object.entries(value);
  const described = named.map(([name, output], i): [string, PickledTensor] => [
    name,
    {
      storageType: isStreamed(output) ? "FloatStorage" : storageType(output.data),
      key: String(i),
      shape: output.shape,
    },
  ]);
  const pickle = pickleTensors(isTensor(value) ? described[0][1] : new Map(described));
  const zip = new ZipWriter(output, zip64From);
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  const add = (name: string, bytes: Uint8Array): Promise<void> => zip.add(`archive/${name}`, bytes.length, [bytes]);
  await add("data.pkl", pickle);
  await add("byteorder", text("little"));
  // Before the storages, so that only what follows 4 GiB of them needs ZIP64 offsets.
  await add("version", text("3\n"));
  if (note !== undefined) await add("note", text(`${note}\n`));
  for (const [i, [, output]] of named.entries()) {
    if (isStreamed(output)) {
      await zip.add(`archive/data/${i}`, 4 * sizeOf(output.shape), asBytes(output.pieces()));
      continue;
    }
    const { data } = output;
    const width = data instanceof Uint32Array ? 8 : data.BYTES_PER_ELEMENT;
    await zip.add(`archive/data/${i}`, data.length * width, pieces(data));
  }
  await zip.finish();
}

function checkOutput(value: TorchOutput | Readonly<Record<string, TorchOutput>>): void {
  for (const [name, output] of isTensor(value) ? [["the tensor", value] as const] : Object.entries(value)) {
    if (isStreamed(output)) continue;
    const { data, shape } = output;
    if (sizeOf(shape) !== data.length) {
      throw new TypeError(`Cannot write ${name} of shape [${shape.join(", ")}] from ${data.length} elements`);
    }
    storageType(data);
  }
}

function isTensor(value: TorchOutput | Readonly<Record<string, TorchOutput>>): value is TorchOutput {
  return isStreamed(value as TorchOutput) || ArrayBuffer.isView((value as Tensor).data);
}

function isStreamed(output: TorchOutput): output is StreamedTensor {
  return "pieces" in output && typeof output.pieces === "function";
}

async function* asBytes(pieces: AsyncIterable<Float32Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
}

function storageType(data: TypedArray): string {
  if (data instanceof Float32Array) return "FloatStorage";
  if (data instanceof Float64Array) return "DoubleStorage";
  if (data instanceof Uint32Array || data instanceof BigInt64Array) return "LongStorage";
  if (data instanceof Int32Array) return "IntStorage";
  if (data instanceof Int16Array) return "ShortStorage";
  if (data instanceof Int8Array) return "CharStorage";
  if (data instanceof Uint8Array) return "ByteStorage";
  throw new TypeError(`Cannot write a ${data.constructor.name}: torch has no such type`);
}

function* pieces(data: TypedArray): Generator<Uint8Array> {
  if (!(data instanceof Uint32Array)) {
    for (let start = 0; start < data.byteLength; start += PIECE_BYTES) {
      yield new Uint8Array(data.buffer, data.byteOffset + start, Math.min(PIECE_BYTES, data.byteLength - start));
    }
    return;
  }
  // Low word, high word: the high ones stay 0.
  const words = new Uint32Array(2 * Math.min(CONVERTED_ELEMENTS, data.length));
  for (let start = 0; start < data.length; start += CONVERTED_ELEMENTS) {
    const count = Math.min(CONVERTED_ELEMENTS, data.length - start);
    for (let i = 0; i < count; i++) words[2 * i] = data[start + i];
    yield new Uint8Array(words.buffer, 0, 8 * count);
  }
}
