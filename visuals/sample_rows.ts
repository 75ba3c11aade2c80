/**
 * A few rows of a data set, spread over it.
 * @module
 */
import { firstOfPermutation } from "../compute/numpy_random.ts";
import { prepareRows } from "../compute/prepare_rows.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../compute/rows.ts";
import type { Shards } from "../io/open_shards.ts";
import { openBlocks } from "../io/read_blocks.ts";

/** Seed of the sample; the same images are drawn every time. */
const SEED = 42;

/** Which rows: some images, and some rows of each. */
export interface SamplePlan {
  /** Images, ascending. */
  readonly images: readonly number[];
  /** Rows of an image, ascending, the same of each. */
  readonly patches: readonly number[];
}

/** Rows, clamped but neither centred nor scaled. */
export interface SampledRows {
  /** `f32 [n, dVit]`: the finite ones. */
  readonly rows: Float32Array;
  /** How many held NaN or an infinity. */
  readonly nonFinite: number;
  /** The first of those: image and patch. */
  readonly firstNonFinite: { readonly image: number; readonly patch: number } | undefined;
}

/**
 * Chooses about `wanted` rows, of at most `maxImages` images.
 *
 * @example
 * ```ts
 * import { planSample } from "./sample_rows.ts";
 * const { images, patches } = planSample(10, 64, { wanted: 32, maxImages: 4 });
 * console.assert(images.length === 4 && patches.length === 8);
 * ```
 */
export function planSample(
  nImages: number,
  perImage: number,
  { wanted, maxImages }: { readonly wanted: number; readonly maxImages: number },
): SamplePlan {
  const count = Math.min(nImages, perImage === 1 ? wanted : maxImages, wanted);
  // Evenly spaced patches would all lie in a few columns of the grid.
  return { images: someOf(nImages, count), patches: someOf(perImage, Math.min(perImage, Math.ceil(wanted / count))) };
}

/**
 * `count` of the numbers `0 … total − 1`, ascending; the same every time.
 *
 * @example
 * ```ts
 * import { someOf } from "./sample_rows.ts";
 * console.assert(someOf(3, 3).join() === "0,1,2");
 * ```
 */
export function someOf(total: number, count: number): number[] {
  return [...firstOfPermutation(SEED, total, count)].sort((a, b) => a - b);
}

/**
 * Reads the rows of a plan, in order.
 *
 * @param shards The data set.
 * @param layer Index into `shards.layers`, or `all` for their mean.
 * @param layout How rows are made; its mean, scalar and number of layers are left aside.
 */
export async function sampleRows(
  shards: Shards,
  layer: number | "all",
  { layout, plan }: { readonly layout: RowLayout; readonly plan: SamplePlan },
): Promise<SampledRows> {
  const bare: RowLayout = { ...layout, layers: layer === "all" ? shards.layers.length : 1, mean: undefined, scalar: 1 };
  const { dVit } = layout;
  const reader = openBlocks(shards, layer);
  try {
    const block = new Float32Array(imageStride(bare));
    const out = new Float32Array(rowsPerImage(bare) * dVit);
    const kept = new Float32Array(plan.images.length * plan.patches.length * dVit);
    let n = 0;
    let nonFinite = 0;
    let firstNonFinite: SampledRows["firstNonFinite"];
    for (const image of plan.images) {
      await reader.read(block, image, 1);
      const { rows, skipped } = prepareRows(block, 1, image, bare, "skip", out);
      for (const patch of plan.patches) {
        if (skipped?.[patch] === 1) {
          nonFinite += 1;
          firstNonFinite ??= { image, patch };
          continue;
        }
        kept.set(rows.subarray(patch * dVit, (patch + 1) * dVit), n * dVit);
        n += 1;
      }
    }
    return { rows: kept.subarray(0, n * dVit), nonFinite, firstNonFinite };
  } finally {
    reader.close();
  }
}
