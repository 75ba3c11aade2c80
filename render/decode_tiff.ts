/**
 * TIFF pictures: the first page.
 * @module
 */
import { cmykToRgb } from "./_cmyk.ts";
import { checkSize, type DecodeContext, pictureError } from "./_decode_context.ts";
import { expandTiffBlock, undoPredictor } from "./_tiff_blocks.ts";
import { readTiffTags, type TiffTags } from "./_tiff_tags.ts";
import { decodeJpeg } from "./decode_jpeg.ts";
import { type Picture, picture } from "./picture.ts";

const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR] = [0, 1, 2, 3, 5, 6];
/** Samples of a pixel by photometric interpretation, extra ones (alpha) not counted. */
const SAMPLES: Readonly<Record<number, number>> = {
  [WHITE_IS_ZERO]: 1,
  [BLACK_IS_ZERO]: 1,
  [RGB]: 3,
  [PALETTE]: 1,
  [CMYK]: 4,
  [YCBCR]: 3,
};
const JPEG = 7;
/** Of all that is decoded, for each pixel that is allowed. */
const MAX_SAMPLES_PER_PIXEL = 8;
/** Small pictures may be cut from large tiles. */
const MIN_WORK_PIXELS = 1 << 20;
/** Blocks do not overlap; a file that states their lengths with too much room is still read. */
const MAX_OVERLAP = 4;
/** Four tables for quantisation and eight for codes, in bytes, with room. */
const MAX_TABLE_BYTES = 1 << 14;
/** A JPEG's own size is a multiple of its blocks, and may pass its tile's by this much. */
const JPEG_PADDING = 16;

/** The page as its tags describe it. */
interface Page {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** Samples stored per pixel, alpha included. */
  readonly samples: number;
  readonly photometric: number;
  readonly compression: number;
  readonly predictor: number;
  /** Each sample in planes of its own. */
  readonly planar: boolean;
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly offsets: readonly number[];
  readonly lengths: readonly number[];
}

/**
 * Decodes a TIFF's first page as Pillow's `convert("RGB")`: bilevel, gray, palette, RGB and CMYK of 1 to 16 bits, in
 * strips or tiles, stored plainly, as PackBits, LZW, Deflate or JPEG.
 *
 * Alpha is dropped; 16-bit colour keeps its high byte; 16-bit gray is clipped to 0 … 255.
 *
 * @param bytes The file.
 * @param context Name and size limit.
 * @throws {PictureError} If the page is damaged or cut off, uses what is not listed above, or passes the size limit.
 *
 * Source: TIFF 6.0; Pillow 9.4, `TiffImagePlugin.py`.
 */
export function decodeTiff(bytes: Uint8Array, context: DecodeContext): Picture {
  const tags = readTiffTags(bytes, context);
  const page = readPage(tags, context);
  const across = Math.ceil(page.width / page.blockWidth);
  const perPlane = across * Math.ceil(page.height / page.blockHeight);
  const planes = page.planar ? page.samples : 1;
  if (page.offsets.length < perPlane * planes || page.lengths.length < perPlane * planes) {
    throw pictureError(context, `it lists ${page.offsets.length} strips or tiles, expected ${perPlane * planes}`);
  }
  checkWork(page, perPlane, context);
  const claimed = page.lengths.reduce((sum, length) => sum + length, 0);
  if (claimed > MAX_OVERLAP * bytes.length) {
    throw pictureError(context, `its strips or tiles claim ${claimed} bytes of ${bytes.length}`);
  }
  const out = picture(page.width, page.height);
  const jpegHead = page.compression === JPEG ? jpegHeadOf(tags, page, context) : undefined;
  for (let block = 0; block < perPlane; block++) {
    const x = block % across * page.blockWidth;
    const y = Math.floor(block / across) * page.blockHeight;
    // The last strip holds only the rows that are left; tiles are always whole.
    const rows = tags.has(322) ? page.blockHeight : Math.min(page.blockHeight, page.height - y);
    const rgb = jpegHead !== undefined
      ? jpegBlock(bytes, jpegHead, page, { block, rows }, context)
      : samplesToRgb(readSamples(bytes, tags, page, { block, perPlane, rows }, context), tags, page);
    const columns = Math.min(page.blockWidth, page.width - x);
    for (let row = 0; row < rows && y + row < page.height; row++) {
      const start = 3 * row * page.blockWidth;
      out.data.set(rgb.subarray(start, start + 3 * columns), 3 * ((y + row) * page.width + x));
    }
  }
  return out;
}

/**
 * All blocks may lie on the same few bytes, and tiles may be far larger than the picture: what they hold together, edges
 * that are cut off and alpha included, has to stay near the picture's own size.
 */
function checkWork(page: Page, blocks: number, context: DecodeContext): void {
  const pixels = page.blockWidth * page.blockHeight;
  const samples = blocks * pixels * page.samples;
  const limit = MAX_SAMPLES_PER_PIXEL * Math.max(context.maxPixels, MIN_WORK_PIXELS);
  // The last strip may be short, so one more than the picture has is granted.
  if (samples - pixels * page.samples > limit || pixels * page.samples > limit) {
    throw pictureError(context, `its ${blocks} strips or tiles hold ${samples} samples, more than ${limit}`);
  }
}

function readPage(tags: TiffTags, context: DecodeContext): Page {
  const one = (tag: number, standard: number): number => tags.get(tag)?.[0] ?? standard;
  const [width, height] = [one(256, 0), one(257, 0)];
  checkSize(context, width, height);
  const depths = tags.get(258) ?? [1];
  const bits = depths[0];
  const photometric = one(262, -1);
  const samples = one(277, 1);
  const [tileWidth, tileHeight] = [one(322, 0), one(323, 0)];
  const tiled = tags.has(322);
  if (depths.some((depth) => depth !== bits) || ![1, 2, 4, 8, 16].includes(bits)) {
    throw pictureError(context, `its samples have ${depths.join(", ")} bits, expected 1, 2, 4, 8 or 16, all alike`);
  }
  if (SAMPLES[photometric] === undefined || samples < SAMPLES[photometric] || samples > 16) {
    throw pictureError(context, `it has ${samples} samples of photometric kind ${photometric}, which is not supported`);
  }
  if (one(339, 1) !== 1) throw pictureError(context, "its samples are not unsigned integers");
  if (photometric === YCBCR && one(259, 1) !== JPEG) {
    throw pictureError(context, "it is YCbCr without JPEG compression");
  }
  if (tiled && !(tileWidth > 0 && tileHeight > 0)) throw pictureError(context, "its tiles are empty");
  if (tiled) checkSize(context, tileWidth, tileHeight);
  return {
    width,
    height,
    bits,
    samples,
    photometric,
    compression: one(259, 1),
    predictor: one(317, 1),
    planar: one(284, 1) === 2 && samples > 1,
    blockWidth: tiled ? tileWidth : width,
    blockHeight: tiled ? tileHeight : Math.min(height, Math.max(1, one(278, height))),
    offsets: tags.get(tiled ? 324 : 273) ?? [],
    lengths: tags.get(tiled ? 325 : 279) ?? [],
  };
}

/** One block as `u8 or u16 [rows, blockWidth, samples]`, one array element a sample. */
function readSamples(
  bytes: Uint8Array,
  tags: TiffTags,
  page: Page,
  place: { block: number; perPlane: number; rows: number },
  context: DecodeContext,
): Uint16Array {
  const { block, perPlane, rows } = place;
  const planes = page.planar ? page.samples : 1;
  const inPlane = page.samples / planes;
  const count = rows * page.blockWidth;
  const out = new Uint16Array(count * page.samples);
  const rowSamples = page.blockWidth * inPlane;
  const rowBytes = Math.ceil(rowSamples * page.bits / 8);
  for (let plane = 0; plane < planes; plane++) {
    const at = plane * perPlane + block;
    const stored = bytes.subarray(page.offsets[at], page.offsets[at] + page.lengths[at]);
    const raw = expandTiffBlock(stored, page.compression, rowBytes * rows, context);
    if (page.predictor === 2) {
      undoPredictor(raw, { rows, rowSamples, step: inPlane, wide: page.bits === 16, littleEndian: tags.littleEndian });
    } else if (page.predictor !== 1) {
      throw pictureError(context, `it uses predictor ${page.predictor}, expected 1 or 2`);
    }
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < rowSamples; i++) {
        const pixel = row * page.blockWidth + Math.floor(i / inPlane);
        out[pixel * page.samples + (page.planar ? plane : i % inPlane)] = sampleAt(
          raw,
          row * rowBytes,
          i,
          page.bits,
          tags,
        );
      }
    }
  }
  return out;
}

function sampleAt(raw: Uint8Array, line: number, i: number, bits: number, tags: TiffTags): number {
  if (bits === 8) return raw[line + i];
  if (bits === 16) {
    const at = line + 2 * i;
    return tags.littleEndian ? raw[at] | raw[at + 1] << 8 : raw[at] << 8 | raw[at + 1];
  }
  const bit = i * bits;
  return raw[line + (bit >> 3)] >> (8 - bits - (bit & 7)) & (1 << bits) - 1;
}

/** Samples as `u8 [n, 3]`. */
function samplesToRgb(samples: Uint16Array, tags: TiffTags, page: Page): Uint8Array {
  const { bits, photometric } = page;
  const step = page.samples;
  const pixels = samples.length / step;
  const top = (1 << bits) - 1;
  const out = new Uint8Array(3 * pixels);
  const high = (sample: number): number => bits === 16 ? sample >> 8 : bits === 8 ? sample : sample * 255 / top;
  if (photometric === CMYK) {
    const inks = new Uint8Array(4 * pixels);
    for (let i = 0; i < inks.length; i++) inks[i] = high(samples[(i >> 2) * step + (i & 3)]);
    return cmykToRgb(inks, false);
  }
  const map = tags.get(320) ?? [];
  for (let pixel = 0, o = 0; pixel < pixels; pixel++, o += 3) {
    const sample = samples[pixel * step];
    for (let c = 0; c < 3; c++) {
      if (photometric === RGB) out[o + c] = high(samples[pixel * step + c]);
      else if (photometric === PALETTE) out[o + c] = (map[c * (top + 1) + sample] ?? 0) >> 8;
      else {
        const gray = photometric === WHITE_IS_ZERO ? top - sample : sample;
        out[o + c] = bits === 16 && step === 1 ? Math.min(255, gray) : high(gray);
      }
    }
  }
  return out;
}

/** What comes before every JPEG block's own data: the shared tables, and a marker for the colours. */
function jpegHeadOf(tags: TiffTags, page: Page, context: DecodeContext): Uint8Array {
  const tables = Uint8Array.from(tags.get(347) ?? [0xff, 0xd8, 0xff, 0xd9]);
  // Adobe's marker tells whether three components are RGB (0) or YCbCr (1): the TIFF tag knows, the JPEG need not.
  const adobe = [0xff, 0xee, 0, 14, 65, 100, 111, 98, 101, 0, 100, 0, 0, 0, 0, page.photometric === YCBCR ? 1 : 0];
  const start = [0xff, 0xd8, ...(page.samples === 3 ? adobe : [])];
  if (tables.length > MAX_TABLE_BYTES) throw pictureError(context, `its JPEG tables take ${tables.length} bytes`);
  const head = new Uint8Array(start.length + Math.max(0, tables.length - 4));
  head.set(start);
  head.set(tables.subarray(2, -2), start.length);
  return head;
}

/** A JPEG block as one stream with what comes before it. Pixels past the JPEG's own edge stay black. */
function jpegBlock(
  bytes: Uint8Array,
  head: Uint8Array,
  page: Page,
  { block, rows }: { block: number; rows: number },
  context: DecodeContext,
): Uint8Array {
  if (page.planar) throw pictureError(context, "it is JPEG-compressed in separate planes, which is not supported");
  const data = bytes.subarray(page.offsets[block], page.offsets[block] + page.lengths[block]);
  const stream = new Uint8Array(head.length + Math.max(0, data.length - 2));
  stream.set(head);
  stream.set(data.subarray(2), head.length);
  const maxPixels = Math.min(context.maxPixels, (page.blockWidth + JPEG_PADDING) * (page.blockHeight + JPEG_PADDING));
  const part = decodeJpeg(stream, { ...context, maxPixels });
  const out = new Uint8Array(3 * rows * page.blockWidth);
  const columns = Math.min(part.width, page.blockWidth);
  for (let row = 0; row < Math.min(rows, part.height); row++) {
    out.set(part.data.subarray(3 * row * part.width, 3 * (row * part.width + columns)), 3 * row * page.blockWidth);
  }
  return out;
}
