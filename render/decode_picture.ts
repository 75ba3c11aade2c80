/**
 * Pictures from files of any of the usual formats.
 * @module
 */
import { PictureError } from "../compute/errors.ts";
import { asciiAt, type DecodeContext, pictureError } from "./_decode_context.ts";
import { exifOrientation, turnUpright } from "./_exif.ts";
import { decodeBmp } from "./decode_bmp.ts";
import { decodeGif } from "./decode_gif.ts";
import { decodeJpeg } from "./decode_jpeg.ts";
import { decodePng } from "./decode_png.ts";
import { decodePnm } from "./decode_pnm.ts";
import { decodeTiff } from "./decode_tiff.ts";
import { decodeWebp } from "./decode_webp.ts";
import type { Picture } from "./picture.ts";
import { toHex } from "./_text_bytes.ts";

/** How to read a picture. */
export interface DecodeOptions {
  /** The picture's file, or its name within a table: named in errors. */
  readonly name?: string;
  /** Largest width · height to accept. Default {@linkcode MAX_PICTURE_PIXELS}. */
  readonly maxPixels?: number;
  /** Turn the picture as its EXIF orientation says. Default false: activations come from unturned pixels. */
  readonly applyExif?: boolean;
}

/** Default of {@linkcode DecodeOptions.maxPixels}: Pillow's limit, past which it suspects a decompression bomb, in pixels. */
export const MAX_PICTURE_PIXELS = 178_956_970;

type Decoder = (bytes: Uint8Array, context: DecodeContext) => Picture | Promise<Picture>;

/** Nothing but a {@linkcode PictureError} leaves a decoder: one picture must not end a rendering of thousands. */
async function decodeOrName(decode: Decoder, bytes: Uint8Array, context: DecodeContext): Promise<Picture> {
  try {
    return await decode(bytes, context);
  } catch (cause) {
    if (cause instanceof PictureError) throw cause;
    throw pictureError(context, `its decoder failed (${cause instanceof Error ? cause.message : cause})`, cause);
  }
}

/** The decoder for a file, by its first bytes; the extension is never asked. */
function decoderOf(bytes: Uint8Array): Decoder | undefined {
  const head = asciiAt(bytes, 0, 12);
  if (head.startsWith("\xff\xd8\xff")) return decodeJpeg;
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return decodePng;
  if (/^P[1-6][\s#]/.test(head)) return decodePnm;
  if (head.startsWith("BM")) return decodeBmp;
  if (head.startsWith("GIF87a") || head.startsWith("GIF89a")) return decodeGif;
  if (head.startsWith("RIFF") && head.endsWith("WEBP")) return decodeWebp;
  if (head.startsWith("II*\0") || head.startsWith("MM\0*")) return decodeTiff;
  return undefined;
}

/**
 * Decodes a picture to RGB, as Pillow's `Image.open(…).convert("RGB")` reads it.
 *
 * JPEG, PNG, WebP, TIFF, BMP, GIF (first frame) and PNM, told by content. Transparency is dropped, not composited;
 * 16-bit colour keeps its high byte, and 16-bit gray is clipped to 0 … 255, both as Pillow does. The size is read from
 * the header first, and an overlong picture is refused before memory is taken for it. Needs no permission.
 *
 * @param bytes The file.
 * @param options Name, size limit and orientation.
 * @returns The picture.
 * @throws {PictureError} If the format is unknown, the data is damaged or cut off, or the picture passes `maxPixels`.
 *
 * @example
 * ```ts
 * import { decodePicture } from "./decode_picture.ts";
 * import { encodePng } from "./encode_png.ts";
 * import { picture } from "./picture.ts";
 * const copy = await decodePicture(encodePng(picture(3, 2)), { name: "black.png" });
 * console.assert(copy.width === 3 && copy.height === 2);
 * ```
 */
export async function decodePicture(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  const context = { name: options.name ?? "(unnamed)", maxPixels: options.maxPixels ?? MAX_PICTURE_PIXELS };
  const decode = decoderOf(bytes);
  if (decode === undefined) {
    const found = bytes.length === 0 ? "it is empty" : `its first bytes are ${toHex(bytes.subarray(0, 8))}`;
    throw pictureError(context, `${found}, expected JPEG, PNG, WebP, TIFF, BMP, GIF or PNM`);
  }
  const decoded = await decodeOrName(decode, bytes, context);
  return options.applyExif ? turnUpright(decoded, exifOrientation(bytes, context)) : decoded;
}
