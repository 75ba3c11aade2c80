/**
 * The entropy coding of a JPEG: symbols with codes made for the picture, and their bits.
 * @module
 */
import { codeLengths } from "./_huffman.ts";

/** Longest code that the format allows. */
const MAX_BITS = 16;

/** A table of codes. */
export interface Codes {
  /** Codes by symbol. */
  readonly code: Uint16Array;
  /** Their lengths in bits; 0 for symbols that do not occur. */
  readonly bits: Uint8Array;
  /** As a DHT segment states it: sixteen counts, then symbols by length. */
  readonly stated: Uint8Array;
}

/**
 * Codes for symbols that occur so often. No code is all ones, as the format demands: that one is given to a symbol that never
 * occurs, rarer than all others and so among the longest.
 *
 * Source: T.81, annexes C and K.2.
 */
export function makeCodes(counts: Uint32Array): Codes {
  const padded = new Uint32Array(257);
  for (let symbol = 0; symbol < 256; symbol++) padded[symbol] = 2 * counts[symbol];
  padded[256] = 1;
  const lengths = codeLengths(padded, MAX_BITS);
  const symbols = Array.from({ length: 256 }, (_, symbol) => symbol).filter((symbol) => lengths[symbol] > 0)
    .sort((a, b) => lengths[a] - lengths[b] || a - b);
  const code = new Uint16Array(256);
  const stated = new Uint8Array(16 + symbols.length);
  let [next, length] = [0, 0];
  symbols.forEach((symbol, i) => {
    next <<= lengths[symbol] - length;
    length = lengths[symbol];
    code[symbol] = next++;
    stated[length - 1]++;
    stated[16 + i] = symbol;
  });
  return { code, bits: lengths.subarray(0, 256), stated };
}

/** Writes bits, high ones first; after a byte of ones a zero byte, so that no marker appears. */
export class BitWriter {
  #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  /** Starts with room for `size` bytes. */
  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  /** Makes room for a block, the largest of which takes less than 512 bytes. */
  reserve(): void {
    if (this.#at + 512 <= this.#bytes.length) return;
    const more = new Uint8Array(2 * this.#bytes.length + 512);
    more.set(this.#bytes);
    this.#bytes = more;
  }

  /** Writes the low `count` bits of `value`, at most 16; the others are 0. */
  write(value: number, count: number): void {
    this.#held = this.#held << count | value;
    this.#count += count;
    while (this.#count >= 8) {
      this.#count -= 8;
      const byte = this.#held >>> this.#count & 255;
      this.#bytes[this.#at++] = byte;
      if (byte === 255) this.#bytes[this.#at++] = 0;
    }
    this.#held &= (1 << this.#count) - 1;
  }

  /** Fills the last byte with ones and gives all bytes. */
  finish(): Uint8Array {
    this.reserve();
    if (this.#count > 0) this.write((1 << 8 - this.#count) - 1, 8 - this.#count);
    return this.#bytes.subarray(0, this.#at);
  }
}
