/**
 * The form in which the viewer stores a picture: the original file where browsers show it rightly, else a small JPEG.
 * @module
 */
import { PictureError } from "../compute/errors.ts";
import { exifOrientation } from "./_exif.ts";
import { decodePicture, MAX_PICTURE_PIXELS } from "./decode_picture.ts";
import { encodeJpeg } from "./encode_jpeg.ts";
import { resize } from "./resize.ts";
import type { StoredPicture } from "./viewer_data.ts";

/** Originals up to this size are kept. */
export const MAX_ORIGINAL_BYTES = 64 << 10;
/** Short side that larger pictures are reduced to, in pixels. */
export const STORED_SIDE = 320;

/** How pictures are stored. */
export interface StoredPictureOptions {
  /** Names the picture in errors. */
  readonly name?: string;
  /** Default {@linkcode MAX_ORIGINAL_BYTES}; 0 encodes every picture anew. */
  readonly maxOriginalBytes?: number;
  /** Default {@linkcode STORED_SIDE}. */
  readonly side?: number;
  /** Quality of new JPEGs, default 82. */
  readonly quality?: number;
  /** Largest width · height to decode; `decodePicture`'s own limit unless told. */
  readonly maxPixels?: number;
  /** Turn the picture as its EXIF orientation says, if the activations were recorded that way. Default false. */
  readonly applyExif?: boolean;
}

/**
 * Makes what `ViewerRun.picture` may give: bytes for a browser, and the source's size for the affine map.
 *
 * A JPEG of gray or YCbCr that is small enough keeps its pixels bit by bit, but loses its EXIF, XMP and comment
 * segments: browsers would turn the picture by its orientation, while activations come from unturned pixels (and a page
 * opened from disk cannot switch that off), and they may hold places and names. Anything else is decoded, reduced
 * to a short side of 320 pixels if it is larger, and encoded as JPEG.
 *
 * @param bytes The picture's file, of any format that `decodePicture` reads.
 * @returns The stored form; `failed` if the picture cannot be read: one must not end a viewer of thousands.
 *
 * @example
 * ```ts
 * import { encodeJpeg } from "./encode_jpeg.ts";
 * import { picture } from "./picture.ts";
 * import { storedPicture } from "./stored_picture.ts";
 * const stored = await storedPicture(await encodeJpeg(picture(20, 10)));
 * console.assert("bytes" in stored && stored.width === 20);
 * ```
 */
export async function storedPicture(bytes: Uint8Array, options: StoredPictureOptions = {}): Promise<StoredPicture> {
  return keptPicture(bytes, options) ?? await smallPicture(bytes, options);
}

/** The file itself, without its descriptive segments, if it may be kept; else undefined. Decodes nothing. */
export function keptPicture(bytes: Uint8Array, options: StoredPictureOptions): StoredPicture | undefined {
  const { name = "", maxOriginalBytes = MAX_ORIGINAL_BYTES, maxPixels = MAX_PICTURE_PIXELS, applyExif } = options;
  if (bytes.length > maxOriginalBytes) return undefined;
  const kept = plainJpeg(bytes);
  if (kept === undefined || kept.width * kept.height > maxPixels) return undefined;
  if (applyExif && exifOrientation(bytes, { name, maxPixels }) !== 1) return undefined;
  return { ...kept, type: "jpeg" };
}

/** A new JPEG of at most the side asked for. */
export async function smallPicture(bytes: Uint8Array, options: StoredPictureOptions): Promise<StoredPicture> {
  const { name, side = STORED_SIDE, quality, maxPixels, applyExif } = options;
  try {
    const source = await decodePicture(bytes, { name, maxPixels, applyExif });
    const { width, height } = source;
    const scale = Math.min(1, side / Math.min(width, height));
    const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
    const small = scale < 1 ? resize(source, size, { x: 0, y: 0, ...size }) : source;
    return { bytes: await encodeJpeg(small, { quality }), type: "jpeg", width, height };
  } catch (error) {
    if (!(error instanceof PictureError) && !(error instanceof RangeError)) throw error;
    return { failed: error.message };
  }
}

/** Application segments that are kept: JFIF and Adobe say what the colours are. */
const COLOUR_SEGMENTS = new Set([0xe0, 0xee]);

/**
 * A JPEG without its descriptive segments, and its size; undefined if it is none, has another number of channels than
 * one or three, or its segments do not lead to a scan.
 */
function plainJpeg(bytes: Uint8Array): { bytes: Uint8Array; width: number; height: number } | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [bytes.subarray(0, 2)];
  let size: { width: number; height: number } | undefined;
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xda) {
      // A picture that is cut off should be named, not shown half.
      const isWhole = bytes.subarray(-64).some((byte, i, tail) => byte === 0xff && tail[i + 1] === 0xd9);
      if (size === undefined || !isWhole) return undefined;
      parts.push(bytes.subarray(at));
      const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let to = 0;
      for (const part of parts) {
        out.set(part, to);
        to += part.length;
      }
      return { bytes: out, ...size };
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.length) return undefined;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      // Lossless, hierarchical and arithmetic frames are not for browsers.
      if (marker > 0xc2 || end < at + 10 || ![1, 3].includes(bytes[at + 9])) return undefined;
      size = { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
      if (size.width === 0 || size.height === 0) return undefined;
    }
    const isDescription = marker === 0xfe || marker >= 0xe0 && marker <= 0xef && !COLOUR_SEGMENTS.has(marker);
    if (!isDescription) parts.push(bytes.subarray(at, end));
    at = end;
  }
  return undefined;
}
