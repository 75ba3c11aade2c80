import assert from "node:assert/strict";
import { finalize, quantiles } from "../../compute/finalize.ts";
import { PercentileEstimator } from "../../compute/percentile_estimator.ts";
import { prepareRows } from "../../compute/prepare_rows.ts";
import { SKETCH_RELATIVE_ERROR } from "../../compute/quantile_sketch.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import { tensor } from "../../compute/tensor.ts";
import { makeCase, makePlan, runFold } from "./_cases.ts";

const backend = createReferenceBackend();
const options = { percentile: 90, percentileLr: 1e-2 };

Deno.test({
  name: "`finalize()` gives firing rates, means and percentiles of the dense activations",
  permissions: "none",
  async fn(): Promise<void> {
    // Sparse enough that some latents never fire.
    const given = makeCase({ nImages: 20, bias: -2.2, seed: 6 });
    const n = 80;
    const state = await runFold(backend, given.sae, makePlan(given), given.block);
    const result = finalize(state, { ...options, totalRows: n });
    const { rows } = prepareRows(given.block, 20, 0, given.layout, "error");
    const acts = (await backend.encode(tensor(rows, [n, 12]), given.sae)).data;
    let silent = 0;
    for (let j = 0; j < 40; j++) {
      const f = Array.from({ length: n }, (_, r) => acts[r * 40 + j]);
      const positive = f.filter((value) => value > 0);
      silent += positive.length === 0 ? 1 : 0;
      assert.equal(result.sparsity.data[j], Math.fround(positive.length / n));
      const mean = positive.reduce((a, b) => a + b, 0) / positive.length;
      if (positive.length === 0) assert(Number.isNaN(result.meanValues.data[j]));
      else assert(Math.abs(result.meanValues.data[j] - mean) <= mean * 2 ** -23);
      const estimator = new PercentileEstimator(90, n, 1e-2);
      for (const value of f) estimator.update(value);
      // Two steps: a crossing of zero may fall on the next row.
      assert(Math.abs(result.percentiles.data[j] - estimator.estimate.data[0]) <= 2e-2);
    }
    assert(silent > 0 && silent < 40);
  },
});

Deno.test({
  name: "`finalize()` gives heatmaps for patches, ranking values for images, and shapes for both",
  permissions: "none",
  async fn(): Promise<void> {
    const given = makeCase();
    const state = await runFold(backend, given.sae, makePlan(given), given.block);
    const patch = finalize(state, { ...options, totalRows: 36 });
    assert(patch.kind === "patch");
    assert.deepEqual(patch.topValues.shape, [40, 5, 4]);
    assert.deepEqual(patch.topPatchI.shape, [40, 5]);
    assert.deepEqual(patch.distributions.shape, [3, 36]);
    for (let entry = 0; entry < 200; entry++) {
      const heatmap = patch.topValues.data.subarray(entry * 4, entry * 4 + 4);
      assert.equal(heatmap[patch.topPatchI.data[entry]], patch.rankValues.data[entry]);
    }
    const cls = makeCase({ kind: "cls" });
    const img = finalize(await runFold(backend, cls.sae, makePlan(cls), cls.block), { ...options, totalRows: 9 });
    assert(img.kind === "img" && !("topPatchI" in img));
    assert.deepEqual(img.topValues.shape, [40, 5]);
    assert.deepEqual([img.topI.shape, img.topCount.shape, img.percentiles.shape], [[40, 5], [40], [40]]);
  },
});

Deno.test({
  name: "`finalize()` says NaN where there is nothing to divide, Infinity where f overflowed",
  permissions: "none",
  async fn(): Promise<void> {
    const given = makeCase({ nImages: 0 });
    const none = finalize(await runFold(backend, given.sae, makePlan(given), given.block, 1), {
      ...options,
      totalRows: 0,
    });
    assert(none.sparsity.data.every(Number.isNaN) && none.meanValues.data.every(Number.isNaN));
    assert.deepEqual(none.distributions.shape, [0, 0]);
    const state = await runFold(backend, given.sae, makePlan(given), given.block, 1);
    state.max[2] = Infinity;
    assert.equal(finalize(state, { ...options, totalRows: 0 }).meanValues.data[2], Infinity);
    assert.throws(
      () => finalize({ ...state, distributions: new Float32Array(5) }, { ...options, totalRows: 2 }),
      TypeError,
    );
    assert.throws(() => finalize(state, { ...options, percentile: -1, totalRows: 2 }), RangeError);
  },
});

Deno.test({
  name: "`quantiles()` is within the sketch's bound of every latent's order statistics",
  permissions: "none",
  async fn(): Promise<void> {
    const given = makeCase({ nImages: 30, bias: -1.5 });
    const state = await runFold(backend, given.sae, makePlan(given), given.block);
    const { rows } = prepareRows(given.block, 30, 0, given.layout, "error");
    const acts = (await backend.encode(tensor(rows, [120, 12]), given.sae)).data;
    const qs = [0.5, 0, 1, 0.1, 0.9];
    const { data, shape } = quantiles(state, qs);
    assert.deepEqual(shape, [40, 5]);
    data.forEach((estimate, at) => {
      const [j, q] = [Math.floor(at / 5), qs[at % 5]];
      const sorted = Array.from({ length: 120 }, (_, r) => acts[r * 40 + j]).filter((f) => f > 0).sort((a, b) => a - b);
      if (sorted.length === 0) return assert(Number.isNaN(estimate));
      const truth = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1];
      assert(Math.abs(estimate - truth) <= truth * SKETCH_RELATIVE_ERROR * (1 + 2 ** -50));
    });
  },
});
