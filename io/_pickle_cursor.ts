/**
 * Takes values out of a pickle's bytes, never past their end.
 * @module
 */

/** Integers wider than this many bytes have no place in a tensor file. */
const MAX_INTEGER_BYTES = 32;

/** A position in bytes; every method moves it past what it returns. */
export class PickleCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #damaged: (what: string) => never;
  #at: number;

  /** @param damaged Throws the error that says what is wrong. */
  constructor(bytes: Uint8Array, start: number, damaged: (what: string) => never) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#damaged = damaged;
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.#at;
  }

  /** Moves past `length` bytes and returns where they began. */
  skip(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) {
      this.#damaged(`it ends at byte ${this.#bytes.length}, and ${length} more bytes were expected at ${start}`);
    }
    this.#at += length;
    return start;
  }

  u8(): number {
    return this.#bytes[this.skip(1)];
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.skip(4), true);
  }

  /** Past 2^53 it is inexact, but then it is past the end as well. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.skip(8), true));
  }

  /** Big-endian, as pickles have it. */
  f64(): number {
    return this.#view.getFloat64(this.skip(8), false);
  }

  /** A copy of `length` bytes. */
  slice(length: number): Uint8Array {
    const start = this.skip(length);
    return this.#bytes.slice(start, start + length);
  }

  /** `length` bytes of UTF-8. */
  text(length: number): string {
    const start = this.skip(length);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + length));
  }

  /** Text up to the next line feed. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.#damaged("it ends in the middle of a name");
    const text = this.text(end - this.#at);
    this.#at = end + 1;
    return text;
  }

  /** Two's complement, little-endian. */
  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) this.#damaged(`it holds an integer of ${length} bytes`);
    const start = this.skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = value << 8n | BigInt(this.#bytes[start + i]);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
}
