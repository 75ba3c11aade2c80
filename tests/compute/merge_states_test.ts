import assert from "node:assert/strict";
import { emptyState } from "../../compute/empty_state.ts";
import type { LatentState } from "../../compute/latent_state.ts";
import { mergeStates } from "../../compute/merge_states.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import { assertSameState, makeCase, makePlan, runFold } from "./_cases.ts";

const backend = createReferenceBackend();

/** The same state in memory that threads share, as the WebAssembly backend gives it. */
function shared(state: LatentState): LatentState {
  const fields = Object.entries(state).map(([name, value]) => {
    if (!ArrayBuffer.isView(value)) return [name, value];
    const array = value as Float32Array;
    const type = array.constructor as new (buffer: SharedArrayBuffer) => Float32Array;
    const copy = new type(new SharedArrayBuffer(array.byteLength));
    copy.set(array);
    return [name, copy];
  });
  return Object.fromEntries(fields) as LatentState;
}

/** The state without what cannot be merged. */
function withoutEstimate(state: LatentState): LatentState {
  return { ...state, estimate: new Float64Array(0), estimateRow: new Float64Array(0) };
}

Deno.test({
  name: "`mergeStates()` of any cut, in either order, has the bits of one pass",
  permissions: "none",
  async fn(): Promise<void> {
    for (const integers of [true, false]) {
      for (const option of [{ sortBy: "patch" }, { sortBy: "patch", dedupe: "image" }, { sortBy: "sum" }] as const) {
        const { sae, block, ...rest } = makeCase({ integers, seed: 31 });
        const plan = makePlan({ sae, block, ...rest }, { ...option, nonFinite: "skip" });
        block[3 * 12 + 4] = NaN;
        const whole = await runFold(backend, sae, plan, block);
        for (const cut of [1, 4, 8]) {
          const a = await runFold(backend, sae, plan, block, 2, { end: cut });
          const b = await runFold(backend, sae, plan, block, 2, { first: cut });
          const copies = structuredClone([a, b]);
          const [sharedA, sharedB] = [shared(a), shared(b)];
          for (const merged of [mergeStates(a, b), mergeStates(b, a), mergeStates(sharedA, sharedB)]) {
            assertSameState(withoutEstimate(merged), withoutEstimate(whole));
            assert(merged.estimate.every((value) => Number.isNaN(value)));
            assert(merged.estimateRow.every((row) => row === whole.rows));
          }
          assertSameState(a, copies[0]);
          assertSameState(b, copies[1]);
          assertSameState(sharedA, copies[0]);
        }
      }
    }
  },
});

Deno.test({
  name: "`mergeStates()` with a state that saw nothing changes nothing, the estimate included",
  permissions: "none",
  async fn(): Promise<void> {
    const { sae, block, ...rest } = makeCase({ kind: "cls" });
    const plan = makePlan({ sae, block, ...rest });
    const state = await runFold(backend, sae, plan, block);
    const empty = emptyState(sae.dSae, plan);
    assertSameState(mergeStates(state, empty), state);
    assertSameState(mergeStates(empty, state), state);
    assertSameState(mergeStates(empty, empty), empty);
  },
});

Deno.test({
  name: "`mergeStates()` refuses states of different plans and too many rows",
  permissions: "none",
  fn(): void {
    const plan = makePlan(makeCase());
    const state = emptyState(3, plan);
    assert.throws(() => mergeStates(state, emptyState(4, plan)), TypeError);
    assert.throws(() => mergeStates(state, emptyState(3, { ...plan, k: 4 })), TypeError);
    assert.throws(() => mergeStates(state, emptyState(3, { ...plan, nDistributions: 1 })), TypeError);
    assert.throws(() => mergeStates({ ...state, rows: 2 ** 32 - 1 }, { ...state, rows: 1 }), RangeError);
  },
});
