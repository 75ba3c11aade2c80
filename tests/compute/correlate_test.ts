import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Correlation } from "../../compute/correlate.ts";

const permissions = "none";

/** Pearson's correlation in two passes. */
function pearson(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const sum = (of: (i: number) => number): number => x.reduce((total, _, i) => total + of(i), 0);
  return sum((i) => (x[i] - mx) * (y[i] - my)) / Math.sqrt(sum((i) => (x[i] - mx) ** 2) * sum((i) => (y[i] - my) ** 2));
}

Deno.test({
  name: "Correlation gives Pearson's, best first, ties by column, and nothing for columns that do not vary",
  permissions,
  fn(): void {
    let state = 9;
    const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const [n, a, b] = [300, 4, 9];
    const value = (): number => next() < 0.6 ? 0 : Math.fround(next() * 5);
    const first = Array.from({ length: n }, () => Float32Array.from({ length: a }, value));
    const second = first.map((row) =>
      Float32Array.from({ length: b }, (_, j) => Math.fround(value() + (j < a ? 2 * row[j] : 0)))
    );
    for (let i = 0; i < n; i++) {
      first[i][3] = 7;
      second[i][7] = second[i][0];
      second[i][8] = 0;
    }
    const sums = new Correlation(a, b);
    first.forEach((row, i) => sums.add(row, second[i]));
    strictEqual(sums.images, n);
    const found = sums.matches(5);
    for (let i = 0; i < 3; i++) {
      const all = Array.from({ length: 8 }, (_, j) => ({
        other: j,
        correlation: pearson(first.map((row) => row[i]), second.map((row) => row[j])),
      })).sort((x, y) =>
        Math.abs(y.correlation - x.correlation) < 1e-9 ? x.other - y.other : y.correlation - x.correlation
      );
      deepStrictEqual(found[i].map(({ other }) => other), all.slice(0, 5).map(({ other }) => other));
      found[i].forEach(({ correlation }, k) => ok(Math.abs(correlation - all[k].correlation) < 1e-9));
    }
    deepStrictEqual(found[0].slice(0, 2).map(({ other }) => other), [0, 7]);
    deepStrictEqual(found[3], []);
  },
});
