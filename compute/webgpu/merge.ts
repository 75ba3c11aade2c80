/**
 * CPU twin of `merge.wgsl`.
 * @module
 */
import type { Fired } from "./fired.ts";
import { type FoldUse, offer } from "./fold.ts";
import { FRESH, LATENT } from "./latents.ts";
import type { Params } from "./params.ts";

/** Bindings of the kernel, in order. */
export interface MergeBindings extends Fired {
  /** `u32 [10, cols]`, see latents.ts; changed. */
  readonly latents: Uint32Array;
  /** `u32 [cols, 2, capacity]`: value bits, row; in row order, from rows after all ranked ones. Changed where collecting goes on. */
  readonly candidates: Uint32Array;
  /** `u32 [cols, 3, k]`: value bits, row, slot; changed. */
  readonly top: Uint32Array;
}

/** Units (rows or images) that are looked at together where collecting goes on. */
export const chunkOf = (capacity: number): number => Math.min(64, capacity);

/**
 * Merges every latent's candidates into its ranking: value descending, then row ascending.
 *
 * A new entry takes a free heatmap slot, or that of an entry it displaces (best new entry first, in order of the displaced
 * entries), and is marked fresh. Where a full list made `fold` stop collecting, collecting and merging go on in turns.
 *
 * @param params Uses cols, k, rows, firstRow, perImage, ldF, colOffset.
 * @param use What the shader was made with.
 * @param bindings The arrays.
 *
 * @example
 * ```ts
 * import { LATENT } from "./latents.ts";
 * import { merge } from "./merge.ts";
 * import { makeParams } from "./params.ts";
 * const latents = new Uint32Array(10);
 * latents[LATENT.filled] = 2;
 * latents[LATENT.stopped] = 0xffffffff;
 * const top = new Uint32Array(3);
 * const strip = { f: new Uint32Array(0), bits: new Uint32Array(0) };
 * const bindings = { latents, candidates: new Uint32Array([7, 9, 0, 1]), top, ...strip };
 * merge(makeParams({ cols: 1, k: 1 }), { by: "row", capacity: 2 }, bindings);
 * console.assert(top[0] === 9 && top[1] === 1 && latents[LATENT.tau] === 9);
 * ```
 */
export function merge(params: Params, use: FoldUse, bindings: MergeBindings): void {
  const { cols } = params;
  const { latents } = bindings;
  for (let j = 0; j < cols; j++) {
    latents[LATENT.merged * cols + j] = Math.min(1, latents[LATENT.filled * cols + j]);
    while (latents[LATENT.filled * cols + j] > 0) {
      mergeList(params, use.capacity, bindings, j);
      collect(params, use, bindings, j);
    }
  }
}

/** Empties the list into the ranking. */
function mergeList(
  { cols, k }: Params,
  capacity: number,
  { latents, candidates, top }: MergeBindings,
  j: number,
): void {
  const n = latents[LATENT.filled * cols + j];
  const ranked = latents[LATENT.ranked * cols + j];
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

/** Fills the list from where it was full: whole chunks of units, as long as they fit. */
function collect(params: Params, { by, capacity }: FoldUse, bindings: MergeBindings, j: number): void {
  const { cols, rows, perImage, firstRow } = params;
  const { latents, candidates } = bindings;
  const unit = by === "row" ? 1 : perImage;
  const tau = latents[LATENT.tau * cols + j];
  let from = latents[LATENT.stopped * cols + j];
  let filled = 0;
  while (from < rows) {
    const end = Math.min(rows, from + chunkOf(capacity) * unit);
    const found: { value: number; row: number }[] = [];
    for (let first = from; first < end; first += unit) {
      const offered = offer(params, by, bindings, { first, j });
      if (offered.value > tau) found.push(offered);
    }
    if (filled + found.length > capacity) break;
    for (const { value, row } of found) {
      candidates[2 * j * capacity + filled] = value;
      candidates[(2 * j + 1) * capacity + filled] = firstRow + row;
      filled += 1;
    }
    from = end;
  }
  latents[LATENT.filled * cols + j] = filled;
  latents[LATENT.stopped * cols + j] = from < rows ? from : 0xffffffff;
}
