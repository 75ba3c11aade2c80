/**
 * The k best entries of each latent, kept sorted.
 * @module
 */
import type { LatentState } from "../latent_state.ts";

/** A candidate for a latent's ranking. */
export interface Entry {
  /** Ranking value, > 0. */
  readonly value: number;
  /** Image index in the data set. */
  readonly image: number;
  /** Patch index in the image. */
  readonly patch: number;
}

/**
 * Offers an entry to a latent's ranking, which is ordered by value descending, image ascending, patch ascending.
 *
 * Entries must be offered in increasing order of image and patch: then an equal value never displaces an earlier one, and
 * the result does not depend on how rows were cut into batches.
 *
 * @param state Changed in place.
 * @param latent Whose ranking.
 * @param entry The candidate.
 * @param heatmap `f32 [patches]`: copied if the entry is kept.
 *
 * @example
 * ```ts
 * import { emptyState } from "../empty_state.ts";
 * import { offerEntry } from "./ranking.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(1, { layout, nImages: 10, k: 1, sortBy: "img", nDistributions: 0 });
 * offerEntry(state, 0, { value: 2, image: 4, patch: 0 }, new Float32Array(0));
 * offerEntry(state, 0, { value: 2, image: 5, patch: 0 }, new Float32Array(0));
 * console.assert(state.topImage[0] === 4);
 * ```
 */
export function offerEntry(state: LatentState, latent: number, entry: Entry, heatmap: Float32Array): void {
  const { k, patches, topCount, topValue, topImage, topPatch } = state;
  const begin = latent * k;
  const valid = topCount[latent];
  let place = valid;
  while (place > 0 && topValue[begin + place - 1] < entry.value) place -= 1;
  if (place === k) return;
  const kept = Math.min(valid + 1, k);
  const to = begin + place;
  const end = begin + kept;
  topValue.copyWithin(to + 1, to, end - 1);
  topImage.copyWithin(to + 1, to, end - 1);
  topPatch.copyWithin(to + 1, to, end - 1);
  topValue[to] = entry.value;
  topImage[to] = entry.image;
  topPatch[to] = entry.patch;
  topCount[latent] = kept;
  if (patches > 0) {
    state.heatmap.copyWithin((to + 1) * patches, to * patches, (end - 1) * patches);
    state.heatmap.set(heatmap, to * patches);
  }
}
