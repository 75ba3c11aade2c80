/**
 * Half-precision storage.
 * @module
 */

/**
 * Rounds f32 values to IEEE half precision, ties to even; values past 65504 become infinities, subnormal halves are kept.
 *
 * @param values `f32 [n]`.
 * @returns `u16 [n]`: the bits.
 *
 * @example
 * ```ts
 * import { toFloat16 } from "./float16.ts";
 * console.assert(toFloat16(new Float32Array([1, -2]))[1] === 0xc000);
 * ```
 */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const b = bits[i];
    const sign = (b >>> 16) & 0x8000;
    const magnitude = b & 0x7fffffff;
    if (magnitude > 0x7f800000) out[i] = sign | 0x7e00;
    else if (magnitude >= 0x477ff000) out[i] = sign | 0x7c00;
    else if (magnitude >= 0x38800000) {
      out[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // Subnormal: the significand counts units of 2^-24. Adding 2^23 · 2^-24 makes f32 addition do the rounding.
      scratch[0] = Math.abs(values[i]) + 0.5;
      out[i] = sign | (scratchBits[0] & 0x7fff);
    }
  }
  return out;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);
