/**
 * CPU twin of `fold.wgsl`.
 * @module
 */
import { activation, type Fired } from "./fired.ts";
import { LATENT } from "./latents.ts";
import type { Params } from "./params.ts";

/** Bindings of the kernel, in order. */
export interface FoldBindings extends Fired {
  /** `u32 [⌈rowsPad/32⌉]`: a bit per skipped row. */
  readonly skip: Uint32Array;
  /** `u32 [10, cols]`, see latents.ts; changed. */
  readonly latents: Uint32Array;
  /** `u32 [cols, 2, capacity]`: value bits and rows of candidates; appended to. */
  readonly candidates: Uint32Array;
  /** `u32 [cols, 2048]`, added to. */
  readonly histogram: Uint32Array;
  /** `u32 [cols, 32, 2]`, added to. */
  readonly halves: Uint32Array;
}

/** What the shader was made with. */
export interface FoldUse {
  /** What becomes a candidate: each row, the best row of each image, or each image's sum. */
  readonly by: "row" | "image" | "sum";
  /** Candidates a list holds. */
  readonly capacity: number;
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/**
 * Walks each latent's column down the strip: counts, exact sums, sketch bins, extremes, the online percentile in f32
 * (`e += fround(step·(sign(x − e) + c))`, `step = fround(fround(lr/N)·fround(N − t))`), and candidates above `tau`.
 *
 * A full list stops the collection at that row (or image), where `merge` takes it up.
 *
 * @param params Uses rows, firstRow, ldF, colOffset, cols, perImage, total, stepScale, pull.
 * @param use What the shader was made with.
 * @param bindings The arrays. Rows in the estimate (`LATENT.t`) are the same for all latents.
 *
 * @example
 * ```ts
 * import { fold } from "./fold.ts";
 * import { makeParams } from "./params.ts";
 * const latents = new Uint32Array(10);
 * const f = new Uint32Array(new Float32Array([2]).buffer);
 * fold(makeParams({ rows: 1, ldF: 1, cols: 1, perImage: 1, total: 1 }), { by: "row", capacity: 1 }, {
 *   f, bits: new Uint32Array([1]), skip: new Uint32Array(1), latents, candidates: new Uint32Array(2), histogram: new Uint32Array(2048),
 *   halves: new Uint32Array(64),
 * });
 * console.assert(latents[0] === 1 && latents[6] === 1);
 * ```
 */
export function fold(params: Params, use: FoldUse, bindings: FoldBindings): void {
  const { rows, firstRow, cols } = params;
  const { latents, candidates } = bindings;
  const { capacity, by } = use;
  const unit = by === "row" ? 1 : params.perImage;
  for (let j = 0; j < cols; j++) {
    const tau = latents[LATENT.tau * cols + j];
    let filled = latents[LATENT.filled * cols + j];
    let stopped = 0xffffffff;
    for (let r = 0; r < rows; r++) count(params, bindings, j, r);
    for (let first = 0; first < rows && stopped === 0xffffffff; first += unit) {
      const { value, row } = offer(params, by, bindings, { first, j });
      if (value <= tau) continue;
      if (filled === capacity) stopped = first;
      else {
        candidates[2 * j * capacity + filled] = value;
        candidates[(2 * j + 1) * capacity + filled] = firstRow + row;
        filled += 1;
      }
    }
    latents[LATENT.filled * cols + j] = filled;
    latents[LATENT.stopped * cols + j] = stopped;
  }
}

/**
 * What a row, or the image that begins at it, offers a latent: bits of the value, 0 for nothing, and the row it lies in.
 *
 * @param params Uses ldF, colOffset, perImage.
 * @param by A row's value, the best of an image (of equal ones the first), or its sum, in f64 and then rounded to f32.
 * @param strip The activations.
 * @param at The first row, and the chunk's latent.
 *
 * @example
 * ```ts
 * import { offer } from "./fold.ts";
 * import { makeParams } from "./params.ts";
 * const strip = { f: new Uint32Array(new Float32Array([1, 2]).buffer), bits: new Uint32Array([3]) };
 * const { row } = offer(makeParams({ ldF: 1, perImage: 2 }), "image", strip, { first: 0, j: 0 });
 * console.assert(row === 1);
 * ```
 */
export function offer(
  params: Params,
  by: FoldUse["by"],
  strip: Fired,
  at: { readonly first: number; readonly j: number },
): { value: number; row: number } {
  const { colOffset, perImage } = params;
  const { first, j } = at;
  if (by === "row") return { value: activation(params, strip, first, colOffset + j), row: first };
  let value = 0;
  let row = first;
  let sum = 0;
  for (let r = first; r < first + perImage; r++) {
    const b = activation(params, strip, r, colOffset + j);
    if (b > value) {
      value = b;
      row = r;
    }
    word[0] = b;
    sum += float[0];
  }
  float[0] = sum;
  return { value: by === "sum" && value > 0 ? word[0] : value, row };
}

function count(params: Params, bindings: FoldBindings, j: number, r: number): void {
  const { cols, total, stepScale, pull, colOffset } = params;
  const { latents, histogram, halves, skip } = bindings;
  const b = activation(params, bindings, r, colOffset + j);
  word[0] = b;
  const value = float[0];
  if (b !== 0) {
    latents[LATENT.count * cols + j] += 1;
    latents[LATENT.least * cols + j] = Math.min(latents[LATENT.least * cols + j], b);
    latents[LATENT.most * cols + j] = Math.max(latents[LATENT.most * cols + j], b);
    histogram[j * 2048 + Math.min(Math.max((b >>> 18) - 2784, 0), 2047)] += 1;
    const e = b >>> 23;
    if (e < 255) {
      const m = (e === 0 ? (b & 0x7fffff) << 1 : (b & 0x7fffff) | 0x800000) << (e & 7);
      halves[j * 64 + (e >> 3) * 2] += m & 0xffff;
      halves[j * 64 + (e >> 3) * 2 + 1] += m >>> 16;
    }
  }
  if (((skip[r >> 5] >>> (r & 31)) & 1) !== 0) return;
  const t = latents[LATENT.t * cols + j] + 1;
  latents[LATENT.t * cols + j] = t;
  word[0] = latents[LATENT.estimate * cols + j];
  const step = Math.fround(Math.fround(stepScale) * Math.fround(total - t));
  const estimate = float[0];
  const sign = value > estimate ? 1 : value < estimate ? -1 : 0;
  float[0] = estimate + Math.fround(step * Math.fround(sign + Math.fround(pull)));
  latents[LATENT.estimate * cols + j] = word[0];
}
