/**
 * The entries of a ranking that are shown: all of them, or with `--diverse` those that look unlike what ranks above.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { hashDistance, type PerceptualHash } from "../render/perceptual_hash.ts";
import { openStorePool } from "../render/store_pool.ts";
import type { JobHooks } from "./hooks.ts";
import { readPicture } from "./picture_files.ts";

/** Pictures under way for every thread, so that none waits for a file. */
const AHEAD = 3;

/**
 * Artifacts with the entries that a configuration shows of some latents; all others as they are.
 *
 * Without `diverse` these are the artifacts themselves. With it a latent's distinct images are gone through from the best on:
 * one whose perceptual hash is within `diverseDistance` bits of an image kept before is left out with all of its entries.
 * Pictures that cannot be read stay. Nothing on disk changes, and the best entry always stays.
 */
export async function shownEntries(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  job: { readonly latents: readonly number[]; readonly pictures: PictureSource; readonly hooks: JobHooks },
): Promise<StoredArtifacts> {
  if (!config.diverse) return artifacts;
  const { latents, hooks } = job;
  const { k, topI, topCount } = artifacts;
  const imagesOf = (latent: number): Uint32Array => topI.subarray(latent * k, latent * k + topCount[latent]);
  const distinct = [...new Set(latents.flatMap((latent) => [...imagesOf(latent)]))].sort((a, b) => a - b);
  const hashes = await hashPictures(config, distinct, job);
  const kept = new Map<number, number[]>();
  let left = 0;
  for (const latent of latents) {
    const images = imagesOf(latent);
    const shown = unlike([...new Set(images)], hashes, config.diverseDistance);
    kept.set(latent, [...images.keys()].filter((rank) => shown.has(images[rank])));
    left += new Set(images).size - shown.size;
  }
  hooks.log(`Leaving out ${left} pictures that look nearly like one ranked above`);
  return withEntries(artifacts, kept);
}

/**
 * The images that are kept, in the order given: each is unlike all before it.
 *
 * @param images Distinct, best first.
 * @param hashes Their hashes; an image without one is unlike every other.
 * @param distance Hashes that differ in at most this many bits are alike.
 *
 * @example
 * ```ts
 * import { unlike } from "./shown_entries.ts";
 * const hashes = new Map([[7, [0, 0]], [8, [0, 1]], [9, [0, 255]]] as const);
 * console.assert([...unlike([7, 8, 9, 3], hashes, 4)].join() === "7,9,3");
 * ```
 */
export function unlike(
  images: readonly number[],
  hashes: ReadonlyMap<number, PerceptualHash>,
  distance: number,
): Set<number> {
  const kept = new Set<number>();
  const seen: PerceptualHash[] = [];
  for (const image of images) {
    const hash = hashes.get(image);
    if (hash !== undefined) {
      if (seen.some((other) => hashDistance(other, hash) <= distance)) continue;
      seen.push(hash);
    }
    kept.add(image);
  }
  return kept;
}

/**
 * Artifacts with only some entries of some latents.
 *
 * @param kept Ranks kept, ascending, by latent; latents that are not listed keep all.
 */
export function withEntries(artifacts: StoredArtifacts, kept: ReadonlyMap<number, readonly number[]>): StoredArtifacts {
  const { k, patches } = artifacts;
  const [rankValues, topI] = [artifacts.rankValues.slice(), artifacts.topI.slice()];
  const [topPatchI, topCount] = [artifacts.topPatchI.slice(), artifacts.topCount.slice()];
  for (const [latent, ranks] of kept) {
    const at = latent * k;
    for (let i = 0; i < k; i++) {
      const from = i < ranks.length ? at + ranks[i] : -1;
      rankValues[at + i] = from < 0 ? -1 : artifacts.rankValues[from];
      topI[at + i] = from < 0 ? 0 : artifacts.topI[from];
      topPatchI[at + i] = from < 0 ? 0 : artifacts.topPatchI[from];
    }
    topCount[latent] = ranks.length;
  }
  const width = Math.max(1, patches);
  return {
    ...artifacts,
    rankValues,
    topI,
    topPatchI,
    topCount,
    async readTopValues(latent: number): Promise<Float32Array> {
      const all = await artifacts.readTopValues(latent);
      const ranks = kept.get(latent);
      if (ranks === undefined) return all;
      const some = new Float32Array(all.length).fill(-1);
      ranks.forEach((rank, i) => some.set(all.subarray(rank * width, (rank + 1) * width), i * width));
      return some;
    },
  };
}

/** Hashes of pictures, made on several threads; none for those that cannot be read. */
async function hashPictures(
  config: VisualsConfig,
  images: readonly number[],
  { pictures, hooks }: { readonly pictures: PictureSource; readonly hooks: JobHooks },
): Promise<Map<number, PerceptualHash>> {
  const { maxPixels, exif: applyExif, nWorkers: threads } = config;
  const pool = openStorePool({ maxPixels, applyExif }, { threads, permissions: hooks.workerPermissions });
  const hashes = new Map<number, PerceptualHash>();
  const rest = images.values();
  let done = 0;
  const total = images.length;
  const next = async (): Promise<void> => {
    for (const image of rest) {
      hooks.signal?.throwIfAborted();
      const found = await pool.hash(await readPicture(pictures, image));
      if ("hash" in found) hashes.set(image, found.hash);
      hooks.progress({ stage: "compare", done: ++done, total, unit: "pictures" });
    }
  };
  try {
    hooks.progress({ stage: "compare", done, total, unit: "pictures" });
    const lanes = await Promise.allSettled(Array.from({ length: AHEAD * threads }, next));
    for (const lane of lanes) if (lane.status === "rejected") throw lane.reason;
  } finally {
    pool.close();
  }
  return hashes;
}
