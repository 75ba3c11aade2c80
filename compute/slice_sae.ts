/**
 * Some latents of an autoencoder, as one of its own.
 * @module
 */
import type { Sae } from "./sae.ts";

/**
 * The encoder of chosen latents alone: column i of the result is latent `latents[i]`, and encoding costs that share.
 *
 * Every backend sums a latent's product in one fixed order, so its activations keep their bits.
 *
 * @param sae The whole encoder; not changed.
 * @param latents Which latents, in the order wanted.
 * @throws {TypeError} If the activation is `topk`: whether a latent is among a row's largest depends on all of them.
 * @throws {RangeError} If there is no such latent.
 *
 * @example
 * ```ts
 * import { sliceSae } from "./slice_sae.ts";
 * const sae = {
 *   dVit: 1, dSae: 3, wEnc: new Float32Array([1, 2, 3]), bEnc: new Float32Array(3), bPre: new Float32Array(1),
 *   activation: { kind: "relu" },
 * } as const;
 * console.assert(sliceSae(sae, [2, 0]).wEnc.join() === "3,1");
 * ```
 */
export function sliceSae(sae: Sae, latents: readonly number[]): Sae {
  const { dVit, dSae, wEnc, bEnc, activation } = sae;
  if (activation.kind === "topk") {
    throw new TypeError("Cannot take latents out of a top-k autoencoder: which of them fire depends on all");
  }
  const beyond = latents.find((latent) => !Number.isInteger(latent) || latent < 0 || latent >= dSae);
  if (beyond !== undefined) throw new RangeError(`Cannot take latent ${beyond}: there are latents 0 to ${dSae - 1}`);
  const m = latents.length;
  const weights = new Float32Array(dVit * m);
  for (let d = 0; d < dVit; d++) {
    for (let i = 0; i < m; i++) weights[d * m + i] = wEnc[d * dSae + latents[i]];
  }
  const take = (values: Float32Array): Float32Array => Float32Array.from(latents, (latent) => values[latent]);
  return {
    ...sae,
    dSae: m,
    wEnc: weights,
    bEnc: take(bEnc),
    activation: activation.kind === "jumprelu"
      ? { kind: "jumprelu", threshold: take(activation.threshold) }
      : activation,
  };
}
