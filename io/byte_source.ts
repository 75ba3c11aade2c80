/**
 * Random access to bytes, wherever they are: what every reader of this room takes, so that parsing never opens a file.
 * @module
 */

/** Something with bytes in it. Reads may run at the same time; each sees the bytes as they were when it ran. */
export interface ByteSource {
  /** Names the source in errors. */
  readonly path: string;
  /** Length in bytes when it was opened. */
  readonly size: number;
  /**
   * Fills `into` from `offset` on and resolves to the number of bytes read, which is less than `into.length` only
   * where the source ends.
   */
  readInto(into: Uint8Array, offset: number): Promise<number>;
}

/**
 * Bytes in memory as a source.
 *
 * @example
 * ```ts
 * import { memorySource } from "./byte_source.ts";
 * const source = memorySource("three.bin", new Uint8Array([1, 2, 3]));
 * console.assert(source.size === 3);
 * ```
 */
export function memorySource(path: string, bytes: Uint8Array): ByteSource {
  return {
    path,
    size: bytes.length,
    readInto(into: Uint8Array, offset: number): Promise<number> {
      const found = bytes.subarray(offset, offset + into.length);
      into.set(found);
      return Promise.resolve(found.length);
    },
  };
}

/**
 * The part of a source from `start` to its end; offset 0 of the result is `start` of the source.
 *
 * @throws {RangeError} If `start` is not within the source.
 *
 * @example
 * ```ts
 * import { memorySource, sourceFrom } from "./byte_source.ts";
 * const tail = sourceFrom(memorySource("three.bin", new Uint8Array([1, 2, 3])), 1);
 * console.assert(tail.size === 2);
 * ```
 */
export function sourceFrom(source: ByteSource, start: number): ByteSource {
  if (!Number.isSafeInteger(start) || start < 0 || start > source.size) {
    throw new RangeError(`Cannot start at byte ${start} of ${source.path}, which holds ${source.size}`);
  }
  return {
    path: source.path,
    size: source.size - start,
    readInto: (into: Uint8Array, offset: number): Promise<number> => source.readInto(into, start + offset),
  };
}

/**
 * Bytes `offset … offset + length − 1`, or fewer where the source ends. Nothing past the source's size is allocated.
 *
 * @example
 * ```ts
 * import { memorySource, readBytes } from "./byte_source.ts";
 * const found = await readBytes(memorySource("three.bin", new Uint8Array([1, 2, 3])), 1, 100);
 * console.assert(found.length === 2);
 * ```
 */
export async function readBytes(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, Math.min(length, source.size - offset)));
  // A file cannot even be asked for no bytes at an offset of 2^63, as a hostile directory states it.
  if (bytes.length === 0) return bytes;
  const found = await source.readInto(bytes, offset);
  return bytes.subarray(0, found);
}
