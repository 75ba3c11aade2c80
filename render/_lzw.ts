/** How codes are packed: GIF and TIFF differ in bit order and in when codes grow. */
export interface LzwFormat {
  /** Bits of a literal: 8 for TIFF, GIF's own field otherwise. */
  readonly literalBits: number;
  /** TIFF: first bit highest, and codes grow one code early. GIF: first bit lowest. */
  readonly tiff: boolean;
}

/** Bytes that one byte of codes can make: a code of 12 bits or fewer stands for 4096 bytes at most, of 9 bits for 255. */
export const MAX_LZW_RATIO = 4096;

/** Longest code of both formats, in bits. */
const MAX_CODE_BITS = 12;

/**
 * Expands LZW codes.
 *
 * @param bytes The codes.
 * @param size The most bytes to produce; what comes after is not read.
 * @param format Bit order and growth.
 * @returns At most `size` bytes; fewer when the codes end, or make no sense, before.
 *
 * Source: GIF89a specification, appendix F; TIFF 6.0, section 13.
 */
export function expandLzw(bytes: Uint8Array, size: number, format: LzwFormat): Uint8Array {
  const { literalBits, tiff } = format;
  const clear = 1 << literalBits;
  const out = new Uint8Array(size);
  // Entry `code` is `length` bytes of the output itself, from `start` on: each entry is its parent and the next byte.
  const start = new Uint32Array(1 << MAX_CODE_BITS);
  const length = new Uint16Array(1 << MAX_CODE_BITS);
  let bits = literalBits + 1, next = clear + 2, previous = -1;
  let held = 0, heldBits = 0, previousAt = 0, at = 0;
  for (let i = 0; at < size;) {
    while (heldBits < bits && i < bytes.length) {
      held = tiff ? held << 8 | bytes[i++] : held | bytes[i++] << heldBits;
      heldBits += 8;
    }
    if (heldBits < bits) break;
    const code = tiff ? held >> (heldBits - bits) & (1 << bits) - 1 : held & (1 << bits) - 1;
    heldBits -= bits;
    held = tiff ? held & (1 << heldBits) - 1 : held >> bits;
    if (code === clear) {
      bits = literalBits + 1, next = clear + 2, previous = -1;
      continue;
    }
    if (code === clear + 1 || code > next || (previous < 0 && code >= clear)) break;
    const from = at;
    if (code < clear) {
      out[at++] = code;
    } else {
      // The newest entry is the previous string and its own first byte, which may still be on its way.
      const count = code === next ? from - previousAt + 1 : length[code];
      const source = code === next ? previousAt : start[code];
      for (let k = 0; k < count && at < size; k++) out[at++] = out[source + k];
    }
    if (previous >= 0 && next < 1 << MAX_CODE_BITS) {
      start[next] = previousAt;
      length[next++] = from - previousAt + 1;
    }
    if (next + (tiff ? 1 : 0) >= 1 << bits && bits < MAX_CODE_BITS) bits++;
    previous = code;
    previousAt = from;
  }
  return out.subarray(0, at);
}
