/**
 * CPU twin of `prepare.wgsl`.
 * @module
 */
import type { Params } from "./params.ts";

/** Bindings of the kernel, in order. */
export interface PrepareBindings {
  /** `f32 [images, tokens, dVit]`. */
  readonly raw: Float32Array;
  /** `f32 [2, kPad]`: mean, bPre. */
  readonly centre: Float32Array;
  /** `f32 [kPad, rowsPad]`, written: x', k-major. */
  readonly x: Float32Array;
  /** `u32 [⌈rowsPad/32⌉]`, or-ed: a bit per row that is skipped or padding. */
  readonly skip: Uint32Array;
  /** `u32 [4]`: least index of a bad element in the piece's rows (min-ed), skipped rows (added), least index of ∞ and of −∞. */
  readonly found: Uint32Array;
}

/**
 * Raw values to encoder inputs: `x' = fround(fround(fround(clamp(x) − mean) / scalar) − bPre)`, transposed and padded with 0.
 *
 * A bad element (NaN or ±Infinity) contributes 0 and marks its row, unless `params.keepNonFinite`.
 *
 * @param params Uses rows, rowsPad, pieceRow, dVit, kPad, tokens, firstToken, perImage, clamp, scalar, keepNonFinite.
 * @param use Which steps the shader was made with: `CENTRE` clamps and subtracts the mean, `SCALE` divides.
 * @param bindings The arrays.
 *
 * @example
 * ```ts
 * import { makeParams } from "./params.ts";
 * import { prepare } from "./prepare.ts";
 * const x = new Float32Array(1);
 * const params = makeParams({ rows: 1, rowsPad: 1, dVit: 1, kPad: 1, tokens: 1, perImage: 1, clamp: 5, scalar: 2 });
 * const centre = new Float32Array([1, 0.5]);
 * prepare(params, { CENTRE: 1, SCALE: 1 }, {
 *   raw: new Float32Array([9]), centre, x, skip: new Uint32Array(1), found: new Uint32Array(4),
 * });
 * console.assert(x[0] === 1.5);
 * ```
 */
export function prepare(params: Params, use: { CENTRE: number; SCALE: number }, bindings: PrepareBindings): void {
  const { rows, rowsPad, pieceRow, dVit, kPad, tokens, firstToken, perImage, clamp, scalar, keepNonFinite } = params;
  const { raw, centre, x, skip, found } = bindings;
  for (let r = 0; r < rowsPad; r++) {
    if (r >= rows) skip[r >> 5] |= 1 << (r & 31);
    const row = pieceRow + r;
    const image = Math.floor(row / perImage);
    const from = (image * tokens + firstToken + (row % perImage)) * dVit;
    for (let d = 0; d < kPad; d++) {
      let value = 0;
      if (r < rows && d < dVit) {
        let v = raw[from + d];
        if (v - v !== 0 && keepNonFinite === 0) {
          if (((skip[r >> 5] >>> (r & 31)) & 1) === 0) found[1] += 1;
          skip[r >> 5] |= 1 << (r & 31);
          found[0] = Math.min(found[0], row * dVit + d);
          if (v === Infinity) found[2] = Math.min(found[2], row * dVit + d);
          if (v === -Infinity) found[3] = Math.min(found[3], row * dVit + d);
        } else {
          if (use.CENTRE) v = Math.fround(Math.min(Math.max(v, -clamp), clamp) - centre[d]);
          if (use.SCALE) v = Math.fround(v / scalar);
          value = v - centre[kPad + d];
        }
      }
      x[d * rowsPad + r] = value;
    }
  }
}
