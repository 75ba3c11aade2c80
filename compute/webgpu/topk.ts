/**
 * CPU twin of `topk.wgsl`.
 * @module
 */
import type { Params } from "./params.ts";

/**
 * Keeps the `params.sparse` largest positive values of each row and zeroes the rest; of equal values the lower columns stay.
 *
 * @param params Uses rows, ldF, sparse.
 * @param f `f32 [rows, ldF]`, ≥ 0, changed in place.
 *
 * @example
 * ```ts
 * import { makeParams } from "./params.ts";
 * import { topk } from "./topk.ts";
 * const f = new Float32Array([1, 3, 3, 2]);
 * topk(makeParams({ rows: 1, ldF: 4, sparse: 1 }), f);
 * console.assert(f.join() === "0,3,0,0");
 * ```
 */
export function topk(params: Params, f: Float32Array): void {
  const { rows, ldF, sparse } = params;
  for (let r = 0; r < rows; r++) {
    const row = f.subarray(r * ldF, (r + 1) * ldF);
    const order = Array.from(row.keys()).filter((c) => row[c] > 0).sort((a, b) => row[b] - row[a] || a - b);
    for (const c of order.slice(sparse)) row[c] = 0;
  }
}
