/**
 * Writes a zip of stored members the way torch does: contents aligned to 64 bytes, ZIP64 where needed.
 * @module
 */
import { joinBytes } from "./_join_bytes.ts";
import { crc32 } from "node:zlib";
import type { FileOutput } from "./atomic_write.ts";

/** torch maps storages into memory where they are aligned so. */
const ALIGNMENT_BYTES = 64;
const U32_MAX = 0xffffffff;

interface Written {
  readonly name: Uint8Array;
  readonly size: number;
  readonly crc: number;
  readonly headerOffset: number;
}

/** A zip being written: members one after the other, then the directory. */
export class ZipWriter {
  readonly #output: FileOutput;
  readonly #members: Written[] = [];
  readonly #limit: number;

  /** @param zip64From Sizes and offsets from this on use ZIP64 fields; lower only to test them. */
  constructor(output: FileOutput, zip64From: number = U32_MAX) {
    this.#output = output;
    this.#limit = zip64From;
  }

  /** Adds a member of exactly `size` bytes, streamed in pieces. */
  async add(name: string, size: number, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const headerOffset = this.#output.position;
    const nameBytes = new TextEncoder().encode(name);
    await this.#output.write(this.#localHeader(nameBytes, size, headerOffset));
    let [crc, done] = [0, 0];
    for await (const piece of pieces) {
      crc = crc32(piece, crc);
      done += piece.length;
      await this.#output.write(piece);
    }
    if (done !== size) throw new TypeError(`Cannot write member ${name}: ${done} bytes came, ${size} were announced`);
    const checksum = new Uint8Array(4);
    new DataView(checksum.buffer).setUint32(0, crc, true);
    this.#output.patch(headerOffset + 14, checksum);
    this.#members.push({ name: nameBytes, size, crc, headerOffset });
  }

  /** Writes the directory; the zip is complete. */
  async finish(): Promise<void> {
    const start = this.#output.position;
    for (const member of this.#members) await this.#output.write(this.#directoryEntry(member));
    const size = this.#output.position - start;
    const count = this.#members.length;
    if (start >= this.#limit || size >= this.#limit) await this.#output.write(this.#end64(count, size, start));
    const end = fields([
      [4, 0x06054b50],
      [4, 0],
      [2, Math.min(count, 0xffff)],
      [2, Math.min(count, 0xffff)],
      [4, this.#clip(size)],
      [4, this.#clip(start)],
      [2, 0],
    ]);
    await this.#output.write(end);
  }

  #localHeader(name: Uint8Array, size: number, offset: number): Uint8Array {
    const large = size >= this.#limit ? fields([[2, 1], [2, 16], [8, size], [8, size]]) : new Uint8Array(0);
    const before = offset + 30 + name.length + large.length + 4;
    const padding = (ALIGNMENT_BYTES - before % ALIGNMENT_BYTES) % ALIGNMENT_BYTES;
    // torch's own padding field: "FB", its length, and that many "Z".
    const filler = joinBytes([fields([[2, 0x4246], [2, padding]]), new Uint8Array(padding).fill(0x5a)]);
    const header = fields([
      [4, 0x04034b50],
      [2, large.length > 0 ? 45 : 20],
      [2, 0x0800],
      [2, 0],
      [4, 0x00210000],
      [4, 0],
      [4, this.#clip(size)],
      [4, this.#clip(size)],
      [2, name.length],
      [2, large.length + filler.length],
    ]);
    return joinBytes([header, name, large, filler]);
  }

  #directoryEntry({ name, size, crc, headerOffset }: Written): Uint8Array {
    const large: [number, number][] = [];
    if (size >= this.#limit) large.push([8, size], [8, size]);
    if (headerOffset >= this.#limit) large.push([8, headerOffset]);
    const extra = large.length > 0 ? fields([[2, 1], [2, 8 * large.length], ...large]) : new Uint8Array(0);
    const header = fields([
      [4, 0x02014b50],
      [2, large.length > 0 ? 45 : 20],
      [2, large.length > 0 ? 45 : 20],
      [2, 0x0800],
      [2, 0],
      [4, 0x00210000],
      [4, crc],
      [4, this.#clip(size)],
      [4, this.#clip(size)],
      [2, name.length],
      [2, extra.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, this.#clip(headerOffset)],
    ]);
    return joinBytes([header, name, extra]);
  }

  #end64(count: number, size: number, start: number): Uint8Array {
    const end64Offset = start + size;
    const record: [number, number][] = [
      [4, 0x06064b50],
      [8, 44],
      [2, 45],
      [2, 45],
      [4, 0],
      [4, 0],
      [8, count],
      [8, count],
      [8, size],
      [8, start],
    ];
    return fields([...record, [4, 0x07064b50], [4, 0], [8, end64Offset], [4, 1]]);
  }

  #clip(value: number): number {
    return value >= this.#limit ? U32_MAX : value;
  }
}

/** Packs `[bytes, value]` pairs, little-endian. */
function fields(pairs: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = new Uint8Array(pairs.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of pairs) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return bytes;
}
