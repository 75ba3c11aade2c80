import { type DecodeContext, pictureError } from "./_decode_context.ts";
import { MAX_DEFLATE_RATIO, MAX_DEFLATE_SLACK_BYTES } from "./_inflate_limits.ts";
import { expandLzw, MAX_LZW_RATIO } from "./_lzw.ts";
import { inflateZlib } from "./_zlib.js";

const [PLAIN, LZW, DEFLATE, PACKBITS, OLD_DEFLATE] = [1, 5, 8, 32773, 32946];
/** Bytes that a stored byte can make: nothing larger is taken memory for. */
const MAX_RATIO: Readonly<Record<number, number>> = {
  [PLAIN]: 1,
  [LZW]: MAX_LZW_RATIO,
  [DEFLATE]: MAX_DEFLATE_RATIO,
  [PACKBITS]: 128,
  [OLD_DEFLATE]: MAX_DEFLATE_RATIO,
};

/**
 * Expands a strip or tile to `size` bytes, which the caller may write to.
 *
 * @throws {PictureError} If the compression is another one, or the data is damaged or gives fewer bytes.
 */
export function expandTiffBlock(
  stored: Uint8Array,
  compression: number,
  size: number,
  context: DecodeContext,
): Uint8Array {
  const ratio = MAX_RATIO[compression];
  if (ratio !== undefined && size > ratio * stored.length) {
    throw pictureError(context, `a strip or tile holds ${stored.length} bytes, too few for ${size}`);
  }
  let raw: Uint8Array;
  if (compression === PLAIN) raw = stored.slice(0, size);
  else if (compression === PACKBITS) raw = expandPackBits(stored, size);
  else if (compression === LZW) raw = expandLzw(stored, size, { literalBits: 8, tiff: true });
  else if (compression === DEFLATE || compression === OLD_DEFLATE) {
    try {
      raw = inflateZlib(stored.subarray(0, 2 * size + MAX_DEFLATE_SLACK_BYTES), size);
    } catch (cause) {
      throw pictureError(context, "a strip or tile is damaged or cut off", cause);
    }
  } else throw pictureError(context, `it uses TIFF compression ${compression}, which is not supported`);
  if (raw.length < size) {
    throw pictureError(context, `a strip or tile holds ${raw.length} bytes, expected ${size}`);
  }
  return raw;
}

/** Source: TIFF 6.0, section 9. */
function expandPackBits(stored: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < stored.length && at < size;) {
    const head = stored[i++];
    if (head < 128) {
      const run = stored.subarray(i, i + Math.min(head + 1, size - at));
      out.set(run, at);
      at += run.length;
      i += head + 1;
    } else if (head > 128) {
      const end = Math.min(size, at + 257 - head);
      out.fill(stored[i++], at, end);
      at = end;
    }
  }
  return out.subarray(0, at);
}

/**
 * Undoes horizontal differencing in place: each sample is the sum of the stored ones to its left.
 *
 * Source: TIFF 6.0, section 14.
 */
export function undoPredictor(
  raw: Uint8Array,
  facts: { rows: number; rowSamples: number; step: number; wide: boolean; littleEndian: boolean },
): void {
  const { rows, rowSamples, step, wide, littleEndian } = facts;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let row = 0; row < rows; row++) {
    const line = row * rowSamples;
    for (let i = line + step; i < line + rowSamples; i++) {
      if (!wide) raw[i] += raw[i - step];
      else {
        const sum = view.getUint16(2 * i, littleEndian) + view.getUint16(2 * (i - step), littleEndian);
        view.setUint16(2 * i, sum, littleEndian);
      }
    }
  }
}
