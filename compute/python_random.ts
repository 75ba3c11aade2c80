/**
 * Python's `random` module, as far as `random.seed(int)` and `random.shuffle(list)` need it.
 * @module
 */

const WORDS = 624;

/**
 * The Mersenne Twister MT19937, seeded as `random.Random(seed)` is: the same seed gives Python's own numbers.
 *
 * Source: Matsumoto and Nishimura 1998 (`init_by_array`); CPython's `Random.getrandbits`, `_randbelow_with_getrandbits`
 * and `shuffle`.
 *
 * @example
 * ```ts
 * import { PythonRandom } from "./python_random.ts";
 * const list = Array.from({ length: 10 }, (_, i) => i);
 * new PythonRandom(42).shuffle(list);
 * console.assert(list.join() === "7,3,2,8,5,6,9,4,0,1");
 * ```
 */
export class PythonRandom {
  readonly #words = new Uint32Array(WORDS);
  #next = WORDS;

  /**
   * Seeds the generator.
   *
   * @param seed A safe integer; as in Python its sign is dropped.
   * @throws {RangeError} If the seed is not a safe integer.
   */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`Cannot seed with ${seed}: expected a safe integer`);
    const magnitude = Math.abs(seed);
    const low = magnitude >>> 0;
    const high = Math.floor(magnitude / 2 ** 32);
    this.#initByArray(high > 0 ? [low, high] : [low]);
  }

  #initByArray(key: readonly number[]): void {
    const mt = this.#words;
    mt[0] = 19650218;
    for (let i = 1; i < WORDS; i++) mt[i] = Math.imul(1812433253, mt[i - 1] ^ (mt[i - 1] >>> 30)) + i;
    let i = 1;
    let j = 0;
    for (let n = Math.max(WORDS, key.length); n > 0; n--) {
      mt[i] = (mt[i] ^ Math.imul(mt[i - 1] ^ (mt[i - 1] >>> 30), 1664525)) + key[j] + j;
      i += 1;
      j = (j + 1) % key.length;
      if (i === WORDS) {
        mt[0] = mt[WORDS - 1];
        i = 1;
      }
    }
    for (let n = WORDS - 1; n > 0; n--) {
      mt[i] = (mt[i] ^ Math.imul(mt[i - 1] ^ (mt[i - 1] >>> 30), 1566083941)) - i;
      i += 1;
      if (i === WORDS) {
        mt[0] = mt[WORDS - 1];
        i = 1;
      }
    }
    mt[0] = 0x80000000;
  }

  #word(): number {
    const mt = this.#words;
    if (this.#next === WORDS) {
      for (let i = 0; i < WORDS; i++) {
        const y = (mt[i] & 0x80000000) | (mt[(i + 1) % WORDS] & 0x7fffffff);
        mt[i] = mt[(i + 397) % WORDS] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.#next = 0;
    }
    let y = mt[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /**
   * An integer of `bits` random bits.
   *
   * @param bits 1 … 32.
   * @throws {RangeError} If bits is outside 1 … 32.
   */
  getrandbits(bits: number): number {
    if (!Number.isInteger(bits) || bits < 1 || bits > 32) {
      throw new RangeError(`Cannot draw ${bits} bits: expected an integer from 1 to 32`);
    }
    return this.#word() >>> (32 - bits);
  }

  /**
   * An integer in `[0, n)`, by rejection: draws `bitLength(n)` bits until the number is below n.
   *
   * @param n 1 … 2^32 − 1.
   * @throws {RangeError} If n is outside that range.
   */
  randbelow(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32 - 1) {
      throw new RangeError(`Cannot draw below ${n}: expected an integer from 1 to 2^32 - 1`);
    }
    const bits = 32 - Math.clz32(n);
    let drawn = this.getrandbits(bits);
    while (drawn >= n) drawn = this.getrandbits(bits);
    return drawn;
  }

  /** Shuffles in place: for i from the last index down to 1, swaps elements i and `randbelow(i + 1)`. */
  shuffle<T>(list: T[]): void {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.randbelow(i + 1);
      [list[i], list[j]] = [list[j], list[i]];
    }
  }
}
