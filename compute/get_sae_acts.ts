/**
 * Activations of rows, dense.
 * @module
 */
import type { Backend } from "./backend.ts";
import { batchedIdx } from "./batched_idx.ts";
import { createReferenceBackend } from "./reference/mod.ts";
import type { Sae } from "./sae.ts";
import { type Tensor, tensor } from "./tensor.ts";
import { withInputNorm } from "./with_input_norm.ts";

/** See {@linkcode getSaeActs}. */
export interface SaeActsOptions {
  /** Rows encoded at once, ≥ 1; 16,384 if not given. */
  readonly saeBatchSize?: number;
  /** What encodes; the reference backend if not given. */
  readonly backend?: Backend;
}

/**
 * Encodes rows: `f = act((x − bPre)·wEnc + bEnc)`, in batches of `saeBatchSize`.
 *
 * For small n: the whole of `f32 [n, dSae]` is held.
 *
 * @param vitActs `f32 [n, dVit]`, rows as the encoder expects them.
 * @param sae The encoder.
 * @returns `f32 [n, dSae]`, ≥ 0; a row holding NaN gives 0 wherever the NaN reaches.
 * @throws {TypeError} If vitActs is not `[n, dVit]`.
 * @throws {RangeError} If saeBatchSize is not an integer of at least 1.
 *
 * Source: upstream's `get_sae_acts`.
 *
 * @example
 * ```ts
 * import { getSaeActs } from "./get_sae_acts.ts";
 * import { tensor } from "./tensor.ts";
 * const sae = {
 *   dVit: 1, dSae: 2, wEnc: new Float32Array([2, -2]), bEnc: new Float32Array(2), bPre: new Float32Array([1]),
 *   activation: { kind: "relu" },
 * } as const;
 * const f = await getSaeActs(tensor(new Float32Array([4, -1]), [2, 1]), sae, { saeBatchSize: 1 });
 * console.assert(f.data.join() === "6,0,0,4");
 * ```
 */
export async function getSaeActs(vitActs: Tensor, sae: Sae, options: SaeActsOptions = {}): Promise<Tensor> {
  const { saeBatchSize = 16384, backend = createReferenceBackend() } = options;
  const { dVit, dSae } = sae;
  if (vitActs.shape.length !== 2 || vitActs.shape[1] !== dVit) {
    throw new TypeError(`Cannot encode rows of shape [${vitActs.shape.join(", ")}]: expected [n, ${dVit}]`);
  }
  const encoder = withInputNorm(backend);
  const n = vitActs.shape[0];
  const out = new Float32Array(n * dSae);
  for (const [start, end] of batchedIdx(n, saeBatchSize)) {
    const batch = tensor(vitActs.data.subarray(start * dVit, end * dVit), [end - start, dVit]);
    out.set((await encoder.encode(batch, sae)).data, start * dSae);
  }
  return tensor(out, [n, dSae]);
}
