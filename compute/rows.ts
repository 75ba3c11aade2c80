/**
 * How rows (activation vectors) lie in the raw blocks that io reads, and what is done to them first.
 * @module
 */

/**
 * Describes raw blocks and the rows made of them.
 *
 * A raw block holds whole images as stored: `f32 [nImages, layers, tokens, dVit]`, row-major. Rows made of one image:
 *
 * - `patches`: tokens `firstToken … tokens − 1`, each a row; row `i` of the data set is image `i / P`, patch `i % P`.
 * - `cls`: token 0.
 * - `meanpool`: the mean over tokens `firstToken … tokens − 1`.
 *
 * With `layers > 1` a row is first the mean over layers. Means are taken in f64 over tokens then layers in index order
 * and rounded once to f32. Then `x = (clamp(x, −clamp, clamp) − mean) / scalar`, each operation rounded to f32.
 */
export interface RowLayout {
  /** What becomes a row. */
  readonly kind: "patches" | "cls" | "meanpool";
  /** Layers in a block that are averaged; 1 for a single layer. */
  readonly layers: number;
  /** Tokens stored per image, CLS included. */
  readonly tokens: number;
  /** 1 when token 0 is CLS, else 0. */
  readonly firstToken: 0 | 1;
  /** Width of a row. */
  readonly dVit: number;
  /** Values are clamped to `[−clamp, clamp]`. */
  readonly clamp: number;
  /** Subtracted after the clamp, `f32 [dVit]`; undefined for none. */
  readonly mean: Float32Array | undefined;
  /** Divides last; 1 for none. Already rounded to f32. */
  readonly scalar: number;
}

/** Rows each image gives: the number of patches, or 1. */
export function rowsPerImage(layout: RowLayout): number {
  return layout.kind === "patches" ? layout.tokens - layout.firstToken : 1;
}

/** f32 values of one image in a raw block. */
export function imageStride(layout: RowLayout): number {
  return layout.layers * layout.tokens * layout.dVit;
}
