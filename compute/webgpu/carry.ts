/**
 * CPU twin of `carry.wgsl`.
 * @module
 */

/**
 * Moves the running halves of exact sums into 64-bit totals and clears them: `total += low + high·2^16`.
 *
 * A half grows by less than 2^16 a row, so it must be carried at least every 2^16 rows.
 *
 * @param halves `u32 [n, 2]`: sums of low 16 bits, sums of the bits above; cleared.
 * @param totals `u32 [n, 2]`: low and high word of each total.
 *
 * @example
 * ```ts
 * import { carry } from "./carry.ts";
 * const totals = new Uint32Array([0xffffffff, 0]);
 * carry(new Uint32Array([1, 1]), totals);
 * console.assert(totals.join() === "65536,1");
 * ```
 */
export function carry(halves: Uint32Array, totals: Uint32Array): void {
  for (let i = 0; i < halves.length; i += 2) {
    const low = totals[i] + halves[i] + halves[i + 1] * 65536;
    totals[i] = low % 2 ** 32;
    totals[i + 1] += Math.floor(low / 2 ** 32);
    halves.fill(0, i, i + 2);
  }
}
