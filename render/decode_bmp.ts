/**
 * Windows bitmaps.
 * @module
 */
import { checkSize, type DecodeContext, pictureError, viewOf } from "./_decode_context.ts";
import { type Picture, picture } from "./picture.ts";

const FILE_HEADER_BYTES = 14;
/** The header of OS/2 1.x, whose palette has three bytes a colour. */
const CORE_HEADER_BYTES = 12;
/** The shortest header of Windows; what is between the two was OS/2's and is written by nothing any more. */
const INFO_HEADER_BYTES = 40;
const [RGB, RLE8, RLE4, BITFIELDS] = [0, 1, 2, 3];

interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Red, green and blue of each palette entry; entries past the stored ones are black. */
  readonly palette: Uint8Array;
  /** Bits of red, green and blue in a pixel of 16 or 32 bits. */
  readonly masks: readonly [number, number, number];
  readonly pixels: Uint8Array;
}

/**
 * Decodes a BMP of 1, 4, 8, 16, 24 or 32 bits, run-length encoded or not, as Pillow's `convert("RGB")`.
 *
 * A 16-bit channel of n bits becomes `floor(v·255 / (2^n − 1))`; the fourth byte of 32-bit pixels is dropped.
 *
 * @param bytes The file.
 * @param context Name and size limit.
 * @throws {PictureError} If the header is damaged or asks for what BMP has not, the pixels are cut off, or the size
 *   passes the limit.
 *
 * Source: Microsoft, "Bitmap storage"; Pillow 9.4, `BmpImagePlugin.py` and `libImaging/Unpack.c`.
 */
export function decodeBmp(bytes: Uint8Array, context: DecodeContext): Picture {
  const header = readHeader(bytes, context);
  const { width, height, bits, compression, palette } = header;
  const rowBytes = Math.ceil(width * bits / 32) * 4;
  const runs = compression === RLE8 || compression === RLE4;
  if (!runs && header.pixels.length < rowBytes * (height - 1) + Math.ceil(width * bits / 8)) {
    throw pictureError(
      context,
      `it is cut off: ${header.pixels.length} bytes of pixels, expected ${rowBytes * height}`,
    );
  }
  const indices = runs ? expandRuns(header, context) : undefined;
  const out = picture(width, height);
  const channels = header.masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, top: (mask >>> shift) || 1 };
  });
  for (let y = 0, o = 0; y < height; y++) {
    const row = header.topDown ? y : height - 1 - y;
    const line = row * rowBytes;
    for (let x = 0; x < width; x++, o += 3) {
      const at = line + x * (bits >> 3);
      if (indices !== undefined || bits <= 8) {
        const index = indices !== undefined
          ? indices[row * width + x]
          : header.pixels[line + (x * bits >> 3)] >> (8 - bits - (x * bits & 7)) & (1 << bits) - 1;
        for (let c = 0; c < 3; c++) out.data[o + c] = palette[3 * index + c];
      } else if (bits === 24) {
        for (let c = 0; c < 3; c++) out.data[o + c] = header.pixels[at + 2 - c];
      } else {
        let value = header.pixels[at] | header.pixels[at + 1] << 8;
        if (bits === 32) value |= header.pixels[at + 2] << 16 | header.pixels[at + 3] << 24;
        for (let c = 0; c < 3; c++) {
          const { mask, shift, top } = channels[c];
          out.data[o + c] = Math.floor(((value & mask) >>> shift) * 255 / top);
        }
      }
    }
  }
  return out;
}

function readHeader(bytes: Uint8Array, context: DecodeContext): BmpHeader {
  const view = viewOf(bytes);
  const size = bytes.length >= 26 ? view.getUint32(FILE_HEADER_BYTES, true) : 0;
  if (size < CORE_HEADER_BYTES || FILE_HEADER_BYTES + size > bytes.length) {
    throw pictureError(context, `its BMP header claims ${size} bytes, the file has ${bytes.length}`);
  }
  const core = size === CORE_HEADER_BYTES;
  if (!core && size < INFO_HEADER_BYTES) {
    throw pictureError(context, `its BMP header of ${size} bytes is of no known kind`);
  }
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = core ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signed);
  checkSize(context, width, height);
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? RGB : view.getUint32(30, true);
  const known = compression === RGB
    ? [1, 4, 8, 16, 24, 32]
    : compression === RLE8
    ? [8]
    : compression === RLE4
    ? [4]
    : compression === BITFIELDS
    ? [16, 32]
    : [];
  if (!known.includes(bits)) {
    throw pictureError(
      context,
      `its BMP header asks for ${bits} bits with compression ${compression}, which is not supported`,
    );
  }
  const maskBytes = compression === BITFIELDS && size === 40 ? 12 : 0;
  const start = FILE_HEADER_BYTES + size + maskBytes;
  if (compression === BITFIELDS && bytes.length < 66) throw pictureError(context, "its BMP colour masks are cut off");
  const masks: [number, number, number] = compression === BITFIELDS
    ? [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)]
    : bits === 16
    ? [0x7c00, 0x3e0, 0x1f]
    : [0xff0000, 0xff00, 0xff];
  const offset = view.getUint32(10, true);
  const palette = new Uint8Array(768);
  if (bits <= 8) {
    const entry = core ? 3 : 4;
    const stated = core ? 0 : view.getUint32(46, true);
    const room = Math.max(0, Math.floor((offset - start) / entry));
    const colors = Math.min(stated || 1 << bits, 1 << bits, room);
    for (let i = 0; i < colors; i++) {
      for (let c = 0; c < 3; c++) palette[3 * i + c] = bytes[start + entry * i + 2 - c];
    }
  }
  return { width, height, topDown: signed < 0, bits, compression, palette, masks, pixels: bytes.subarray(offset) };
}

/** Expands runs to one index a pixel, rows as stored; pixels that no run reaches are 0. */
function expandRuns({ width, height, compression, pixels }: BmpHeader, context: DecodeContext): Uint8Array {
  const out = new Uint8Array(width * height);
  const four = compression === RLE4;
  let x = 0, y = 0;
  const put = (index: number): void => {
    if (x < width && y < height) out[y * width + x] = index;
    x++;
  };
  let ended = false;
  for (let at = 0; at + 1 < pixels.length && y < height && !ended;) {
    const [count, value] = [pixels[at], pixels[at + 1]];
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) put(four ? value >> (i & 1 ? 0 : 4) & 15 : value);
    } else if (value === 0) {
      x = 0, y++;
    } else if (value === 1) {
      ended = true;
    } else if (value === 2) {
      x += pixels[at], y += pixels[at + 1];
      at += 2;
    } else {
      for (let i = 0; i < value; i++) put(four ? pixels[at + (i >> 1)] >> (i & 1 ? 0 : 4) & 15 : pixels[at + i]);
      // A literal run is padded to an even number of bytes.
      const used = four ? (value + 1) >> 1 : value;
      at += used + (used & 1);
    }
  }
  if (!ended && y < height) throw pictureError(context, `its runs are cut off in row ${y} of ${height}`);
  return out;
}
