import assert from "node:assert/strict";
import {
  advanceZeros,
  type EstimatorRule,
  estimatorRule,
  PercentileEstimator,
  updateEstimate,
} from "../../compute/percentile_estimator.ts";
import { Random } from "./_cases.ts";

const GOLDEN = new URL("../../fixtures/golden/random_and_colour.json", import.meta.url);

Deno.test({
  name: "`PercentileEstimator` agrees with upstream's to 1e-6",
  permissions: { read: [GOLDEN] },
  fn(): void {
    const golden = JSON.parse(Deno.readTextFileSync(GOLDEN)).percentile_estimator;
    assert(golden.runs.length > 0);
    for (const { percentile, lr, total, estimate } of golden.runs) {
      const estimator = new PercentileEstimator(percentile, total, lr);
      for (const x of golden.x) estimator.update(x);
      assert.equal(estimator.updates, golden.x.length);
      assert(Math.abs(estimator.estimate.data[0] - estimate) <= 1e-6);
    }
  },
});

Deno.test({
  name: "`PercentileEstimator` updates elementwise over its shape",
  permissions: "none",
  fn(): void {
    const random = new Random(2);
    const together = new PercentileEstimator(75, 50, 0.1, [2, 3]);
    const apart = Array.from({ length: 6 }, () => new PercentileEstimator(75, 50, 0.1));
    for (let t = 0; t < 50; t++) {
      const x = random.normals(6);
      together.update(x);
      apart.forEach((one, i) => one.update(x[i]));
    }
    assert.deepEqual(together.estimate.shape, [2, 3]);
    apart.forEach((one, i) => assert.equal(together.estimate.data[i], one.estimate.data[0]));
    assert.throws(() => together.update(1), TypeError);
  },
});

Deno.test({
  name: "`estimatorRule()` refuses what is out of range",
  permissions: "none",
  fn(): void {
    for (const p of [-1, 101, NaN]) assert.throws(() => estimatorRule(p, 10, 1e-3), RangeError);
    for (const total of [0, 1.5, NaN]) assert.throws(() => estimatorRule(50, total, 1e-3), RangeError);
    for (const lr of [0, -1, Infinity, NaN]) assert.throws(() => estimatorRule(50, 10, lr), RangeError);
  },
});

Deno.test({
  name: "`advanceZeros()` agrees with the updates one by one, within a step",
  permissions: "none",
  fn(): void {
    const random = new Random(23);
    for (let run = 0; run < 1500; run++) {
      const total = 1 + random.below(3000);
      const percentile = [0, 1, 50, 90, 99, 99.9, 100, random.uniform() * 100][run % 8];
      const lr = 10 ** (-4 * random.uniform());
      const rule = estimatorRule(percentile, total, lr);
      const row = random.below(total);
      const start = [0, random.uniform(), -random.uniform(), lr / 3, 1e-9][run % 5];
      let stepwise = start;
      for (let t = row; t < total; t++) stepwise = updateEstimate(stepwise, t, 0, rule);
      const closed = advanceZeros(start, row, total - row, rule);
      // Rounding may move a crossing of zero by one row, and no row moves the estimate by more than 2·lr.
      const slack = start !== 0 && Math.sign(start) === Math.sign(stepwise) && Math.abs(stepwise) > 2 * lr ? 1e-11 : 2;
      assert(Math.abs(closed - stepwise) <= slack * lr, `p ${percentile}, ${start} → ${closed}, not ${stepwise}`);
    }
  },
});

Deno.test({
  name: "`advanceZeros()` crosses zero on the same row as the updates one by one",
  permissions: "none",
  fn(): void {
    // All numbers are dyadic, so both ways are exact: lr/total = 1, c = 1/2, −1/2.
    for (const percentile of [75, 25]) {
      const rule = estimatorRule(percentile, 256, 256);
      for (const start of [1, 100, 1000, 5000, -1, -700, -3333]) {
        let stepwise = start;
        for (let zeros = 1; zeros <= 256; zeros++) {
          stepwise = updateEstimate(stepwise, zeros - 1, 0, rule);
          assert.equal(advanceZeros(start, 0, zeros, rule), stepwise, `${zeros} zeros from ${start}`);
        }
      }
    }
  },
});

/** The sum of j steps after t rows. */
const stepSum = ({ lr, total }: EstimatorRule, t: number, j: number): number =>
  lr * j * (1 - (t + 0.5 * (j + 1)) * (1 / total));

/** The definition: between crossings, the least j that reaches zero is found by trying every one. */
function advanceByScan(estimate: number, row: number, zeros: number, rule: EstimatorRule): number {
  const { lr, total, c } = rule;
  let [e, t, m] = [estimate, row, zeros];
  while (m > 0) {
    const slope = e > 0 ? c - 1 : c + 1;
    if (e === 0 ? c === 0 : slope === 0) break;
    const moved = (j: number): number => e + slope * stepSum(rule, t, j);
    const reaches = (j: number): boolean => e > 0 ? moved(j) <= 0 : moved(j) >= 0;
    let j = 1;
    if (e === 0) e += lr * (total - (t + 1)) * (1 / total) * c;
    else {
      // Rounding can make S fall at its very end, where steps vanish: what has not crossed after all m is left alone.
      if (!reaches(m)) return moved(m);
      while (j < m && !reaches(j)) j += 1;
      e = moved(j);
    }
    t += j;
    m -= j;
  }
  return e;
}

Deno.test({
  name: "`advanceZeros()` has the bits of its definition, also where it lands on zero but for rounding",
  permissions: "none",
  fn(): void {
    const random = new Random(29);
    for (let run = 0; run < 4000; run++) {
      const total = 2 + random.below(400);
      const rule = estimatorRule([99, 90, 50, 10, 73.21][run % 5], total, 10 ** (-4 * random.uniform()));
      const row = random.below(total - 1);
      const j = 1 + random.below(total - row);
      const reach = stepSum(rule, row, j);
      const start = run % 2 === 0 ? (1 - rule.c) * reach : (-1 - rule.c) * reach;
      const zeros = total - row;
      assert.equal(advanceZeros(start, row, zeros, rule), advanceByScan(start, row, zeros, rule), `run ${run}`);
    }
  },
});

Deno.test({
  name: "`advanceZeros()` stays where nothing pulls, and returns NaN for NaN",
  permissions: "none",
  fn(): void {
    assert.equal(advanceZeros(0, 0, 1000, estimatorRule(50, 1000, 1e-3)), 0);
    assert.equal(advanceZeros(2, 0, 1000, estimatorRule(100, 1000, 1e-3)), 2);
    assert.equal(advanceZeros(-2, 0, 1000, estimatorRule(0, 1000, 1e-3)), -2);
    assert.equal(advanceZeros(0.5, 7, 0, estimatorRule(90, 1000, 1e-3)), 0.5);
    assert(Number.isNaN(advanceZeros(NaN, 0, 1000, estimatorRule(90, 1000, 1e-3))));
  },
});
