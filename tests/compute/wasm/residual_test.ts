/** What the solve of a column leaves over is within its term: checked on the kernel's own numbers, in exact arithmetic. */
import assert from "node:assert/strict";
import { dot } from "../../../compute/wasm/eigen.ts";
import { exactDot } from "./_exact_sums.ts";
import { hardCase } from "./_hard_case.ts";
import { type Balance, openHarness, type Quantised } from "./_screen_harness.ts";

const U = 2 ** -24;
const gamma = (n: number): number => n * U / (1 - n * U);
const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

/** ‖VᵀV − I‖, all elements together. */
function trueSkew({ directions, t }: Balance): number {
  const d = directions.length / t.length;
  const v = (i: number): Float32Array => directions.subarray(i * d, (i + 1) * d);
  let squares = 0;
  for (let i = 0; i < t.length; i++) {
    for (let j = 0; j < t.length; j++) {
      const [high, low] = exactDot(v(i), v(j), [i === j ? -1 : 0, 0]);
      squares += (high + low) ** 2;
    }
  }
  return Math.sqrt(squares);
}

/** What has to be covered, and what covers it. */
interface Judged {
  /** ‖g − Bk‖ */
  left: number;
  /** ρ: what of the stored T is not for roundings. */
  rho: number;
  /** Σ |t_i (v_i·k)| */
  bent: number;
  /** What stands for it. */
  bentTerm: number;
  /** ‖c‖ */
  size: number;
}

function judge({ directions, t }: Balance, skew: number, { g, k, c, scale, term }: Quantised): Judged {
  const [d, r] = [g.length, t.length];
  const v = (i: number): Float32Array => directions.subarray(i * d, (i + 1) * d);
  // Vᵀk, and with it g − k − V(t∘Vᵀk); products of two f32 are exact.
  const along = Array.from(t, (_, i) => exactDot(v(i), k));
  const left = Float64Array.from({ length: d }, (_, at) => {
    const by = Array.from(t, (ti, i) => -ti * directions[i * d + at]);
    const high = exactDot(by, along.map(([high]) => high), [g[at], 0]);
    const [sum, rest] = exactDot([...by, k[at]], [...along.map(([, low]) => low), -1], high);
    return sum + rest;
  });
  const size = norm(c);
  const bent = t.reduce((sum, ti, i) => sum + Math.abs(ti * along[i][0]), 0);
  const bentTerm = t.reduce((sum, ti, i) => sum + Math.abs(ti * (exactDot(v(i), g)[0] + c[i])), 0) +
    Math.sqrt(r) * skew * size;
  const steps = d / 4 + 5;
  const stages = Math.log2(Math.min(256, d & -d));
  const roundings = 1.02 * U * norm(g) + 1.03 * gamma(steps) * bentTerm +
    1.03 * gamma(r + 2) * (1 + 1.03 * Math.sqrt(r)) * norm(k) + 1.03 * stages * U * norm(k) +
    1.03 * gamma(steps) * norm(g);
  // T is rounded to f32 when it is stored.
  return { left: norm(left), rho: term * scale / (1 + 4e-6) * (1 + 1e-7) - roundings, bent, bentTerm, size };
}

/** Directions that lean on each other: by about `by` from being orthogonal, each pair of neighbours, and as much too long. */
function lean({ directions, t, skew }: Balance, by: number): Balance {
  const d = directions.length / t.length;
  const leaning = directions.map((x, at) => x * (1 + by / 2) + by * directions[(at + d) % directions.length]);
  return { directions: leaning, t, skew };
}

for (const [seed, d] of [[1, 64], [2, 128], [3, 320], [4, 768]]) {
  Deno.test({
    name: `a column's term covers ‖g − Bk‖, and without its part for skewed directions does not, ${d} dimensions`,
    permissions: "none",
    fn: async () => {
      const { sae, sample } = hardCase(seed, d, 72);
      const harness = await openHarness(sae, sample);
      const chosen = harness.balance();
      assert(Math.min(...chosen.t) < -0.3, "nothing is balanced here");
      assert(chosen.skew < 1e-5 && trueSkew(chosen) <= chosen.skew, `${trueSkew(chosen)} > ${chosen.skew}`);
      assert(chosen.skew < 2 * trueSkew(chosen) + 1e-9, "the skew is said to be far larger than it is");
      for (const by of [0, 1e-6, 3e-6]) {
        const balance = by === 0 ? chosen : lean(chosen, by);
        const skew = by === 0 ? chosen.skew : trueSkew(balance) + 1e-10;
        if (by > 0) assert(skew > 5 * by, `${skew}`);
        let missed = 0;
        for (let column = 0; column < 72; column += 3) {
          const { left, rho, bent, bentTerm, size } = judge(
            balance,
            skew,
            await harness.quantise(column, { ...balance, skew }),
          );
          assert(size > 0 && left > 0, `column ${column} has nothing along the directions`);
          assert(left <= rho, `column ${column}: ${left} is left over, ${rho} is allowed for`);
          assert(rho < 3 * skew * size + 1e-10 * (size + left), `column ${column}: ${rho} is allowed for`);
          assert(bent <= bentTerm, `column ${column}: ${bent} > ${bentTerm}`);
          // The same directions, said to be orthonormal: this must show, or the test could not fail.
          const trusting = judge(balance, 0, await harness.quantise(column, { ...balance, skew: 0 }));
          if (trusting.left > trusting.rho) missed++;
        }
        assert(
          missed > 20,
          `only ${missed} of 24 columns showed that the directions are not orthonormal, leaning ${by}`,
        );
      }
    },
  });
}

Deno.test({
  name: "what roundings alone leave over, along directions that are exactly orthonormal, is as small as the proof says",
  permissions: "none",
  fn: async () => {
    const { sae, sample } = hardCase(5, 128, 72);
    const harness = await openHarness(sae, sample);
    const { t } = harness.balance();
    // Rows of a Hadamard matrix of 64, in the last 64 dimensions, over √64.
    const directions = new Float32Array(t.length * 128);
    const isOdd = (bits: number): boolean => bits.toString(2).replaceAll("0", "").length % 2 === 1;
    for (let i = 0; i < t.length; i++) {
      for (let at = 0; at < 64; at++) directions[i * 128 + 64 + at] = isOdd(i & at) ? -0.125 : 0.125;
    }
    let largest = 0;
    for (const by of [t, t.map(() => -0.99), t.map(() => -0.5)]) {
      const balance = { directions, t: by, skew: 0 };
      assert.equal(trueSkew(balance), 0);
      for (let column = 0; column < 72; column++) {
        const quantised = await harness.quantise(column, balance);
        const { left, size } = judge(balance, 0, quantised);
        const allowed = 1e-12 * (norm(quantised.g) + 2 * norm(quantised.k));
        assert(size > 0 && left <= allowed, `column ${column}: ${left} is left over, ${allowed} is allowed for`);
        largest = Math.max(largest, left / allowed);
      }
    }
    assert(largest > 1e-5, `at most ${largest} of what is allowed for: not the residual of a solve in f64`);
  },
});
