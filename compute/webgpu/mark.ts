/**
 * CPU twin of `mark.wgsl`.
 * @module
 */
import type { Params } from "./params.ts";

/**
 * Marks what fires in a strip of which everything is stored.
 *
 * @param params Uses rows, ldF.
 * @param f `u32 [rowsPad, ldF]`: bits of f ≥ 0.
 * @param bits `u32 [⌈rows/32⌉, ldF]`: a bit per row, written; 0 from `rows` on.
 *
 * @example
 * ```ts
 * import { mark } from "./mark.ts";
 * import { makeParams } from "./params.ts";
 * const bits = new Uint32Array(1);
 * mark(makeParams({ rows: 3, ldF: 1 }), new Uint32Array([7, 0, 9]), bits);
 * console.assert(bits[0] === 0b101);
 * ```
 */
export function mark({ rows, ldF }: Params, f: Uint32Array, bits: Uint32Array): void {
  bits.fill(0, 0, Math.ceil(rows / 32) * ldF);
  for (let i = 0; i < rows * ldF; i++) {
    const r = Math.floor(i / ldF);
    if (f[i] !== 0) bits[(r >> 5) * ldF + (i % ldF)] |= 1 << (r & 31);
  }
}
