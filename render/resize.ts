/**
 * Antialiased bicubic resizing with Pillow's arithmetic: the same bytes, not merely the same formula.
 * @module
 */
import { type Picture, picture } from "./picture.ts";

/** A rectangle of whole pixels. */
export interface PixelRect {
  /** Left edge, in pixels. */
  readonly x: number;
  /** Upper edge, in pixels. */
  readonly y: number;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** Fraction bits of a coefficient: 32, less 8 for the sample, less 2 for overshoot and sign. */
const PRECISION_BITS = 32 - 8 - 2;

/** Reach of the cubic kernel at scale 1, in source pixels. */
const SUPPORT = 2;

/** For each output position: the first source position, how many follow, and their fixed-point weights. */
interface Weights {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `i32 [output, stride]`. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Resizes a picture as Pillow's `Image.resize((width, height), BICUBIC)`, and cuts a window out of the result.
 *
 * Along each axis, output pixel `i` has its centre at `c = (i + 0.5)·s` with `s = in/out`; its weights are the cubic
 * kernel (a = −0.5) of `(x + 0.5 − c) / max(s, 1)`, normalised to sum 1 in f64, then rounded to 22 fraction bits. Rows
 * are resized first, to 8 bits, then columns; each sum is rounded half up and clipped to 0 … 255. An axis that keeps
 * its length is left alone.
 *
 * @param source The picture.
 * @param size Size of the whole result, in pixels; positive integers.
 * @param window The part of the result to return, inside it; all of it when left out. Only that part is computed.
 * @returns A new picture of the window's size.
 * @throws {RangeError} If a size is not a positive integer, or the window leaves the result.
 *
 * Source: Pillow 9.4, `libImaging/Resample.c`.
 *
 * @example
 * ```ts
 * import { picture } from "./picture.ts";
 * import { resize } from "./resize.ts";
 * const half = resize(picture(8, 4, new Uint8Array(96).fill(7)), { width: 4, height: 2 });
 * console.assert(half.width === 4 && half.data.every((value) => value === 7));
 * ```
 */
export function resize(source: Picture, size: { width: number; height: number }, window?: PixelRect): Picture {
  const { width, height } = size;
  const cut = window ?? { x: 0, y: 0, width, height };
  for (const side of [width, height, cut.width, cut.height]) {
    if (!Number.isSafeInteger(side) || side < 1) {
      throw new RangeError(`Cannot resize to ${width} x ${height} pixels: every side must be a positive integer`);
    }
  }
  if (!(cut.x >= 0 && cut.y >= 0 && cut.x + cut.width <= width && cut.y + cut.height <= height)) {
    throw new RangeError(
      `Cannot cut ${cut.width} x ${cut.height} at (${cut.x}, ${cut.y}) out of ${width} x ${height} pixels`,
    );
  }
  const down = source.height === height ? undefined : axisWeights(source.height, height, cut.y, cut.height);
  // Only the source rows that the column pass will read go through the row pass.
  const top = down === undefined ? cut.y : down.first[0];
  const last = cut.height - 1;
  const bottom = down === undefined ? cut.y + cut.height : down.first[last] + down.count[last];
  const narrow = resizeRows(source, { top, rows: bottom - top, outWidth: width, x: cut.x, columns: cut.width });
  if (down === undefined) return picture(cut.width, cut.height, narrow);
  return picture(cut.width, cut.height, resizeColumns(narrow, top, cut, down));
}

/** Resizes rows `top … top + rows` along x; returns `u8 [rows, columns, 3]`. */
function resizeRows(
  source: Picture,
  part: { top: number; rows: number; outWidth: number; x: number; columns: number },
): Uint8Array {
  const { top, rows, outWidth, x, columns } = part;
  const out = new Uint8Array(rows * columns * 3);
  const pitch = source.width * 3;
  const pixels = source.data;
  if (source.width === outWidth) {
    for (let row = 0; row < rows; row++) {
      const start = (top + row) * pitch + 3 * x;
      out.set(pixels.subarray(start, start + 3 * columns), row * columns * 3);
    }
    return out;
  }
  const { first, count, weights, stride } = axisWeights(source.width, outWidth, x, columns);
  const half = 1 << (PRECISION_BITS - 1);
  for (let row = 0, o = 0; row < rows; row++) {
    const line = (top + row) * pitch;
    for (let column = 0; column < columns; column++, o += 3) {
      let r = half, g = half, b = half;
      let at = line + 3 * first[column];
      const begin = column * stride;
      const end = begin + count[column];
      for (let k = begin; k < end; k++, at += 3) {
        const weight = weights[k];
        r = (r + Math.imul(pixels[at], weight)) | 0;
        g = (g + Math.imul(pixels[at + 1], weight)) | 0;
        b = (b + Math.imul(pixels[at + 2], weight)) | 0;
      }
      out[o] = clip8(r);
      out[o + 1] = clip8(g);
      out[o + 2] = clip8(b);
    }
  }
  return out;
}

/** Resizes `u8 [rows from top, cut.width, 3]` along y. */
function resizeColumns(narrow: Uint8Array, top: number, cut: PixelRect, down: Weights): Uint8Array {
  const pitch = cut.width * 3;
  const out = new Uint8Array(cut.height * pitch);
  const sums = new Int32Array(pitch);
  for (let row = 0; row < cut.height; row++) {
    sums.fill(1 << (PRECISION_BITS - 1));
    for (let k = 0; k < down.count[row]; k++) {
      const weight = down.weights[row * down.stride + k];
      const line = (down.first[row] - top + k) * pitch;
      for (let i = 0; i < pitch; i++) sums[i] += Math.imul(narrow[line + i], weight);
    }
    for (let i = 0, o = row * pitch; i < pitch; i++, o++) out[o] = clip8(sums[i]);
  }
  return out;
}

/** A fixed-point sum as a sample: shifted down, clipped to 0 … 255. */
function clip8(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** The weights of output positions `from … from + length` of an axis resized from `inSize` to `outSize`. */
function axisWeights(inSize: number, outSize: number, from: number, length: number): Weights {
  const scale = inSize / outSize;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Int32Array(length * stride);
  const exact = new Float64Array(stride);
  const inverse = 1 / stretch;
  for (let i = 0; i < length; i++) {
    const center = (from + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const n = Math.min(inSize, Math.trunc(center + support + 0.5)) - low;
    let sum = 0;
    for (let k = 0; k < n; k++) {
      exact[k] = cubic((k + low - center + 0.5) * inverse);
      sum += exact[k];
    }
    for (let k = 0; k < n; k++) {
      const weight = (sum !== 0 ? exact[k] / sum : exact[k]) * (1 << PRECISION_BITS);
      weights[i * stride + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[i] = low;
    count[i] = n;
  }
  return { first, count, weights, stride };
}

/** Keys' cubic convolution kernel with a = −0.5. */
function cubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}
