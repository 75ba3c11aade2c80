import { ok, strictEqual, throws } from "node:assert/strict";
import { ExplainedVariance } from "../../compute/explained_variance.ts";

Deno.test({
  name: "ExplainedVariance is 1 for a perfect decoder, 0 for the mean, below 0 for worse",
  permissions: "none",
  fn: () => {
    const x = new Float32Array([1, 2, 3, 4, 5, 9]);
    const of = (wDec: number[], bDec: number[], f: number[]): number => {
      const variance = new ExplainedVariance({ wDec: new Float32Array(wDec), bDec: new Float32Array(bDec) });
      variance.add(x.subarray(0, 2), new Float32Array(f.slice(0, wDec.length / 2)));
      variance.add(x.subarray(2), new Float32Array(f.slice(wDec.length / 2)));
      return variance.value;
    };
    strictEqual(of([1, 0, 0, 1], [0, 0], [1, 2, 3, 4, 5, 9]), 1);
    strictEqual(of([1, 1], [3, 5], [0, 0, 0]), 0);
    // Residuals 2 and 4 in each row of one dimension: 1 − Σ/total, total = 8 + 26.
    strictEqual(of([1, 0, 0, 1], [0, 0], [1, 2, 3, 4, 5, 5]), 1 - 16 / 34);
    ok(of([1, 1], [30, 50], [0, 0, 0]) < 0);
  },
});

Deno.test({
  name: "ExplainedVariance has no value for rows that do not vary, and refuses other shapes",
  permissions: "none",
  fn: () => {
    const variance = new ExplainedVariance({ wDec: new Float32Array([1, 1]), bDec: new Float32Array(2) });
    ok(Number.isNaN(variance.value));
    variance.add(new Float32Array([1, 2]), new Float32Array([1]));
    ok(Number.isNaN(variance.value));
    throws(() => variance.add(new Float32Array(3), new Float32Array(1)), TypeError);
    throws(() => variance.add(new Float32Array(2), new Float32Array(2)), TypeError);
  },
});
