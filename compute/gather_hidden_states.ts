/**
 * From what a vision transformer gives to what shards hold.
 * @module
 */

/** One layer's activations of a batch, somewhere in an array. */
export interface LayerView {
  /** The array. */
  readonly data: Float32Array;
  /** Where image 0 begins, in values. */
  readonly offset: number;
  /** From one image to the next, in values. */
  readonly stride: number;
}

/** Which tokens are kept. */
export interface KeptTokens {
  /** Width of an activation vector. */
  readonly dVit: number;
  /** Whether token 0 is kept, in front. */
  readonly clsToken: boolean;
  /** First token of the patches. */
  readonly firstPatch: number;
  /** Patches, one after the other. */
  readonly patches: number;
}

/**
 * Copies the kept tokens of each image: `f32 [images, layers, tokens, dVit]`, row-major, tokens being CLS (where kept) and patches.
 *
 * @param layers One view for each layer, `f32 [images, all tokens, dVit]` from its offset on.
 * @param images How many.
 * @param into Where to write.
 * @returns Index within `into` of the first value that is NaN or infinite, or −1.
 *
 * @example
 * ```ts
 * import { gatherHiddenStates } from "./gather_hidden_states.ts";
 * const data = new Float32Array([1, 2, 3, 4, 5, 6]); // 1 image of CLS, a register, a patch; width 2
 * const into = new Float32Array(4);
 * const kept = { dVit: 2, clsToken: true, firstPatch: 2, patches: 1 };
 * gatherHiddenStates([{ data, offset: 0, stride: 6 }], 1, { kept, into });
 * console.assert(into.join() === "1,2,5,6");
 * ```
 */
export function gatherHiddenStates(
  layers: readonly LayerView[],
  images: number,
  { kept, into }: { readonly kept: KeptTokens; readonly into: Float32Array },
): number {
  const { dVit, clsToken, firstPatch, patches } = kept;
  let at = 0;
  for (let image = 0; image < images; image++) {
    for (const { data, offset, stride } of layers) {
      const start = offset + image * stride;
      if (clsToken) {
        into.set(data.subarray(start, start + dVit), at);
        at += dVit;
      }
      const first = start + firstPatch * dVit;
      into.set(data.subarray(first, first + patches * dVit), at);
      at += patches * dVit;
    }
  }
  for (let i = 0; i < at; i++) if (!Number.isFinite(into[i])) return i;
  return -1;
}
