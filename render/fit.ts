/**
 * How a source picture is laid into the square that is shown, and where its patches lie in that square.
 * @module
 */
import type { PixelRect } from "./resize.ts";

/**
 * A way to make a picture square.
 *
 * - `square`: stretched to 256·s x 256·s, then the central 224·s (the aspect ratio is not kept);
 * - `clip`: short side to 224·s, then the central square: what CLIP and SigLIP models see;
 * - `dinov2`: short side to 256·s, then the central 224·s: what DINOv2's evaluation transform shows.
 */
export type Fit = "square" | "clip" | "dinov2";

/** Patches of a picture: rows and columns. */
export interface PatchGrid {
  /** Patches from top to bottom, a positive integer. */
  readonly rows: number;
  /** Patches from left to right, a positive integer. */
  readonly cols: number;
}

/** Where source pixels land: a resize, then a crop. */
export interface FitGeometry {
  /** Size after the resize, in pixels. */
  readonly resized: { readonly width: number; readonly height: number };
  /** The part of the resized picture that is kept; its size is the output's. */
  readonly window: PixelRect;
  /** Affine map of continuous coordinates, pixel (0, 0) covering [0, 1): `xOut = scaleX·x + offsetX`, likewise y. */
  readonly affine: {
    readonly scaleX: number;
    readonly scaleY: number;
    readonly offsetX: number;
    readonly offsetY: number;
  };
}

/** Sides at s = 1, in pixels: of the resized picture (its short side) and of the crop. */
const SIDES_PX: Readonly<Record<Fit, readonly [resized: number, crop: number]>> = {
  square: [256, 224],
  clip: [224, 224],
  dinov2: [256, 224],
};

/**
 * The resize and the crop that a fit means for a picture of a given size.
 *
 * Rounds as torchvision does: `Resize(n)` sets the short side to n and the long one to `trunc(n · long / short)`;
 * `CenterCrop(n)` starts at `round((side − n) / 2)`, ties to even.
 *
 * @param width Source columns, a positive integer.
 * @param height Source rows, a positive integer.
 * @param options `fit` (default `square`), and `scale` s: a positive number for which 224·s and 256·s are integers
 *   (default 2: an output of 448 x 448 pixels).
 * @returns The geometry.
 * @throws {RangeError} If a side is not a positive integer, the fit is unknown, or the scale does not fit.
 *
 * Source: torchvision, `transforms/functional.py`, `_compute_resized_output_size` and `center_crop`.
 *
 * @example
 * ```ts
 * import { fitGeometry } from "./fit.ts";
 * const { resized, window } = fitGeometry(640, 480, { fit: "clip" });
 * console.assert(resized.width === 597 && resized.height === 448);
 * console.assert(window.x === 74 && window.width === 448);
 * ```
 */
export function fitGeometry(
  width: number,
  height: number,
  options: { fit?: Fit; scale?: number } = {},
): FitGeometry {
  const { fit = "square", scale = 2 } = options;
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`Cannot fit a picture of ${width} x ${height} pixels: both sides must be positive integers`);
  }
  const sides = Object.hasOwn(SIDES_PX, fit) ? SIDES_PX[fit] : undefined;
  if (sides === undefined) {
    throw new RangeError(`Cannot fit a picture by "${fit}", expected one of ${Object.keys(SIDES_PX).join(", ")}`);
  }
  const [short, crop] = sides.map((side) => side * scale);
  if (!(scale > 0) || !Number.isSafeInteger(short) || !Number.isSafeInteger(crop)) {
    throw new RangeError(`Cannot scale a fit by ${scale}: 224 and 256 times it must be positive integers`);
  }
  const resized = fit === "square"
    ? { width: short, height: short }
    : width <= height
    ? { width: short, height: Math.trunc(short * height / width) }
    : { width: Math.trunc(short * width / height), height: short };
  const x = roundHalfEven((resized.width - crop) / 2);
  const y = roundHalfEven((resized.height - crop) / 2);
  return {
    resized,
    window: { x, y, width: crop, height: crop },
    affine: { scaleX: resized.width / width, scaleY: resized.height / height, offsetX: -x, offsetY: -y },
  };
}

/** Python's `round` for halves of integers. */
function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low & 1) : Math.round(value);
}

/**
 * The grid of a number of patches: square unless another one is given.
 *
 * @param patches How many patches there are.
 * @param grid Rows and columns, when not square.
 * @returns The grid; `rows · cols === patches`.
 * @throws {RangeError} If no grid is given and the number is not a square, or the grid does not hold that many.
 *
 * @example
 * ```ts
 * import { patchGrid } from "./fit.ts";
 * console.assert(patchGrid(49).rows === 7);
 * ```
 */
export function patchGrid(patches: number, grid?: PatchGrid): PatchGrid {
  const side = Math.round(Math.sqrt(patches));
  const found = grid ?? { rows: side, cols: side };
  const whole = Number.isSafeInteger(found.rows) && Number.isSafeInteger(found.cols) && found.rows > 0 &&
    found.cols > 0;
  if (!whole || found.rows * found.cols !== patches) {
    throw new RangeError(
      grid === undefined
        ? `Cannot lay ${patches} patches on a square grid; give the grid's rows and columns`
        : `Cannot lay ${patches} patches on a grid of ${found.rows} x ${found.cols}`,
    );
  }
  return found;
}

/** An affine map of continuous coordinates. */
export interface AxisMaps {
  /** `column = scaleX·x + offsetX`, x in source pixels, pixel 0 covering [0, 1). */
  readonly scaleX: number;
  /** See {@linkcode AxisMaps.scaleX}. */
  readonly offsetX: number;
  /** `row = scaleY·y + offsetY`. */
  readonly scaleY: number;
  /** See {@linkcode AxisMaps.scaleY}. */
  readonly offsetY: number;
}

/**
 * The affine map from source pixels to the patch grid: patch (r, c) covers the source where `r ≤ row < r + 1` and
 * `c ≤ column < c + 1`; what falls outside 0 … rows, 0 … cols is cropped away.
 *
 * @param width Source columns, a positive integer.
 * @param height Source rows, a positive integer.
 * @param options As {@linkcode fitGeometry}, and the grid.
 * @returns The map.
 * @throws {RangeError} As {@linkcode fitGeometry}.
 *
 * @example
 * ```ts
 * import { patchMap } from "./fit.ts";
 * const { scaleX, offsetX } = patchMap(640, 480, { fit: "clip", grid: { rows: 7, cols: 7 } });
 * console.assert(Math.abs(scaleX * 320 + offsetX - 3.5) < 0.01);
 * ```
 */
export function patchMap(
  width: number,
  height: number,
  { grid, ...options }: { fit?: Fit; scale?: number; grid: PatchGrid },
): AxisMaps {
  const { affine, window } = fitGeometry(width, height, options);
  return {
    scaleX: affine.scaleX * grid.cols / window.width,
    offsetX: affine.offsetX * grid.cols / window.width,
    scaleY: affine.scaleY * grid.rows / window.height,
    offsetY: affine.offsetY * grid.rows / window.height,
  };
}

/**
 * The pixels of one patch: edge i of n along a side of W pixels is at `floor(i·W/n)`, so patches tile the picture
 * exactly, with no margin and no overlap.
 *
 * @param patch Index, row-major, 0 … rows·cols − 1.
 * @param grid Rows and columns.
 * @param size The picture's size, in pixels.
 * @returns The rectangle; empty along an axis that has fewer pixels than patches there.
 * @throws {RangeError} If the patch is outside the grid.
 *
 * @example
 * ```ts
 * import { patchRect } from "./fit.ts";
 * const last = patchRect(48, { rows: 7, cols: 7 }, { width: 448, height: 448 });
 * console.assert(last.x === 384 && last.width === 64);
 * ```
 */
export function patchRect(patch: number, grid: PatchGrid, size: { width: number; height: number }): PixelRect {
  if (!(Number.isInteger(patch) && patch >= 0 && patch < grid.rows * grid.cols)) {
    throw new RangeError(`Cannot find patch ${patch} in a grid of ${grid.rows} x ${grid.cols}`);
  }
  const column = patch % grid.cols;
  const row = (patch - column) / grid.cols;
  const x = Math.floor(column * size.width / grid.cols);
  const y = Math.floor(row * size.height / grid.rows);
  return {
    x,
    y,
    width: Math.floor((column + 1) * size.width / grid.cols) - x,
    height: Math.floor((row + 1) * size.height / grid.rows) - y,
  };
}
