/**
 * JPEG pictures, decoded by libjpeg-turbo: the same bits as Pillow.
 * @module
 */
import { cmykToRgb } from "./_cmyk.ts";
import { checkSize, type DecodeContext, pictureError } from "./_decode_context.ts";
import { instantiateJpegTurbo, type JpegTurbo } from "./_jpeg_turbo.js";
import { type Picture, picture } from "./picture.ts";

/** TurboJPEG's numbers for output formats and for colour spaces with four inks. */
const FORMAT_RGB = 0;
const FORMAT_CMYK = 11;
const FIRST_FOUR_INK_SPACE = 3;

/** WebAssembly memory never shrinks: past this the instance is dropped after the picture. */
const MAX_KEPT_MEMORY_BYTES = 128 * 1024 * 1024;

/** Scans that any picture may have, and the pixels that all scans of one with more may go over. */
const FREE_SCANS = 64;
const MAX_SCANNED_PIXELS = 1 << 28;

let kept: JpegTurbo | undefined;

/**
 * Decodes a JPEG: baseline or progressive, gray, YCbCr, RGB, CMYK or YCCK, any subsampling, exactly as Pillow does.
 *
 * CMYK is taken as inverted (Adobe's convention, Pillow's assumption) and turned to RGB by Pillow's integer formula
 * `nk − (c·nk)/255`. Damage that libjpeg only warns about is accepted when the file is complete, as Pillow accepts it.
 *
 * @param bytes The file.
 * @param context Name and size limit.
 * @throws {PictureError} If the data is not a JPEG, is damaged or cut off, or passes the size limit.
 */
export function decodeJpeg(bytes: Uint8Array, context: DecodeContext): Picture {
  const jpeg = kept ?? instantiateJpegTurbo();
  // Taken out while in use: an exception leaves the instance in an unknown state, and the next call makes a new one.
  kept = undefined;
  const result = decodeWith(jpeg, bytes, context);
  if (jpeg.memory.buffer.byteLength <= MAX_KEPT_MEMORY_BYTES) kept = jpeg;
  return result;
}

function decodeWith(jpeg: JpegTurbo, bytes: Uint8Array, context: DecodeContext): Picture {
  const handle = jpeg.tjInitDecompress();
  const input = jpeg.malloc(bytes.length);
  if (handle === 0 || input === 0) throw pictureError(context, "the decoder found no memory for its input");
  new Uint8Array(jpeg.memory.buffer, input, bytes.length).set(bytes);
  const info = jpeg.malloc(16);
  let width = 0, height = 0, inks = 0;
  try {
    new Int32Array(jpeg.memory.buffer, info, 4).fill(0);
    const status = jpeg.tjDecompressHeader3(handle, input, bytes.length, info, info + 4, info + 8, info + 12);
    const found = new Int32Array(jpeg.memory.buffer, info, 4);
    [width, height] = found;
    inks = found[3] >= FIRST_FOUR_INK_SPACE ? 4 : 3;
    if (status !== 0 && !(width > 0 && height > 0)) throw new Error("No frame header");
  } catch (cause) {
    throw pictureError(context, "it has no readable JPEG header", cause);
  }
  checkSize(context, width, height);
  checkScans(bytes, width * height, context);
  const size = width * height * inks;
  const output = jpeg.malloc(size);
  if (output === 0) throw pictureError(context, `the decoder found no memory for ${width} x ${height} pixels`);
  let status: number;
  try {
    const format = inks === 4 ? FORMAT_CMYK : FORMAT_RGB;
    status = jpeg.tjDecompress2(handle, input, bytes.length, output, width, width * inks, height, format, 0);
  } catch (cause) {
    throw pictureError(context, "its JPEG data is damaged", cause);
  }
  if (status !== 0 && !endsProperly(bytes)) {
    throw pictureError(context, `its JPEG data is cut off after ${bytes.length} bytes, no end marker was found`);
  }
  const pixels = new Uint8Array(jpeg.memory.buffer, output, size);
  const data = inks === 4 ? cmykToRgb(pixels, true) : pixels.slice();
  jpeg.free(output);
  jpeg.free(info);
  jpeg.free(input);
  jpeg.tjDestroy(handle);
  return picture(width, height, data);
}

/**
 * Every scan of a progressive JPEG goes over the whole picture, also an empty one of ten bytes: a file of a megabyte could
 * keep the decoder busy for hours. Encoders make ten or so.
 */
function checkScans(bytes: Uint8Array, pixels: number, context: DecodeContext): void {
  let scans = 0;
  for (let i = bytes.indexOf(0xff); i >= 0 && i + 1 < bytes.length; i = bytes.indexOf(0xff, i + 1)) {
    if (bytes[i + 1] === 0xda) scans++;
  }
  if (scans > FREE_SCANS && scans * pixels > MAX_SCANNED_PIXELS) {
    throw pictureError(context, `it goes over its ${pixels} pixels in ${scans} scans, more than a picture needs`);
  }
}

/** True when an end-of-image marker follows the last start-of-scan marker. */
function endsProperly(bytes: Uint8Array): boolean {
  for (let i = bytes.length - 2; i >= 0; i--) {
    if (bytes[i] !== 0xff) continue;
    if (bytes[i + 1] === 0xd9) return true;
    if (bytes[i + 1] === 0xda) return false;
  }
  return false;
}
