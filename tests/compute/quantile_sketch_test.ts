import assert from "node:assert/strict";
import { SKETCH_BINS } from "../../compute/latent_state.ts";
import {
  mergeSketch,
  SKETCH_RELATIVE_ERROR,
  sketchBin,
  sketchBounds,
  sketchQuantile,
  sketchQuantiles,
} from "../../compute/quantile_sketch.ts";
import { Random } from "./_cases.ts";

/** The next f32 towards zero. */
function below(f: number): number {
  const view = new Float32Array([f]);
  new Uint32Array(view.buffer)[0] -= 1;
  return view[0];
}

Deno.test({
  name: "`sketchBin()` holds each bin's lower edge and the float just below its upper one",
  permissions: "none",
  fn(): void {
    let previous = 2 ** -40;
    for (let bin = 0; bin < SKETCH_BINS; bin++) {
      const { lo, hi } = sketchBounds(bin);
      assert.equal(lo, previous, "bins leave no gap");
      assert.equal(sketchBin(lo), bin);
      assert.equal(sketchBin(below(hi)), bin);
      assert((hi - lo) / (hi + lo) <= SKETCH_RELATIVE_ERROR);
      previous = hi;
    }
    assert.equal(previous, 2 ** 24);
    for (const f of [2 ** -149, 2 ** -41, below(2 ** -40)]) assert.equal(sketchBin(f), 0);
    for (const f of [2 ** 24, 3e38, Infinity]) assert.equal(sketchBin(f), SKETCH_BINS - 1);
    for (const bin of [-1, SKETCH_BINS, 0.5]) assert.throws(() => sketchBounds(bin), RangeError);
  },
});

Deno.test({
  name: "`sketchQuantiles()` gives what one walk for each gives, and refuses quantiles that descend",
  permissions: "none",
  fn(): void {
    const random = new Random(23);
    for (const n of [0, 1, 2, 7, 500]) {
      const values = Float32Array.from({ length: n }, () => Math.fround(2 ** (random.uniform() * 70 - 45))).sort();
      const histogram = new Uint32Array(SKETCH_BINS);
      for (const f of values) histogram[sketchBin(f)] += 1;
      const qs = [0, 0, 1e-9, 0.2, 0.2, 0.5, 0.77, 0.999, 1, 1];
      const [min, max] = n === 0 ? [Infinity, 0] : [values[0], values[n - 1]];
      const out = new Float64Array(qs.length);
      sketchQuantiles({ histogram, offset: 0, count: n, min, max }, qs, out);
      assert.deepEqual([...out], qs.map((q) => sketchQuantile(histogram, 0, n, q, min, max)));
      // The order statistic's own bin, found by sorting.
      qs.forEach((q, i) => {
        if (n > 0) assert.equal(sketchBin(out[i]), sketchBin(values[Math.max(1, Math.ceil(q * n)) - 1]));
        else assert(Number.isNaN(out[i]));
      });
    }
    const none = { histogram: new Uint32Array(SKETCH_BINS), offset: 0, count: 0, min: Infinity, max: 0 };
    assert.throws(() => sketchQuantiles(none, [0.5, 0.4], new Float64Array(2)), RangeError);
    assert.throws(() => sketchQuantiles(none, [NaN], new Float64Array(1)), RangeError);
  },
});

Deno.test({
  name: "`sketchQuantile()` is within 1/65 of every order statistic, across the range and at bin edges",
  permissions: "none",
  fn(): void {
    const random = new Random(17);
    const spread = (): number => Math.fround(2 ** (random.uniform() * 63.99 - 40));
    const edge = (): number => {
      const { lo, hi } = sketchBounds(random.below(SKETCH_BINS));
      return random.uniform() < 0.5 ? lo : below(hi);
    };
    const narrow = (): number => Math.fround(1 + random.uniform());
    for (const draw of [spread, edge, narrow]) {
      for (const n of [1, 2, 3, 10, 257, 2000]) {
        const values = Float32Array.from({ length: n }, draw).sort();
        const histogram = new Uint32Array(3 * SKETCH_BINS);
        for (const f of values) histogram[SKETCH_BINS + sketchBin(f)] += 1;
        const [min, max] = [values[0], values[n - 1]];
        for (let rank = 1; rank <= n; rank += Math.ceil(n / 100)) {
          const q = (rank - 0.5) / n;
          const estimate = sketchQuantile(histogram, SKETCH_BINS, n, q, min, max);
          const error = Math.abs(estimate - values[rank - 1]) / values[rank - 1];
          assert(error <= SKETCH_RELATIVE_ERROR * (1 + 2 ** -50), `rank ${rank} of ${n}: off by ${error}`);
        }
        assert.equal(sketchQuantile(histogram, SKETCH_BINS, n, 0, min, max), min);
        assert.equal(sketchQuantile(histogram, SKETCH_BINS, n, 1, min, max), max);
      }
    }
  },
});

Deno.test({
  name: "`sketchQuantile()` reaches its bound, so that 1/65 is not merely safe",
  permissions: "none",
  fn(): void {
    const histogram = new Uint32Array(SKETCH_BINS);
    histogram[sketchBin(1)] = 3;
    const off = Math.abs(sketchQuantile(histogram, 0, 3, 0.5, 1, below(33 / 32)) - 1);
    assert(off > SKETCH_RELATIVE_ERROR * 0.999 && off <= SKETCH_RELATIVE_ERROR * (1 + 2 ** -50));
  },
});

Deno.test({
  name: "`sketchQuantile()` stays within min and max for values out of range, and is NaN for none",
  permissions: "none",
  fn(): void {
    const histogram = new Uint32Array(SKETCH_BINS);
    assert(Number.isNaN(sketchQuantile(histogram, 0, 0, 0.5, Infinity, 0)));
    histogram[0] = 5;
    assert.equal(sketchQuantile(histogram, 0, 5, 0.5, 2 ** -60, 2 ** -50), 2 ** -50);
    assert.throws(() => sketchQuantile(histogram, 0, 5, 1.1, 0, 1), RangeError);
    assert.throws(() => sketchQuantile(histogram, 0, 5, NaN, 0, 1), RangeError);
  },
});

Deno.test({
  name: "`mergeSketch()` gives the sketch of both sets",
  permissions: "none",
  fn(): void {
    const into = new Uint32Array([1, 0, 3]);
    mergeSketch(into, new Uint32Array([4, 2, 0]));
    assert.deepEqual(into, new Uint32Array([5, 2, 3]));
    assert.throws(() => mergeSketch(into, new Uint32Array(2)), TypeError);
    // Of every length around a group of eight, with one bin that is not empty, anywhere.
    for (let length = 1; length < 20; length++) {
      for (let bin = 0; bin < length; bin++) {
        const sums = Uint32Array.from({ length }, (_, i) => i);
        const one = new Uint32Array(length);
        one[bin] = 2 ** 31;
        mergeSketch(sums, one);
        assert.deepEqual(sums, Uint32Array.from({ length }, (_, i) => i + one[i]));
      }
    }
  },
});
