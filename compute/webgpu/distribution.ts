/**
 * CPU twin of `distribution.wgsl`.
 * @module
 */
import type { Params } from "./params.ts";

/**
 * Copies the first latents' activations of every row of a strip; NaN where a row was skipped.
 *
 * @param params Uses rows, pieceRow, ldF, colOffset, kept, keptAll, keptFrom.
 * @param f `f32 [rowsPad, ldF]`.
 * @param skip `u32 [⌈rowsPad/32⌉]`: a bit per skipped row.
 * @param kept `f32 [pieceRows, keptAll]`, written.
 *
 * @example
 * ```ts
 * import { distribution } from "./distribution.ts";
 * import { makeParams } from "./params.ts";
 * const kept = new Float32Array(2);
 * const params = makeParams({ rows: 2, ldF: 1, kept: 1, keptAll: 1 });
 * distribution(params, new Float32Array([5, 6]), new Uint32Array([2]), kept);
 * console.assert(kept.join() === "5,NaN");
 * ```
 */
export function distribution(params: Params, f: Float32Array, skip: Uint32Array, kept: Float32Array): void {
  for (let r = 0; r < params.rows; r++) {
    const skipped = ((skip[r >> 5] >>> (r & 31)) & 1) !== 0;
    for (let j = 0; j < params.kept; j++) {
      kept[(params.pieceRow + r) * params.keptAll + params.keptFrom + j] = skipped
        ? NaN
        : f[r * params.ldF + params.colOffset + j];
    }
  }
}
