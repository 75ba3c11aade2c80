/**
 * The picture type of this room: 8-bit RGB, row-major, nothing else.
 * @module
 */

/** An opaque picture. `data: u8 [height, width, 3]`, row-major, channels red, green, blue, 0 … 255. */
export interface Picture {
  /** Columns, in pixels. */
  readonly width: number;
  /** Rows, in pixels. */
  readonly height: number;
  /** The pixels: `u8 [height, width, 3]`, row-major. */
  readonly data: Uint8Array;
}

/**
 * Makes a picture: black, or over the given pixels without copying them.
 *
 * @param width Columns, a positive integer.
 * @param height Rows, a positive integer.
 * @param data `u8 [height, width, 3]`, row-major; zeros when left out.
 * @returns The picture; it shares memory with `data`.
 * @throws {RangeError} If a side is not a positive integer.
 * @throws {TypeError} If `data` does not hold `height · width · 3` bytes.
 *
 * @example
 * ```ts
 * import { picture } from "./picture.ts";
 * console.assert(picture(4, 2).data.length === 24);
 * ```
 */
export function picture(width: number, height: number, data?: Uint8Array): Picture {
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`Cannot make a picture of ${width} x ${height} pixels: both sides must be positive integers`);
  }
  const pixels = data ?? new Uint8Array(width * height * 3);
  if (pixels.length !== width * height * 3) {
    throw new TypeError(
      `Cannot view ${pixels.length} bytes as ${width} x ${height} RGB pixels, which need ${width * height * 3}`,
    );
  }
  return { width, height, data: pixels };
}

/** Gray of the placeholder's ground, and of its frame and cross. */
const PLACEHOLDER_GRAYS = [0xd8, 0x90] as const;

/**
 * A stand-in for a picture that cannot be decoded: light gray with a frame and a cross from corner to corner.
 *
 * One unreadable picture must not stop a rendering of thousands; what was wrong belongs in the log and the page, so
 * no text is drawn here.
 *
 * @param width Columns, a positive integer.
 * @param height Rows, a positive integer.
 * @returns A picture of that size.
 * @throws {RangeError} If a side is not a positive integer.
 *
 * @example
 * ```ts
 * import { placeholderPicture } from "./picture.ts";
 * const stand = placeholderPicture(64, 64);
 * console.assert(stand.data[0] !== stand.data[3 * (64 * 10 + 32)]);
 * ```
 */
export function placeholderPicture(width: number, height: number): Picture {
  const out = picture(width, height);
  const [ground, line] = PLACEHOLDER_GRAYS;
  const thickness = Math.max(1, Math.round(Math.min(width, height) / 64));
  // Distance to a diagonal in units of the short side: |x/w − y/h| for one, |x/w + y/h − 1| for the other.
  const reach = thickness / Math.min(width, height);
  for (let y = 0; y < height; y++) {
    const v = (y + 0.5) / height;
    for (let x = 0; x < width; x++) {
      const u = (x + 0.5) / width;
      const framed = x < thickness || y < thickness || x >= width - thickness || y >= height - thickness;
      const crossed = Math.abs(u - v) < reach || Math.abs(u + v - 1) < reach;
      out.data.fill(framed || crossed ? line : ground, 3 * (y * width + x), 3 * (y * width + x) + 3);
    }
  }
  return out;
}
