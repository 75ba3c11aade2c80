import assert from "node:assert/strict";
import { chooseLatents } from "../../compute/choose_latents.ts";

const GOLDEN = new URL("../../fixtures/golden/random_and_colour.json", import.meta.url);
const ranges = { logFreqRange: [-6, -2], logValueRange: [-1, 1] } as const;

Deno.test({
  name: "`chooseLatents()` draws in the order of Python's shuffle",
  permissions: { read: [GOLDEN] },
  fn(): void {
    for (const { seed, n, first } of JSON.parse(Deno.readTextFileSync(GOLDEN)).python_random_shuffle) {
      const chosen = chooseLatents({
        sparsity: new Float32Array(n).fill(1e-3),
        meanValues: new Float32Array(n).fill(1),
        ...ranges,
        includeLatents: [],
        nLatents: first.length,
        seed,
      });
      assert.deepEqual(chosen, first);
    }
  },
});

Deno.test({
  name: "`chooseLatents()` takes only what lies strictly inside both ranges, in f32 as upstream",
  permissions: "none",
  fn(): void {
    // log10(f32(0.01)) is −2 in f32, −2.0000000097 in f64.
    const sparsity = new Float32Array([0.01, 0.0099, 1e-6, 1.1e-6, 0, NaN, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3]);
    const meanValues = new Float32Array([1, 1, 1, 1, 1, 1, 10, 9.99, NaN, 0.1, Infinity]);
    const options = { sparsity, meanValues, ...ranges, includeLatents: [], nLatents: 99, seed: 1 };
    assert.deepEqual(chooseLatents(options).sort((a, b) => a - b), [1, 3, 7]);
    const open = { logFreqRange: [-Infinity, Infinity], logValueRange: [-Infinity, Infinity] } as const;
    assert.deepEqual(chooseLatents({ ...options, ...open }).sort((a, b) => a - b), [0, 1, 2, 3, 6, 7, 9]);
  },
});

Deno.test({
  name: "`chooseLatents()` puts included latents first, once, and leaves its arguments alone",
  permissions: "none",
  fn(): void {
    const includeLatents = Object.freeze([7, 3, 7]);
    const options = {
      sparsity: new Float32Array(10).fill(1e-3),
      meanValues: new Float32Array(10).fill(1),
      ...ranges,
      includeLatents,
      nLatents: 4,
      seed: 42,
    };
    // Python shuffles range(10) with seed 42 to 7, 3, 2, 8, …: the first two are there already and not replaced.
    assert.deepEqual(chooseLatents(options), [7, 3, 2, 8]);
    assert.deepEqual(chooseLatents({ ...options, nLatents: 0 }), [7, 3]);
  },
});

Deno.test({
  name: "`chooseLatents()` refuses latents that do not exist and arrays that differ",
  permissions: "none",
  fn(): void {
    const options = {
      sparsity: new Float32Array(3),
      meanValues: new Float32Array(3),
      ...ranges,
      includeLatents: [0],
      nLatents: 1,
      seed: 0,
    };
    for (const latent of [-1, 3, 0.5]) {
      assert.throws(() => chooseLatents({ ...options, includeLatents: [latent] }), RangeError);
    }
    assert.throws(() => chooseLatents({ ...options, nLatents: -1 }), RangeError);
    assert.throws(() => chooseLatents({ ...options, meanValues: new Float32Array(2) }), TypeError);
  },
});
