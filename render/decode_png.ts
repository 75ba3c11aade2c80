/**
 * PNG pictures of every colour type and depth, read as Pillow's `convert("RGB")` reads them.
 * @module
 */
import { crc32 } from "./_crc32.ts";
import { asciiAt, checkSize, type DecodeContext, pictureError, viewOf } from "./_decode_context.ts";
import { unfilterPng } from "./_unfilter_png.ts";
import { MAX_DEFLATE_RATIO, MAX_DEFLATE_SLACK_BYTES } from "./_inflate_limits.ts";
import { inflateZlib } from "./_zlib.js";
import { type Picture, picture } from "./picture.ts";

/** Samples in a pixel, by colour type. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Bit depths that the standard allows, by colour type. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** Adam7's seven passes: first column and row, then the steps. */
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colorType: number;
  readonly interlaced: boolean;
}

/**
 * Decodes a PNG to RGB: all colour types, depths 1 … 16, plain or interlaced.
 *
 * As Pillow does: transparency is dropped, not composited; 16-bit colour keeps its high byte; 16-bit gray is clipped
 * to 0 … 255 (Pillow opens it as integers and clips on conversion); lower depths are stretched to 0 … 255; indices
 * past the palette's end are grays.
 *
 * @param bytes The file.
 * @param context Name and size limit.
 * @throws {PictureError} If a chunk is damaged (its CRC is wrong), missing or cut off, or the size passes the limit.
 *
 * Source: PNG specification (third edition); Pillow 9.4, `PngImagePlugin.py` and `libImaging/Convert.c`.
 */
export function decodePng(bytes: Uint8Array, context: DecodeContext): Picture {
  const { header, palette, data } = readChunks(bytes, context);
  const { width, height, depth, colorType, interlaced } = header;
  const bits = CHANNELS[colorType] * depth;
  const passes = (interlaced ? ADAM7 : [[0, 0, 1, 1]]).map(([x0, y0, dx, dy]) => {
    const columns = Math.max(0, Math.ceil((width - x0) / dx));
    const rows = columns === 0 ? 0 : Math.max(0, Math.ceil((height - y0) / dy));
    return { x0, y0, dx, dy, columns, rows, rowBytes: Math.ceil(columns * bits / 8) };
  });
  const size = passes.reduce((sum, pass) => sum + pass.rows * (pass.rowBytes + 1), 0);
  if (size > MAX_DEFLATE_RATIO * data.length) {
    throw pictureError(context, `its PNG data is cut off: ${data.length} bytes cannot hold the ${size} of its pixels`);
  }
  let raw: Uint8Array;
  try {
    // What follows the pixels' last byte is not even looked at, but for the slack that encoders need.
    raw = inflateZlib(data.subarray(0, 2 * size + MAX_DEFLATE_SLACK_BYTES), size);
  } catch (cause) {
    throw pictureError(context, "its PNG data is damaged or cut off", cause);
  }
  if (raw.length < size) throw pictureError(context, `its PNG data holds ${raw.length} bytes, expected ${size}`);
  const out = picture(width, height);
  let offset = 0;
  for (const pass of passes) {
    const part = raw.subarray(offset, offset += pass.rows * (pass.rowBytes + 1));
    const bad = unfilterPng(part, { height: pass.rows, rowBytes: pass.rowBytes, pixelBytes: Math.max(1, bits >> 3) });
    if (bad >= 0) throw pictureError(context, `a row has the filter number ${bad}, expected 0 to 4`);
    for (let row = 0; row < pass.rows; row++) {
      const start = row * (pass.rowBytes + 1) + 1;
      const target = 3 * ((pass.y0 + row * pass.dy) * width + pass.x0);
      rowToRgb(part.subarray(start, start + pass.rowBytes), header, palette, out.data, {
        start: target,
        step: 3 * pass.dx,
        columns: pass.columns,
      });
    }
  }
  return out;
}

/** Writes one row of samples as RGB, from `to.start` on, `to.step` bytes from pixel to pixel. */
function rowToRgb(
  row: Uint8Array,
  header: PngHeader,
  palette: Uint8Array,
  out: Uint8Array,
  to: { start: number; step: number; columns: number },
): void {
  const { depth, colorType } = header;
  const { step, columns } = to;
  let o = to.start;
  if (colorType === 2 && depth === 8 && step === 3) {
    out.set(row.subarray(0, 3 * columns), o);
  } else if (colorType === 2 || colorType === 6) {
    const wide = depth >> 3;
    const pixel = CHANNELS[colorType] * wide;
    for (let i = 0; i < columns * pixel; i += pixel, o += step) {
      out[o] = row[i];
      out[o + 1] = row[i + wide];
      out[o + 2] = row[i + 2 * wide];
    }
  } else if (depth >= 8 && colorType !== 3) {
    // Gray, with or without alpha. 16-bit gray without alpha is clipped; with alpha Pillow keeps the high byte.
    const clipped = depth === 16 && colorType === 0;
    const pixel = CHANNELS[colorType] * (depth >> 3);
    for (let i = 0; i < columns * pixel; i += pixel, o += step) {
      out[o] = out[o + 1] = out[o + 2] = clipped && row[i] > 0 ? 255 : row[clipped ? i + 1 : i];
    }
  } else {
    const mask = (1 << depth) - 1;
    const stretch = 255 / mask;
    for (let x = 0; x < columns; x++, o += step) {
      const bit = x * depth;
      const sample = row[bit >> 3] >> (8 - depth - (bit & 7)) & mask;
      for (let c = 0; c < 3; c++) out[o + c] = colorType === 3 ? palette[3 * sample + c] : sample * stretch;
    }
  }
}

/** Reads the header, the palette and the joined data chunks, checking each chunk's bounds and CRC. */
function readChunks(
  bytes: Uint8Array,
  context: DecodeContext,
): { header: PngHeader; palette: Uint8Array; data: Uint8Array } {
  const view = viewOf(bytes);
  const parts: Uint8Array[] = [];
  let header: PngHeader | undefined;
  // Always 256 entries: an index past the stored ones reads gray, as in Pillow.
  const palette = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  let colors = 0;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = asciiAt(bytes, at + 4);
    if (at + 12 + length > bytes.length) {
      throw pictureError(context, `its ${type} chunk needs ${length} bytes, ${bytes.length - at - 12} are left`);
    }
    const body = bytes.subarray(at + 8, at + 8 + length);
    const critical = (bytes[at + 4] & 0x20) === 0;
    if (critical && crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw pictureError(context, `its ${type} chunk at byte ${at} is damaged, the checksum does not match`);
    }
    if (type === "IHDR") header = readHeader(body, context);
    else if (type === "PLTE") palette.set(body.subarray(0, 768)), colors = length;
    else if (type === "IDAT") parts.push(body);
    else if (type === "IEND") break;
    at += 12 + length;
  }
  if (header === undefined) throw pictureError(context, "it has no PNG header chunk");
  if (parts.length === 0) throw pictureError(context, "it has no PNG data chunk");
  if (header.colorType === 3 && colors === 0) throw pictureError(context, "it is indexed and has no palette");
  const data = parts.length === 1 ? parts[0] : new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  if (parts.length > 1) {
    let offset = 0;
    for (const part of parts) data.set(part, offset), offset += part.length;
  }
  return { header, palette, data };
}

function readHeader(body: Uint8Array, context: DecodeContext): PngHeader {
  if (body.length < 13) throw pictureError(context, `its PNG header has ${body.length} bytes, expected 13`);
  const view = viewOf(body);
  const [width, height, depth, colorType] = [view.getUint32(0), view.getUint32(4), body[8], body[9]];
  checkSize(context, width, height);
  if (!DEPTHS[colorType]?.includes(depth)) {
    throw pictureError(
      context,
      `its PNG header says colour type ${colorType} with ${depth} bits, which does not exist`,
    );
  }
  if (body[10] !== 0 || body[11] !== 0 || body[12] > 1) {
    throw pictureError(
      context,
      `its PNG header asks for methods ${body.subarray(10, 13).join(", ")}, which do not exist`,
    );
  }
  return { width, height, depth, colorType, interlaced: body[12] === 1 };
}
