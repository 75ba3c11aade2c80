import { asciiAt, type DecodeContext, viewOf } from "./_decode_context.ts";
import { readTiffTags } from "./_tiff_tags.ts";
import { type Picture, picture } from "./picture.ts";

/** The tag of the orientation, 1 … 8. */
const ORIENTATION = 274;

/** The orientation that a file's EXIF block states; 1 (upright) when it states none or the block is damaged. */
export function exifOrientation(bytes: Uint8Array, context: DecodeContext): number {
  const block = exifBlock(bytes);
  if (block === undefined) return 1;
  try {
    const value = readTiffTags(block, context).get(ORIENTATION)?.[0] ?? 1;
    return value >= 1 && value <= 8 ? value : 1;
  } catch {
    // A damaged block says nothing about a picture that is whole.
    return 1;
  }
}

/** Finds the EXIF block of a JPEG, PNG, WebP or TIFF file. */
function exifBlock(bytes: Uint8Array): Uint8Array | undefined {
  const view = viewOf(bytes);
  const head = asciiAt(bytes, 0, 4);
  if (head.startsWith("II*") || head.startsWith("MM")) return bytes;
  if (head.startsWith("\xff\xd8")) {
    // Segments up to the first scan: marker, length (its own two bytes included), body.
    for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda;) {
      const end = at + 2 + view.getUint16(at + 2);
      if (bytes[at + 1] === 0xe1 && asciiAt(bytes, at + 4, 6) === "Exif\0\0") return bytes.subarray(at + 10, end);
      at = end;
    }
  } else if (head === "\x89PNG") {
    for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
      if (asciiAt(bytes, at + 4) === "eXIf") return bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    }
  } else if (head === "RIFF") {
    for (let at = 12; at + 8 <= bytes.length;) {
      const length = view.getUint32(at + 4, true);
      if (asciiAt(bytes, at) === "EXIF") return bytes.subarray(at + 8, at + 8 + length);
      at += 8 + length + (length & 1);
    }
  }
  return undefined;
}

/**
 * Turns a picture upright.
 *
 * Orientation o states where the stored first row and column belong: 2 mirrored, 3 half a turn, 4 upside down,
 * 5 transposed, 6 a quarter turn clockwise, 7 transversed, 8 a quarter turn counterclockwise.
 *
 * Source: CIPA DC-008 (Exif 2.3), tag 274; the mapping is that of Pillow's `ImageOps.exif_transpose`.
 */
export function turnUpright(source: Picture, orientation: number): Picture {
  if (orientation === 1) return source;
  const turned = orientation >= 5;
  const [width, height] = turned ? [source.height, source.width] : [source.width, source.height];
  const out = picture(width, height);
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o += 3) {
      // Along the stored row and column: which output axis, and from which end.
      const [u, v] = turned ? [y, x] : [x, y];
      const column = [2, 3, 7, 8].includes(orientation) ? source.width - 1 - u : u;
      const row = [3, 4, 6, 7].includes(orientation) ? source.height - 1 - v : v;
      const i = 3 * (row * source.width + column);
      out.data[o] = source.data[i];
      out.data[o + 1] = source.data[i + 1];
      out.data[o + 2] = source.data[i + 2];
    }
  }
  return out;
}
