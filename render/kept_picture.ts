/**
 * Pictures that the viewer keeps as they are: small JPEGs, without what they say of anything but pixels.
 * @module
 */
import { exifOrientation } from "./_exif.ts";
import { MAX_PICTURE_PIXELS } from "./decode_picture.ts";
import type { StoredPicture } from "./viewer_data.ts";

/** Originals up to this size are kept. */
export const MAX_ORIGINAL_BYTES = 64 << 10;
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
 * The file itself, without its descriptive segments, if it may be kept. Decodes nothing.
 *
 * @param bytes The picture's file, of any format.
 * @returns What is stored; undefined for anything but a small, whole JPEG of gray or YCbCr that is not to be turned.
 *
 * @example
 * ```ts
 * import { keptPicture } from "./kept_picture.ts";
 * console.assert(keptPicture(new TextEncoder().encode("GIF89a"), {}) === undefined);
 * ```
 */
export function keptPicture(bytes: Uint8Array, options: StoredPictureOptions): StoredPicture | undefined {
  const { name = "", maxOriginalBytes = MAX_ORIGINAL_BYTES, maxPixels = MAX_PICTURE_PIXELS, applyExif } = options;
  if (bytes.length > maxOriginalBytes) return undefined;
  const kept = plainJpeg(bytes);
  if (kept === undefined || kept.width * kept.height > maxPixels) return undefined;
  if (applyExif && exifOrientation(bytes, { name, maxPixels }) !== 1) return undefined;
  return { ...kept, type: "jpeg" };
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
