/**
 * CPU twin of `distribution.wgsl`.
 * @module
 */
import { activation, type Fired } from "./fired.ts";
import type { Params } from "./params.ts";

/**
 * Copies the first latents' activations of every row of a strip; NaN where a row was skipped.
 *
 * @param params Uses rows, pieceRow, ldF, colOffset, kept, keptAll, keptFrom.
 * @param strip The activations.
 * @param skip `u32 [⌈rowsPad/32⌉]`: a bit per skipped row.
 * @param kept `u32 [pieceRows, keptAll]`: bits of f32, written.
 *
 * @example
 * ```ts
 * import { distribution } from "./distribution.ts";
 * import { makeParams } from "./params.ts";
 * const kept = new Uint32Array(2);
 * const params = makeParams({ rows: 2, ldF: 1, kept: 1, keptAll: 1 });
 * distribution(params, { f: new Uint32Array([5, 6]), bits: new Uint32Array([3]) }, new Uint32Array([2]), kept);
 * console.assert(kept[0] === 5 && kept[1] === 0x7fc00000);
 * ```
 */
export function distribution(params: Params, strip: Fired, skip: Uint32Array, kept: Uint32Array): void {
  for (let r = 0; r < params.rows; r++) {
    const skipped = ((skip[r >> 5] >>> (r & 31)) & 1) !== 0;
    for (let j = 0; j < params.kept; j++) {
      kept[(params.pieceRow + r) * params.keptAll + params.keptFrom + j] = skipped
        ? 0x7fc00000
        : activation(params, strip, r, params.colOffset + j);
    }
  }
}
