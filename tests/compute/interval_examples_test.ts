import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  addImage,
  examplesOf,
  imageHash,
  type IntervalExamples,
  intervalExamples,
  intervalOf,
  type LatentExamples,
  mergeExamples,
  sampleImages,
} from "../../compute/interval_examples.ts";

const permissions = "none";

/** mulberry32: the same numbers everywhere. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Activations of images: sparse, with NaN and negatives here and there, `f32 [rows, latents]` each. */
function made({ images, rows, latents, seed }: Record<"images" | "rows" | "latents" | "seed", number>): Float32Array[] {
  const next = random(seed);
  return Array.from({ length: images }, () => {
    const scale = next();
    return Float32Array.from({ length: rows * latents }, () => {
      const kind = next();
      return kind < 0.5 ? 0 : kind < 0.52 ? NaN : kind < 0.54 ? -next() : scale * next() ** 2;
    });
  });
}

function uppersOf(acts: readonly Float32Array[], latents: number): Float32Array {
  const upper = new Float32Array(latents);
  for (const one of acts) one.forEach((value, i) => upper[i % latents] = Math.max(upper[i % latents], value || 0));
  return upper;
}

/** The definition, word by word: sort all images of each part of the range by hash, take the first few. */
function bruteForce(
  acts: readonly Float32Array[],
  upper: Float32Array,
  latent: number,
  { seed, intervals, perInterval, heatmaps }: {
    seed: number;
    intervals: number;
    perInterval: number;
    heatmaps: boolean;
  },
): LatentExamples {
  const m = upper.length;
  const all = acts.map((one, image) => {
    const column = [...one].filter((_, i) => i % m === latent).map((value) => value > 0 ? value : 0);
    const value = Math.max(...column);
    return { image, column, value, patch: column.indexOf(value), hash: imageHash(seed, image) };
  });
  const found = Array.from({ length: intervals }, (_, i) =>
    all.filter(({ value }) => {
      if (value === 0) return false;
      // Lower end open, upper end closed; the last part has whatever is larger.
      const share = value * intervals;
      return share > i * upper[latent] && (share <= (i + 1) * upper[latent] || i === intervals - 1);
    }).sort((a, b) => a.hash - b.hash || a.image - b.image).slice(0, perInterval)).flatMap((some, i) =>
      some.map((one) => ({ ...one, interval: i + 1 }))
    );
  return {
    upper: upper[latent],
    interval: Uint8Array.from(found, ({ interval }) => interval),
    image: Uint32Array.from(found, ({ image }) => image),
    patch: Uint32Array.from(found, ({ patch }) => patch),
    value: Float32Array.from(found, ({ value }) => value),
    heat: Float32Array.from(heatmaps ? found.flatMap(({ column }) => column) : []),
  };
}

const all = (found: IntervalExamples): LatentExamples[] =>
  Array.from(found.upper, (_, latent) => examplesOf(found, latent));

Deno.test({
  name: "intervalExamples() keeps what sorting every image by its hash would, in any order and any split",
  permissions,
  fn(): void {
    for (const [trial, rows] of [9, 1, 4, 16].entries()) {
      const [images, latents] = [300, 5];
      const [intervals, perInterval, seed] = [[8, 2, 42], [8, 2, 7], [3, 4, 2 ** 40 + 1], [1, 1, 0]][trial];
      const acts = made({ images, rows, latents, seed: trial + 1 });
      const upper = uppersOf(acts, latents);
      // Never fires.
      upper[3] = 0;
      const patches = trial === 3 ? 0 : rows;
      const options = { seed, intervals, perInterval, patches };
      const expected = Array.from(
        upper,
        (_, latent) =>
          upper[latent] === 0
            ? { ...bruteForce([], upper, latent, { ...options, heatmaps: true }) }
            : bruteForce(acts, upper, latent, { ...options, heatmaps: patches > 0 }),
      );
      ok(expected.some(({ image }) => image.length >= perInterval));
      const next = random(trial + 99);
      for (let shuffle = 0; shuffle < 8; shuffle++) {
        const order = Array.from(acts.keys(), (image) => ({ image, at: shuffle === 0 ? image : next() }))
          .sort((a, b) => a.at - b.at).map(({ image }) => image);
        const parts = Array.from({ length: 1 + shuffle % 4 }, () => intervalExamples(upper, options));
        order.forEach((image) => addImage(parts[Math.floor(next() * parts.length)], image, acts[image]));
        const [whole, ...others] = parts;
        for (const other of others) mergeExamples(whole, other);
        deepStrictEqual(all(whole), expected, `trial ${trial}, shuffle ${shuffle}`);
      }
    }
  },
});

Deno.test({
  name:
    "an image belongs to the part of its largest activation, at the first patch that has it, and only if that is positive and finite",
  permissions,
  fn(): void {
    const found = intervalExamples(new Float32Array([8, 8, 0, NaN, Infinity]), { seed: 1, patches: 3 });
    addImage(found, 0, new Float32Array([1, NaN, 1, 1, 1, /**/ 7.5, -1, 1, 1, 1, /**/ 7.5, 0, 1, 1, 1]));
    // Past the recorded largest, as another backend may round: the last part.
    addImage(found, 1, new Float32Array([8.1, 1e-30, 0, 0, 0, /**/ 0, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 0]));
    const [first, second, ...rest] = all(found);
    deepStrictEqual([...first.interval], [8, 8]);
    const at = first.image.indexOf(0);
    deepStrictEqual([first.patch[at], first.value[at]], [1, 7.5]);
    deepStrictEqual([...first.heat.subarray(at * 3, at * 3 + 3)], [1, 7.5, 7.5]);
    deepStrictEqual([[...second.image], [...second.interval], second.heat[0]], [[1], [1], Math.fround(1e-30)]);
    for (const { image } of rest) strictEqual(image.length, 0);
    // No file holds an infinite value: what cannot be kept is no example.
    addImage(found, 2, new Float32Array([Infinity, 0, 0, 0, 0, /**/ 1, 1, 0, 0, 0, /**/ 0, 0, 0, 0, 0]));
    deepStrictEqual(all(found).map(({ image }) => image.includes(2)), [false, true, false, false, false]);
  },
});

Deno.test({
  name: "intervalOf() cuts the range with closed upper ends, and puts what is not positive and finite nowhere",
  permissions,
  fn(): void {
    for (let i = 1; i <= 8; i++) {
      strictEqual(intervalOf(i / 8, 1, 8), i);
      strictEqual(intervalOf(i / 8 - 1e-9, 1, 8), i);
      strictEqual(intervalOf(i / 8 + 1e-9, 1, 8), Math.min(8, i + 1));
    }
    deepStrictEqual([0, -1, NaN, Infinity].map((value) => intervalOf(value, 1, 8)), [0, 0, 0, 0]);
    deepStrictEqual([0, -1, NaN, Infinity].map((upper) => intervalOf(1, upper, 8)), [0, 0, 0, 0]);
    strictEqual(intervalOf(1e-320, 1e300, 8), 1);
  },
});

Deno.test({
  name: "intervalOf() rounds no f32 value over a border, whatever the parts",
  permissions,
  fn(): void {
    const next = random(5);
    const bits = new Uint32Array(1);
    const nextUp = (value: number): number => {
      const f32 = new Float32Array(bits.buffer);
      f32[0] = value;
      bits[0] += 1;
      return f32[0];
    };
    for (let parts = 1; parts <= 255; parts++) {
      for (let part = 1; part < parts; part++) {
        // A border that f32 holds: 7/25 · 25 is more than 7 in f64.
        const upper = parts * 2 ** Math.floor(40 * next() - 20);
        const border = upper / parts * part;
        strictEqual(intervalOf(border, upper, parts), part, `${part} of ${parts}`);
        strictEqual(intervalOf(nextUp(border), upper, parts), part + 1, `above ${part} of ${parts}`);
      }
      // Any values, compared with whole numbers.
      const [value, upper] = [Math.fround(next()), Math.fround(next() + 1)];
      const [a, b] = [value, upper].map((number) => BigInt(number * 2 ** 60));
      strictEqual(intervalOf(value, upper, parts), Number((a * BigInt(parts) + b - 1n) / b) || 1);
    }
  },
});

Deno.test({
  name: "sampleImages() takes the smallest hashes, ascending; larger samples hold smaller ones; no image is preferred",
  permissions,
  fn(): void {
    const n = 5000;
    const byHash = Array.from({ length: n }, (_, image) => image).sort((a, b) => imageHash(42, a) - imageHash(42, b));
    strictEqual(new Set(byHash.map((image) => imageHash(42, image))).size, n);
    for (const wanted of [0, 1, 17, n - 1, n, n + 1]) {
      deepStrictEqual([...sampleImages(n, wanted, 42)], byHash.slice(0, wanted).sort((a, b) => a - b));
    }
    deepStrictEqual(sampleImages(0, 5, 42), new Uint32Array(0));
    throws(() => sampleImages(10, 1.5, 42), /Cannot sample 1.5 of 10 images/);
    // Over seeds every image is as likely, also those whose numbers differ in one bit: chi-square of 64 cells.
    for (const image of [0, 1, 2, 4096, 2 ** 31]) {
      const cells = new Uint32Array(64);
      for (let seed = 0; seed < 6400; seed++) cells[imageHash(seed, image) >>> 26] += 1;
      const chi = cells.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
      ok(chi > 25 && chi < 125, `image ${image}: ${chi}`);
    }
    // Low and high halves of the data set, even and odd numbers.
    const sample = sampleImages(100_000, 4096, 42);
    for (const share of [sample.filter((image) => image < 50_000), sample.filter((image) => image % 2 === 0)]) {
      ok(Math.abs(share.length - 2048) < 5 * 32, `${share.length}`);
    }
  },
});

Deno.test({
  name: "intervalExamples() and those that fill it refuse what does not fit",
  permissions,
  fn(): void {
    const upper = new Float32Array([1, 1]);
    for (const wrong of [{ intervals: 0 }, { intervals: 256 }, { perInterval: 0 }, { seed: -1 }, { patches: 0.5 }]) {
      throws(() => intervalExamples(upper, { seed: 1, patches: 2, ...wrong }), RangeError);
    }
    const found = intervalExamples(upper, { seed: 1, patches: 2 });
    throws(() => addImage(found, 0, new Float32Array(3)), TypeError);
    throws(() => addImage(found, 0, new Float32Array(6)), TypeError);
    throws(() => mergeExamples(found, intervalExamples(upper, { seed: 2, patches: 2 })), RangeError);
    throws(() => examplesOf(found, 2), RangeError);
    addImage(intervalExamples(new Float32Array(0), { seed: 1, patches: 2 }), 0, new Float32Array(0));
  },
});
