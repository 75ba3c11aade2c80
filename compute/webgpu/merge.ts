/**
 * CPU twin of `merge.wgsl`.
 * @module
 */
import { FRESH, LATENT } from "./latents.ts";
import type { Params } from "./params.ts";

/**
 * Merges every latent's candidates into its ranking: value descending, then row ascending.
 *
 * A new entry takes a free heatmap slot, or that of an entry it displaces (best new entry first, in order of the displaced
 * entries), and is marked fresh.
 *
 * @param params Uses cols, k.
 * @param capacity Candidates a list holds.
 * @param latents `u32 [9, cols]`, see latents.ts; changed.
 * @param candidates `u32 [cols, 2, capacity]`: value bits, row; in row order, from rows after all ranked ones.
 * @param top `u32 [cols, 3, k]`: value bits, row, slot; changed.
 *
 * @example
 * ```ts
 * import { LATENT } from "./latents.ts";
 * import { merge } from "./merge.ts";
 * import { makeParams } from "./params.ts";
 * const latents = new Uint32Array(9);
 * latents[LATENT.filled] = 2;
 * const top = new Uint32Array(3);
 * merge(makeParams({ cols: 1, k: 1 }), 2, latents, new Uint32Array([7, 9, 0, 1]), top);
 * console.assert(top[0] === 9 && top[1] === 1 && latents[LATENT.tau] === 9);
 * ```
 */
export function merge(
  params: Params,
  capacity: number,
  latents: Uint32Array,
  candidates: Uint32Array,
  top: Uint32Array,
): void {
  const { cols, k } = params;
  for (let j = 0; j < cols; j++) {
    const n = latents[LATENT.filled * cols + j];
    const ranked = latents[LATENT.ranked * cols + j];
    if (n === 0) continue;
    const begin = 3 * j * k;
    const entries: { value: number; row: number; slot: number }[] = [];
    for (let i = 0; i < ranked; i++) {
      entries.push({ value: top[begin + i], row: top[begin + k + i], slot: top[begin + 2 * k + i] });
    }
    for (let i = 0; i < n; i++) {
      const list = 2 * j * capacity + i;
      entries.push({ value: candidates[list], row: candidates[list + capacity], slot: -1 });
    }
    entries.sort((a, b) => b.value - a.value); // Stable: equal values keep row order.
    const kept = entries.slice(0, k);
    const slots = entries.slice(k).filter((entry) => entry.slot >= 0).map((entry) => entry.slot % FRESH);
    const free = Array.from({ length: Math.min(k, ranked + n) - ranked }, (_, i) => ranked + i).concat(slots);
    for (const [i, entry] of kept.entries()) {
      top[begin + i] = entry.value;
      top[begin + k + i] = entry.row;
      top[begin + 2 * k + i] = entry.slot >= 0 ? entry.slot : FRESH + free.shift()!;
    }
    latents[LATENT.ranked * cols + j] = kept.length;
    latents[LATENT.filled * cols + j] = 0;
    if (kept.length === k) latents[LATENT.tau * cols + j] = kept[k - 1].value;
  }
}
