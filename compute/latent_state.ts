/**
 * What one pass over rows has learned about every latent: the canonical, exactly mergeable state.
 *
 * Every backend ends in this form, so checkpoints, merges and artifacts know nothing about backends.
 * @module
 */

/** Exponent buckets of {@linkcode LatentState.sumBins}: eight f32 exponents each. */
export const SUM_BINS = 32;

/** Bins of {@linkcode LatentState.histogram}; see `quantile_sketch.ts`. */
export const SKETCH_BINS = 2048;

/** See the fields; arrays are row-major and start at offset 0 of their own buffer or a shared one. */
export interface LatentState {
  /** Number of latents. */
  readonly dSae: number;
  /** Entries kept per latent. */
  readonly k: number;
  /** Heatmap values per entry: patches per image in patch and sum mode, 0 in img mode. */
  readonly patches: number;
  /** Rows folded so far (skipped rows are not counted). */
  readonly rows: number;
  /** Rows skipped for NaN or infinity. */
  readonly skippedRows: number;
  /** `u32 [dSae]`: rows on which the latent fired. */
  readonly count: Uint32Array;
  /**
   * `u64 [dSae, SUM_BINS]`: the exact sum of f, as integers. A finite f > 0 with biased exponent e (bits >> 23) and
   * significand m (24 bits with the implicit one; for e = 0, m is the fraction shifted left by one) adds
   * `m << (e & 7)` to bucket `e >> 3`, whose unit is `2^(8·bucket − 150)`. Order never matters; 2^32 rows fit.
   */
  readonly sumBins: BigUint64Array;
  /** `u32 [dSae, SKETCH_BINS]`: the quantile sketch's counts. */
  readonly histogram: Uint32Array;
  /** `f32 [dSae]`: least f > 0; +Infinity when the latent never fired. */
  readonly min: Float32Array;
  /** `f32 [dSae]`: largest f; 0 when the latent never fired. */
  readonly max: Float32Array;
  /** `u32 [dSae]`: valid entries among the k. */
  readonly topCount: Uint32Array;
  /** `f32 [dSae, k]`: ranking values, best first; −1 past `topCount`. */
  readonly topValue: Float32Array;
  /** `u32 [dSae, k]`: image of each entry; 0 past `topCount`. */
  readonly topImage: Uint32Array;
  /** `u32 [dSae, k]`: patch of each entry (sum mode: the image's strongest patch); 0 past `topCount` and in img mode. */
  readonly topPatch: Uint32Array;
  /** `f32 [dSae, k, patches]`: f at every patch of the entry's image; −1 past `topCount`. Length 0 in img mode. */
  readonly heatmap: Float32Array;
  /** `f64 [dSae]`: the online percentile estimate after `estimateRow` rows. */
  readonly estimate: Float64Array;
  /** `f64 [dSae]`: rows already in `estimate`; the rest up to `rows` were zeros and are applied in closed form at the end. */
  readonly estimateRow: Float64Array;
  /** `f32 [m, nRows]`: f of the first m latents at every row (NaN where a row was skipped); length 0 when not kept. */
  readonly distributions: Float32Array;
}
