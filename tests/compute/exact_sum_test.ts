import assert from "node:assert/strict";
import { addExact, exactSumToNumber } from "../../compute/exact_sum.ts";
import { SUM_BINS } from "../../compute/latent_state.ts";
import { Random } from "./_cases.ts";

/** The value of a positive finite f32 in units of 2^-149. */
function units(f: number): bigint {
  let scaled = f;
  let shift = 149;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    shift -= 1;
  }
  return BigInt(scaled) << BigInt(shift);
}

/** A random f32 > 0 over the whole range, subnormals included. */
function anyFloat(random: Random): number {
  const bits = new Uint32Array([random.below(0x7f800000 - 1) + 1]);
  return new Float32Array(bits.buffer)[0];
}

Deno.test({
  name: "`addExact()` sums exactly, in any order, over the whole range of f32",
  permissions: "none",
  fn(): void {
    const random = new Random(11);
    const values = Array.from({ length: 4000 }, () => anyFloat(random));
    values.push(2 ** -149, 2 ** -126, 3.4028234663852886e38, 1);
    const bins = new BigUint64Array(2 * SUM_BINS);
    let truth = 0n;
    for (const value of values) {
      addExact(bins, SUM_BINS, value);
      truth += units(value);
    }
    const backwards = new BigUint64Array(2 * SUM_BINS);
    for (const value of values.reverse()) addExact(backwards, SUM_BINS, value);
    assert.deepEqual(backwards, bins);
    assert.deepEqual(bins.subarray(0, SUM_BINS), new BigUint64Array(SUM_BINS));
    let sum = 0n;
    bins.subarray(SUM_BINS).forEach((bin, b) => sum += bin << BigInt(8 * b));
    // Buckets count in units of 2^-150.
    assert.equal(sum, truth << 1n);
    assert.equal(exactSumToNumber(bins, SUM_BINS), Number(truth) * 2 ** -149);
  },
});

Deno.test({
  name: "`exactSumToNumber()` rounds once where a running sum would lose everything",
  permissions: "none",
  fn(): void {
    const bins = new BigUint64Array(SUM_BINS);
    addExact(bins, 0, 2 ** 60);
    for (let i = 0; i < 1024; i++) addExact(bins, 0, 0.25);
    // 2^60 + 256 is representable; adding 0.25 to 2^60 each time would leave 2^60.
    assert.equal(exactSumToNumber(bins, 0), 2 ** 60 + 256);
  },
});

Deno.test({
  name: "`addExact()` leaves out zeros, negatives, NaN and Infinity",
  permissions: "none",
  fn(): void {
    const bins = new BigUint64Array(SUM_BINS);
    for (const f of [0, -0, -1, NaN, Infinity, -Infinity]) addExact(bins, 0, f);
    assert.equal(exactSumToNumber(bins, 0), 0);
    addExact(bins, 0, 2 ** -149);
    assert.equal(exactSumToNumber(bins, 0), 2 ** -149);
  },
});
