import assert from "node:assert/strict";
import { Pcg64 } from "../../compute/_pcg64.ts";
import { firstOfPermutation } from "../../compute/numpy_random.ts";

const GOLDEN = new URL("../../fixtures/golden/random_and_colour.json", import.meta.url);

/** sha256 of a list as compact JSON, in hex. */
async function sha256(list: ArrayLike<number>): Promise<string> {
  const json = new TextEncoder().encode(JSON.stringify(Array.from(list)));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", json)).toHex();
}

Deno.test({
  name: "`firstOfPermutation()` is numpy's permutation",
  permissions: { read: [GOLDEN] },
  async fn(): Promise<void> {
    const golden = JSON.parse(Deno.readTextFileSync(GOLDEN)).numpy_permutation;
    assert(golden.length > 0);
    for (const { seed, n, first, sha256_of_json } of golden) {
      const whole = firstOfPermutation(seed, n, n);
      assert.deepEqual([...whole.subarray(0, first.length)], first);
      assert.equal(await sha256(whole), sha256_of_json);
    }
  },
});

Deno.test({
  name: "`firstOfPermutation()` gives the same when it follows only m places",
  permissions: "none",
  fn(): void {
    for (const n of [5, 9, 100, 4099, 65536, 65537, 65538, 300000]) {
      const whole = firstOfPermutation(42, n, n);
      for (const m of [1, 2, 31, 1000, Math.floor((n - 1) / 4)]) {
        if (m < 1 || 4 * m >= n) continue;
        assert.deepEqual(firstOfPermutation(42, n, m, { maxPlainLength: 0 }), whole.slice(0, m), `${m} of ${n}`);
      }
    }
  },
});

Deno.test({
  name: "`firstOfPermutation()` agrees with numpy beyond the length that is shuffled whole",
  permissions: "none",
  fn(): void {
    // numpy 2.4: default_rng(42).permutation(5_000_000)[:6], default_rng(2**40 + 5).permutation(1000)[:5]
    assert.deepEqual([...firstOfPermutation(42, 5_000_000, 6)], EXPECTED_5M);
    assert.deepEqual([...firstOfPermutation(2 ** 40 + 5, 1000, 5)], EXPECTED_WIDE_SEED);
  },
});

const EXPECTED_5M = [3897261, 4903908, 3474181, 3401680, 2019360, 936859];
const EXPECTED_WIDE_SEED = [577, 350, 779, 982, 65];

Deno.test({
  name: "`firstOfPermutation()` takes none, one and all, and refuses the rest",
  permissions: "none",
  fn(): void {
    assert.equal(firstOfPermutation(1, 0, 0).length, 0);
    assert.equal(firstOfPermutation(1, 7, 0).length, 0);
    assert.deepEqual([...firstOfPermutation(1, 1, 1)], [0]);
    assert.deepEqual([...firstOfPermutation(1, 50, 50)].sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
    for (const [n, m] of [[3, 4], [3, -1], [-1, 0], [2 ** 32 + 1, 1], [2.5, 1]]) {
      assert.throws(() => firstOfPermutation(1, n, m), RangeError);
    }
    for (const seed of [-1, 0.5, 2 ** 53]) assert.throws(() => firstOfPermutation(seed, 3, 1), RangeError);
  },
});

Deno.test({
  name: "`Pcg64` draws numpy's numbers and goes on from a saved state",
  permissions: "none",
  fn(): void {
    // numpy: default_rng(7).random(2); default_rng(42).integers(0, 2**32, 6).
    const random = new Pcg64(7);
    assert.deepEqual([random.uniform(), random.uniform()], [0.625095466604667, 0.8972138009695755]);
    const other = new Pcg64(42);
    const draws = [383329928, 3324115917, 2811363265, 1884968545, 1859786276, 3687649986];
    const saved = new Float64Array(10);
    assert.deepEqual([0, 1, 2].map(() => other.next32()), draws.slice(0, 3));
    other.save(saved, 1);
    assert.deepEqual([0, 1, 2].map(() => other.next32()), draws.slice(3));
    other.load(saved, 1);
    assert.deepEqual([0, 1, 2].map(() => other.next32()), draws.slice(3));
  },
});
