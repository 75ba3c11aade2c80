/**
 * A state of one's own.
 * @module
 */
import type { LatentState } from "./latent_state.ts";

/**
 * A copy whose arrays nobody else has. `structuredClone` would leave memory shared that several threads may write to, such as
 * the WebAssembly backend's.
 *
 * @example
 * ```ts
 * import { copyState } from "./copy_state.ts";
 * import { emptyState } from "./empty_state.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const count = new Uint32Array(new SharedArrayBuffer(16));
 * const state = { ...emptyState(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 2 }), count };
 * copyState(state).count[0] = 1;
 * console.assert(count[0] === 0);
 * ```
 */
export function copyState(state: LatentState): LatentState {
  const fields = Object.entries(state).map((
    [name, value],
  ) => [name, ArrayBuffer.isView(value) ? copied(value) : value]);
  return Object.fromEntries(fields) as LatentState;
}

/** Every array of a state is a typed one. */
function copied(view: ArrayBufferView): ArrayBufferView {
  return (view as Uint8Array).slice();
}
