import assert from "node:assert/strict";
import type { FoldPlan } from "../../../compute/backend.ts";
import { exactSumToNumber } from "../../../compute/exact_sum.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "../../../compute/latent_state.ts";
import { estimatorRule, updateEstimate } from "../../../compute/percentile_estimator.ts";
import { prepareRows } from "../../../compute/prepare_rows.ts";
import { sketchBounds } from "../../../compute/quantile_sketch.ts";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import { rowsPerImage } from "../../../compute/rows.ts";
import { tensor } from "../../../compute/tensor.ts";
import { assertSameState, assertWithinBounds, type Case, makeCase, makePlan, runFold } from "../_cases.ts";

const backend = createReferenceBackend();

/** Plans that differ in everything that changes a ranking, over cases that differ in everything that makes f. */
function* everyPlan(): Generator<{ title: string; given: Case; plan: FoldPlan }> {
  for (const activation of ["relu", "topk", "threshold", "jumprelu"] as const) {
    for (const integers of [false, true]) {
      for (const kind of ["patches", "cls", "meanpool"] as const) {
        const given = makeCase({
          activation,
          integers,
          kind,
          seed: 77,
          layers: kind === "meanpool" ? 2 : 1,
          scale: !integers,
        });
        const patchPlans = [{ sortBy: "patch" }, { sortBy: "patch", dedupe: "image" }, { sortBy: "sum" }] as const;
        const options = kind === "patches" ? patchPlans : [{ sortBy: "img" } as const];
        for (const option of options) {
          const title = `${activation}, ${integers ? "integers" : "normals"}, ${kind}, ${JSON.stringify(option)}`;
          yield { title, given, plan: makePlan(given, { ...option, percentile: 80 }) };
        }
      }
    }
  }
}

/** Everything that counts, as lists: f per row, then sorting and adding without any streaming. */
async function check(given: Case, plan: FoldPlan, state: LatentState): Promise<void> {
  const { sae, nImages } = given;
  const P = rowsPerImage(plan.layout);
  const { rows, skipped } = prepareRows(given.block, nImages, 0, plan.layout, plan.nonFinite);
  const n = nImages * P;
  const acts = (await backend.encode(tensor(rows, [n, sae.dVit]), sae)).data;
  const kept = Array.from({ length: n }, (_, r) => r).filter((r) => skipped?.[r] !== 1);
  assert.equal(state.rows, kept.length);
  assert.equal(state.skippedRows, n - kept.length);
  for (let j = 0; j < sae.dSae; j++) {
    const f = (r: number): number => (skipped?.[r] === 1 ? 0 : acts[r * sae.dSae + j]);
    const positive = kept.map(f).filter((value) => value > 0);
    assert.equal(state.count[j], positive.length);
    // Sums of so few f32 of similar size are exact in f64.
    const sum = exactSumToNumber(state.sumBins, j * SUM_BINS);
    const truth = positive.toSorted((a, b) => a - b).reduce((a, b) => a + b, 0);
    assert(Math.abs(sum - truth) <= truth * 2 ** -50, `sum of latent ${j}`);
    assert.equal(state.min[j], Math.min(...positive));
    assert.equal(state.max[j], Math.max(0, ...positive));
    for (let bin = 0; bin < SKETCH_BINS; bin++) {
      const got = state.histogram[j * SKETCH_BINS + bin];
      if (got === 0) continue;
      const { lo, hi } = sketchBounds(bin);
      assert.equal(got, positive.filter((value) => value >= lo && value < hi).length);
    }

    const images = Array.from({ length: nImages }, (_, i) => Array.from({ length: P }, (_, p) => f(i * P + p)));
    const best = (patches: number[]): number => patches.indexOf(Math.max(...patches));
    const entries = plan.sortBy === "sum"
      ? images.map((patches, image) => ({
        value: Math.fround(patches.reduce((a, b) => a + b, 0)),
        image,
        patch: best(patches),
      }))
      : images.flatMap((patches, image) =>
        patches.map((value, patch) => ({ value, image, patch }))
          .filter(({ patch }) => plan.dedupe === "none" || patch === best(patches))
      );
    const ranked = entries.filter(({ value }) => value > 0)
      .sort((a, b) => b.value - a.value || a.image - b.image || a.patch - b.patch)
      .slice(0, plan.k);
    assert.equal(state.topCount[j], ranked.length);
    for (let e = 0; e < plan.k; e++) {
      const at = j * plan.k + e;
      const expected = ranked[e] ?? { value: -1, image: 0, patch: 0 };
      assert.equal(state.topValue[at], expected.value);
      assert.equal(state.topImage[at], expected.image);
      assert.equal(state.topPatch[at], expected.patch);
      const heatmap = state.heatmap.subarray(at * state.patches, (at + 1) * state.patches);
      if (plan.sortBy === "img") assert.equal(heatmap.length, 0);
      else assert.deepEqual([...heatmap], e < ranked.length ? images[expected.image] : Array(P).fill(-1));
    }

    const rule = estimatorRule(plan.percentile, n, plan.percentileLr);
    let estimate = 0;
    kept.slice(0, state.estimateRow[j]).forEach((r, t) => estimate = updateEstimate(estimate, t, f(r), rule));
    // Over runs this short both ways cross zero on the same row up to rounding, worth at most two steps.
    assert(Math.abs(state.estimate[j] - estimate) <= 2 * plan.percentileLr);
    if (positive.length > 0) assert(f(kept[state.estimateRow[j] - 1]) > 0, "estimateRow follows the last positive");
    else assert.equal(state.estimateRow[j], 0);
  }
  const m = Math.min(plan.nDistributions, sae.dSae);
  assert.equal(state.distributions.length, m * n);
  state.distributions.forEach((value, at) => {
    const [j, r] = [Math.floor(at / n), at % n];
    assert(Object.is(value, skipped?.[r] === 1 ? NaN : acts[r * sae.dSae + j]));
  });
}

Deno.test({
  name: "reference fold equals sorting and adding whole lists, for every activation, kind and ranking",
  permissions: "none",
  async fn(t): Promise<void> {
    for (const { title, given, plan } of everyPlan()) {
      await t.step(title, async () => {
        await check(given, plan, await runFold(backend, given.sae, plan, given.block));
      });
    }
  },
});

Deno.test({
  name: "reference fold has the same bits for every batch size, and when resumed after any image",
  permissions: "none",
  async fn(): Promise<void> {
    for (const { given: { sae, block, nImages }, plan } of everyPlan()) {
      const whole = await runFold(backend, sae, plan, block);
      for (const size of [1, 3, 7]) assertSameState(await runFold(backend, sae, plan, block, size), whole);
      for (const cut of [0, 4, nImages]) {
        const first = await runFold(backend, sae, plan, block, 3, { end: cut });
        const copy = structuredClone(first);
        assertSameState(await runFold(backend, sae, plan, block, 2, { first: cut, from: first }), whole);
        assertSameState(first, copy);
      }
    }
  },
});

Deno.test({
  name: "reference fold skips bad rows without counting them, and goes on around them",
  permissions: "none",
  async fn(): Promise<void> {
    for (const option of [{ sortBy: "patch" }, { sortBy: "patch", dedupe: "image" }, { sortBy: "sum" }] as const) {
      const given = makeCase({ seed: 5, bias: 0 });
      const plan = makePlan(given, { ...option, nonFinite: "skip" });
      const tokens = given.layout.tokens;
      // One patch of image 0, every patch of image 3, the last row of all.
      for (const token of [2, 3 * tokens + 1, 3 * tokens + 2, 3 * tokens + 3, 3 * tokens + 4, 9 * tokens - 1]) {
        given.block[token * 12 + (token % 12)] = [NaN, Infinity, -Infinity][token % 3];
      }
      const state = await runFold(backend, given.sae, plan, given.block);
      assert.equal(state.skippedRows, 6);
      await check(given, plan, state);
      assertSameState(await runFold(backend, given.sae, plan, given.block, 2), state);
    }
  },
});

Deno.test({
  name: "reference fold refuses a bad row before it changes anything",
  permissions: "none",
  async fn(): Promise<void> {
    const given = makeCase();
    const fold = await backend.open(given.sae, makePlan(given));
    const lent = await fold.lend();
    lent.set(given.block);
    lent[lent.length - 1] = NaN;
    const before = await fold.state();
    await assert.rejects(fold.fold({ block: lent, firstImage: 0, nImages: 9 }), { name: "NonFiniteError", image: 8 });
    assertSameState(await fold.state(), before);
    await fold.close();
  },
});

Deno.test({
  name: "reference fold ranks ties by image, then patch, and keeps what it has",
  permissions: "none",
  async fn(): Promise<void> {
    const one = new Float32Array([1]);
    const sae = {
      dVit: 1,
      dSae: 1,
      wEnc: one,
      bEnc: new Float32Array(1),
      bPre: new Float32Array(1),
      activation: { kind: "relu" },
    } as const;
    const given = makeCase({ dVit: 1, dSae: 1, nImages: 4, patches: 2, cls: false });
    const block = new Float32Array([1, 2, 2, 2, 2, 1, -0, 3]);
    const top = async (options: Partial<FoldPlan>): Promise<number[][]> => {
      const state = await runFold(backend, sae, makePlan(given, options), block, 1);
      return Array.from({ length: state.k }, (_, e) => [state.topValue[e], state.topImage[e], state.topPatch[e]]);
    };
    assert.deepEqual(await top({ k: 4 }), [[3, 3, 1], [2, 0, 1], [2, 1, 0], [2, 1, 1]]);
    assert.deepEqual(await top({ k: 4, dedupe: "image" }), [[3, 3, 1], [2, 0, 1], [2, 1, 0], [2, 2, 0]]);
    assert.deepEqual(await top({ k: 5, sortBy: "sum" }), [[4, 1, 0], [3, 0, 1], [3, 2, 0], [3, 3, 1], [-1, 0, 0]]);
    assert.deepEqual((await top({ k: 9 })).slice(7), [[-1, 0, 0], [-1, 0, 0]]);
  },
});

Deno.test({
  name: "reference fold counts an overflow to Infinity, which no sum holds",
  permissions: "none",
  async fn(): Promise<void> {
    const wEnc = new Float32Array([3e38]);
    const zero = new Float32Array(1);
    const sae = { dVit: 1, dSae: 1, wEnc, bEnc: zero, bPre: zero, activation: { kind: "relu" } } as const;
    const given = makeCase({ dVit: 1, dSae: 1, nImages: 2, patches: 1, cls: false });
    const state = await runFold(backend, sae, makePlan(given), new Float32Array([10, 1]));
    assert.deepEqual([state.count[0], state.max[0], state.topValue[0]], [2, Infinity, Infinity]);
    assert.equal(state.histogram[SKETCH_BINS - 1], 2);
    assert.equal(exactSumToNumber(state.sumBins, 0), Math.fround(3e38));
  },
});

Deno.test({
  name: "reference fold takes no images, one image, no latents, and more distributions than latents",
  permissions: "none",
  async fn(): Promise<void> {
    const given = makeCase({ nImages: 1 });
    await check(given, makePlan(given), await runFold(backend, given.sae, makePlan(given), given.block));
    const many = makePlan(given, { nDistributions: 1000 });
    await check(given, many, await runFold(backend, given.sae, many, given.block));
    const none = await runFold(backend, given.sae, makePlan(given, { nImages: 0 }), given.block, 1);
    assert.deepEqual([none.rows, none.distributions.length], [0, 0]);
    const empty = makeCase({ dSae: 0 });
    assert.equal((await runFold(backend, empty.sae, makePlan(empty), empty.block)).rows, 36);
    const fold = await backend.open(given.sae, makePlan(given));
    await fold.fold({ block: await fold.lend(), firstImage: 0, nImages: 0 });
    assert.equal((await fold.state()).rows, 0);
    await fold.close();
  },
});

Deno.test({
  name: "reference fold refuses gaps, batches past the end, too little memory, and use after close",
  permissions: "none",
  async fn(): Promise<void> {
    const given = makeCase();
    const fold = await backend.open(given.sae, makePlan(given, { batchImages: 2 }));
    const block = await fold.lend();
    await fold.fold({ block, firstImage: 0, nImages: 2 });
    await assert.rejects(fold.fold({ block, firstImage: 3, nImages: 1 }), RangeError);
    await assert.rejects(fold.fold({ block, firstImage: 2, nImages: 3 }), RangeError);
    assert.deepEqual(Object.keys(fold.profile()), ["prepare", "encode", "fold"]);
    await fold.close();
    await fold.close();
    await assert.rejects(fold.lend(), TypeError);
    await assert.rejects(backend.open(given.sae, makePlan(given, { maxMemoryBytes: 1000 })), {
      name: "DeviceLimitError",
      limit: "max-memory",
      available: 1000,
    });
  },
});

Deno.test({
  name: "`assertWithinBounds()` accepts the reference and notices a changed value",
  permissions: "none",
  async fn(): Promise<void> {
    for (const activation of ["relu", "threshold", "jumprelu"] as const) {
      const given = makeCase({ activation });
      const plan = makePlan(given);
      const state = await runFold(backend, given.sae, plan, given.block);
      assertWithinBounds(state, given, plan);
      const j = state.topCount.findIndex((count) => count > 0);
      const wrong = structuredClone(state);
      wrong.topValue[j * plan.k] *= 1.0001;
      assert.throws(() => assertWithinBounds(wrong, given, plan));
      const miscounted = structuredClone(state);
      miscounted.count[j] += 1;
      assert.throws(() => assertWithinBounds(miscounted, given, plan));
    }
  },
});
