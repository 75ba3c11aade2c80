/**
 * In which order latents and their pictures are drawn, so that a picture is decoded seldom more than once.
 * @module
 */

/** Latents that are drawn together, each distinct picture of theirs decoded once. */
export interface DrawGroup {
  /** Positions of the latents. */
  readonly latents: readonly number[];
  /** Their distinct images, in the order to draw them. */
  readonly images: readonly number[];
}

/**
 * Splits latents into groups of at most so many entries.
 *
 * When one group does not hold them all, a group is filled with latents that share the most images with it, and starts with the
 * one that shares the most with the group before. Images that the group before has too come first, while a cache of recent
 * pictures still holds them, and those that the next one has come last; otherwise they come in order, as they lie on disk.
 * Ties go to the earlier latent.
 *
 * @param images The distinct images of each latent.
 * @param maxEntries Entries of a group; a latent with more is a group of its own.
 * @returns The groups; every latent is in exactly one.
 *
 * @example
 * ```ts
 * import { drawGroups } from "./draw_groups.ts";
 * const groups = drawGroups([[1, 2], [8, 9], [2, 1]], 4);
 * console.assert(groups[0].latents.join() === "0,2" && groups[0].images.join() === "1,2");
 * ```
 */
export function drawGroups(images: readonly (readonly number[])[], maxEntries: number): DrawGroup[] {
  const total = images.reduce((sum, { length }) => sum + length, 0);
  const grouped = total <= maxEntries ? [[...images.keys()]] : fillGroups(images, maxEntries);
  const sets = grouped.map((latents) => new Set(latents.flatMap((latent) => images[latent])));
  return grouped.map((latents, g) => {
    const rank = (image: number): number => sets[g - 1]?.has(image) ? 0 : sets[g + 1]?.has(image) ? 2 : 1;
    return { latents, images: [...sets[g]].sort((a, b) => rank(a) - rank(b) || a - b) };
  });
}

function fillGroups(images: readonly (readonly number[])[], maxEntries: number): number[][] {
  const latentsOf = new Map<number, number[]>();
  for (const [latent, own] of images.entries()) {
    for (const image of own) latentsOf.getOrInsertComputed(image, () => []).push(latent);
  }
  const waiting = new Set(images.keys());
  const groups: number[][] = [];
  /** For every latent the images that it shares with the group, and, until the group has one, with the group before. */
  const shared = new Uint32Array(images.length);
  while (waiting.size > 0) {
    const group: number[] = [];
    const held = new Set<number>();
    for (let left = maxEntries; waiting.size > 0;) {
      const next = best(waiting, shared, group.length === 0 ? Infinity : left, images);
      if (next === undefined) break;
      if (group.length === 0) shared.fill(0);
      group.push(next);
      waiting.delete(next);
      left -= images[next].length;
      for (const image of images[next]) {
        if (held.has(image)) continue;
        held.add(image);
        for (const latent of latentsOf.get(image)!) shared[latent]++;
      }
    }
    groups.push(group);
  }
  return groups;
}

/** The latent that shares the most and still fits. */
function best(
  waiting: ReadonlySet<number>,
  shared: Uint32Array,
  left: number,
  images: readonly (readonly number[])[],
): number | undefined {
  let found: number | undefined;
  for (const latent of waiting) {
    if (images[latent].length > left) continue;
    if (found === undefined || shared[latent] > shared[found]) found = latent;
  }
  return found;
}
