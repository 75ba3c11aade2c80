/**
 * One picture with its heatmap.
 * @module
 */
import { type Fit, fitGeometry } from "./fit.ts";
import { drawHeatmap, type HeatmapOptions } from "./heatmap.ts";
import type { Picture } from "./picture.ts";
import { resize } from "./resize.ts";

/** One cell of a latent's grid: a picture, what it shows, and the latent's activations on it. */
export interface GridElement {
  /** The source picture, at any size. */
  readonly img: Picture;
  /** The picture's class label. */
  readonly label: string;
  /** The latent's activations: `f32 [P]`, one per patch, row-major; empty in image mode. */
  readonly patches: Float32Array;
}

/** How {@linkcode makeImg} lays the picture out and draws its heatmap. */
export interface MakeImgOptions extends Omit<HeatmapOptions, "upper"> {
  /** How the picture is made square. Default `square`. */
  readonly fit?: Fit;
  /** The output is 224·scale pixels a side. Default 2. */
  readonly scale?: number;
}

/**
 * Makes a picture square and draws the activations over it.
 *
 * By default the picture is resized to 512 x 512 (antialiased bicubic, a = −0.5) and its central 448 x 448 are kept;
 * `fit` chooses the geometry of the model instead, so that patches line up on pictures that are not square. The
 * heatmap is {@linkcode drawHeatmap}'s. Without patches the laid-out picture is returned as it is.
 *
 * @param elem Picture, label and activations.
 * @param upper The activation that is drawn strongest, usually the largest among the latent's top values.
 * @param options Geometry, grid and epsilon.
 * @returns A new picture.
 * @throws {RangeError} If the patches do not fill the grid, or the fit or scale is unknown.
 *
 * @example
 * ```ts
 * import { makeImg } from "./make_img.ts";
 * import { picture } from "./picture.ts";
 * const elem = { img: picture(30, 20), label: "night", patches: new Float32Array([0, 0, 0, 2]) };
 * const shown = makeImg(elem, 2);
 * console.assert(shown.width === 448 && shown.data[0] === 0 && shown.data.at(-3)! > 200);
 * ```
 */
export function makeImg(elem: GridElement, upper: number, options: MakeImgOptions = {}): Picture {
  const { fit, scale, grid, epsilon } = options;
  const { resized, window } = fitGeometry(elem.img.width, elem.img.height, { fit, scale });
  return drawHeatmap(resize(elem.img, resized, window), elem.patches, { upper, grid, epsilon });
}
