/** Tries to break the screen: whatever it lets through, the result must have the dense pass's bits. */
import assert from "node:assert/strict";
import { createWasmBackend } from "../../../compute/wasm/mod.ts";
import { dot } from "../../../compute/wasm/eigen.ts";
import { assertSameState, makeCase, makePlan, type Random, runFold } from "../_cases.ts";
import { hardCase } from "./_hard_case.ts";
import { type Harness, openHarness, ROWS, type Target } from "./_screen_harness.ts";

/**
 * A rotated row on which column `target` is just positive, although most of its pre-activation hides in the quantisation
 * errors: along dw, and in the row's own rounding along q.
 */
function alignedRow(target: Target, random: Random, excess: number): Float64Array {
  const { w, dw, q, beta } = target;
  const peak = dw.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const lift = random.uniform() * 40;
  const along = 4 + random.uniform() * 100;
  const q2 = dot(q, q);
  // Whole parts follow dw and, as far as needed, q; fractions just under one half lean towards q.
  const m = dw.map((e, i) => Math.round((along * e) / peak + (lift * q[i]) / Math.sqrt(q2 / q.length) / 8));
  m[random.below(m.length)] = 127;
  const v = m.map((whole, i) => Math.abs(whole) === 127 ? whole : whole + 0.4999 * Math.sign(q[i]));
  const by = -beta * (1 + excess) / dot(v, w);
  return v.map((x) => x * by);
}

/** ROWS rows, each aimed at one of some columns. */
function aimedRows(harness: Harness, columns: number, random: Random, from = 0): Float32Array {
  const rows = new Float32Array(ROWS * harness.d);
  const targets = Array.from({ length: columns }, (_, j) => harness.target(from + j));
  for (let r = 0; r < ROWS; r++) {
    const excess = 10 ** (-5 * random.uniform()) * 0.05;
    rows.set(harness.rowFor(alignedRow(targets[r % columns], random, excess)), r * harness.d);
  }
  return rows;
}

const misses = (screened: Uint32Array, dense: Uint32Array): number =>
  dense.reduce((sum, count, j) => sum + count - screened[j], 0);

const WAYS = [
  undefined,
  "8-bit weights, 16-bit sums",
  "7-bit weights, 16-bit sums",
  "7-bit weights, 32-bit sums",
] as const;

for (const way of WAYS) {
  const name = way ?? "as probed";
  Deno.test({
    name: `screening misses nothing on rows aligned with the quantisation errors, ${name}`,
    permissions: "none",
    fn: async () => {
      let caught = 0;
      for (const [seed, dVit] of [[1, 64], [2, 128], [3, 320]]) {
        const { sae, sample, random } = hardCase(seed, dVit, 136);
        const harness = await openHarness(sae, sample, way);
        const rows = aimedRows(harness, 136, random);
        const dense = await harness.run(rows, false);
        assertSameState((await harness.run(rows, true)).state, dense.state);
        // The same rows must show a bound that is too small, or this test could not fail.
        harness.spoil(0.5);
        caught += misses((await harness.run(rows, true)).state.count, dense.state.count);
      }
      assert(caught > 100, `a spoiled bound was caught ${caught} times only`);
    },
  });
}

Deno.test({
  name: "screening decides most pairs of ordinary rows, and gives the dense bits",
  permissions: "none",
  fn: async () => {
    const { sae, sample } = hardCase(5, 192, 264);
    const harness = await openHarness(sae, sample);
    const screened = await harness.run(sample, true);
    assertSameState(screened.state, (await harness.run(sample, false)).state);
    assert(screened.survivors < 0.15, `${screened.survivors} of the pairs survived`);
  },
});

for (const way of WAYS) {
  const name = way ?? "as probed";
  Deno.test({
    name: `screening gives the dense bits on zero, constant, huge, tiny, crowded and half-way rows, ${name}`,
    permissions: "none",
    fn: async () => {
      const { sae, sample, random } = hardCase(6, 320, 72);
      const harness = await openHarness(sae, sample, way);
      const d = harness.d;
      const kinds: ((r: number, i: number) => number)[] = [
        () => 0,
        () => -0,
        (r) => r / 100,
        (r, i) => sample[r * d + i] * 1e6,
        (r, i) => sample[r * d + i] * 1e18,
        (r, i) => sample[r * d + i] * 1e30,
        (r, i) => sample[r * d + i] * 1e-20,
        (r, i) => sample[r * d + i] * 1e-42,
        (_r, i) => (i === 17 ? 3e37 : 0),
        (r, i) => Math.round(sample[r * d + i] * 8) / 8 + 0.0625,
        (_r, i) => sample[i],
        (r, i) => (i === r % d ? 1e20 : sample[r * d + i]),
      ];
      const rows = Float32Array.from({ length: ROWS * d }, (_, at) => {
        const r = Math.floor(at / d);
        return kinds[r % kinds.length](r, at % d);
      });
      // And rows whose rotated values all lie half-way between two steps.
      for (let r = 0; r < ROWS; r += 3) {
        const v = Float64Array.from({ length: d }, () => random.below(254) - 126.5);
        v[0] = 127;
        rows.set(harness.rowFor(v), r * d);
      }
      // And rows whose rotated values all have one size, or all lie in one segment, or in one lane of its 16-bit sums: the
      // largest that these must hold, above all where a row is along a column there; neighbours of unlike signs may each be as
      // large as a byte can be.
      const within: ((i: number) => boolean)[] = [
        () => true,
        (i) => i < 64,
        (i) => i >= 256,
        (i) => i < 64 && (i % 8 === 6 || i % 8 === 7),
        (i) => i >= 256 && i % 8 < 2,
      ];
      for (let r = 1; r < ROWS; r += 3) {
        const { q } = harness.target(r % 72);
        const v = q.map((x, i) => !within[r % 5](i) ? 0 : r % 2 ? 127 * Math.sign(x) : x);
        rows.set(harness.rowFor(v), r * d);
      }
      assertSameState((await harness.run(rows, true)).state, (await harness.run(rows, false)).state);
    },
  });
}

for (const way of WAYS) {
  Deno.test({
    name: `screening gives the dense bits where two neighbours are all there is, in rows and a column, ${
      way ?? "as probed"
    }`,
    permissions: "none",
    fn: async () => {
      // The largest products of bytes that there can be, both in one pair: x86-64 saturates just beyond.
      const { sae, sample } = hardCase(8, 128, 72);
      const pair = Float64Array.from({ length: 128 }, (_, i) => i === 66 || i === 67 ? 1 : 0);
      const put = (at: Float32Array, column: Float32Array): void => column.forEach((x, i) => at[i * 72 + 5] = x);
      // The constants depend on the columns, a little: the second column is nearly the pair.
      for (let i = 0; i < 2; i++) put(sae.wEnc, (await openHarness(sae, sample, way)).columnFor(pair));
      sae.bEnc[5] -= 1 + (await openHarness(sae, sample, way)).target(5).beta;
      const harness = await openHarness(sae, sample, way);
      const { w, q, beta } = harness.target(5);
      assert(Math.min(q[66], q[67]) > 0.95 * q.reduce((a, b) => Math.max(a, Math.abs(b)), 0), "two large neighbours");
      const rows = new Float32Array(ROWS * 128);
      for (let r = 0; r < ROWS; r++) {
        const by = -beta * (1 + 10 ** (-5 * r / ROWS)) / dot(pair, w);
        rows.set(harness.rowFor(pair.map((x) => x * by)), r * 128);
      }
      const dense = await harness.run(rows, false);
      assert(dense.state.count[5] > ROWS * 0.9, `only ${dense.state.count[5]} rows are above 0`);
      assertSameState((await harness.run(rows, true)).state, dense.state);
    },
  });
}

Deno.test({
  name: "screening gives the dense bits for odd encoders: zero and huge columns, thresholds, positive biases",
  permissions: "none",
  fn: async () => {
    const { sae, sample } = hardCase(7, 128, 72);
    const wEnc = sae.wEnc.slice();
    const bEnc = sae.bEnc.slice();
    for (let i = 0; i < 128; i++) {
      wEnc[i * 72] = 0;
      wEnc[i * 72 + 1] *= 1e25;
      wEnc[i * 72 + 2] *= 1e-30;
      wEnc[i * 72 + 3] = i === 5 ? 1 : 0;
    }
    bEnc[4] = 1e9;
    bEnc[5] = 0.5;
    bEnc[0] = -0;
    for (
      const activation of [
        { kind: "relu" },
        { kind: "threshold", threshold: 0.75 },
        { kind: "jumprelu", threshold: Float32Array.from({ length: 72 }, (_, j) => j / 20 - 1) },
      ] as const
    ) {
      const harness = await openHarness({ ...sae, wEnc, bEnc, activation }, sample);
      assertSameState((await harness.run(sample, true)).state, (await harness.run(sample, false)).state);
    }
  },
});

for (const way of WAYS) {
  Deno.test({
    name: `screening gives the dense bits for TopK encoders, whose rows have floors, ${way ?? "as probed"}`,
    permissions: "none",
    fn: async () => {
      let survivors = 0;
      for (
        const [k, dSae, bias] of [[1, 1000, 0], [5, 1000, 0], [40, 1000, -3], [3, 72, 0], [100, 136, 0], [8, 400, -40]]
      ) {
        const { sae, sample } = hardCase(40 + k, 192, dSae);
        const bEnc = new Float32Array(dSae).fill(bias);
        const harness = await openHarness({ ...sae, bEnc, activation: { kind: "topk", k } }, sample, way);
        const dense = await harness.run(sample, false);
        const screened = await harness.run(sample, true);
        assertSameState(screened.state, dense.state);
        if (k === 5) survivors = screened.survivors;
      }
      assert(survivors > 0 && survivors < 0.4, `${survivors} of the pairs survived`);
    },
  });

  Deno.test({
    name: `screening misses nothing just above a TopK row's floor on aligned rows, ${way ?? "as probed"}`,
    permissions: "none",
    fn: async () => {
      let caught = 0;
      for (const [seed, dVit] of [[1, 64], [2, 128], [3, 320]]) {
        const { sae, sample, random } = hardCase(seed, dVit, 264);
        // The columns that are computed for every row are never above this, so it is every row's floor.
        const wEnc = sae.wEnc.map((w, at) => at % 264 < 80 ? 0 : w);
        const bEnc = sae.bEnc.map((b, j) => j < 80 ? 1e-3 : b);
        const harness = await openHarness({ ...sae, wEnc, bEnc, activation: { kind: "topk", k: 1 } }, sample, way);
        const rows = aimedRows(harness, 136, random, 96);
        const dense = await harness.run(rows, false);
        assertSameState((await harness.run(rows, true)).state, dense.state);
        harness.spoil(0.5);
        // Rows whose largest latent is missed fall to the first of the constant ones.
        caught += (await harness.run(rows, true)).state.count[0] - dense.state.count[0];
      }
      assert(caught > 30, `a spoiled bound was caught ${caught} times only`);
    },
  });
}

Deno.test({
  name: "screening keeps ties at a TopK row's cut for the lower latents, wherever the floors come from",
  permissions: "none",
  fn: async () => {
    // Columns in groups of equal ones: their values tie on every row, within a block, across blocks and across floors.
    const { sae, sample } = hardCase(9, 128, 1000);
    const wEnc = sae.wEnc.map((_, at) => sae.wEnc[at - at % 1000 + at % 1000 % 90]);
    const bEnc = new Float32Array(1000);
    for (const k of [1, 4, 11, 12, 60]) {
      const harness = await openHarness({ ...sae, wEnc, bEnc, activation: { kind: "topk", k } }, sample);
      const { state } = await harness.run(sample, true);
      assertSameState(state, (await harness.run(sample, false)).state);
      // Of columns j, j + 90, … a lower one never fires less often.
      for (let j = 0; j + 90 < 1000; j++) assert(state.count[j] >= state.count[j + 90], `${j}`);
    }
  },
});

for (const activation of [{ kind: "relu" }, { kind: "topk", k: 6 }] as const) {
  Deno.test({
    name: `a whole pass with screening has the bits of one without, for any threads and batches, ${activation.kind}`,
    permissions: "none",
    fn: async () => {
      const given = makeCase({ dVit: 70, dSae: 203, nImages: 260, patches: 7, bias: -2, scale: true });
      const sae = { ...given.sae, activation };
      const dense = await createWasmBackend({ screenAbove: Infinity });
      const screened = await createWasmBackend({ screenAbove: 0, workersAbove: 0 });
      const plan = makePlan(given, { k: 9 });
      const expected = await runFold(dense, sae, plan, given.block);
      for (const [threads, batch] of [[1, 260], [2, 100], [3, 77]]) {
        assertSameState(await runFold(screened, sae, { ...plan, threads }, given.block, batch), expected);
      }
      await dense.close();
      await screened.close();
    },
  });
}
