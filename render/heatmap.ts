/**
 * Heatmaps: a colour over each patch, the stronger the more opaque.
 * @module
 */
import { colorStep, PLASMA } from "./colormap.ts";
import { type PatchGrid, patchGrid, patchRect } from "./fit.ts";
import { type Picture, picture } from "./picture.ts";

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
  const { upper, epsilon = 1e-9 } = options;
  const grid = patchGrid(values.length, options.grid);
  const out = picture(ground.width, ground.height, ground.data.slice());
  const divisor = Math.fround(upper + epsilon);
  for (let patch = 0; patch < values.length; patch++) {
    const ratio = Math.fround(values[patch] / divisor);
    const v = ratio > 1 ? 1 : ratio > 0 ? ratio : 0;
    const alpha = Math.trunc(Math.fround(Math.fround(Math.fround(0.9) * v) * 256));
    if (alpha === 0) continue;
    const rect = patchRect(patch, grid, ground);
    const step = colorStep(v);
    // Pillow blends with 7 fraction bits; over an opaque ground its coefficient is the opacity times 128, exactly.
    const cover = alpha << BLEND_BITS;
    const keep = (255 - alpha) << BLEND_BITS;
    const [r, g, b] = [0, 1, 2].map((c) => PLASMA[3 * step + c] * cover + (0x80 << BLEND_BITS));
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

/** A weighted sum over 255·128, with Pillow's shifts in place of the division. */
function blended(sum: number): number {
  return (((sum >> 8) + sum) >> 8) >> BLEND_BITS;
}
