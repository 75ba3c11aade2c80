import assert from "node:assert/strict";
import { simulateOnlineQuantile } from "../../compute/online_quantile.ts";

Deno.test({
  name: "`simulateOnlineQuantile()` draws from a distribution with the stated percentile",
  permissions: "none",
  fn(): void {
    const samples = 40_000;
    for (const percentile of [1, 25, 50, 90, 99]) {
      const { sampleQuantile, trueQuantile } = simulateOnlineQuantile(0.3, percentile, { samples, points: 2 });
      assert.equal(trueQuantile, 0.3);
      // Five standard errors of a sample quantile, sqrt(q(1 − q)/n)/density; the density is at least 0.026 here.
      const q = percentile / 100;
      const density = percentile === 1 || percentile === 99 ? 0.026 : 0.17;
      const slack = (5 * Math.sqrt((q * (1 - q)) / samples)) / density;
      assert(Math.abs(sampleQuantile - 0.3) <= slack, `${percentile}: ${sampleQuantile}, slack ${slack}`);
    }
  },
});

Deno.test({
  name: "`simulateOnlineQuantile()` ends near the median and repeats itself for a seed",
  permissions: "none",
  fn(): void {
    const run = simulateOnlineQuantile(0.3, 50, { samples: 20_000, points: 7, seed: 3 });
    assert.equal(run.steps.length, 7);
    assert.equal(run.steps[6], 20_000);
    assert(run.steps.every((step, i) => i === 0 || step > run.steps[i - 1]));
    assert(Math.abs(run.estimates[6] - 0.3) < 0.1);
    assert.deepEqual(simulateOnlineQuantile(0.3, 50, { samples: 20_000, points: 7, seed: 3 }), run);
    assert.notDeepEqual(simulateOnlineQuantile(0.3, 50, { samples: 20_000, points: 7, seed: 4 }), run);
  },
});

Deno.test({
  name: "`simulateOnlineQuantile()` refuses what is out of range",
  permissions: "none",
  fn(): void {
    assert.throws(() => simulateOnlineQuantile(NaN, 50), RangeError);
    for (const percentile of [0, 100, NaN]) assert.throws(() => simulateOnlineQuantile(0, percentile), RangeError);
    assert.throws(() => simulateOnlineQuantile(0, 50, { points: 0 }), RangeError);
    assert.throws(() => simulateOnlineQuantile(0, 50, { samples: 0 }), RangeError);
  },
});
