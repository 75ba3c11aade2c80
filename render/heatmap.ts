/**
 * Heatmaps: a colour over each patch, the stronger the more opaque.
 * @module
 */
import { colorStep, PLASMA } from "./colormap.ts";
import { type PatchGrid, patchGrid, patchRect } from "./fit.ts";
import { type Picture, picture } from "./picture.ts";
import type { PixelRect } from "./resize.ts";

/** How values become colours. */
export interface HeatmapOptions {
  /** The value that is drawn strongest; usually the largest one among the latent's top values. */
  readonly upper: number;
  /** Rows and columns of patches; a square grid when left out. */
  readonly grid?: PatchGrid;
  /** Added to `upper` before dividing, so that 0 is allowed there. Default 1e-9. */
  readonly epsilon?: number;
}

/** Fraction bits of a blending coefficient, as in Pillow. */
const BLEND_BITS = 7;

/**
 * Draws values over a picture, one rectangle per patch.
 *
 * With `v = value / (upper + epsilon)` clamped to 0 … 1, a patch is covered with plasma's colour at v, at opacity
 * `trunc(0.9·v·256) / 255`. The division and the products are rounded to f32 and the blend is Pillow's integer
 * `alpha_composite` over an opaque ground, so the bytes are the upstream module's. A NaN patch stays transparent.
 *
 * @param ground The picture; not changed.
 * @param values `f32 [rows, cols]`, row-major, one value per patch; an empty array draws nothing.
 * @param options The scale and the grid.
 * @returns A new picture of the same size, or `ground` itself when there are no values.
 * @throws {RangeError} If the values do not fill the grid.
 *
 * Source: Pillow 9.4, `libImaging/AlphaComposite.c`.
 *
 * @example
 * ```ts
 * import { drawHeatmap } from "./heatmap.ts";
 * import { picture } from "./picture.ts";
 * const warm = drawHeatmap(picture(4, 4), new Float32Array([0, 0, 0, 1]), { upper: 1 });
 * console.assert(warm.data[0] === 0 && warm.data[3 * 15] > 200);
 * ```
 */
export function drawHeatmap(ground: Picture, values: Float32Array, options: HeatmapOptions): Picture {
  if (values.length === 0) return ground;
  const out = picture(ground.width, ground.height, ground.data.slice());
  for (const { rect, color, alpha } of patchCovers(values, ground, options)) {
    // Pillow blends with 7 fraction bits; over an opaque ground its coefficient is the opacity times 128, exactly.
    const keep = (255 - alpha) << BLEND_BITS;
    const [r, g, b] = color.map((c) => (c * alpha + 0x80) << BLEND_BITS);
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      const start = 3 * (y * ground.width + rect.x);
      const end = start + 3 * rect.width;
      for (let i = start; i < end; i += 3) {
        out.data[i] = blended(r + out.data[i] * keep);
        out.data[i + 1] = blended(g + out.data[i + 1] * keep);
        out.data[i + 2] = blended(b + out.data[i + 2] * keep);
      }
    }
  }
  return out;
}

/** What is drawn over one patch. */
export interface PatchCover {
  /** The patch's pixels. */
  readonly rect: PixelRect;
  /** Red, green and blue, 0 … 255. */
  readonly color: readonly [number, number, number];
  /** Opacity, 1 … 230 of 255. */
  readonly alpha: number;
}

/**
 * The rectangles of {@linkcode drawHeatmap}: those that are not transparent, patch by patch.
 *
 * @param values `f32 [rows, cols]`, row-major, one value per patch.
 * @param size The picture's size, in pixels.
 * @param options The scale and the grid.
 * @throws {RangeError} If the values do not fill the grid.
 *
 * @example
 * ```ts
 * import { patchCovers } from "./heatmap.ts";
 * const [only] = patchCovers(new Float32Array([0, 0, 0, 1]), { width: 4, height: 4 }, { upper: 1 });
 * console.assert(only.rect.x === 2 && only.alpha === 230);
 * ```
 */
export function patchCovers(
  values: Float32Array,
  size: { readonly width: number; readonly height: number },
  options: HeatmapOptions,
): PatchCover[] {
  const { upper, epsilon = 1e-9 } = options;
  const grid = patchGrid(values.length, options.grid);
  const divisor = Math.fround(upper + epsilon);
  const covers: PatchCover[] = [];
  for (let patch = 0; patch < values.length; patch++) {
    const ratio = Math.fround(values[patch] / divisor);
    const v = ratio > 1 ? 1 : ratio > 0 ? ratio : 0;
    const alpha = Math.trunc(Math.fround(Math.fround(Math.fround(0.9) * v) * 256));
    if (alpha === 0) continue;
    const step = 3 * colorStep(v);
    const color = [PLASMA[step], PLASMA[step + 1], PLASMA[step + 2]] as const;
    covers.push({ rect: patchRect(patch, grid, size), color, alpha });
  }
  return covers;
}

/** A weighted sum over 255·128, with Pillow's shifts in place of the division. */
function blended(sum: number): number {
  return (((sum >> 8) + sum) >> 8) >> BLEND_BITS;
}
