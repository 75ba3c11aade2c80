/**
 * CPU twin of `fold.wgsl`.
 * @module
 */
import { LATENT } from "./latents.ts";
import type { Params } from "./params.ts";

/** Bindings of the kernel, in order. */
export interface FoldBindings {
  /** `u32 [rowsPad, ldF]`: bits of f ≥ 0. */
  readonly f: Uint32Array;
  /** `u32 [⌈rowsPad/32⌉]`: a bit per skipped row. */
  readonly skip: Uint32Array;
  /** `u32 [9, cols]`, see latents.ts; changed. */
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
  /** Whether statistics are gathered, or only the collection of candidates goes on. */
  readonly statistics: boolean;
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
 * A full list stops the collection at that row (or image), where a later walk without statistics takes it up.
 *
 * @param params Uses rows, firstRow, ldF, colOffset, cols, perImage, total, stepScale, pull.
 * @param use What the shader was made with.
 * @param bindings The arrays.
 *
 * @example
 * ```ts
 * import { fold } from "./fold.ts";
 * import { makeParams } from "./params.ts";
 * const latents = new Uint32Array(9);
 * const f = new Uint32Array(new Float32Array([2]).buffer);
 * fold(makeParams({ rows: 1, ldF: 1, cols: 1, perImage: 1, total: 1 }), { statistics: true, by: "row", capacity: 1 }, {
 *   f, skip: new Uint32Array(1), latents, candidates: new Uint32Array(2), histogram: new Uint32Array(2048),
 *   halves: new Uint32Array(64),
 * });
 * console.assert(latents[0] === 1 && latents[6] === 1);
 * ```
 */
export function fold(params: Params, use: FoldUse, bindings: FoldBindings): void {
  const { rows, firstRow, cols, ldF, colOffset, perImage } = params;
  const { f, latents, candidates } = bindings;
  const { capacity, by } = use;
  for (let j = 0; j < cols; j++) {
    const start = use.statistics ? 0 : latents[LATENT.stopped * cols + j];
    if (start === 0xffffffff) continue;
    const tau = latents[LATENT.tau * cols + j];
    let filled = latents[LATENT.filled * cols + j];
    let stopped = 0xffffffff;
    const offer = (value: number, row: number, unit: number): void => {
      if (value <= tau) return;
      if (filled === capacity) stopped = Math.min(stopped, unit);
      if (stopped !== 0xffffffff) return;
      candidates[2 * j * capacity + filled] = value;
      candidates[(2 * j + 1) * capacity + filled] = firstRow + row;
      filled += 1;
    };
    let best = 0;
    let bestRow = 0;
    let sum = 0;
    for (let r = start; r < rows; r++) {
      const b = f[r * ldF + colOffset + j];
      if (use.statistics) count(params, bindings, j, r, b);
      if (by === "row") offer(b, r, r);
      if (b > best) {
        best = b;
        bestRow = r;
      }
      word[0] = b;
      sum += float[0];
      if (by !== "row" && r % perImage === perImage - 1) {
        float[0] = sum;
        if (best > 0) offer(by === "sum" ? word[0] : best, bestRow, r + 1 - perImage);
        best = 0;
        sum = 0;
      }
    }
    latents[LATENT.filled * cols + j] = filled;
    latents[LATENT.stopped * cols + j] = stopped;
  }
}

function count(params: Params, bindings: FoldBindings, j: number, r: number, b: number): void {
  const { cols, total, stepScale, pull } = params;
  const { latents, histogram, halves, skip } = bindings;
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
