/**
 * The encoder in plain loops: the oracle that every kernel is tested against.
 * @module
 */
import { firingThreshold, type Sae } from "../sae.ts";

/**
 * Activations of one row: `f = act(fround(Σ_d x'_d·w_dj + b_j))`, `x' = fround(x − bPre)`, summed in f64 in order of d.
 *
 * The only roundings to f32 are that of x' and the final one; products of two f32 are exact in f64. `f ≥ 0`, and what
 * does not fire is +0. NaN never fires.
 *
 * @param x `f32 [≥ at + dVit]`; the row begins at `at`.
 * @param at Offset of the row.
 * @param sae The encoder.
 * @param pre `f64 [dSae]`, overwritten: room for the pre-activations.
 * @param f `f32 [dSae]`, overwritten with the activations.
 *
 * @example
 * ```ts
 * import { encodeRow } from "./encode.ts";
 * const sae = {
 *   dVit: 1, dSae: 2, wEnc: new Float32Array([2, -2]), bEnc: new Float32Array(2), bPre: new Float32Array([1]),
 *   activation: { kind: "relu" },
 * } as const;
 * const f = new Float32Array(2);
 * encodeRow(new Float32Array([4]), 0, sae, new Float64Array(2), f);
 * console.assert(f[0] === 6 && f[1] === 0);
 * ```
 */
export function encodeRow(x: Float32Array, at: number, sae: Sae, pre: Float64Array, f: Float32Array): void {
  const { dVit, dSae, wEnc, bEnc, bPre, activation } = sae;
  pre.fill(0);
  for (let d = 0; d < dVit; d++) {
    const centred = Math.fround(x[at + d] - bPre[d]);
    const w = d * dSae;
    for (let j = 0; j < dSae; j++) pre[j] += centred * wEnc[w + j];
  }
  for (let j = 0; j < dSae; j++) f[j] = pre[j] + bEnc[j];
  for (let j = 0; j < dSae; j++) if (!(f[j] > firingThreshold(activation, j))) f[j] = 0;
  if (activation.kind === "topk") keepLargest(f, activation.k);
}

/** Zeroes all but the k largest of the positive values; of equal ones the lower index stays. */
function keepLargest(f: Float32Array, k: number): void {
  const positive = f.filter((value) => value > 0);
  if (positive.length <= k) return;
  positive.sort();
  const least = positive[positive.length - k];
  let room = k - positive.filter((value) => value > least).length;
  for (let j = 0; j < f.length; j++) {
    if (f[j] > least) continue;
    if (f[j] === least && room > 0) room -= 1;
    else f[j] = 0;
  }
}
