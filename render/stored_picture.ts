/**
 * The form in which the viewer stores a picture: the original file where browsers show it rightly, else a small JPEG.
 * @module
 */
import { PictureError } from "../compute/errors.ts";
import { decodePicture } from "./decode_picture.ts";
import { encodeJpeg } from "./encode_jpeg.ts";
import { keptPicture, type StoredPictureOptions } from "./kept_picture.ts";
import { resize } from "./resize.ts";
import type { StoredPicture } from "./viewer_data.ts";

/** Short side that larger pictures are reduced to, in pixels. */
export const STORED_SIDE = 320;

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
 * const stored = await storedPicture(encodeJpeg(picture(20, 10)));
 * console.assert("bytes" in stored && stored.width === 20);
 * ```
 */
export async function storedPicture(bytes: Uint8Array, options: StoredPictureOptions = {}): Promise<StoredPicture> {
  return keptPicture(bytes, options) ?? await smallPicture(bytes, options);
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
    return { bytes: encodeJpeg(small, { quality }), type: "jpeg", width, height };
  } catch (error) {
    if (!(error instanceof PictureError) && !(error instanceof RangeError)) throw error;
    return { failed: error.message };
  }
}
