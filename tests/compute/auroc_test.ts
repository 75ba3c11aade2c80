import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { auroc, population } from "../../compute/auroc.ts";

const permissions = "none";

/** A small generator: the same numbers everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Two normal numbers of two uniform ones. */
function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** The definition, pair by pair, and DeLong's variance by its own components. */
function byPairs(members: readonly number[], others: readonly number[]): { area: number; variance: number } {
  const psi = (x: number, y: number): number => x > y ? 1 : x === y ? 0.5 : 0;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const v10 = members.map((x) => mean(others.map((y) => psi(x, y))));
  const v01 = others.map((y) => mean(members.map((x) => psi(x, y))));
  const area = mean(v10);
  const spread = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + (value - area) ** 2, 0) / (values.length - 1) / values.length;
  return { area, variance: spread(v10) + spread(v01) };
}

Deno.test({
  name: "auroc() is the share of pairs won, ties half, and DeLong's interval, whatever the ties",
  permissions,
  fn(): void {
    const next = random(7);
    for (let round = 0; round < 300; round++) {
      const n = 1 + Math.floor(next() * 12);
      const m = 1 + Math.floor(next() * 40);
      const levels = 1 + Math.floor(next() * 9);
      const zeros = next();
      const draw = (): number => next() < zeros ? 0 : Math.fround(Math.floor(next() * levels) / 7 + 0.25);
      const members = Array.from({ length: n }, draw);
      const others = Array.from({ length: m }, draw);
      const values = Float32Array.from([...members, ...others, NaN]);
      const found = auroc(population(values), Float32Array.from(members));
      const { area, variance } = byPairs(members, others);
      ok(Math.abs(found.auroc - area) < 1e-12, `round ${round}: ${found.auroc}, by pairs ${area}`);
      ok(found.low <= found.auroc && found.auroc <= found.high && found.low >= 0 && found.high <= 1);
      if (n < 2 || m < 2 || area === 0 || area === 1 || variance === 0) continue;
      const half = 1.959963984540054 * Math.sqrt(variance) / (area * (1 - area));
      const low = 1 / (1 + Math.exp(-(Math.log(area / (1 - area)) - half)));
      ok(Math.abs(found.low - low) < 1e-9, `round ${round}: ${found.low}, by its definition ${low}`);
    }
  },
});

Deno.test({
  name: "auroc() covers the true area in about 95 of 100 samples, also with many zeros",
  permissions,
  fn(): void {
    const next = random(3);
    for (const cut of [-10, 0.5]) {
      // Below the cut everything is 0, as it is where a latent does not fire.
      const draw = (shift: number): number => Math.fround(Math.max(0, normal(next) + shift - cut));
      const many = (shift: number): number[] => Array.from({ length: 1500 }, () => draw(shift));
      const { area: truth } = byPairs(many(1), many(0));
      let covered = 0;
      const rounds = 600;
      for (let round = 0; round < rounds; round++) {
        const members = Array.from({ length: 25 }, () => draw(1));
        const others = Array.from({ length: 120 }, () => draw(0));
        const { low, high } = auroc(population(Float32Array.from([...members, ...others])), Float32Array.from(members));
        if (low <= truth && truth <= high) covered += 1;
      }
      ok(covered / rounds > 0.92 && covered / rounds < 0.985, `cut ${cut}: ${covered / rounds}`);
    }
  },
});

Deno.test({
  name: "auroc() gives an interval of some width where all pairs are won, and none without two sides",
  permissions,
  fn(): void {
    const won = auroc(population(Float32Array.of(0, 0, 0, 0, 1, 2, 3)), Float32Array.of(1, 2, 3));
    strictEqual(won.auroc, 1);
    strictEqual(won.high, 1);
    ok(won.low > 0.4 && won.low < 0.9, `${won.low}`);
    const lost = auroc(population(Float32Array.of(0, 0, 0, 1, 1, 2, 3)), Float32Array.of(0, 0, 0));
    deepStrictEqual([lost.auroc, lost.low], [0, 0]);
    ok(lost.high > 0.1 && lost.high < 0.6);
    ok(Number.isNaN(auroc(population(Float32Array.of(1, 2)), new Float32Array(0)).auroc));
    ok(Number.isNaN(auroc(population(Float32Array.of(1, 2)), Float32Array.of(1, 2)).low));
    const flat = auroc(population(new Float32Array(10)), new Float32Array(3));
    strictEqual(flat.auroc, 0.5);
    ok(flat.low < 0.3 && flat.high > 0.7);
  },
});
