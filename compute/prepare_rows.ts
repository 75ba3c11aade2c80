/**
 * From raw blocks to rows: token and layer means, the non-finite policy, clamp, centring and scaling.
 * @module
 */
import { NonFiniteError } from "./errors.ts";
import { imageStride, type RowLayout, rowsPerImage } from "./rows.ts";

/** Rows made of a block. */
export interface PreparedRows {
  /** `f32 [n, dVit]`; a skipped row is all zeros and must not be counted. */
  readonly rows: Float32Array;
  /** `u8 [n]`, 1 for a skipped row; undefined when none was. */
  readonly skipped: Uint8Array | undefined;
}

/**
 * Makes the rows of a block.
 *
 * A row is first `x = mean over layers of (mean over tokens)`, sums in index order in f64, one rounding to f32 (no mean
 * is taken where there is one layer or one token). If x holds NaN or ±Infinity the policy decides. Then
 * `x = fround(fround(clamp(x) − mean) / scalar)`.
 *
 * @param block `f32 [≥ nImages, layers, tokens, dVit]`, raw.
 * @param nImages Images to take from the start of the block.
 * @param firstImage Data set index of the first one, for error messages.
 * @param layout What to make of them.
 * @param nonFinite `error` throws at the first bad element in row-major order, `skip` marks the row.
 * @param out Where to write the rows, `f32 [≥ n, dVit]`; a new array if undefined.
 * @throws {NonFiniteError} If `nonFinite` is `error` and a row holds NaN or an infinity before the clamp.
 * @throws {TypeError} If the block or `out` is too short.
 *
 * @example
 * ```ts
 * import { prepareRows } from "./prepare_rows.ts";
 * const layout = {
 *   kind: "patches", layers: 1, tokens: 3, firstToken: 1, dVit: 1, clamp: 5, mean: undefined, scalar: 1,
 * } as const;
 * const { rows } = prepareRows(new Float32Array([9, 1, 7]), 1, 0, layout, "error");
 * console.assert(rows[0] === 1 && rows[1] === 5);
 * ```
 */
export function prepareRows(
  block: Float32Array,
  nImages: number,
  firstImage: number,
  layout: RowLayout,
  nonFinite: "error" | "skip",
  out?: Float32Array,
): PreparedRows {
  const { kind, layers, tokens, firstToken, dVit, mean, scalar } = layout;
  const perImage = rowsPerImage(layout);
  const n = nImages * perImage;
  const stride = imageStride(layout);
  if (block.length < nImages * stride) {
    throw new TypeError(`Cannot read ${nImages} images of ${stride} values from a block of ${block.length}`);
  }
  if (out !== undefined && out.length < n * dVit) {
    throw new TypeError(`Cannot write ${n} rows of ${dVit} values to an array of ${out.length}`);
  }
  const rows = out === undefined ? new Float32Array(n * dVit) : out.subarray(0, n * dVit);
  const clamp = Math.fround(layout.clamp);
  let skipped: Uint8Array | undefined;
  for (let r = 0; r < n; r++) {
    const image = Math.floor(r / perImage);
    const patch = r - image * perImage;
    const from = kind === "patches" ? firstToken + patch : kind === "cls" ? 0 : firstToken;
    const to = kind === "meanpool" ? tokens : from + 1;
    const row = rows.subarray(r * dVit, (r + 1) * dVit);
    for (let d = 0; d < dVit; d++) {
      row[d] = layers === 1 && to - from === 1
        ? block[image * stride + from * dVit + d]
        : meanOf(block, image * stride + d, from, to, layout);
    }
    const bad = row.findIndex((x) => x - x !== 0);
    if (bad >= 0) {
      if (nonFinite === "error") throw nonFiniteError(firstImage + image, patch, bad, row[bad]);
      skipped ??= new Uint8Array(n);
      skipped[r] = 1;
      row.fill(0);
      continue;
    }
    for (let d = 0; d < dVit; d++) {
      const x = row[d];
      const clamped = x > clamp ? clamp : x < -clamp ? -clamp : x;
      // The inner fround matters: mean and scalar are separate roundings.
      row[d] = Math.fround(mean === undefined ? clamped : clamped - mean[d]) / scalar;
    }
  }
  return { rows, skipped };
}

/** The mean over tokens `from … to − 1`, then over layers, of one dimension; not yet rounded to f32. */
function meanOf(block: Float32Array, start: number, from: number, to: number, layout: RowLayout): number {
  const { layers, tokens, dVit } = layout;
  let overLayers = 0;
  for (let layer = 0; layer < layers; layer++) {
    let overTokens = 0;
    for (let token = from; token < to; token++) overTokens += block[start + (layer * tokens + token) * dVit];
    overLayers += overTokens / (to - from);
  }
  return overLayers / layers;
}

/**
 * The error for a bad element, worded the same in every backend.
 *
 * @param image Image index in the data set.
 * @param patch Patch index in the image, CLS excluded.
 * @param dimension Dimension of the row.
 * @param value The value found.
 *
 * @example
 * ```ts
 * import { nonFiniteError } from "./prepare_rows.ts";
 * console.assert(nonFiniteError(3, 0, 7, NaN).dimension === 7);
 * ```
 */
export function nonFiniteError(image: number, patch: number, dimension: number, value: number): NonFiniteError {
  return new NonFiniteError(
    `Found ${value} in image ${image}, patch ${patch}, dimension ${dimension}, expected finite activations: ` +
      `repair the shards, or leave such rows out with --non-finite=skip`,
    { image, patch, dimension, value },
  );
}
