/**
 * The start of numpy's random permutation, without the permutation.
 * @module
 */
import { Pcg64, SAVED_LENGTH } from "./_pcg64.ts";

/** Swaps between two saved generator states. */
const BLOCK = 2 ** 16;
/** Up to this length the whole list is simply shuffled (16 MiB). */
const MAX_PLAIN_LENGTH = 2 ** 22;

/** See {@linkcode firstOfPermutation}. */
export interface PermutationOptions {
  /** Longest list that is shuffled as a whole; beyond it (and beyond 4·m) only the m places are followed. */
  readonly maxPlainLength?: number;
}

/**
 * The first m entries of `numpy.random.default_rng(seed).permutation(n)`, in O(n) time and O(m + n/2^16) memory.
 *
 * numpy swaps places i and `j ≤ i` for i = n − 1 … 1. Places below m are followed backwards: the entry that ends at place p
 * was, before the swap (i, j), at j if p = i, at i if p = j, and else at p. So the draws are made once forwards,
 * saving the generator every 2^16 swaps, and replayed block by block from the last.
 *
 * @param seed Non-negative safe integer.
 * @param n Length of the permutation, 0 … 2^32.
 * @param m Entries wanted, 0 … n.
 * @returns `u32 [m]`.
 * @throws {RangeError} If an argument is outside its range.
 *
 * Source: numpy `Generator.permutation`: Fisher–Yates from the top, PCG64, masked draws of 32-bit halves.
 *
 * @example
 * ```ts
 * import { firstOfPermutation } from "./numpy_random.ts";
 * console.assert(firstOfPermutation(42, 10, 4).join() === "5,6,0,7");
 * ```
 */
export function firstOfPermutation(seed: number, n: number, m: number, options: PermutationOptions = {}): Uint32Array {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`Cannot seed with ${seed}: expected a non-negative safe integer`);
  }
  if (!Number.isSafeInteger(n) || n < 0 || n > 2 ** 32) {
    throw new RangeError(`Cannot permute ${n} elements: expected an integer from 0 to 2^32`);
  }
  if (!Number.isSafeInteger(m) || m < 0 || m > n) {
    throw new RangeError(`Cannot take ${m} of ${n} elements: expected an integer from 0 to ${n}`);
  }
  if (m === 0) return new Uint32Array(0);
  const plain = n <= Math.max(options.maxPlainLength ?? MAX_PLAIN_LENGTH, 4 * m);
  return plain ? shuffled(seed, n).slice(0, m) : followed(seed, n, m);
}

function shuffled(seed: number, n: number): Uint32Array {
  const random = new Pcg64(seed);
  const list = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = list[i];
    list[i] = list[j];
    list[j] = kept;
  }
  return list;
}

function followed(seed: number, n: number, m: number): Uint32Array {
  const random = new Pcg64(seed);
  const swaps = n - 1;
  const blocks = Math.ceil(swaps / BLOCK);
  const saved = new Float64Array(blocks * SAVED_LENGTH);
  for (let block = 0; block < blocks; block++) {
    random.save(saved, block * SAVED_LENGTH);
    const end = Math.min((block + 1) * BLOCK, swaps);
    for (let s = block * BLOCK; s < end; s++) random.below(n - s);
  }
  const places = new Places(m);
  const drawn = new Uint32Array(BLOCK);
  for (let block = blocks - 1; block >= 0; block--) {
    random.load(saved, block * SAVED_LENGTH);
    const length = Math.min(BLOCK, swaps - block * BLOCK);
    // Swap number s is of places i = n − 1 − s and j.
    const top = n - 1 - block * BLOCK;
    for (let s = 0; s < length; s++) drawn[s] = random.below(top - s + 1);
    for (let s = length - 1; s >= 0; s--) places.undo(top - s, drawn[s]);
  }
  return places.entries();
}

/** Where the m followed entries are: a table for places below m, open addressing with linear probing beyond. */
class Places {
  readonly #m: number;
  /** Entry at each place below m, plus one; 0 for none. */
  readonly #low: Uint32Array;
  readonly #keys: Uint32Array;
  /** Entry plus one; 0 marks a free slot. */
  readonly #values: Uint32Array;
  readonly #shift: number;
  readonly #mask: number;

  constructor(m: number) {
    this.#m = m;
    this.#low = Uint32Array.from({ length: m }, (_, i) => i + 1);
    // At most half full.
    const bits = Math.max(2, 32 - Math.clz32(2 * m - 1));
    this.#keys = new Uint32Array(2 ** bits);
    this.#values = new Uint32Array(2 ** bits);
    this.#shift = 32 - bits;
    this.#mask = 2 ** bits - 1;
  }

  /**
   * Undoes the swap of places i and `j ≤ i`; swaps are undone in increasing order of i.
   *
   * So from i = m on nothing is at place i yet, and what is at j moves to i.
   */
  undo(i: number, j: number): void {
    if (i === j) return;
    if (i < this.#m) {
      const kept = this.#low[i];
      this.#low[i] = this.#low[j];
      this.#low[j] = kept;
    } else if (j < this.#m) {
      const entry = this.#low[j];
      this.#low[j] = 0;
      if (entry !== 0) this.#insert(i, entry);
    } else {
      const slot = this.#find(j);
      const entry = this.#values[slot];
      if (entry === 0) return;
      this.#remove(slot);
      this.#insert(i, entry);
    }
  }

  /** The place of each entry once all is undone, which is its value in the permutation. */
  entries(): Uint32Array {
    const out = new Uint32Array(this.#m);
    this.#low.forEach((entry, place) => {
      if (entry !== 0) out[entry - 1] = place;
    });
    this.#values.forEach((entry, slot) => {
      if (entry !== 0) out[entry - 1] = this.#keys[slot];
    });
    return out;
  }

  #home(place: number): number {
    // Fibonacci hashing: the high bits of a multiple of 2^32/φ.
    return Math.imul(place, 0x9e3779b1) >>> this.#shift;
  }

  /** The slot holding a place, or the free one where it would go. */
  #find(place: number): number {
    let slot = this.#home(place);
    while (this.#values[slot] !== 0 && this.#keys[slot] !== place) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #insert(place: number, entry: number): void {
    const slot = this.#find(place);
    this.#keys[slot] = place;
    this.#values[slot] = entry;
  }

  /** Frees a slot and closes the gap, so that no tombstones pile up. */
  #remove(slot: number): void {
    let gap = slot;
    let next = (gap + 1) & this.#mask;
    while (this.#values[next] !== 0) {
      const home = this.#home(this.#keys[next]);
      // An element may fill the gap if its home is not cyclically within (gap, next].
      if (((next - home) & this.#mask) >= ((next - gap) & this.#mask)) {
        this.#keys[gap] = this.#keys[next];
        this.#values[gap] = this.#values[next];
        gap = next;
      }
      next = (next + 1) & this.#mask;
    }
    this.#values[gap] = 0;
  }
}
