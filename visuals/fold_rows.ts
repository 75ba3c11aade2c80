/**
 * The pass: raw blocks from disk, one after the other, into the backend.
 * @module
 */
import type { Backend, FoldPlan } from "../compute/backend.ts";
import { ArtifactError, DeviceLimitError, NonFiniteError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../compute/rows.ts";
import { withInputNorm } from "../compute/with_input_norm.ts";
import type { VisualsConfig } from "../config/types.ts";
import { locate, openBlocks } from "../io/read_blocks.ts";
import type { JobHooks, Stopwatch } from "./hooks.ts";
import { someRows } from "./measure_rows.ts";
import type { Inputs } from "./open_inputs.ts";
import type { ResumePoint } from "./saved_progress.ts";

/** Learning rate of the online percentile, as upstream's default. */
export const PERCENTILE_LR = 1e-3;

/** A batch buffer stays below this, so that a few in flight never dominate memory. */
const MAX_BATCH_BYTES = 256 * 2 ** 20;

/** Multiples of its fraction are spread evenly. */
const GOLDEN_RATIO = 1.618033988749895;

/** The event loop gets a turn this often, so that signals and the lock's timer are heard between batches. */
const BREATH_MS = 50;

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

/** Where states under way are kept. */
export interface Saving {
  /** Keeps one. */
  save(point: ResumePoint): Promise<void>;
  /** The last one kept; undefined when there is none. */
  load(): Promise<ResumePoint | undefined>;
}

/** See {@linkcode foldRows}. */
export interface FoldOptions {
  /** What computes. */
  readonly backend: Backend;
  /** Who listens. */
  readonly hooks: JobHooks;
  /** What adds up times. */
  readonly watch: Stopwatch;
  /** Reads under way at a time; 1 when not given. */
  readonly readsAtOnce?: number;
  /** Where states are kept, and how often in seconds (0: only when interrupted); undefined to keep none. */
  readonly saving?: { readonly to: Saving; readonly everySeconds: number };
}

/**
 * Reads every image once, in order, and folds it, from the last state kept on if there is one.
 *
 * The buffers belong to the backend, so nothing is copied on the way; while a batch is computed the next one is read. When a
 * compute worker dies the pass is opened again, once, from the last state kept.
 *
 * @throws {NonFiniteError} If a row holds NaN or an infinity and the plan refuses them; names shard and byte.
 * @throws {DeviceLimitError} If the memory is not there.
 * @throws {DOMException} `AbortError` if the hooks' signal fires; the state is kept then.
 */
export async function foldRows(inputs: Inputs, plan: FoldPlan, options: FoldOptions): Promise<FoldResult> {
  const { hooks, saving } = options;
  for (let tries = 0;; tries++) {
    try {
      return await foldFrom(await saving?.to.load(), inputs, plan, options);
    } catch (error) {
      if (error instanceof NonFiniteError) throw withPlace(error, inputs);
      if (isOutOfMemory(error)) throw outOfMemory(error, inputs);
      if (!isCrash(error) || tries > 0) throw error;
      hooks.log(
        `The computation broke off (${error.message}); starting it again, once, from the last saved state`,
        "warn",
      );
    }
  }
}

async function foldFrom(
  from: ResumePoint | undefined,
  inputs: Inputs,
  plan: FoldPlan,
  options: FoldOptions,
): Promise<FoldResult> {
  const { backend, hooks, watch, saving } = options;
  const { nImages, layout } = plan;
  const perImage = rowsPerImage(layout);
  const fold = await watch.time(
    "prepare",
    () => {
      const sample = (n: number): Promise<Float32Array> => rowsFromAllOver(inputs, plan, n);
      return withInputNorm(backend).open(inputs.sae, { ...plan, sample }, from?.state);
    },
  );
  const reader = openBlocks(inputs.shards, inputs.layer, { readsAtOnce: options.readsAtOnce });
  const report = (done: number): void =>
    hooks.progress({
      stage: "encode",
      done: done * perImage,
      total: nImages * perImage,
      unit: "rows",
      bytes: done * imageStride(layout) * 4,
    });
  let next = from?.nextImage ?? 0;
  if (from !== undefined) hooks.log(`Going on after ${next} of ${nImages} images`);
  // The backend has it now: as large as everything else, it must not be held for the whole pass.
  from = undefined;
  let isSaveAsked = false;
  const onSave = (): void => void (isSaveAsked = true);
  hooks.saves?.addEventListener("save", onSave);
  let [saved, savedMs, breathMs] = [next, performance.now(), performance.now()];
  const keep = async (): Promise<void> => {
    if (saving === undefined || next === saved) return;
    const state = await watch.time("compute", () => fold.state());
    await watch.time("checkpoint", () => saving.to.save({ state, nextImage: next }));
    [saved, savedMs] = [next, performance.now()];
  };
  try {
    report(next);
    while (next < nImages) {
      if (hooks.signal?.aborted) {
        if (isInterruption(hooks.signal.reason)) await keep();
        throw hooks.signal.reason;
      }
      const block = await watch.time("compute", () => fold.lend());
      const n = Math.min(Math.floor(block.length / reader.imageStride), nImages - next);
      await watch.time("read", () => reader.read(block, next, n));
      await watch.time("compute", () => fold.fold({ block, firstImage: next, nImages: n }));
      next += n;
      report(next);
      if (performance.now() - breathMs > BREATH_MS) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        breathMs = performance.now();
      }
      const everyMs = 1000 * (saving?.everySeconds ?? 0);
      const isDue = isSaveAsked || (everyMs > 0 && performance.now() - savedMs >= everyMs);
      if (isDue && next < nImages) {
        if (isSaveAsked) hooks.log("Saving the state, as asked, and going on");
        isSaveAsked = false;
        await orWarn(keep, hooks);
        savedMs = performance.now();
      }
    }
    const state = await watch.time("compute", () => fold.state());
    for (const [stage, seconds] of Object.entries(fold.profile())) watch.add(`  ${stage}`, seconds);
    return { state, release: () => fold.close() };
  } catch (error) {
    await fold.close();
    throw error;
  } finally {
    hooks.saves?.removeEventListener("save", onSave);
    reader.close();
  }
}

/** What a row that is the mean of a whole image costs to read allows for fewer of them. */
const SAMPLED_IMAGES = 128;

/** See {@linkcode FoldPlan.sample}. */
async function rowsFromAllOver(inputs: Inputs, { layout, nImages }: FoldPlan, n: number): Promise<Float32Array> {
  const total = nImages * rowsPerImage(layout);
  const count = Math.min(total, layout.kind === "meanpool" ? Math.min(n, SAMPLED_IMAGES) : n);
  // One of every stretch of rows, and not always the same one of an image.
  const rows = Array.from({ length: count }, (_, i) => Math.floor((i + i * GOLDEN_RATIO % 1) * total / count));
  const out = new Float32Array(count * layout.dVit);
  const reader = openBlocks(inputs.shards, inputs.layer);
  try {
    let at = 0;
    for await (const chunk of someRows(reader, rows, { layout, nonFinite: "skip" })) {
      out.set(chunk.rows, at);
      at += chunk.rows.length;
    }
    return out;
  } finally {
    reader.close();
  }
}

/** A state that cannot be saved now is no reason to stop: the work itself may still get through. */
async function orWarn(keep: () => Promise<void>, hooks: JobHooks): Promise<void> {
  try {
    await keep();
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    hooks.log(`${error.message}; going on without saving the state`, "warn");
  }
}

/** Whether somebody asked the job to stop, as against the job having lost its directory. */
function isInterruption(reason: unknown): boolean {
  return !(reason instanceof ArtifactError);
}

/** Whether kernels or their worker died, of whatever cause, as against an error that somebody threw. */
function isCrash(error: unknown): error is Error {
  return error instanceof WebAssembly.RuntimeError ||
    (error instanceof Error && error.message.startsWith("A compute worker stopped"));
}

/** Engines refuse memory with errors of their own words. */
function isOutOfMemory(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return /allocat|typed array length/i.test(error.message) && error instanceof RangeError ||
    error.name === "DataCloneError" && /out of memory|ArrayBuffer/.test(error.message);
}

function outOfMemory(error: Error, { sae }: Inputs): DeviceLimitError {
  return new DeviceLimitError(
    `Cannot take the memory for ${sae.dSae} latents (${error.message}): free some, or take a smaller --top-k, ` +
      "--topk-batch-size or --n-distributions",
    { limit: "memory", requested: NaN, available: NaN },
    { cause: error },
  );
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
