/**
 * Writes a sparse matrix as `scipy.sparse.load_npz` reads it.
 * @module
 */
import { ZipWriter } from "./_zip_writer.ts";
import { atomicWrite, type FileOutput, removeFile } from "./atomic_write.ts";
import { type FileSource, openFile } from "./open_file.ts";

/** Bytes that go through memory at a time when the file is put together. */
const PIECE_BYTES = 4 << 20;
/** From this many entries on indices take 8 bytes each, as scipy's own do. */
const INT32_ENTRIES = 2 ** 31;

/** Some rows of a matrix, in order. */
export interface CsrRows {
  /** `u32 [rows]`: entries of each row. */
  readonly counts: Uint32Array;
  /** `i32 [entries]`: columns, ascending within a row. */
  readonly indices: Int32Array;
  /** `f32 [entries]`. */
  readonly values: Float32Array;
}

/**
 * Writes a matrix in compressed sparse rows as `.npz`, streamed: memory stays flat however many rows and entries come.
 *
 * The zip's members are `indices` and `indptr` (int32; int64 from 2^31 entries on), `format` (`csr`), `shape` int64 `[2]`,
 * `data` float32, and `_is_array`, true as for scipy's `csr_array`. They are stored, not deflated. While it is written, twice
 * its size is taken on disk.
 *
 * @param path The file; beside it lie scratch files until it is done.
 * @param columns Number of columns.
 * @param rows The rows, a few at a time.
 * @returns How many rows and entries there are.
 * @throws {ArtifactError} If it cannot be written.
 *
 * Source: `scipy.sparse.save_npz` and numpy's `.npy` format, version 1.0.
 *
 * @example
 * ```ts
 * import { writeCsr } from "./write_csr.ts";
 * const counts = new Uint32Array([1, 0]);
 * const rows = [{ counts, indices: new Int32Array([3]), values: new Float32Array([0.5]) }];
 * const { entries } = await writeCsr("tests/tmp/example.npz", 4, rows);
 * console.assert(entries === 1);
 * await Deno.remove("tests/tmp/example.npz");
 * ```
 */
export async function writeCsr(
  path: string,
  columns: number,
  rows: AsyncIterable<CsrRows> | Iterable<CsrRows>,
): Promise<{ rows: number; entries: number }> {
  const scratch = ["counts", "indices", "values"].map((name) => `${path}.${name}.part`);
  let [nRows, entries] = [0, 0];
  try {
    await allOpen(scratch, [], async ([counts, indices, values]) => {
      for await (const piece of rows) {
        await counts.write(bytesOf(piece.counts));
        await indices.write(bytesOf(piece.indices));
        await values.write(bytesOf(piece.values));
        nRows += piece.counts.length;
        entries += piece.indices.length;
      }
    });
    const shape = { rows: nRows, columns, entries };
    await atomicWrite(path, (output) => assemble(output, scratch, shape));
  } finally {
    for (const file of scratch) await removeFile(file);
  }
  return { rows: nRows, entries };
}

/** Opens several files for writing at the same time. */
async function allOpen(
  paths: readonly string[],
  outputs: readonly FileOutput[],
  write: (outputs: readonly FileOutput[]) => Promise<void>,
): Promise<void> {
  const [path, ...rest] = paths;
  if (path === undefined) return await write(outputs);
  await atomicWrite(path, (output) => allOpen(rest, [...outputs, output], write));
}

async function assemble(
  output: FileOutput,
  [counts, indices, values]: readonly string[],
  { rows, columns, entries }: { rows: number; columns: number; entries: number },
): Promise<void> {
  const wide = entries >= INT32_ENTRIES;
  const integer = wide ? "<i8" : "<i4";
  const zip = new ZipWriter(output);
  const add = async (
    name: string,
    header: Uint8Array,
    size: number,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<void> => await zip.add(`${name}.npy`, header.length + size, chain(header, pieces));
  const width = wide ? 8 : 4;
  await add("indices", npyHeader(integer, [entries]), entries * width, wide ? widened(indices) : wordsOf(indices));
  await add("indptr", npyHeader(integer, [rows + 1]), (rows + 1) * width, pointers(counts, wide));
  await add("format", npyHeader("|S3", []), 3, [new TextEncoder().encode("csr")]);
  await add("shape", npyHeader("<i8", [2]), 16, [bytesOf(BigInt64Array.of(BigInt(rows), BigInt(columns)))]);
  await add("data", npyHeader("<f4", [entries]), entries * 4, wordsOf(values));
  await add("_is_array", npyHeader("|b1", []), 1, [Uint8Array.of(1)]);
  await zip.finish();
}

/** The start of an `.npy` file, padded to 64 bytes. */
function npyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 0 ? "()" : `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new TextEncoder().encode(`\x00NUMPY\x01\x00\x00\x00${text.padEnd(length - 11)}\n`);
  bytes[0] = 0x93;
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  return bytes;
}

async function* chain(
  header: Uint8Array,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield header;
  yield* pieces;
}

/** A scratch file's bytes, a whole number of words at a time. */
async function* wordsOf(path: string): AsyncGenerator<Uint8Array> {
  const file: FileSource = await openFile(path);
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    for (let at = 0; at < file.size;) {
      const found = await file.readInto(piece.subarray(0, Math.min(PIECE_BYTES, file.size - at)), at);
      if (found === 0) return;
      yield piece.subarray(0, found);
      at += found;
    }
  } finally {
    file.close();
  }
}

/** 32-bit words as 64-bit ones. */
async function* widened(path: string): AsyncGenerator<Uint8Array> {
  for await (const bytes of wordsOf(path)) {
    yield bytesOf(BigInt64Array.from(new Int32Array(bytes.buffer, 0, bytes.length / 4), BigInt));
  }
}

/** Where each row begins, and where the last one ends. */
async function* pointers(path: string, wide: boolean): AsyncGenerator<Uint8Array> {
  let at = 0;
  const packed = (starts: readonly number[]): Uint8Array =>
    bytesOf(wide ? BigInt64Array.from(starts, BigInt) : Int32Array.from(starts));
  for await (const bytes of wordsOf(path)) {
    yield packed(Array.from(new Uint32Array(bytes.buffer, 0, bytes.length / 4), (count) => {
      const start = at;
      at += count;
      return start;
    }));
  }
  yield packed([at]);
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
