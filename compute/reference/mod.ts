/**
 * The reference backend: plain loops with f64 sums, correct first. Needs nothing and runs everywhere.
 * @module
 */
import type { Backend, Fold, FoldPlan } from "../backend.ts";
import { checkPlan, checkSae } from "../check_plan.ts";
import type { LatentState } from "../latent_state.ts";
import type { Sae } from "../sae.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { encodeRow } from "./encode.ts";
import { ReferenceFold } from "./fold.ts";

/**
 * Makes the backend that every other is tested against.
 *
 * Pre-activations are summed in f64 and rounded once to f32. One thread, one image's activations at a time.
 *
 * @returns A backend without resources of its own.
 *
 * @example
 * ```ts
 * import { tensor } from "../tensor.ts";
 * import { createReferenceBackend } from "./mod.ts";
 * const sae = {
 *   dVit: 1, dSae: 2, wEnc: new Float32Array([2, -2]), bEnc: new Float32Array(2), bPre: new Float32Array([1]),
 *   activation: { kind: "relu" },
 * } as const;
 * const f = await createReferenceBackend().encode(tensor(new Float32Array([4]), [1, 1]), sae);
 * console.assert(f.data[0] === 6 && f.data[1] === 0);
 * ```
 */
export function createReferenceBackend(): Backend {
  return {
    name: "reference",
    details: { path: "f64 loops", threads: 1 },
    // deno-lint-ignore require-await -- async so that a refusal is a rejection.
    async open(sae: Sae, plan: FoldPlan, from?: LatentState): Promise<Fold> {
      checkPlan(sae, plan, from);
      return new ReferenceFold(sae, plan, from);
    },
    // deno-lint-ignore require-await -- async so that a refusal is a rejection.
    async encode(x: Tensor, sae: Sae): Promise<Tensor> {
      checkSae(sae);
      if (x.shape.length !== 2 || x.shape[1] !== sae.dVit) {
        throw new TypeError(`Cannot encode rows of shape [${x.shape.join(", ")}]: expected [n, ${sae.dVit}]`);
      }
      const n = x.shape[0];
      const out = new Float32Array(n * sae.dSae);
      const pre = new Float64Array(sae.dSae);
      for (let i = 0; i < n; i++) {
        encodeRow(x.data, i * sae.dVit, sae, pre, out.subarray(i * sae.dSae, (i + 1) * sae.dSae));
      }
      return tensor(out, [n, sae.dSae]);
    },
    close: () => Promise.resolve(),
  };
}
