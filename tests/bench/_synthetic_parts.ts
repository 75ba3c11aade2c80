/**
 * Parts of a dump that nobody computed: as large and as full as real ones, for timing merges.
 *
 * A few states are made and each is linked under many names, so that a thousand parts take the disk of a few. Every part has
 * one shard of its own, a file without blocks. What is merged is made up; what merging costs is not.
 * @module
 */
import { sketchBin } from "../../compute/quantile_sketch.ts";
import type { LatentState } from "../../compute/latent_state.ts";
import { addExact } from "../../compute/exact_sum.ts";
import type { RowLayout } from "../../compute/rows.ts";
import { emptyState } from "../../compute/empty_state.ts";
import { parseConfig, type VisualsConfig } from "../../config.ts";
import type { LoadedSae } from "../../io/load_sae.ts";
import { currentVersions } from "../../io/manifest.ts";
import { PART_STATE_NAME, partDirectory, writePart } from "../../io/parts.ts";
import { openDump } from "../../visuals/dump.ts";
import { partInputs } from "../../visuals/part_inputs.ts";
import { writeSaelens } from "../visuals/_write_saelens.ts";

/** What parts look like. */
export interface PartShape {
  readonly dSae: number;
  readonly k: number;
  readonly patches: number;
  /** States that are made; parts share them. */
  readonly pool: number;
  /** Times a latent fires in a part. */
  readonly firings: number;
  /** Share of a heatmap that is not 0. */
  readonly density: number;
}

const D_VIT = 8;
const IMAGES_PER_SHARD = 64;

/** Writes `count` parts below `root`, which is emptied first, and gives the configuration to merge them with. */
export async function writeSyntheticParts(
  root: string,
  count: number,
  shape: PartShape,
): Promise<{ config: VisualsConfig; partBytes: number }> {
  await Deno.remove(root, { recursive: true }).catch(() => undefined);
  await Deno.mkdir(`${root}/shards`, { recursive: true });
  const { dSae, patches } = shape;
  const tokens = { layers: [0], n_patches_per_img: patches, cls_token: false, d_vit: D_VIT };
  await Deno.writeTextFile(
    `${root}/shards/metadata.json`,
    JSON.stringify({
      ...{ model_family: "none", model_ckpt: "none", seed: 0, data: "none", ...tokens },
      ...{ n_imgs: count * IMAGES_PER_SHARD, n_patches_per_shard: IMAGES_PER_SHARD * patches },
    }),
  );
  for (let shard = 0; shard < count; shard++) {
    const path = `${root}/shards/acts${String(shard).padStart(6, "0")}.bin`;
    await Deno.writeFile(path, new Uint8Array(0));
    await Deno.truncate(path, IMAGES_PER_SHARD * patches * D_VIT * 4);
  }
  const zeros = (length: number): Float32Array => new Float32Array(length);
  const encoder = { dVit: D_VIT, dSae, wEnc: zeros(D_VIT * dSae), bEnc: zeros(dSae) };
  const decoder = { wDec: zeros(D_VIT * dSae), bDec: zeros(D_VIT) };
  await writeSaelens(root, { sae: encoder, decoder } as unknown as LoadedSae, {});
  const config = parseConfig({
    ...{ ckpt: root, dumpTo: `${root}/out`, topK: shape.k, nDistributions: 0 },
    data: { shardRoot: `${root}/shards`, layer: 0, scaleMean: false, scaleNorm: false },
  });
  const job = await openDump(config);
  const startedAt = new Date().toISOString();
  let first = "";
  for (let index = 0; index < count; index++) {
    const { range } = partInputs(job.inputs, index, count);
    const own = partDirectory(job.directory, index, count);
    const facts = {
      ...job.request,
      ...{ part: range, measured: { mean: null, scalar: 1 }, startedAt, versions: currentVersions("0") },
      ...{ rows: range.nRows, skippedRows: 0, timings: {}, notes: [] },
      backend: { name: "wasm" as const, reason: "synthetic", details: {} },
    };
    if (index < shape.pool) {
      await writePart(job.directory, syntheticState(shape, range.firstImage, index), facts);
      first ||= await Deno.readTextFile(`${own}/manifest.json`);
      continue;
    }
    await Deno.mkdir(own, { recursive: true });
    const source = partDirectory(job.directory, index % shape.pool, count);
    await Deno.link(`${source}/${PART_STATE_NAME}`, `${own}/${PART_STATE_NAME}`);
    const files = { [PART_STATE_NAME]: (await Deno.stat(`${own}/${PART_STATE_NAME}`)).size };
    await Deno.writeTextFile(`${own}/manifest.json`, JSON.stringify({ ...JSON.parse(first), part: range, files }));
  }
  const partBytes = (await Deno.stat(`${partDirectory(job.directory, 0, count)}/${PART_STATE_NAME}`)).size;
  return { config, partBytes };
}

/** A state of one part, of pseudo-random values; the same for the same seed. */
function syntheticState(shape: PartShape, firstImage: number, seed: number): LatentState {
  const { dSae, k, patches, firings, density } = shape;
  const layout: RowLayout = {
    kind: "patches",
    layers: 1,
    tokens: patches,
    firstToken: 0,
    dVit: D_VIT,
    clamp: 1e5,
    mean: undefined,
    scalar: 1,
  };
  const plan = { layout, nImages: IMAGES_PER_SHARD, k, sortBy: "patch", nDistributions: 0 } as const;
  const state = { ...emptyState(dSae, plan), rows: IMAGES_PER_SHARD * patches };
  const random = generator(seed);
  // Log-normal values, made once: what they are does not matter, how they spread over bins does.
  const values = Float32Array.from({ length: 4096 }, () => Math.exp(2 * (random() + random() + random() - 1.5)));
  const value = (): number => values[(random() * 4096) | 0];
  const top = new Float32Array(k);
  for (let j = 0; j < dSae; j++) {
    state.count[j] = firings;
    for (let i = 0; i < Math.min(firings, 400); i++) {
      const f = value();
      state.histogram[j * 2048 + sketchBin(f)] += 1;
      if (i < 32) addExact(state.sumBins, j * 32, f);
    }
    for (let i = 0; i < k; i++) top[i] = 10 + 5 * value();
    top.sort().reverse();
    state.min[j] = values[0];
    state.max[j] = top[0];
    state.topCount[j] = k;
    for (let i = 0; i < k; i++) {
      const at = j * k + i;
      state.topValue[at] = top[i];
      state.topImage[at] = firstImage + ((random() * IMAGES_PER_SHARD) | 0);
      state.topPatch[at] = (random() * patches) | 0;
      const heatmap = state.heatmap.subarray(at * patches, (at + 1) * patches);
      heatmap.fill(0);
      for (let n = Math.ceil(density * patches); n > 0; n--) heatmap[(random() * patches) | 0] = value();
    }
  }
  return state;
}

function generator(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b9 >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
