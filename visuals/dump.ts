/**
 * From shards to artifacts: `dumpActivations`, and the two rankings without the writing.
 * @module
 */
import { type BackendChoice, chooseBackend } from "../compute/choose_backend.ts";
import { ArtifactError, ConfigError } from "../compute/errors.ts";
import { finalize, quantiles } from "../compute/finalize.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { SKETCH_RELATIVE_ERROR } from "../compute/quantile_sketch.ts";
import type { Tensor } from "../compute/tensor.ts";
import type { TopKImg, TopKPatch } from "../compute/topk.ts";
import { resolveDumpTo } from "../config.ts";
import type { VisualsConfig } from "../config/types.ts";
import metadata from "../deno.json" with { type: "json" };
import { artifactDirectory, writeArtifacts } from "../io/artifacts.ts";
import { type ArtifactRequest, compareManifest, currentVersions, describeInputs } from "../io/manifest.ts";
import { readArtifacts, readManifest } from "../io/read_artifacts.ts";
import { foldRows, PERCENTILE_LR, planFold } from "./fold_rows.ts";
import { type JobHooks, Stopwatch, withDefaults } from "./hooks.ts";
import { measureRows } from "./measure_rows.ts";
import { type Inputs, openInputs } from "./open_inputs.ts";
import type { JobSummary } from "./report.ts";

/** Quantiles written to `quantiles.json` for every latent. */
const QUANTILES: readonly number[] = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

/** Everything a pass ended in. */
interface Pass {
  readonly inputs: Inputs;
  readonly state: LatentState;
  readonly result: TopKImg | TopKPatch;
  readonly choice: BackendChoice;
  readonly notes: readonly string[];
  readonly release: () => Promise<void>;
}

/** What `dumpActivations` gives beyond the summary. */
export interface DumpReport extends JobSummary {
  /** The artifacts' directory. */
  readonly directory: string;
}

/** The directory a configuration's artifacts go to. */
export function outputDirectory(config: VisualsConfig, shardRoot: string): string {
  const shardsName = shardRoot.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return artifactDirectory(resolveDumpTo(config, shardsName), config.sortBy);
}

/**
 * Computes the ranking and the statistics and writes them, unless artifacts of the same request are there already.
 *
 * @throws {ConfigError | CheckpointError | ShardFormatError} Before any work, if the inputs do not fit.
 * @throws {NonFiniteError} If a row holds NaN or an infinity and the configuration refuses them.
 * @throws {ArtifactError} If the artifacts cannot be written.
 */
export async function dumpActivations(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<DumpReport> {
  const { log, signal, progress } = withDefaults(hooks);
  const watch = new Stopwatch();
  const start = performance.now();
  const startedAt = new Date().toISOString();
  const inputs = await watch.time("open", () => openInputs(config));
  const directory = outputDirectory(config, inputs.shards.root);
  const request: ArtifactRequest = {
    config,
    inputs: describeInputs(config.ckpt, inputs.saeInfo.sha256, inputs.shards),
  };
  if (!config.force && await canReuse(directory, request, log)) {
    return { directory, outputs: [directory], rows: 0, reused: true, seconds: (performance.now() - start) / 1000 };
  }
  const pass = await runPass(config, inputs, { log, signal, progress }, watch);
  const { state, result, choice, notes } = pass;
  try {
    progress({ stage: "write", done: 0, total: 1, unit: "artifact sets" });
    await watch.time("write", () =>
      writeArtifacts(directory, {
        result,
        sketch: state,
        percentile: config.percentile,
        quantiles: { at: QUANTILES, values: quantiles(state, QUANTILES).data, relativeError: SKETCH_RELATIVE_ERROR },
      }, {
        ...request,
        startedAt,
        backend: { name: choice.backend.name, reason: choice.reason, details: choice.backend.details },
        rows: state.rows,
        skippedRows: state.skippedRows,
        versions: currentVersions(metadata.version),
        timings: watch.seconds,
        notes,
      }));
    progress({ stage: "write", done: 1, total: 1, unit: "artifact sets" });
  } finally {
    await pass.release();
  }
  return {
    directory,
    outputs: [directory],
    rows: state.rows,
    skippedRows: state.skippedRows,
    backend: { name: choice.backend.name, reason: choice.reason },
    seconds: (performance.now() - start) / 1000,
    profile: watch.seconds,
  };
}

/**
 * Ranks images by one vector each (the CLS token, or the mean over patches): no image twice, no heatmaps.
 *
 * Nothing is written. Source: upstream's `get_topk_img`.
 *
 * @throws {ConfigError} If `sortBy` is not `img`, or as {@linkcode dumpActivations}.
 */
export async function getTopkImg(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<TopKImg> {
  const result = await rankOnly(config, hooks, ["img"], "getTopkImg");
  if (result.kind !== "img") throw new Error("An image ranking came back with heatmaps");
  return result;
}

/**
 * Ranks patches by activation (or, with `sortBy: "sum"`, images by the sum over their patches), with heatmaps.
 *
 * Nothing is written. Source: upstream's `get_topk_patch`.
 *
 * @throws {ConfigError} If `sortBy` is `img`, or as {@linkcode dumpActivations}.
 */
export async function getTopkPatch(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<TopKPatch> {
  const result = await rankOnly(config, hooks, ["patch", "sum"], "getTopkPatch");
  if (result.kind !== "patch") throw new Error("A patch ranking came back without heatmaps");
  return result;
}

async function rankOnly(
  config: VisualsConfig,
  hooks: Partial<JobHooks> | undefined,
  rankings: readonly string[],
  name: string,
): Promise<TopKImg | TopKPatch> {
  if (!rankings.includes(config.sortBy)) {
    throw new ConfigError(`${name} needs sortBy ${rankings.join(" or ")}, found ${config.sortBy}`, { path: "sortBy" });
  }
  const pass = await runPass(config, await openInputs(config), withDefaults(hooks), new Stopwatch());
  try {
    return copied(pass.result);
  } finally {
    await pass.release();
  }
}

/** The arrays may be views on memory that goes away with the backend. */
function copied(result: TopKImg | TopKPatch): TopKImg | TopKPatch {
  const own = <A extends Tensor | Tensor<Uint32Array>>(tensor: A): A => ({ ...tensor, data: tensor.data.slice() });
  const shared = {
    topValues: own(result.topValues),
    rankValues: own(result.rankValues),
    topI: own(result.topI),
    topCount: own(result.topCount),
    distributions: own(result.distributions),
  };
  return result.kind === "img" ? { ...result, ...shared } : { ...result, ...shared, topPatchI: own(result.topPatchI) };
}

/** Measures, folds and finalizes. */
async function runPass(config: VisualsConfig, inputs: Inputs, hooks: JobHooks, watch: Stopwatch): Promise<Pass> {
  for (const warning of inputs.warnings) hooks.log(warning, "warn");
  const choice = await watch.time("choose backend", () => chooseBackend(config.device));
  const release = async (close?: () => Promise<void>): Promise<void> => {
    await close?.();
    await choice.backend.close();
  };
  try {
    hooks.log(`Computing on ${choice.backend.name}: ${choice.reason}`);
    const layout = await watch.time("measure", () => measureRows(config, inputs, hooks));
    const plan = planFold(config, inputs, layout);
    const notes: string[] = [];
    if (plan.nDistributions < Math.min(config.nDistributions, inputs.sae.dSae)) {
      notes.push(
        `The distributions of ${config.nDistributions} latents over ${inputs.nRows} rows would pass ` +
          `--distributions-limit; their histograms are kept in the sketch instead`,
      );
    }
    notes.forEach((note) => hooks.log(note, "warn"));
    const { state, release: close } = await foldRows(inputs, plan, { backend: choice.backend, hooks, watch });
    const result = await watch.time("finalize", () =>
      finalize(state, {
        percentile: config.percentile,
        percentileLr: PERCENTILE_LR,
        totalRows: inputs.nRows,
      }));
    if (state.skippedRows > 0) {
      hooks.log(`Skipped ${state.skippedRows} rows that hold NaN or an infinity`, "warn");
    }
    return { inputs, state, result, choice, notes, release: () => release(close) };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Whether the directory holds what is asked for; says so, or what differs. */
async function canReuse(directory: string, request: ArtifactRequest, log: JobHooks["log"]): Promise<boolean> {
  let manifest;
  let differences: string[];
  try {
    manifest = await readManifest(directory);
    if (manifest === undefined) return false;
    differences = compareManifest(manifest, request);
    // Opening checks that every file is there and whole.
    if (differences.length === 0) (await readArtifacts(directory)).close();
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    log(`Recomputing: ${error.message}`, "warn");
    return false;
  }
  if (differences.length === 0) {
    log(`Using the artifacts in ${directory}, computed by ${manifest.backend.name} at ${manifest.startedAt}`);
    return true;
  }
  log(`Recomputing ${directory}: ${differences.join("; ")}`);
  return false;
}
