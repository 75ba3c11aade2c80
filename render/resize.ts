/**
 * Antialiased resizing with Pillow's arithmetic: the same bytes, not merely the same formula.
 * @module
 */
import { type AxisFilter, type AxisWeights, keptAxisWeights } from "./_axis_weights.ts";
import { resizeNearest } from "./_resize_nearest.ts";
import { resizePlain } from "./_resize_plain.ts";
import { resizeBySimd } from "./_resize_simd.ts";
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

/** How a new pixel is made of old ones: one of Pillow's `Image.Resampling`. */
export type ResizeFilter = "nearest" | "box" | "bilinear" | "hamming" | "bicubic" | "lanczos";

/** A size to resize to. */
export interface ResizeTarget {
  /** Columns, a positive integer. */
  readonly width: number;
  /** Rows, a positive integer. */
  readonly height: number;
  /** The filter; `bicubic` if not given. */
  readonly filter?: ResizeFilter;
}

/** What a resize does along each axis. */
export interface ResizePlan {
  /** The part of the result to make. */
  readonly cut: PixelRect;
  /** Weights along x of the cut's columns; undefined when the width stays. */
  readonly across: AxisWeights | undefined;
  /** Weights along y of the cut's rows; undefined when the height stays. */
  readonly down: AxisWeights | undefined;
  /** First source row that is needed. */
  readonly top: number;
  /** Source rows that are needed. */
  readonly rows: number;
}

/**
 * Resizes a picture as Pillow's `Image.resize((width, height), filter)`, and cuts a window out of the result.
 *
 * Along each axis, output pixel `i` has its centre at `c = (i + 0.5)·s` with `s = in/out`; its weights are the filter's
 * kernel (bicubic: a = −0.5) of `(x + 0.5 − c) / max(s, 1)`, normalised to sum 1 in f64, then rounded to 22 fraction bits. Rows
 * are resized first, to 8 bits, then columns; each sum is rounded half up and clipped to 0 … 255. An axis that keeps
 * its length is left alone. `nearest` takes the pixel that holds the centre.
 *
 * @param source The picture.
 * @param size Size of the whole result, in pixels, and the filter.
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
export function resize(source: Picture, size: ResizeTarget, window?: PixelRect): Picture {
  const { width, height, filter = "bicubic" } = size;
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
  if (filter === "nearest") return resizeNearest(source, { width, height }, cut);
  const plan = planResize(source, { width, height, filter }, cut);
  return picture(cut.width, cut.height, resizeBySimd(source, plan) ?? resizePlain(source, plan));
}

/** Finds the weights, and which source rows they touch. */
function planResize(
  source: Picture,
  { width, height, filter }: { width: number; height: number; filter: AxisFilter },
  cut: PixelRect,
): ResizePlan {
  const across = source.width === width
    ? undefined
    : keptAxisWeights([source.width, width], { from: cut.x, length: cut.width }, filter);
  const down = source.height === height
    ? undefined
    : keptAxisWeights([source.height, height], { from: cut.y, length: cut.height }, filter);
  // Only the source rows that the column pass will read go through the row pass.
  const top = down === undefined ? cut.y : down.first[0];
  const last = cut.height - 1;
  const bottom = down === undefined ? cut.y + cut.height : down.first[last] + down.count[last];
  return { cut, across, down, top, rows: bottom - top };
}
