/**
 * The pass: raw blocks from disk, one after the other, into the backend.
 * @module
 */
import type { Backend, FoldPlan } from "../compute/backend.ts";
import { NonFiniteError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../compute/rows.ts";
import { withInputNorm } from "../compute/with_input_norm.ts";
import type { VisualsConfig } from "../config/types.ts";
import { locate, openBlocks } from "../io/read_blocks.ts";
import type { JobHooks, Stopwatch } from "./hooks.ts";
import type { Inputs } from "./open_inputs.ts";

/** Learning rate of the online percentile, as upstream's default. */
export const PERCENTILE_LR = 1e-3;

/** A batch buffer stays below this, so that a few in flight never dominate memory. */
const MAX_BATCH_BYTES = 256 * 2 ** 20;

/**
 * The pass that a configuration asks for.
 *
 * Distributions are kept only while they fit `--distributions-limit`; past it `nDistributions` is 0 here and the sketch's
 * histogram stands in.
 */
export function planFold(config: VisualsConfig, inputs: Inputs, layout: RowLayout): FoldPlan {
  const perImage = rowsPerImage(layout);
  const wanted = Math.max(1, Math.floor(config.topkBatchSize / perImage));
  const fitting = Math.max(1, Math.floor(MAX_BATCH_BYTES / (imageStride(layout) * 4)));
  const nDistributions = Math.min(config.nDistributions, inputs.sae.dSae);
  return {
    layout,
    nImages: inputs.shards.nImages,
    batchImages: Math.min(wanted, fitting, Math.max(1, inputs.shards.nImages)),
    k: config.topK,
    sortBy: config.sortBy,
    dedupe: config.dedupe,
    percentile: config.percentile,
    percentileLr: PERCENTILE_LR,
    nDistributions: nDistributions * inputs.nRows * 4 <= config.distributionsLimit ? nDistributions : 0,
    nonFinite: config.nonFinite,
    maxMemoryBytes: config.maxMemory,
    threads: config.nWorkers,
  };
}

/** What a pass gives. */
export interface FoldResult {
  /** The state after the last row. */
  readonly state: LatentState;
  /** Frees the backend's memory, on which `state` may be a view. */
  readonly release: () => Promise<void>;
}

/**
 * Reads every image once, in order, and folds it.
 *
 * The buffers belong to the backend, so nothing is copied on the way; while a batch is computed the next one is read.
 *
 * @throws {NonFiniteError} If a row holds NaN or an infinity and the plan refuses them; names shard and byte.
 * @throws {DOMException} `AbortError` if the hooks' signal fires.
 */
export async function foldRows(
  inputs: Inputs,
  plan: FoldPlan,
  options: { backend: Backend; hooks: JobHooks; watch: Stopwatch },
): Promise<FoldResult> {
  const { backend, hooks, watch } = options;
  const { nImages, layout } = plan;
  const perImage = rowsPerImage(layout);
  const bytesPerImage = imageStride(layout) * 4;
  const fold = await watch.time("prepare", () => withInputNorm(backend).open(inputs.sae, plan));
  const reader = openBlocks(inputs.shards, inputs.layer);
  try {
    for (let first = 0; first < nImages;) {
      hooks.signal?.throwIfAborted();
      const block = await watch.time("compute", () => fold.lend());
      const n = Math.min(Math.floor(block.length / reader.imageStride), nImages - first);
      await watch.time("read", () => reader.read(block, first, n));
      await watch.time("compute", () => fold.fold({ block, firstImage: first, nImages: n }));
      first += n;
      hooks.progress({
        stage: "encode",
        done: first * perImage,
        total: nImages * perImage,
        unit: "rows",
        bytes: first * bytesPerImage,
      });
    }
    const state = await watch.time("compute", () => fold.state());
    for (const [stage, seconds] of Object.entries(fold.profile())) watch.add(`  ${stage}`, seconds);
    return { state, release: () => fold.close() };
  } catch (error) {
    await fold.close();
    throw error instanceof NonFiniteError ? withPlace(error, inputs) : error;
  } finally {
    reader.close();
  }
}

/** Says where on disk a bad value lies. With a mean over layers or tokens that is the first vector that went into it. */
function withPlace(error: NonFiniteError, inputs: Inputs): NonFiniteError {
  const { layout, shards } = inputs;
  const layer = inputs.layer === "all" ? 0 : inputs.layer;
  const token = layout.kind === "cls" ? 0 : layout.firstToken + error.patch;
  const { path, byteOffset } = locate(shards, error.image, layer, token, error.dimension);
  return new NonFiniteError(
    `${path}, byte ${byteOffset}: ${error.message}`,
    { image: error.image, patch: error.patch, dimension: error.dimension, value: error.value },
    { cause: error },
  );
}
