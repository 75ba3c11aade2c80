/**
 * Examples of a latent's whole range, sampled without bias: images whose largest activation lies in each part of it.
 *
 * Which images are kept is decided by a hash of their numbers alone, so the choice does not depend on the order in which they
 * are seen, on batches or threads, and parts of a data set can be merged.
 * @module
 */

/** Parts of the range, unless told otherwise. */
export const INTERVALS = 8;
/** Examples kept of each part, unless told otherwise. */
export const PER_INTERVAL = 2;
/** A part's number is kept in a byte. */
const MAX_INTERVALS = 255;

/** See {@linkcode intervalExamples}. */
export interface IntervalOptions {
  /** Chooses among images: another seed, other examples. A whole number from 0. */
  readonly seed: number;
  /** Heatmap values kept of an example: the rows of an image; 0 to keep none. */
  readonly patches: number;
  /** Equal parts of the range, 1 … 255; {@linkcode INTERVALS} when not given. */
  readonly intervals?: number;
  /** Examples kept of each, from 1; {@linkcode PER_INTERVAL} when not given. */
  readonly perInterval?: number;
}

/** An image that was kept. */
export interface KeptExample {
  /** What it was chosen by; see {@linkcode imageHash}. */
  readonly hash: number;
  /** The image. */
  readonly image: number;
  /** The first patch with its largest activation. */
  readonly patch: number;
  /** That activation. */
  readonly value: number;
  /** `f32 [patches]`: activations on every patch. */
  readonly heat: Float32Array;
}

/** Examples of some latents while images are looked at; {@linkcode examplesOf} gives those of one. */
export interface IntervalExamples extends Required<IntervalOptions> {
  /** `f32 [latents]`: where each latent's range ends. */
  readonly upper: Float32Array;
  /** For each latent and part the images kept, in the order of their hashes. */
  readonly kept: KeptExample[][];
}

/** Examples of one latent, weakest part first; within a part in the order of their hashes. */
export interface LatentExamples {
  /** Where the range ends: the latent's largest activation. */
  readonly upper: number;
  /** `u8 [n]`: part of the range, 1 … `intervals`. */
  readonly interval: Uint8Array;
  /** `u32 [n]`: the image. */
  readonly image: Uint32Array;
  /** `u32 [n]`: the first patch with the image's largest activation; 0 where rows are images. */
  readonly patch: Uint32Array;
  /** `f32 [n]`: that activation. */
  readonly value: Float32Array;
  /** `f32 [n, patches]`: activations on every patch of the image; empty where none are kept. */
  readonly heat: Float32Array;
}

/**
 * A number from 0 to 2^32 − 1 for an image: as good as drawn at random, and the same everywhere. Images below 2^32 have
 * different numbers under one seed.
 *
 * @param seed A whole number from 0.
 * @param image A whole number from 0 to 2^32 − 1.
 *
 * Source: the finalizer of Appleby's MurmurHash3 (32 bits), twice with the seed between.
 *
 * @example
 * ```ts
 * import { imageHash } from "./interval_examples.ts";
 * console.assert(imageHash(42, 7) === imageHash(42, 7) && imageHash(42, 7) !== imageHash(43, 7));
 * ```
 */
export function imageHash(seed: number, image: number): number {
  const high = Math.floor(seed / 2 ** 32);
  return mix(mix(image) + mix(seed) + mix(high ^ 0x9e3779b9));
}

/**
 * The images with the smallest hashes: a sample that does not depend on where a picture lies, ascending. One of more images
 * has all of those of a smaller one.
 *
 * @param images How many there are; their numbers are 0 … images − 1.
 * @param wanted How many to take; all when there are no more.
 * @param seed See {@linkcode imageHash}.
 * @returns `u32 [min(wanted, images)]`.
 * @throws {RangeError} If `images` or `wanted` is no whole number from 0.
 *
 * @example
 * ```ts
 * import { sampleImages } from "./interval_examples.ts";
 * console.assert(sampleImages(1000, 10, 42).length === 10 && sampleImages(3, 10, 42).join() === "0,1,2");
 * ```
 */
export function sampleImages(images: number, wanted: number, seed: number): Uint32Array {
  if (![images, wanted].every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new RangeError(`Cannot sample ${wanted} of ${images} images: expected whole numbers from 0`);
  }
  if (wanted >= images) return Uint32Array.from({ length: images }, (_, image) => image);
  if (wanted === 0) return new Uint32Array(0);
  const hashes = Uint32Array.from({ length: images }, (_, image) => imageHash(seed, image));
  // No two images have the same hash.
  const last = hashes.toSorted()[wanted - 1];
  const found = new Uint32Array(wanted);
  for (let image = 0, at = 0; at < wanted; image++) if (hashes[image] <= last) found[at++] = image;
  return found;
}

/**
 * Which of `intervals` equal parts of `(0, upper]` a value belongs to: `ceil(intervals · value / upper)`, at least 1 and at
 * most `intervals`. It is exact where value and upper are f32: nothing on a border between two parts is rounded over it.
 *
 * @returns 0 for a value that is not positive and finite, or a range that holds nothing.
 *
 * @example
 * ```ts
 * import { intervalOf } from "./interval_examples.ts";
 * console.assert([0, 0.01, 1, 1.01, 8, 9].map((value) => intervalOf(value, 8, 8)).join() === "0,1,1,2,8,8");
 * ```
 */
export function intervalOf(value: number, upper: number, intervals: number): number {
  if (!(value > 0 && value < Infinity) || !(upper > 0 && upper < Infinity)) return 0;
  // The product of 24 bits and 8 is exact, and a single division rounds nothing past a whole number.
  return Math.min(intervals, Math.max(1, Math.ceil(value * intervals / upper)));
}

/**
 * No examples yet, of some latents.
 *
 * @param upper `f32 [latents]`: each latent's largest activation. One that is not positive and finite, as of a latent that
 *   never fires, gets no examples.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { addImage, examplesOf, intervalExamples } from "./interval_examples.ts";
 * const found = intervalExamples(new Float32Array([8]), { seed: 42, patches: 2 });
 * addImage(found, 5, new Float32Array([0.5, 3]));
 * addImage(found, 6, new Float32Array([8, 8]));
 * const { image, interval, patch, heat } = examplesOf(found, 0);
 * console.assert(image.join() === "5,6" && interval.join() === "3,8" && patch.join() === "1,0");
 * console.assert(heat.join() === "0.5,3,8,8");
 * ```
 */
export function intervalExamples(upper: Float32Array, options: IntervalOptions): IntervalExamples {
  const { seed, patches, intervals = INTERVALS, perInterval = PER_INTERVAL } = options;
  const isWhole = (n: number, least: number, most = Number.MAX_SAFE_INTEGER): boolean =>
    Number.isSafeInteger(n) && n >= least && n <= most;
  const isRight = isWhole(seed, 0) && isWhole(patches, 0) && isWhole(intervals, 1, MAX_INTERVALS) &&
    isWhole(perInterval, 1);
  if (!isRight) {
    throw new RangeError(
      `Cannot keep ${perInterval} examples of ${intervals} parts with ${patches} patches and seed ${seed}: expected whole ` +
        `numbers, at least 1 example of 1 to ${MAX_INTERVALS} parts`,
    );
  }
  return {
    seed,
    patches,
    intervals,
    perInterval,
    upper,
    kept: Array.from({ length: upper.length * intervals }, () => []),
  };
}

/**
 * Looks at one image. For each latent it belongs to the part of the range that its largest activation lies in; of each part
 * the images of smallest hash are kept, ties going to the lower number.
 *
 * An activation that is NaN or not positive counts as 0, and so does a row that was left out; an image without any is no
 * example, and neither is one whose largest is infinite.
 *
 * @param into Changed.
 * @param image Its number. Each image may be looked at once.
 * @param acts `f32 [rows, latents]`, row-major: activations of all its rows; not kept.
 * @throws {TypeError} If `acts` is no whole number of rows, or heatmaps are kept and these are not `patches` rows.
 *
 * @example
 * ```ts
 * import { addImage, examplesOf, intervalExamples } from "./interval_examples.ts";
 * const found = intervalExamples(new Float32Array([1, 1]), { seed: 42, patches: 0 });
 * addImage(found, 3, new Float32Array([0.5, 0]));
 * console.assert(examplesOf(found, 0).image.length === 1 && examplesOf(found, 1).image.length === 0);
 * ```
 */
export function addImage(into: IntervalExamples, image: number, acts: Float32Array): void {
  const { seed, patches, intervals, upper } = into;
  const m = upper.length;
  const rows = m === 0 ? patches : acts.length / m;
  if (!Number.isInteger(rows) || (patches > 0 && rows !== patches)) {
    throw new TypeError(
      `Cannot look at ${acts.length} activations of an image: expected ${patches || "whole"} rows of ${m}`,
    );
  }
  const largest = new Float32Array(m);
  const where = new Uint32Array(m);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let j = 0; j < m; j++, at++) {
      if (!(acts[at] > largest[j])) continue;
      largest[j] = acts[at];
      where[j] = row;
    }
  }
  const hash = imageHash(seed, image);
  for (let j = 0; j < m; j++) {
    const interval = intervalOf(largest[j], upper[j], intervals);
    if (interval === 0) continue;
    const kept = into.kept[j * intervals + interval - 1];
    if (!isWanted(into, kept, { hash, image })) continue;
    const heat = Float32Array.from({ length: patches }, (_, p) => acts[p * m + j] > 0 ? acts[p * m + j] : 0);
    keep(into, kept, { hash, image, patch: where[j], value: largest[j], heat });
  }
}

/**
 * Adds the examples found among other images: the result is that of all images together, in any order.
 *
 * @param into Changed.
 * @param from Of the same latents, with the same options.
 * @throws {RangeError} If it is not.
 *
 * @example
 * ```ts
 * import { addImage, examplesOf, intervalExamples, mergeExamples } from "./interval_examples.ts";
 * const [a, b] = [0, 1].map(() => intervalExamples(new Float32Array([1]), { seed: 42, patches: 0 }));
 * addImage(a, 0, new Float32Array([0.2]));
 * addImage(b, 1, new Float32Array([0.9]));
 * mergeExamples(a, b);
 * console.assert(examplesOf(a, 0).image.join() === "0,1");
 * ```
 */
export function mergeExamples(into: IntervalExamples, from: IntervalExamples): void {
  const facts = ({ seed, patches, intervals, perInterval, upper }: IntervalExamples): string =>
    [seed, patches, intervals, perInterval, ...upper].join();
  if (facts(into) !== facts(from)) throw new RangeError("Cannot merge examples of other latents or with other options");
  from.kept.forEach((kept, i) => {
    for (const one of kept) if (isWanted(into, into.kept[i], one)) keep(into, into.kept[i], one);
  });
}

/**
 * The examples of one latent, copied.
 *
 * @param latent Its position, from 0.
 * @throws {RangeError} If there is no such latent.
 *
 * @example
 * ```ts
 * import { examplesOf, intervalExamples } from "./interval_examples.ts";
 * console.assert(examplesOf(intervalExamples(new Float32Array(1), { seed: 42, patches: 4 }), 0).image.length === 0);
 * ```
 */
export function examplesOf(found: IntervalExamples, latent: number): LatentExamples {
  const { upper, intervals, patches, kept } = found;
  if (!Number.isInteger(latent) || latent < 0 || latent >= upper.length) {
    throw new RangeError(`Cannot give the examples of latent ${latent}: there are ${upper.length}`);
  }
  const own = kept.slice(latent * intervals, (latent + 1) * intervals);
  const all = own.flat();
  const heat = new Float32Array(all.length * patches);
  all.forEach((one, i) => heat.set(one.heat, i * patches));
  return {
    upper: upper[latent],
    interval: Uint8Array.from(own.flatMap((some, i) => some.map(() => i + 1))),
    image: Uint32Array.from(all, ({ image }) => image),
    patch: Uint32Array.from(all, ({ patch }) => patch),
    value: Float32Array.from(all, ({ value }) => value),
    heat,
  };
}

type Rank = Pick<KeptExample, "hash" | "image">;

function isBefore(a: Rank, b: Rank): boolean {
  return a.hash < b.hash || (a.hash === b.hash && a.image < b.image);
}

function isWanted({ perInterval }: IntervalExamples, kept: readonly KeptExample[], one: Rank): boolean {
  return kept.length < perInterval || isBefore(one, kept[kept.length - 1]);
}

function keep({ perInterval }: IntervalExamples, kept: KeptExample[], one: KeptExample): void {
  const at = kept.findIndex((other) => isBefore(one, other));
  kept.splice(at < 0 ? kept.length : at, 0, one);
  if (kept.length > perInterval) kept.pop();
}

/** A bijection of 32 bits that scatters. */
function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
