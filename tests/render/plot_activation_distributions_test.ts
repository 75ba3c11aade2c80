import assert from "node:assert/strict";
import { tensor } from "../../compute/tensor.ts";
import { countInBins, percentileOfSorted, sharedRange } from "../../render/_statistics.ts";
import { plotActivationDistributions } from "../../render/plot_activation_distributions.ts";
import { assertWellFormed } from "./_well_formed.ts";

Deno.test({
  name: "`plotActivationDistributions()` marks numpy's linear percentiles of the log values",
  permissions: "none",
  fn: () => {
    // numpy: np.percentile([0, 1, 2, 3], [90, 95, 99, 100]) is [2.7, 2.85, 2.97, 3]
    const distributions = tensor(new Float32Array([1000, 0, 1, 10, NaN, 100, -5, Infinity]), [1, 8]);
    const { panels, svg } = plotActivationDistributions({ distributions });
    assert.equal(panels[0].count, 4);
    [2.7, 2.85, 2.97, 3].forEach((expected, i) => assert.ok(Math.abs(panels[0].percentiles[i] - expected) < 1e-9));
    for (const colour of ["red", "darkorange", "gold", "lime"]) assert.ok(svg.includes(`stroke="${colour}"`));
    assertWellFormed(svg);
  },
});

Deno.test({
  name: "`plotActivationDistributions()` draws the estimator's answer over the log values in row order",
  permissions: "none",
  fn: () => {
    const values = Float32Array.from({ length: 400 }, (_, i) => (i % 3 === 0 ? 0 : 10 ** Math.sin(i * 1.7)));
    const logs = Array.from(values).filter((value) => value > 0).map((value) => Math.log10(value));
    const { panels } = plotActivationDistributions({ distributions: tensor(values, [1, 400]) });
    [90, 95, 99, 100].forEach((percentile, i) => {
      let estimate = 0;
      logs.forEach((x, t) => {
        const step = 1e-3 * (logs.length - (t + 1)) / logs.length;
        estimate += step * (Math.sign(x - estimate) + 2 * percentile / 100 - 1);
      });
      // One flipped sign would already differ by a step of about 2e-3.
      assert.ok(Math.abs(panels[0].estimates[i] - estimate) < 1e-5, `${panels[0].estimates[i]} is not ${estimate}`);
    });
  },
});

Deno.test({
  name: "`plotActivationDistributions()` shows every panel, silent ones too",
  permissions: "none",
  fn: () => {
    for (const m of [1, 2, 3, 5, 7, 26]) {
      const data = new Float32Array(m * 4);
      data[0] = 2; // only latent 0 fires, once: the range has no width
      const { svg, panels } = plotActivationDistributions({ distributions: tensor(data, [m, 4]) });
      assert.equal(panels.length, m);
      assert.equal(svg.match(/>latent \d+</g)?.length, m);
      assert.equal(svg.match(/>never fires</g)?.length ?? 0, m - 1);
      assert.ok(!/NaN|Infinity|undefined/.test(svg));
      assertWellFormed(svg);
    }
  },
});

Deno.test({
  name: "`plotActivationDistributions()` is defined for no latents, no rows and nothing positive",
  permissions: "none",
  fn: () => {
    for (const shape of [[0, 0], [0, 5], [3, 0]]) {
      const { svg, panels } = plotActivationDistributions({ distributions: tensor(new Float32Array(0), shape) });
      assert.equal(panels.length, shape[0]);
      assertWellFormed(svg);
    }
    assert.throws(() => plotActivationDistributions({ distributions: tensor(new Float32Array(3), [3]) }), TypeError);
    assert.throws(
      () => plotActivationDistributions({ distributions: tensor(new Float32Array(3), [1, 3]), latents: [1, 2] }),
      TypeError,
    );
  },
});

Deno.test({
  name: "`countInBins()` agrees with comparing every value with every edge",
  permissions: "none",
  fn: () => {
    const values = Array.from({ length: 1000 }, (_, i) => Math.sin(i * 12.9898) * 3);
    const [low, high] = sharedRange([values]);
    const edges = Array.from({ length: 101 }, (_, i) => low + (i / 100) * (high - low));
    const expected = Array.from(
      { length: 100 },
      (_, i) => values.filter((x) => x >= edges[i] && (x < edges[i + 1] || (i === 99 && x <= high))).length,
    );
    assert.deepEqual(Array.from(countInBins(values, [low, high], 100)), expected);
    assert.equal(expected.reduce((a, b) => a + b), 1000);
  },
});

Deno.test({
  name: "`percentileOfSorted()` interpolates between neighbours and keeps the ends",
  permissions: "none",
  fn: () => {
    assert.equal(percentileOfSorted([4], 90), 4);
    assert.equal(percentileOfSorted([1, 2], 50), 1.5);
    assert.equal(percentileOfSorted([1, 2, 9], 0), 1);
    assert.equal(percentileOfSorted([1, 2, 9], 100), 9);
  },
});
