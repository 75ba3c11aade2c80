/** A small seeded generator: cases are named by their seed, so any of them can be run again alone. */
export class Random {
  #state: number;

  /** @param parts What names the case; equal parts give equal sequences. */
  constructor(...parts: readonly (number | string)[]) {
    // FNV-1a over the parts' text.
    let hash = 0x811c9dc5;
    for (const unit of parts.join("/")) hash = Math.imul(hash ^ unit.codePointAt(0)!, 0x01000193);
    this.#state = hash >>> 0;
  }

  /** The next 32 bits. Source: G. L. Steele et al., SplitMix; the 32-bit finalizer of C. Wellons' hash prospector. */
  u32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ z >>> 16, 0x21f0aaad);
    z = Math.imul(z ^ z >>> 15, 0x735a2d97);
    return (z ^ z >>> 15) >>> 0;
  }

  /** An integer from 0 to `end − 1`; 0 when `end` is 0. */
  below(end: number): number {
    return Math.floor(this.u32() / 2 ** 32 * end);
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}
