/**
 * The encoder half of a sparse autoencoder, as every backend takes it.
 * @module
 */

/**
 * What turns a pre-activation into an activation `f`.
 *
 * - `relu`: `f = max(pre, 0)`.
 * - `topk`: per row, the `k` largest pre-activations keep their value, the rest are 0; ties go to the lower latent.
 *   A kept value that is not positive does not fire.
 * - `threshold`: `f = pre > threshold ? pre : 0`, one threshold for all latents (BatchTopK at inference; a threshold ≤ 0 is ReLU).
 * - `jumprelu`: the same with a threshold per latent, `f32 [dSae]`; f is never negative (a threshold < 0 acts as 0).
 *
 * In every case a latent *fires* on a row when `f > 0`; NaN never fires; −0 is 0.
 */
export type Activation =
  | { readonly kind: "relu" }
  | { readonly kind: "topk"; readonly k: number }
  | { readonly kind: "threshold"; readonly threshold: number }
  | { readonly kind: "jumprelu"; readonly threshold: Float32Array };

/**
 * What is done to each row before anything else, on its own numbers only.
 *
 * - `layer_norm`: `x ← (x − μ)/(σ + epsilon)`, μ the row's mean, σ its standard deviation with `n − 1` below.
 * - `constant_norm`: `x ← x · norm/‖x‖₂`; a row of zeros stays zeros.
 */
export type InputNorm =
  | { readonly kind: "layer_norm"; readonly epsilon: number }
  | { readonly kind: "constant_norm"; readonly norm: number };

/**
 * An encoder: `f(x) = act((x − bPre) · wEnc + bEnc)`, on rows that `inputNorm` may change first.
 *
 * Source: formats.md of this system's specification; `bPre` is `b_dec` where the convention subtracts it, zeros where not.
 */
export interface Sae {
  /** Input width. */
  readonly dVit: number;
  /** Number of latents. */
  readonly dSae: number;
  /** Encoder weights, `f32 [dVit, dSae]`, row-major, finite. */
  readonly wEnc: Float32Array;
  /** Encoder bias, `f32 [dSae]`, finite. */
  readonly bEnc: Float32Array;
  /** Subtracted from the input, `f32 [dVit]`, finite. */
  readonly bPre: Float32Array;
  /** The activation. */
  readonly activation: Activation;
  /** Changes rows after centring and scaling, before `bPre`; see `withInputNorm`, without which backends refuse it. */
  readonly inputNorm?: InputNorm | undefined;
}

/**
 * The other half: `x̂ = f · wDec + bDec`, in the space of rows that the encoder sees after `inputNorm`.
 */
export interface Decoder {
  /** One direction per latent, `f32 [dSae, dVit]`, row-major, finite. */
  readonly wDec: Float32Array;
  /** `f32 [dVit]`, finite. */
  readonly bDec: Float32Array;
}

/** The lowest pre-activation a latent must exceed to fire: 0, or its threshold if that is larger. */
export function firingThreshold(activation: Activation, latent: number): number {
  switch (activation.kind) {
    case "relu":
    case "topk":
      return 0;
    case "threshold":
      return Math.max(0, activation.threshold);
    case "jumprelu":
      return Math.max(0, activation.threshold[latent]);
  }
}
