/**
 * The per-latent words that fold, merge and heatmap share: `u32 [LATENT_WORDS, cols]`.
 * @module
 */

/** Row of each field in the array. */
export const LATENT = {
  /** Rows fired on. */
  count: 0,
  /** Bits of the least f > 0; those of +Infinity before the first. */
  least: 1,
  /** Bits of the largest f; 0 before the first. */
  most: 2,
  /** Bits of the f32 percentile estimate. */
  estimate: 3,
  /** Rows in the estimate, the same for all latents. */
  t: 4,
  /** Bits of the value that a candidate must exceed: the k-th, or 0 while there are fewer. */
  tau: 5,
  /** Candidates waiting in the list. */
  filled: 6,
  /** Row of the strip where a full list made the walk stop; 0xffffffff if it did not. */
  stopped: 7,
  /** Valid entries among the k. */
  ranked: 8,
  /** 1 where candidates of the strip were merged, so that the ranking may have changed. */
  merged: 9,
} as const;

/** Fields. */
export const LATENT_WORDS = 10;

/** Marks an entry's slot until its heatmap is copied. */
export const FRESH = 0x80000000;
