/**
 * Encodes a sample in one way of several, and says how well the decoder gives it back.
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { ExplainedVariance } from "../compute/explained_variance.ts";
import { rowStatistics } from "../compute/row_statistics.ts";
import type { Decoder, Sae } from "../compute/sae.ts";
import { tensor } from "../compute/tensor.ts";
import { normalizeRows } from "../compute/with_input_norm.ts";

/** Rows encoded at once: their activations are dense. */
const CHUNK_ROWS = 256;

/** A way to read the shards and to apply the encoder. */
export interface Way {
  /** A layer as the metadata lists it, or `meanpool`. */
  readonly layer: number | "meanpool";
  /** Whether the mean of the sample is subtracted. */
  readonly scaleMean: boolean;
  /** Whether rows are divided by their mean norm over the root of the width. */
  readonly scaleNorm: boolean;
  /** Whether the decoder's bias is subtracted before encoding. */
  readonly preBias: boolean;
  /** Whether the checkpoint's normalisation of each row is applied. */
  readonly inputNorm: boolean;
}

/** What came of it. */
export interface Outcome extends Way {
  /** Fraction of variance explained; NaN when there is no decoder, or rows do not vary. */
  readonly explainedVariance: number;
  /** Mean number of latents that fire on a row. */
  readonly meanL0: number;
}

/** The outcome, and which latents fired. */
export interface Trial {
  /** The outcome. */
  readonly outcome: Outcome;
  /** Latents that fired on no row. */
  readonly silentLatents: number;
}

/**
 * Encodes rows in one way.
 *
 * @param rows `f32 [n, dVit]`, clamped; not changed.
 * @param encoder The encoder, its decoder, and what encodes.
 * @throws {AbnormalRowsError} If rows are to be scaled and cannot be.
 */
export async function tryEncoder(
  rows: Float32Array,
  way: Way,
  encoder: { readonly sae: Sae; readonly decoder: Decoder; readonly backend: Backend },
): Promise<Trial> {
  const { sae: { inputNorm, ...plain }, decoder, backend } = encoder;
  const { dVit, dSae } = plain;
  const bPre = way.preBias ? decoder.bDec : new Float32Array(dVit);
  const sample = (): { rows: Float32Array; skipped: undefined }[] => [{ rows, skipped: undefined }];
  const { scaleMean, scaleNorm } = way;
  const { mean, scalar } = await rowStatistics(sample, { dVit, scaleMean, scaleNorm });
  const variance = new ExplainedVariance(decoder);
  const fired = new Uint8Array(dSae);
  const n = rows.length / dVit;
  let firings = 0;
  for (let first = 0; first < n; first += CHUNK_ROWS) {
    const x = rows.slice(first * dVit, Math.min(n, first + CHUNK_ROWS) * dVit);
    for (let i = 0; i < x.length; i++) {
      x[i] = Math.fround(scaleMean && mean !== undefined ? x[i] - mean[i % dVit] : x[i]) / scalar;
    }
    if (way.inputNorm && inputNorm !== undefined) normalizeRows(x, dVit, inputNorm);
    const { data: f } = await backend.encode(tensor(x, [x.length / dVit, dVit]), { ...plain, bPre });
    for (let i = 0; i < f.length; i++) {
      if (f[i] > 0) {
        firings += 1;
        fired[i % dSae] = 1;
      }
    }
    variance.add(x, f);
  }
  return {
    outcome: { ...way, explainedVariance: variance.value, meanL0: firings / n },
    silentLatents: fired.reduce((silent, one) => silent + 1 - one, 0),
  };
}
