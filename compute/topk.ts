/**
 * What a whole pass ends in, as arrays to write or draw.
 * @module
 */
import type { Tensor } from "./tensor.ts";

/** What both rankings have. */
export interface TopK {
  /** `f32 [dSae, k]`: ranking values, best first; −1 past `topCount`. */
  readonly rankValues: Tensor;
  /** `u32 [dSae, k]`: image of each entry; 0 past `topCount`. */
  readonly topI: Tensor<Uint32Array>;
  /** `u32 [dSae]`: valid entries among the k. */
  readonly topCount: Tensor<Uint32Array>;
  /** `f32 [dSae]`: mean of f over the rows where it is positive; NaN where the latent never fired. */
  readonly meanValues: Tensor;
  /** `f32 [dSae]`: fraction of rows on which the latent fired; NaN if there were no rows. */
  readonly sparsity: Tensor;
  /** `f32 [m, nRows]`: f of the first m latents at every row; NaN where a row was skipped. */
  readonly distributions: Tensor;
  /** `f32 [dSae]`: the online percentile estimate; NaN in merged states. */
  readonly percentiles: Tensor;
}

/** Images ranked by one vector per image: no duplicates, no heatmaps. Source: upstream's `TopKImg`. */
export interface TopKImg extends TopK {
  /** Tells the two apart. */
  readonly kind: "img";
  /** `f32 [dSae, k]`: the ranking values. */
  readonly topValues: Tensor;
}

/** Patches (or images by the sum over patches), with heatmaps. Source: upstream's `TopKPatch`. */
export interface TopKPatch extends TopK {
  /** Tells the two apart. */
  readonly kind: "patch";
  /** `f32 [dSae, k, patches]`: f at every patch of the entry's image; −1 past `topCount`. */
  readonly topValues: Tensor;
  /** `u32 [dSae, k]`: the ranked patch, or the image's strongest one when ranked by sum; 0 past `topCount`. */
  readonly topPatchI: Tensor<Uint32Array>;
}
