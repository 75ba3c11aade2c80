/**
 * A hash of what a picture looks like: near-duplicates differ in few bits.
 * @module
 */
import type { Picture } from "./picture.ts";
import { resize } from "./resize.ts";

/** Side of the reduced picture. */
const SIDE = 32;
/** Frequencies along each axis, from the first on: the mean brightness is left out. */
const FREQUENCIES = 8;
/** The cosines' fixed point: sums of 1,024 products stay below 2^53, so every coefficient is an exact integer. */
const ONE = 1 << 12;

/** A hash: 64 bits, the high word first. */
export type PerceptualHash = readonly [high: number, low: number];

const COSINES = Int32Array.from(
  { length: FREQUENCIES * SIDE },
  (_, i) => Math.round(ONE * Math.cos(Math.PI / SIDE * (i % SIDE + 0.5) * (Math.floor(i / SIDE) + 1))),
);

/**
 * Hashes a picture: reduced to 32 x 32 gray pixels, the signs of 64 low frequencies against their median.
 *
 * Gray is `(19595 R + 38470 G + 7471 B + 32768) >> 16`, as Pillow's. The coefficients are those of the two-dimensional cosine
 * transform for frequencies 1 … 8 along each axis, with cosines rounded to 1/4096: integers, the same everywhere. A bit is 1
 * where a coefficient exceeds the median of all 64 (the mean of the two in the middle). Size, brightness, contrast and the
 * loss of JPEG hardly change it; mirroring, turning and cropping do. A picture of one colour has the hash 0.
 *
 * @param source The picture.
 *
 * Source: Zauner (2010), "Implementation and benchmarking of perceptual image hash functions": the DCT-based hash.
 *
 * @example
 * ```ts
 * import { hashDistance, perceptualHash } from "./perceptual_hash.ts";
 * import { picture } from "./picture.ts";
 * const ramp = picture(64, 64, Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => Math.floor(i / 3) % 64));
 * const bright = picture(64, 64, ramp.data.map((value) => value + 90));
 * console.assert(hashDistance(perceptualHash(ramp), perceptualHash(bright)) <= 2);
 * ```
 */
export function perceptualHash(source: Picture): PerceptualHash {
  const { data } = resize(source, { width: SIDE, height: SIDE });
  const rows = new Float64Array(SIDE * FREQUENCIES);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const at = (y * SIDE + x) * 3;
      const gray = (19595 * data[at] + 38470 * data[at + 1] + 7471 * data[at + 2] + 32768) >>> 16;
      for (let u = 0; u < FREQUENCIES; u++) rows[y * FREQUENCIES + u] += gray * COSINES[u * SIDE + x];
    }
  }
  const coefficients = new Float64Array(FREQUENCIES * FREQUENCIES);
  for (let v = 0; v < FREQUENCIES; v++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let y = 0; y < SIDE; y++) sum += rows[y * FREQUENCIES + u] * COSINES[v * SIDE + y];
      coefficients[v * FREQUENCIES + u] = sum;
    }
  }
  const sorted = coefficients.toSorted();
  const median = (sorted[31] + sorted[32]) / 2;
  const words = [0, 0];
  coefficients.forEach((value, i) => {
    if (value > median) words[i >> 5] |= 1 << (31 - (i & 31));
  });
  return [words[0] >>> 0, words[1] >>> 0];
}

/**
 * In how many of 64 bits two hashes differ.
 *
 * @example
 * ```ts
 * import { hashDistance } from "./perceptual_hash.ts";
 * console.assert(hashDistance([1, 0], [0, 0xffffffff]) === 33);
 * ```
 */
export function hashDistance(a: PerceptualHash, b: PerceptualHash): number {
  return ones(a[0] ^ b[0]) + ones(a[1] ^ b[1]);
}

function ones(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count += 1;
  return count;
}
