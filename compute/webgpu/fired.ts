/**
 * CPU twin of `fired.wgsl`.
 * @module
 */
import type { Params } from "./params.ts";

/** A strip's activations. */
export interface Fired {
  /** `u32 [rowsPad, ldF]`: bits of f where it fires, anything elsewhere. */
  readonly f: Uint32Array;
  /** `u32 [rowsPad/32, ldF]`: a bit per row that fires. */
  readonly bits: Uint32Array;
}

/**
 * Bits of an activation: 0 where it does not fire.
 *
 * @param params Uses ldF.
 * @param strip The activations.
 * @param r Row of the strip.
 * @param column Column of F.
 *
 * @example
 * ```ts
 * import { activation } from "./fired.ts";
 * import { makeParams } from "./params.ts";
 * const strip = { f: new Uint32Array([5, 9]), bits: new Uint32Array([2]) };
 * console.assert(activation(makeParams({ ldF: 1 }), strip, 0, 0) === 0);
 * console.assert(activation(makeParams({ ldF: 1 }), strip, 1, 0) === 9);
 * ```
 */
export function activation({ ldF }: Params, { f, bits }: Fired, r: number, column: number): number {
  const fires = ((bits[(r >> 5) * ldF + column] >>> (r & 31)) & 1) !== 0;
  return fires ? f[r * ldF + column] : 0;
}
