import assert from "node:assert/strict";
import { sketchBin } from "../../compute/quantile_sketch.ts";
import { rebinSketch, type Sketch, sketchRange } from "../../render/_sketch_bins.ts";
import { plotSketchDistributions } from "../../render/plot_sketch_distributions.ts";
import { assertWellFormed } from "./_well_formed.ts";

function sketchOf(values: readonly number[], offset = 0): Sketch & { count: number } {
  const histogram = new Uint32Array(offset + 2048);
  for (const value of values) histogram[offset + sketchBin(value)] += 1;
  return { histogram, offset, min: Math.min(...values), max: Math.max(...values, 0), count: values.length };
}

Deno.test({
  name: "`plotSketchDistributions()` marks percentiles within the sketch's relative error",
  permissions: "none",
  fn: () => {
    const values = Array.from({ length: 5000 }, (_, i) => Math.fround(Math.exp(3 * Math.sin(i * 12.9898))));
    const { histogram, min, max, count } = sketchOf(values, 2048);
    const { panels, svg } = plotSketchDistributions({
      histogram,
      count: new Uint32Array([0, count]),
      min: new Float32Array([Infinity, min]),
      max: new Float32Array([0, max]),
      rows: 9000,
      latents: [1, 0],
    });
    const sorted = values.toSorted((a, b) => a - b);
    [90, 95, 99, 100].forEach((percentile, i) => {
      const exact = sorted[Math.ceil(percentile / 100 * count) - 1];
      const shown = 10 ** panels[0].percentiles[i];
      assert.ok(Math.abs(shown - exact) / exact <= 1 / 65 + 1e-6, `${shown} is too far from ${exact}`);
    });
    assert.deepEqual(panels[1], { latent: 0, count: 0, percentiles: [], estimates: [] });
    assert.ok(svg.includes("5,000 of 9,000") && svg.includes("never fires"));
    assertWellFormed(svg);
  },
});

Deno.test({
  name: "`rebinSketch()` keeps the total and moves no value by more than its own bin",
  permissions: "none",
  fn: () => {
    const values = Array.from({ length: 3000 }, (_, i) => Math.fround(10 ** (2 * Math.sin(i * 78.233))));
    const sketch = sketchOf(values);
    const range = sketchRange(sketch);
    assert.ok(range !== undefined);
    for (const bins of [1, 7, 60, 100, 999]) {
      const counts = rebinSketch(sketch, range, bins);
      assert.ok(Math.abs(counts.reduce((a, b) => a + b) - 3000) < 1e-6);
      // Cumulative counts at each edge lie between those of values one sketch bin (a factor of 33/32) lower and higher.
      let seen = 0;
      counts.forEach((count, i) => {
        seen += count;
        const edge = 10 ** (range[0] + (i + 1) / bins * (range[1] - range[0]));
        assert.ok(seen >= values.filter((value) => value < edge * 32 / 33 * (1 - 1e-9)).length - 1e-6);
        assert.ok(seen <= values.filter((value) => value <= edge * 33 / 32 * (1 + 1e-9)).length + 1e-6);
      });
    }
  },
});

Deno.test({
  name: "`sketchRange()` and `rebinSketch()` hold for one value, values past the ends, infinity and none",
  permissions: "none",
  fn: () => {
    for (
      const values of [[1], [1, 1], [2 ** -60, 2 ** 30], [2 ** 24], [2 ** -45], [3, Infinity], [2 ** -41, Infinity]]
    ) {
      const sketch = sketchOf(values);
      const range = sketchRange(sketch);
      assert.ok(range !== undefined && range[0] <= range[1] && range.every(Number.isFinite), String(values));
      const [low, high] = range[0] === range[1] ? [range[0] - 0.5, range[0] + 0.5] : range;
      const total = rebinSketch(sketch, [low, high], 100).reduce((a, b) => a + b);
      assert.ok(Math.abs(total - values.length) < 1e-9, `${values}: ${total}`);
    }
    assert.equal(sketchRange(sketchOf([])), undefined);
  },
});

Deno.test({
  name: "`plotSketchDistributions()` refuses a latent outside the arrays and is defined for none",
  permissions: "none",
  fn: () => {
    const { histogram } = sketchOf([1]);
    const facts = {
      histogram,
      count: new Uint32Array([1]),
      min: new Float32Array([1]),
      max: new Float32Array([1]),
      rows: 1,
    };
    for (const latent of [-1, 1, 0.5, NaN]) {
      assert.throws(() => plotSketchDistributions({ ...facts, latents: [latent] }), RangeError);
    }
    assertWellFormed(plotSketchDistributions({ ...facts, latents: [] }).svg);
  },
});
