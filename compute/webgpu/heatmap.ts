/**
 * CPU twin of `heatmap.wgsl`.
 * @module
 */
import { activation, type Fired } from "./fired.ts";
import { FRESH, LATENT } from "./latents.ts";
import type { Params } from "./params.ts";

/**
 * Copies the heatmaps of entries marked fresh, whose images lie in this strip, and clears the marks: of latents that were merged.
 *
 * @param params Uses cols, k, perImage, firstRow, ldF, colOffset.
 * @param latents `u32 [10, cols]`, see latents.ts.
 * @param top `u32 [cols, 3, k]`: value bits, row, slot; marks cleared.
 * @param strip The activations.
 * @param heatmaps `u32 [cols, k, perImage]`: bits of f at every patch of the entry's image, by slot; written.
 *
 * @example
 * ```ts
 * import { heatmap } from "./heatmap.ts";
 * import { FRESH, LATENT } from "./latents.ts";
 * import { makeParams } from "./params.ts";
 * const latents = new Uint32Array(10);
 * latents[LATENT.ranked] = latents[LATENT.merged] = 1;
 * const heatmaps = new Uint32Array(2);
 * const params = makeParams({ cols: 1, k: 1, perImage: 2, ldF: 1 });
 * const strip = { f: new Uint32Array([5, 9]), bits: new Uint32Array([3]) };
 * heatmap(params, latents, new Uint32Array([9, 1, FRESH]), strip, heatmaps);
 * console.assert(heatmaps.join() === "5,9");
 * ```
 */
export function heatmap(
  params: Params,
  latents: Uint32Array,
  top: Uint32Array,
  strip: Fired,
  heatmaps: Uint32Array,
): void {
  const { cols, k, perImage, firstRow, colOffset } = params;
  for (let j = 0; j < cols; j++) {
    if (latents[LATENT.merged * cols + j] === 0) continue;
    const begin = 3 * j * k;
    for (let i = 0; i < latents[LATENT.ranked * cols + j]; i++) {
      const slot = top[begin + 2 * k + i];
      if (slot < FRESH) continue;
      top[begin + 2 * k + i] = slot - FRESH;
      const row = top[begin + k + i];
      const first = row - (row % perImage) - firstRow;
      for (let p = 0; p < perImage; p++) {
        heatmaps[(j * k + slot - FRESH) * perImage + p] = activation(params, strip, first + p, colOffset + j);
      }
    }
  }
}
