import assert from "node:assert/strict";
import {
  decodeHeatmaps,
  decodeHistogram,
  encodeHeatmap,
  encodeHistogram,
  floats,
  fromBase64,
  lowerBound,
  pushVarint,
  toBase64,
  VarintReader,
} from "../../render/viewer/codec.ts";
import { spreadNames } from "../../render/viewer/histogram_view.ts";
import { dataPath, picturePath } from "../../render/viewer/format.ts";
import {
  type Column,
  labelShares,
  type LatentColumns,
  listLatents,
  rangeExamples,
  shownRanks,
  spreadOver,
} from "../../render/viewer/list_latents.ts";
import { patchValue } from "../../render/viewer/picture_view.ts";
import { rangeRow } from "../../render/viewer/range_row.ts";
import { DEFAULT_STATE, formatHash, parseHash, type RangeKey, type ViewState } from "../../render/viewer/state.ts";
import { sketchBounds } from "../../compute/quantile_sketch.ts";

Deno.test({
  name: "`encodeHeatmap()` and back is off by at most upper/510 everywhere",
  permissions: "none",
  fn: () => {
    for (const [patches, upper] of [[1, 3], [49, 0.7], [196, 1e-3], [300, 12.5]]) {
      const maps = [0, 1, 2].map((seed) =>
        Float32Array.from({ length: patches }, (_, i) => Math.max(0, upper * Math.sin(i * 7.3 + seed * i * i)))
      );
      const bytes: number[] = [];
      for (const map of maps) encodeHeatmap(bytes, map, upper);
      const levels = decodeHeatmaps(Uint8Array.from(bytes), maps.length, patches);
      maps.forEach((map, m) =>
        map.forEach((value, p) => {
          const error = Math.abs(upper * levels[m * patches + p] / 255 - value);
          assert.ok(error <= upper / 510 * (1 + 1e-6), `${error}`);
        })
      );
    }
  },
});

Deno.test({
  name: "`decodeHeatmaps()` survives bytes cut anywhere",
  permissions: "none",
  fn: () => {
    const bytes: number[] = [];
    encodeHeatmap(bytes, Float32Array.from({ length: 200 }, (_, i) => i % 3), 2);
    for (let end = 0; end <= bytes.length; end++) {
      assert.equal(decodeHeatmaps(Uint8Array.from(bytes.slice(0, end)), 2, 200).length, 400);
    }
  },
});

Deno.test({
  name: "varints and base64 give numbers back exactly",
  permissions: "none",
  fn: () => {
    const numbers = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 32 - 1];
    const bytes: number[] = [];
    for (const number of numbers) pushVarint(bytes, number);
    const reader = new VarintReader(Uint8Array.from(bytes));
    assert.deepEqual(numbers.map(() => reader.next()), numbers);
    assert.ok(reader.done);
    const values = Float32Array.from({ length: 20_000 }, (_, i) => Math.fround(Math.sin(i) * 10 ** (i % 30)));
    assert.deepEqual(floats(toBase64(values)), values);
    assert.deepEqual(floats(toBase64(values.subarray(3, 7))), values.slice(3, 7));
    assert.equal(fromBase64("").length, 0);
  },
});

Deno.test({
  name: "`encodeHistogram()` keeps counts exactly, in bars whose bounds are the sketch's",
  permissions: "none",
  fn: () => {
    assert.equal(encodeHistogram(new Uint32Array(2048)), "");
    assert.equal(decodeHistogram(""), undefined);
    const histogram = new Uint32Array(2048);
    for (let i = 0; i < 500; i++) histogram[900 + (i * 37) % 333] += i * i;
    const { first, counts } = decodeHistogram(encodeHistogram(histogram))!;
    for (let bar = 0; bar < 256; bar++) {
      const sum = histogram.subarray(bar * 8, bar * 8 + 8).reduce((a, b) => a + b, 0);
      assert.equal(counts[bar - first] ?? 0, sum);
      assert.equal(lowerBound(bar), sketchBounds(bar * 8).lo);
    }
  },
});

Deno.test({
  name: "`formatHash()` and `parseHash()` give every state back; what is not understood is the default",
  permissions: "none",
  fn: () => {
    const state: ViewState = {
      latent: 12,
      entry: 3,
      patch: 0,
      view: "table",
      only: "favourites",
      q: "a&b=c#d é",
      sort: "entropy",
      down: false,
      ranges: { frequency: [-4, -2.5], distinct: [3, Infinity], top: [-Infinity, 1], "c.p99": [0, 1] },
      opacity: 0.35,
      threshold: 0.5,
      map: "turbo",
      lines: true,
      whole: true,
      repeats: true,
      spread: false,
      size: 220,
    };
    assert.deepEqual(parseHash(formatHash(state)), state);
    assert.deepEqual(parseHash(formatHash({ ...state, sort: "c.p99" })).sort, "c.p99");
    assert.deepEqual(parseHash("#sort=c.&c.a-b=0,1&c.=0,1&c.__proto__=0,1"), DEFAULT_STATE);
    assert.equal(formatHash(DEFAULT_STATE), "#");
    assert.deepEqual(parseHash(""), DEFAULT_STATE);
    assert.deepEqual(
      parseHash(
        "#latent=x&view=3d&only=&sort=__proto__&opacity=NaN&frequency=a,b&mean=1&map=constructor&size=&lines=maybe",
      ),
      DEFAULT_STATE,
    );
    assert.equal(parseHash("#size=9999").size, 400);
    assert.equal(parseHash("#latent=-5").latent, null);
  },
});

const LABELS = [["cat"], ["dog", "cat"], [], ["bird"], ["dog"]];
const column = (key: RangeKey, values: number[], log = false): Column => (
  { key, name: key, about: "", unit: "", log, values }
);
const columns: LatentColumns = {
  dSae: 5,
  chosen: Uint32Array.of(4, 1, 0),
  columns: new Map<RangeKey, Column>([
    ["frequency", column("frequency", [0.1, 0.01, 0, 0.001, 0.01], true)],
    ["mean", column("mean", [1, 10, NaN, 2, 0.5], true)],
    ["top", column("top", [2, 20, NaN, 3, 1], true)],
    ["distinct", column("distinct", [5, 3, 0, 9, 3])],
    ["entropy", column("entropy", [0, 1, 0, 2, 0.5])],
    ["c.auroc", column("c.auroc", [0.5, NaN, 0.9, -1, 0.5])],
  ]),
  labelsOf: (latent) => LABELS[latent],
};
const notes = {
  note: (latent: number) => latent === 3 ? "looks like Cats" : "",
  isFavourite: (latent: number) => latent > 2,
};
const list = (change: Partial<ViewState>): number[] => listLatents(columns, notes, { ...DEFAULT_STATE, ...change });

Deno.test({
  name: "`listLatents()` filters by words, notes, favourites and bounds, and sorts with silent latents last",
  permissions: "none",
  fn: () => {
    assert.deepEqual(list({}), [4, 1, 0]);
    assert.deepEqual(list({ only: "all", sort: "frequency" }), [0, 1, 4, 3, 2]);
    assert.deepEqual(list({ only: "all", sort: "mean", down: false }), [4, 0, 3, 1, 2]);
    assert.deepEqual(list({ only: "all", sort: "top" }), [1, 3, 0, 4, 2]);
    assert.deepEqual(list({ only: "all", sort: "latent", down: false }), [0, 1, 2, 3, 4]);
    assert.deepEqual(list({ only: "all", q: "CAT" }), [0, 1, 3]);
    assert.deepEqual(list({ only: "all", q: "cat dog" }), [1]);
    assert.deepEqual(list({ only: "all", q: "3" }), [3]);
    assert.deepEqual(list({ only: "favourites", sort: "latent", down: true }), [4, 3]);
    assert.deepEqual(list({ only: "all", ranges: { frequency: [-2, -1] } }), [0, 1, 4]);
    assert.deepEqual(list({ only: "all", ranges: { mean: [-Infinity, Infinity] } }), [0, 1, 3, 4]);
    assert.deepEqual(list({ only: "all", ranges: { distinct: [4, Infinity], entropy: [-Infinity, 1] } }), [0]);
    assert.deepEqual(list({ only: "all", sort: "c.auroc" }), [2, 0, 4, 3, 1]);
    assert.deepEqual(list({ only: "all", sort: "c.auroc", down: false }), [3, 0, 4, 2, 1]);
    assert.deepEqual(list({ only: "all", ranges: { "c.auroc": [-1, 0.5] } }), [0, 3, 4]);
    // An address from another run.
    assert.deepEqual(list({ sort: "c.other", ranges: { "c.other": [0, 1] } }), [4, 1, 0]);
  },
});

Deno.test({
  name: "`spreadOver()` steps evenly over values, each entry once",
  permissions: "none",
  fn: () => {
    assert.deepEqual(spreadOver([], 8), []);
    assert.deepEqual(spreadOver([3], 8), [0]);
    assert.deepEqual(spreadOver([10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 3), [0, 5, 10]);
    assert.deepEqual(spreadOver([10, 9.9, 9.8, 9.7, 0], 3), [0, 3, 4]);
    assert.deepEqual(spreadOver([1, 1, 1], 2), [2]);
  },
});

Deno.test({
  name: "`rangeExamples()` takes one patch from each part, the nearest to its middle, from pictures not used yet",
  permissions: "none",
  fn: () => {
    // Two parts: 1 … 127 (middle 63.75) and 128 … 255 (middle 191.25).
    const levels = Uint8Array.of(255, 190, 60, 0, 0, 10, 70, 128);
    const found = rangeExamples(levels, { patches: 4, ranks: [0, 1], steps: 2 });
    assert.deepEqual(found.map(({ rank, patch, level }) => [rank, patch, level]), [[0, 1, 190], [1, 2, 70]]);
    assert.deepEqual(found.map(({ low, high }) => [low, high]), [[0.5, 1], [0, 0.5]]);
    const alone = rangeExamples(levels, { patches: 4, ranks: [0], steps: 2 });
    assert.deepEqual(alone.map(({ rank, patch }) => [rank, patch]), [[0, 1], [0, 2]]);
    // 0 is no activation, and a part may be empty.
    assert.deepEqual(rangeExamples(Uint8Array.of(0, 255), { patches: 2, ranks: [0], steps: 4 }).length, 1);
    assert.deepEqual(rangeExamples(new Uint8Array(0), { patches: 0, ranks: [], steps: 4 }), []);
    // Every level is in exactly one of eight parts.
    for (let level = 1; level <= 255; level++) {
      const [part, ...others] = rangeExamples(Uint8Array.of(level), { patches: 1, ranks: [0], steps: 8 });
      assert.ok(others.length === 0 && level / 255 > part.low && level / 255 <= part.high, `${level}`);
    }
  },
});

Deno.test({
  name: "`rangeRow()` has every example, and of parts without one what the ranking has there",
  permissions: "none",
  fn: () => {
    const at = (...values: number[]): Uint8Array => Uint8Array.of(...values);
    const entries = {
      ...{ upper: 8, image: [5, 6, 5], patch: [0, 1, 1], value: Float32Array.of(8, 7, 6) },
      levels: at(255, 0, /**/ 96, 223, /**/ 40, 191),
    };
    const examples = {
      ...{ upper: 8, image: [1, 2, 3], patch: [1, 0, 1], value: Float32Array.of(0.5, 1.5, 1.75) },
      ...{ levels: at(0, 16, /**/ 48, 0, /**/ 0, 56), interval: at(1, 1, 1) },
    };
    const row = rangeRow(entries, examples, { patches: 2, parts: 4 });
    // Level 96 is of the second quarter, nothing shown once is of the third, 255 is of the fourth and nothing is nearer.
    assert.deepEqual(row.map(({ part, isRecorded, at, patch }) => [part, isRecorded, at, patch]), [
      [1, false, 0, 1],
      [1, false, 1, 0],
      [1, false, 2, 1],
      [2, true, 1, 0],
      [4, true, 1, 1],
    ]);
    assert.deepEqual(row.slice(0, 3).map(({ value }) => value), [0.5, 1.5, 1.75]);
    assert.ok(Math.abs(row[3].value - 8 * 96 / 255) < 1e-12);
    // Where sums are ranked the entries may lack the latent's largest activation: their levels stand for less.
    const less = rangeRow({ ...entries, upper: 4 }, examples, { patches: 2, parts: 4 });
    assert.deepEqual(less.filter(({ isRecorded }) => isRecorded).map(({ part, value }) => [part, value]), [
      [2, 4 * 223 / 255],
    ]);
    // Without heatmaps it is values that are looked at.
    const plain = { levels: at(), patch: [0, 0, 0] };
    const whole = rangeRow({ ...entries, ...plain }, { ...examples, ...plain }, { patches: 0, parts: 4 });
    assert.deepEqual(whole.map(({ part, isRecorded, at, patch }) => [part, isRecorded, at, patch]), [
      [1, false, 0, -1],
      [1, false, 1, -1],
      [1, false, 2, -1],
      [4, true, 1, -1],
    ]);
  },
});

Deno.test({
  name: "`patchValue()` is exact for the strongest patch, however weak, and read off the levels for others",
  permissions: "none",
  fn: () => {
    const entries = { upper: 510, value: Float32Array.of(100.25, 0.5), patch: Uint16Array.of(1, 0) };
    assert.equal(patchValue(entries, 0, 1, Uint8Array.of(0, 50, 7)), "100.3");
    assert.equal(patchValue(entries, 0, 2, Uint8Array.of(0, 50, 7)), "≈ 14");
    assert.equal(patchValue(entries, 0, 0, Uint8Array.of(0, 50, 7)), "0");
    // Half a level is rounded away in the heatmap, and still the example's value.
    assert.equal(patchValue(entries, 1, 0, Uint8Array.of(0, 0, 0)), "0.5");
    // In a ranking by sums the value is none of the patch's.
    assert.equal(patchValue({ ...entries, value: Float32Array.of(300, 0.5) }, 0, 1, Uint8Array.of(0, 50, 7)), "≈ 100");
  },
});

Deno.test({
  name: "`shownRanks()` gives each picture's best rank, or all",
  permissions: "none",
  fn: () => {
    assert.deepEqual(shownRanks([5, 3, 5, 5, 9], false), [0, 1, 4]);
    assert.deepEqual(shownRanks([5, 3, 5, 5, 9], true), [0, 1, 2, 3, 4]);
  },
});

Deno.test({
  name: "`spreadNames()` keeps names apart, within the width, and otherwise where they belong",
  permissions: "none",
  fn: () => {
    assert.deepEqual(spreadNames([40, 160, 280], 36, 320), [40, 160, 280]);
    assert.deepEqual(spreadNames([0, 300, 319], 36, 320), [18, 266, 302]);
    for (const at of [0, 100, 320]) {
      const [a, b, c] = spreadNames([at, at, at], 36, 320);
      assert.ok(b - a >= 36 && c - b >= 36 && a >= 18 && c <= 302, `${a} ${b} ${c}`);
    }
  },
});

Deno.test({
  name: "`labelShares()` has lift 1 for what is as common as in the data set",
  permissions: "none",
  fn: () => {
    const shares = labelShares([0, 0, 1, 2], [50, 25, 5, 0], 100);
    assert.deepEqual(shares.map(({ label, count }) => [label, count]), [[0, 2], [2, 1], [1, 1]]);
    assert.equal(shares[0].lift, 1);
    assert.equal(shares[1].lift, 5);
  },
});

Deno.test({
  name: "paths of data and pictures are relative, a thousand pictures to a folder",
  permissions: "none",
  fn: () => {
    assert.equal(dataPath("latents", 0), "viewer/latents.js");
    assert.equal(dataPath("page", 12), "viewer/latents/0012.js");
    assert.equal(picturePath(1_281_166, "jpg"), "viewer/pictures/1281/1281166.jpg");
    assert.equal(picturePath(7, "png"), "viewer/pictures/000/000007.png");
  },
});
