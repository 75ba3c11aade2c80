/**
 * PCG64 (XSL-RR 128/64) seeded through SeedSequence, as numpy's `default_rng(seed)` has it.
 *
 * The 128-bit state is kept in six 24-bit limbs: sums of their products stay below 2^53, so plain numbers are exact and
 * a draw takes nanoseconds where BigInt takes a microsecond.
 * @module
 */

const LIMB = 2 ** 24;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const MASK_128 = (1n << 128n) - 1n;

/** The 24-bit limbs of a 128-bit integer, lowest first; the last has 8 bits. */
function limbsOf(value: bigint): number[] {
  return [0n, 24n, 48n, 72n, 96n, 120n].map((shift) => Number((value >> shift) & 0xffffffn));
}

const [M0, M1, M2, M3, M4, M5] = limbsOf(MULTIPLIER);

/** Numbers that {@linkcode Pcg64.save} writes. */
export const SAVED_LENGTH = 8;

/**
 * The generator behind numpy's `default_rng(seed)`.
 *
 * Source: O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms" (2014); numpy's
 * `SeedSequence` and `random_interval`.
 *
 * @example
 * ```ts
 * import { Pcg64 } from "./_pcg64.ts";
 * console.assert(new Pcg64(42).below(10) === 8);
 * ```
 */
export class Pcg64 {
  #s0 = 0;
  #s1 = 0;
  #s2 = 0;
  #s3 = 0;
  #s4 = 0;
  #s5 = 0;
  readonly #i: readonly number[];
  /** The high half of the last 64-bit draw, if not yet handed out. */
  #half = 0;
  #hasHalf = 0;

  /** Seeds as `default_rng(seed)`; the seed is a non-negative safe integer. */
  constructor(seed: number) {
    const [w0, w1, w2, w3, w4, w5, w6, w7] = generateState(seed).map(BigInt);
    // Pairs of words are u64, low word first; pairs of u64 are u128, high one first.
    const initState = (w1 << 96n) | (w0 << 64n) | (w3 << 32n) | w2;
    const initSequence = (w5 << 96n) | (w4 << 64n) | (w7 << 32n) | w6;
    const increment = ((initSequence << 1n) | 1n) & MASK_128;
    this.#i = limbsOf(increment);
    // From state 0, one step gives the increment; then the seed is added and another step taken.
    const state = ((increment + initState) * MULTIPLIER + increment) & MASK_128;
    [this.#s0, this.#s1, this.#s2, this.#s3, this.#s4, this.#s5] = limbsOf(state);
  }

  /** Writes the state to `f64 [≥ at + SAVED_LENGTH]`. */
  save(into: Float64Array, at: number): void {
    into.set([this.#s0, this.#s1, this.#s2, this.#s3, this.#s4, this.#s5, this.#half, this.#hasHalf], at);
  }

  /** Reads back what {@linkcode save} wrote. */
  load(from: Float64Array, at: number): void {
    this.#s0 = from[at];
    this.#s1 = from[at + 1];
    this.#s2 = from[at + 2];
    this.#s3 = from[at + 3];
    this.#s4 = from[at + 4];
    this.#s5 = from[at + 5];
    this.#half = from[at + 6];
    this.#hasHalf = from[at + 7];
  }

  /** A uniform u32: the low half of a 64-bit draw, then its high half. */
  next32(): number {
    if (this.#hasHalf === 1) {
      this.#hasHalf = 0;
      return this.#half;
    }
    this.#step();
    // Words of 32 bits from limbs of 24.
    const a = this.#s0 | (this.#s1 << 24);
    const b = (this.#s1 >>> 8) | (this.#s2 << 16);
    const c = (this.#s2 >>> 16) | (this.#s3 << 8);
    const d = this.#s4 | (this.#s5 << 24);
    // XSL-RR: the halves' exclusive or, rotated right by the top six bits.
    const low = a ^ c;
    const high = b ^ d;
    const rotation = d >>> 26;
    const [x, y] = (rotation & 32) === 0 ? [low, high] : [high, low];
    const r = rotation & 31;
    this.#half = (r === 0 ? y : (y >>> r) | (x << (32 - r))) >>> 0;
    this.#hasHalf = 1;
    return (r === 0 ? x : (x >>> r) | (y << (32 - r))) >>> 0;
  }

  /**
   * A uniform integer in `[0, n)`, n from 1 to 2^32: 32-bit draws under the smallest mask that covers `n − 1`, rejected
   * until one fits; no draw for n = 1. This is what numpy's `shuffle` does (its `integers` multiplies instead).
   */
  below(n: number): number {
    const max = n - 1;
    if (max === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(max);
    let drawn = (this.next32() & mask) >>> 0;
    while (drawn > max) drawn = (this.next32() & mask) >>> 0;
    return drawn;
  }

  /** A uniform number in [0, 1) of 53 bits, numpy's `random()`; starts a new 64-bit draw and discards a kept half. */
  uniform(): number {
    this.#hasHalf = 0;
    const low = this.next32();
    this.#hasHalf = 0;
    return (this.#half * 2 ** 21 + (low >>> 11)) * 2 ** -53;
  }

  #step(): void {
    const { 0: i0, 1: i1, 2: i2, 3: i3, 4: i4, 5: i5 } = this.#i;
    const s0 = this.#s0, s1 = this.#s1, s2 = this.#s2, s3 = this.#s3, s4 = this.#s4, s5 = this.#s5;
    let t = s0 * M0 + i0;
    let carry = Math.floor(t / LIMB);
    this.#s0 = t - carry * LIMB;
    t = s0 * M1 + s1 * M0 + i1 + carry;
    carry = Math.floor(t / LIMB);
    this.#s1 = t - carry * LIMB;
    t = s0 * M2 + s1 * M1 + s2 * M0 + i2 + carry;
    carry = Math.floor(t / LIMB);
    this.#s2 = t - carry * LIMB;
    t = s0 * M3 + s1 * M2 + s2 * M1 + s3 * M0 + i3 + carry;
    carry = Math.floor(t / LIMB);
    this.#s3 = t - carry * LIMB;
    t = s0 * M4 + s1 * M3 + s2 * M2 + s3 * M1 + s4 * M0 + i4 + carry;
    carry = Math.floor(t / LIMB);
    this.#s4 = t - carry * LIMB;
    t = s0 * M5 + s1 * M4 + s2 * M3 + s3 * M2 + s4 * M1 + s5 * M0 + i5 + carry;
    this.#s5 = t % 256;
  }
}

/** `SeedSequence(seed).generate_state(8)`, as u32 words. */
function generateState(seed: number): number[] {
  const entropy = [seed >>> 0];
  if (seed >= 2 ** 32) entropy.push(Math.floor(seed / 2 ** 32));
  let hash = 0x43b0d7e5;
  const hashMix = (value: number): number => {
    let mixed = value ^ hash;
    hash = Math.imul(hash, 0x931e8875);
    mixed = Math.imul(mixed, hash);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  const mix = (x: number, y: number): number => {
    const mixed = Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  const pool = Array.from({ length: 4 }, (_, i) => hashMix(entropy[i] ?? 0));
  for (let source = 0; source < 4; source++) {
    for (let target = 0; target < 4; target++) {
      if (source !== target) pool[target] = mix(pool[target], hashMix(pool[source]));
    }
  }
  hash = 0x8b51f9dd;
  return Array.from({ length: 8 }, (_, i) => {
    let value = pool[i % 4] ^ hash;
    hash = Math.imul(hash, 0x58f38ded);
    value = Math.imul(value, hash);
    return (value ^ (value >>> 16)) >>> 0;
  });
}
