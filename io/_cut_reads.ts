/**
 * How a run of bytes becomes reads.
 * @module
 */

/** One read at most, so that stopping does not wait for seconds. */
const MAX_READ_BYTES = 64 << 20;
/** One read at least, where there is as much to read: below, a parallel file system pays more for asking than for bytes. */
const MIN_READ_BYTES = 4 << 20;
/** Reads of one run of bytes are cut where the file's offset is a multiple of this, the usual stripe and page of such systems. */
const ALIGNMENT = 1 << 20;

/** Bytes that lie together in one file, and where they go. */
export interface Piece {
  /** The file. */
  readonly path: string;
  /** Where in it they begin. */
  readonly byteOffset: number;
  /** Memory for as many as are to be read. */
  readonly into: Uint8Array;
}

/**
 * Cuts a run of bytes for so many reads at a time: of 4 to 64 MiB, in ascending order, touching, all but the first beginning at a
 * multiple of 1 MiB of the file.
 *
 * @example
 * ```ts
 * import { cut } from "./_cut_reads.ts";
 * const pieces = cut({ path: "acts000000.bin", byteOffset: 3, into: new Uint8Array(16 << 20) }, 2);
 * console.assert(pieces.map(({ byteOffset }) => byteOffset).join() === "3,8388608");
 * ```
 */
export function cut({ path, byteOffset, into }: Piece, readsAtOnce: number): Piece[] {
  const share = Math.max(MIN_READ_BYTES, Math.ceil(into.length / readsAtOnce));
  const step = Math.ceil(Math.min(share, MAX_READ_BYTES) / ALIGNMENT) * ALIGNMENT;
  const pieces: Piece[] = [];
  for (let from = 0; from < into.length;) {
    const end = Math.floor((byteOffset + from) / ALIGNMENT) * ALIGNMENT + step - byteOffset;
    // What is left over would not be worth a read of its own.
    const to = into.length - end < ALIGNMENT ? into.length : end;
    pieces.push({ path, byteOffset: byteOffset + from, into: into.subarray(from, to) });
    from = to;
  }
  return pieces;
}
