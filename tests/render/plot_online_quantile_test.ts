import assert from "node:assert/strict";
import { plotOnlineQuantile } from "../../render/plot_online_quantile.ts";
import { assertWellFormed } from "./_well_formed.ts";

Deno.test({
  name: "`plotOnlineQuantile()` thins a long course but keeps its extremes",
  permissions: "none",
  fn: () => {
    const n = 200_000;
    const steps = Float64Array.from({ length: n }, (_, i) => i + 1);
    const estimates = Float64Array.from({ length: n }, (_, i) => Math.sin(i / 9000));
    estimates[123_456] = 7; // a single spike
    const svg = plotOnlineQuantile({ steps, estimates, percentile: 95, trueQuantile: 0.5, sketchEstimate: 0.51 });
    assert.ok(svg.length < 100_000, `${svg.length} characters`);
    const course = Array.from(svg.matchAll(/ d="(M[^"]*)"/g), (match) =>
      match[1]).sort((a, b) => b.length - a.length)[0];
    const ys = Array.from(course.matchAll(/ ([\d.]+)(?=L|$)/g), (match) => Number(match[1]));
    const sorted = ys.toSorted((a, b) => a - b);
    assert.ok(sorted[0] < sorted[1] - 100, "the spike is the one highest point");
    assertWellFormed(svg);
  },
});

Deno.test({
  name: "`plotOnlineQuantile()` is defined for one point, none, and no finite estimate",
  permissions: "none",
  fn: () => {
    const truth = { percentile: 50, trueQuantile: 1 };
    for (const [steps, estimates] of [[[1], [0]], [[], []], [[1, 2], [NaN, NaN]], [[1, 2], [1, 1]]]) {
      const svg = plotOnlineQuantile({ steps, estimates, ...truth });
      assert.ok(!/NaN|Infinity/.test(svg));
      assert.ok(svg.includes("true quantile, 1"));
      assertWellFormed(svg);
    }
    assert.throws(() => plotOnlineQuantile({ steps: [1], estimates: [], ...truth }), TypeError);
  },
});
