/**
 * The PNM family: PBM, PGM and PPM, plain and raw.
 * @module
 */
import { checkSize, type DecodeContext, pictureError } from "./_decode_context.ts";
import { type Picture, picture } from "./picture.ts";

/** The largest sample value of any PNM file. */
const MAX_MAXVAL = 65535;

/**
 * Decodes P1 to P6 as Pillow's `convert("RGB")`.
 *
 * Samples are scaled by `round(v·255 / maxval)`, ties to even. Gray with a maxval above 255 is scaled to 0 … 65535
 * and then clipped to 255 (Pillow opens it as integers and clips on conversion).
 *
 * @param bytes The file.
 * @param context Name and size limit.
 * @throws {PictureError} If the header is damaged, a sample is missing or too large, or the size passes the limit.
 *
 * Source: Netpbm's format pages; Pillow 9.4, `PpmImagePlugin.py`.
 */
export function decodePnm(bytes: Uint8Array, context: DecodeContext): Picture {
  const kind = bytes[1] - 0x30;
  const reader = new TokenReader(bytes, context);
  const [width, height] = [reader.number("its width"), reader.number("its height")];
  checkSize(context, width, height);
  const bitmap = kind === 1 || kind === 4;
  const maxval = bitmap ? 1 : reader.number("its maxval");
  if (maxval < 1 || maxval > MAX_MAXVAL) {
    throw pictureError(context, `its maxval is ${maxval}, expected 1 to ${MAX_MAXVAL}`);
  }
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  const count = width * height * channels;
  // The least that the samples take: a bit in raw bitmaps, a digit in plain ones, and a blank between two numbers.
  const least = kind === 4 ? Math.ceil(width / 8) * height : kind === 1 || kind > 3 ? count : 2 * count - 1;
  if (bytes.length - reader.at < least) {
    throw pictureError(
      context,
      `it is cut off: ${bytes.length - reader.at} bytes of pixels, expected at least ${least}`,
    );
  }
  const level = levelTable(maxval, channels === 1);
  const out = picture(width, height);
  const put = channels === 3
    ? (i: number, value: number): void => void (out.data[i] = value)
    : (i: number, value: number): void => void out.data.fill(value, 3 * i, 3 * i + 3);
  if (kind <= 3) {
    for (let i = 0; i < count; i++) {
      const value = bitmap ? reader.bit() : reader.number(`sample ${i}`);
      if (value > maxval) throw pictureError(context, `sample ${i} is ${value}, more than its maxval of ${maxval}`);
      put(i, level[bitmap ? 1 - value : value]);
    }
    return out;
  }
  const data = bytes.subarray(reader.at + 1);
  const rowBytes = bitmap ? Math.ceil(width / 8) : 0;
  const wide = maxval > 255;
  const needed = bitmap ? rowBytes * height : count * (wide ? 2 : 1);
  if (data.length < needed) {
    throw pictureError(context, `it is cut off: ${data.length} bytes of pixels, expected ${needed}`);
  }
  for (let i = 0; i < count; i++) {
    if (bitmap) {
      const x = i % width;
      put(i, data[(i - x) / width * rowBytes + (x >> 3)] >> (7 - (x & 7)) & 1 ? 0 : 255);
    } else {
      put(i, level[Math.min(maxval, wide ? data[2 * i] << 8 | data[2 * i + 1] : data[i])]);
    }
  }
  return out;
}

/** What each sample value 0 … maxval becomes. */
function levelTable(maxval: number, gray: boolean): Uint8Array {
  const top = gray && maxval > 255 ? 65535 : 255;
  return Uint8Array.from({ length: maxval + 1 }, (_, value) => {
    const scaled = value / maxval * top;
    const low = Math.floor(scaled);
    return Math.min(255, scaled - low === 0.5 ? low + (low & 1) : Math.round(scaled));
  });
}

/** Reads whitespace-separated numbers, passing over comments. */
class TokenReader {
  /** Where the next byte is read. */
  at = 2;
  readonly #bytes: Uint8Array;
  readonly #context: DecodeContext;

  constructor(bytes: Uint8Array, context: DecodeContext) {
    this.#bytes = bytes;
    this.#context = context;
  }

  #skipBlanks(): void {
    for (; this.at < this.#bytes.length; this.at++) {
      const byte = this.#bytes[this.at];
      if (byte === 0x23) { while (this.at < this.#bytes.length && this.#bytes[this.at] !== 0x0a) this.at++; }
      else if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) return;
    }
  }

  /** The next decimal number; leaves `at` on the byte that follows it. */
  number(what: string): number {
    this.#skipBlanks();
    const start = this.at;
    let value = 0;
    for (; this.at < this.#bytes.length && this.at - start < 10; this.at++) {
      const digit = this.#bytes[this.at] - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    if (this.at === start) throw pictureError(this.#context, `${what} is missing at byte ${start}, expected a number`);
    return value;
  }

  /** The next bit; in plain bitmaps nothing need stand between two. */
  bit(): number {
    this.#skipBlanks();
    const bit = this.#bytes[this.at] - 0x30;
    if (bit !== 0 && bit !== 1) {
      throw pictureError(this.#context, `a pixel is missing at byte ${this.at}, expected 0 or 1`);
    }
    this.at++;
    return bit;
  }
}
