import assert from "node:assert/strict";
import type { FoldPlan } from "../../compute/backend.ts";
import { checkPlan } from "../../compute/check_plan.ts";
import { emptyState, stateBytes } from "../../compute/empty_state.ts";
import type { RowLayout } from "../../compute/rows.ts";
import { makeCase, makePlan } from "./_cases.ts";

const given = makeCase();

Deno.test({
  name: "`checkPlan()` accepts every combination that makes sense and no other",
  permissions: "none",
  fn(): void {
    for (const kind of ["patches", "cls", "meanpool"] as const) {
      for (const sortBy of ["patch", "sum", "img"] as const) {
        const plan = { ...makePlan(given), layout: { ...given.layout, kind }, sortBy };
        if ((kind === "patches") === (sortBy !== "img")) checkPlan(given.sae, plan);
        else assert.throws(() => checkPlan(given.sae, plan), RangeError);
      }
    }
  },
});

Deno.test({
  name: "`checkPlan()` refuses numbers out of range",
  permissions: "none",
  fn(): void {
    const plans: Partial<FoldPlan>[] = [
      { k: 0 },
      { k: 1.5 },
      { batchImages: 0 },
      { nImages: -1 },
      { nImages: 2 ** 31 },
      { nDistributions: -1 },
      { percentile: 101 },
      { percentile: NaN },
      { percentileLr: 0 },
      { dedupe: "patch" as "image" },
    ];
    for (const options of plans) {
      assert.throws(() => checkPlan(given.sae, makePlan(given, options)), RangeError, JSON.stringify(options));
    }
    const layouts: Partial<RowLayout>[] = [{ layers: 0 }, { tokens: 1 }, { scalar: 0 }, { scalar: NaN }, {
      clamp: NaN,
    }];
    for (const options of layouts) {
      const layout = { ...given.layout, ...options };
      assert.throws(() => checkPlan(given.sae, makePlan(given, { layout })), RangeError, JSON.stringify(options));
    }
  },
});

Deno.test({
  name: "`checkPlan()` refuses arrays that do not fit",
  permissions: "none",
  fn(): void {
    const layout = (options: Partial<RowLayout>): FoldPlan =>
      makePlan(given, { layout: { ...given.layout, ...options } });
    assert.throws(() => checkPlan(given.sae, layout({ dVit: 11 })), TypeError);
    assert.throws(() => checkPlan(given.sae, layout({ mean: new Float32Array(3) })), TypeError);
    assert.throws(() => checkPlan({ ...given.sae, wEnc: new Float32Array(3) }, makePlan(given)), TypeError);
    const activation = { kind: "jumprelu", threshold: new Float32Array(3) } as const;
    assert.throws(() => checkPlan({ ...given.sae, activation }, makePlan(given)), TypeError);
  },
});

Deno.test({
  name: "`checkPlan()` refuses to resume from a state of another plan",
  permissions: "none",
  fn(): void {
    const plan = makePlan(given);
    const state = emptyState(40, plan);
    checkPlan(given.sae, plan, state);
    assert.throws(() => checkPlan(given.sae, plan, emptyState(39, plan)), TypeError);
    assert.throws(() => checkPlan(given.sae, plan, emptyState(40, { ...plan, k: 6 })), TypeError);
    assert.throws(() => checkPlan(given.sae, plan, emptyState(40, { ...plan, nDistributions: 4 })), TypeError);
    assert.throws(() => checkPlan(given.sae, plan, { ...state, count: new Uint32Array(3) }), TypeError);
    assert.throws(() => checkPlan(given.sae, plan, { ...state, rows: 37 }), RangeError);
  },
});

Deno.test({
  name: "`stateBytes()` is what `emptyState()` allocates",
  permissions: "none",
  fn(): void {
    for (const sortBy of ["patch", "img"] as const) {
      const plan = makePlan(given, { sortBy, nDistributions: 50 });
      const arrays = Object.values(emptyState(40, plan)).filter((value) => ArrayBuffer.isView(value));
      assert.equal(stateBytes(40, plan), arrays.reduce((sum, array) => sum + array.byteLength, 0));
    }
    assert.throws(() => emptyState(-1, makePlan(given)), RangeError);
    assert.throws(() => emptyState(1, makePlan(given, { k: 0 })), RangeError);
  },
});
