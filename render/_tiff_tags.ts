import { type DecodeContext, pictureError, viewOf } from "./_decode_context.ts";

/** A directory's integer tags, by number. */
export interface TiffTags {
  readonly littleEndian: boolean;
  /** The values of a tag; undefined when it is missing or holds no integers. */
  get(tag: number): readonly number[] | undefined;
  has(tag: number): boolean;
}

/** Bytes of a value by field type: BYTE, ASCII, SHORT, LONG, …, UNDEFINED; only unsigned integers are read. */
const VALUE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 7: 1 };

/**
 * Reads the first directory of a TIFF, which may also be an EXIF block.
 *
 * @throws {PictureError} If the directory or a tag's values lie outside the file.
 *
 * Source: TIFF 6.0, section 2.
 */
export function readTiffTags(bytes: Uint8Array, context: DecodeContext): TiffTags {
  const view = viewOf(bytes);
  const littleEndian = bytes[0] === 0x49;
  if (bytes.length < 8) throw pictureError(context, `it is cut off after ${bytes.length} bytes`);
  const start = view.getUint32(4, littleEndian);
  const outside = (): Error => pictureError(context, `its TIFF directory at byte ${start} leaves the file`);
  if (start + 2 > bytes.length) throw outside();
  const count = view.getUint16(start, littleEndian);
  if (start + 2 + 12 * count > bytes.length) throw outside();
  const places = new Map<number, { width: number; values: number; at: number }>();
  for (let i = 0; i < count; i++) {
    const entry = start + 2 + 12 * i;
    const width = VALUE_BYTES[view.getUint16(entry + 2, littleEndian)];
    if (width === undefined) continue;
    const values = view.getUint32(entry + 4, littleEndian);
    const at = width * values <= 4 ? entry + 8 : view.getUint32(entry + 8, littleEndian);
    const tag = view.getUint16(entry, littleEndian);
    if (at + width * values > bytes.length) {
      throw pictureError(context, `the ${values} values of its TIFF tag ${tag} leave the file`);
    }
    places.set(tag, { width, values, at });
  }
  // Read when asked for: 65,535 tags may each claim the whole file as their values.
  const known = new Map<number, readonly number[]>();
  const read = (tag: number): readonly number[] | undefined => {
    const place = places.get(tag);
    if (place === undefined) return undefined;
    const { width, values, at } = place;
    const list = Array.from(
      { length: values },
      (_, k) =>
        width === 1
          ? bytes[at + k]
          : width === 2
          ? view.getUint16(at + 2 * k, littleEndian)
          : view.getUint32(at + 4 * k, littleEndian),
    );
    known.set(tag, list);
    return list;
  };
  return { littleEndian, get: (tag) => known.get(tag) ?? read(tag), has: (tag) => places.has(tag) };
}
