/**
 * From shards to artifacts.
 * @module
 */
import { type BackendChoice, chooseBackend } from "../compute/choose_backend.ts";
import { ArtifactError } from "../compute/errors.ts";
import { finalize, quantiles } from "../compute/finalize.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { SKETCH_RELATIVE_ERROR } from "../compute/quantile_sketch.ts";
import { type RowLayout, rowsPerImage } from "../compute/rows.ts";
import type { TopKImg, TopKPatch } from "../compute/topk.ts";
import type { VisualsConfig } from "../config/types.ts";
import metadata from "../deno.json" with { type: "json" };
import { removeCheckpoints } from "../io/checkpoints.ts";
import { type ArtifactRequest, compareManifest, currentVersions, describeInputs } from "../io/manifest.ts";
import { readArtifacts } from "../io/read_artifacts.ts";
import type { Shards } from "../io/open_shards.ts";
import { readManifest } from "../io/read_manifest.ts";
import { foldRows, PERCENTILE_LR, planFold } from "./fold_rows.ts";
import { type JobHooks, Stopwatch } from "./hooks.ts";
import { measureRows } from "./measure_rows.ts";
import { type Inputs, openInputs } from "./open_inputs.ts";
import { followRun, outputDirectory } from "./output_directory.ts";
import type { JobSummary } from "./report.ts";
import { SavedProgress } from "./saved_progress.ts";

/** Quantiles written to `quantiles.json` for every latent. */
export const QUANTILES: readonly number[] = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

/** Settings that say how a job is run, not what is asked for. */
const HOW_IT_IS_RUN: ReadonlySet<string> = new Set([
  // What a recording does, its recording.json says.
  ...[
    "model",
    "layers",
    "outputs",
    "cls",
    "registers",
    "preprocessor",
    "resize",
    "crop",
    "interpolation",
    "mean",
    "std",
  ],
  ...["layout", "tokensPerShard", "vitBatchSize", "modelFamily", "modelCkpt", "fromPictures"],
  "breakLock",
  "checkpointEvery",
  "dryRun",
  "export",
  "force",
  "local",
  "part",
  "parts",
  "profile",
  "quiet",
  "resume",
  "slurm",
  "study",
  "usr2",
]);

/** Heatmaps of so many bytes are worth a thread that writes them: starting it takes as long as writing 16 MiB. */
const WRITTEN_APART_BYTES = 64 << 20;

/** Everything a pass ended in. */
export interface Pass {
  readonly state: LatentState;
  readonly result: TopKImg | TopKPatch;
  readonly layout: RowLayout;
  readonly choice: BackendChoice;
  readonly notes: readonly string[];
  /** When it began, which a resumed pass does not change. */
  readonly startedAt: string;
  readonly release: () => Promise<void>;
}

/** What `dumpActivations` gives beyond the summary. */
export interface DumpReport extends JobSummary {
  /** The artifacts' directory. */
  readonly directory: string;
}

/** A dump whose inputs are open. */
export interface OpenedDump {
  /** The configuration with `--run` followed. */
  readonly config: VisualsConfig;
  /** Its inputs. */
  readonly inputs: Inputs;
  /** Where it goes. */
  readonly directory: string;
  /** What is asked for. */
  readonly request: ArtifactRequest;
  /** Times so far. */
  readonly watch: Stopwatch;
  /** When it began, ISO 8601. */
  readonly startedAt: string;
  /** The same, monotonic. */
  readonly startedMs: number;
  /** Rows as the pass measured them, once it has; see `measuredRows`. */
  layout?: RowLayout;
}

/**
 * Opens what a dump reads.
 *
 * @param onShards See `openInputs`.
 */
export async function openDump(asked: VisualsConfig, onShards?: (shards: Shards) => void): Promise<OpenedDump> {
  const [startedAt, startedMs] = [new Date().toISOString(), performance.now()];
  const watch = new Stopwatch();
  const config = await followRun(asked);
  const inputs = await watch.time("open", () => openInputs(config, { onShards }));
  const directory = await outputDirectory(config);
  const request = {
    config: whatIsAsked(config),
    inputs: describeInputs(config.ckpt, inputs.saeInfo.sha256, inputs.shards),
  };
  return { config, inputs, directory, request, watch, startedAt, startedMs };
}

/** The settings without those that only say how the job is run: a resumed job leaves the same record. */
function whatIsAsked(config: VisualsConfig): object {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !HOW_IT_IS_RUN.has(key)));
}

/** Whether there are heatmaps worth a thread of their own, in memory that one can share. */
function isWrittenApart({ config: { device, sortBy, topK }, inputs: { sae, layout } }: OpenedDump): boolean {
  return (device === "auto" || device === "wasm") && sortBy !== "img" &&
    4 * sae.dSae * topK * rowsPerImage(layout) >= WRITTEN_APART_BYTES;
}

/** Computes and writes the artifacts, unless they are there, in a directory that is this job's alone. */
export async function dumpInto(job: OpenedDump, hooks: JobHooks): Promise<DumpReport> {
  const { config, inputs, directory, request, watch } = job;
  const { progress } = hooks;
  if (!config.force && await fits(job, hooks.log)) {
    await removeCheckpoints(directory);
    return reused(job, hooks);
  }
  // Started now, while one core has nothing to do.
  using writer = isWrittenApart(job) ? hooks.openWriter?.() : undefined;
  const options = { hooks, watch, startedAt: job.startedAt, progressIn: { directory, request } };
  // What writes is loaded while threads are started.
  const [pass, { writeArtifacts }] = await Promise.all([
    runPass(config, inputs, options),
    import("../io/write_artifacts.ts"),
  ]);
  const { state, result, choice, notes, startedAt } = pass;
  job.layout = pass.layout;
  try {
    progress({ stage: "write", done: 0, total: 1, unit: "artifact sets" });
    await watch.time("write", () =>
      writeArtifacts(directory, {
        result,
        sketch: state,
        count: state.count,
        max: state.max,
        percentile: config.percentile,
        quantiles: { at: QUANTILES, values: quantiles(state, QUANTILES).data, relativeError: SKETCH_RELATIVE_ERROR },
        writer,
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
    await removeCheckpoints(directory);
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
    seconds: secondsSince(job),
    profile: watch.seconds,
  };
}

/** How a pass is run. */
export interface PassOptions {
  readonly hooks: JobHooks;
  readonly watch: Stopwatch;
  readonly startedAt: string;
  /** Where its states are kept; undefined to keep none. */
  readonly progressIn?: { readonly directory: string; readonly request: ArtifactRequest };
}

/** Measures, folds and finalizes; from a saved state on if there is one and it is asked for. */
export async function runPass(config: VisualsConfig, inputs: Inputs, options: PassOptions): Promise<Pass> {
  const { hooks, watch, progressIn } = options;
  for (const warning of inputs.warnings) hooks.log(warning, "warn");
  const choice = await watch.time(
    "choose backend",
    () =>
      chooseBackend(config.device, {
        precision: config.precision,
        log: hooks.log,
        workerPermissions: hooks.workerPermissions,
      }),
  );
  const { backend } = choice;
  const release = async (close?: () => Promise<void>): Promise<void> => {
    await close?.();
    await backend.close();
  };
  try {
    hooks.log(`Computing on ${backend.name}: ${choice.reason}`);
    const saved = progressIn && new SavedProgress(progressIn.directory, { ...progressIn, backend, log: hooks.log });
    const found = await saved?.find(config.resume, inputs.layout);
    const layout = found?.layout ?? await watch.time("measure", () => measureRows(config, inputs, hooks));
    const startedAt = found?.startedAt ?? options.startedAt;
    const plan = planFold(config, inputs, layout);
    saved?.begin(inputs.sae.dSae, plan, startedAt);
    const notes: string[] = [];
    if (plan.nDistributions < Math.min(config.nDistributions, inputs.sae.dSae)) {
      notes.push(distributionsNote(config, inputs));
    }
    notes.forEach((note) => hooks.log(note, "warn"));
    const saving = saved && { to: saved, everySeconds: config.checkpointEvery };
    const { state, release: close } = await foldRows(inputs, plan, {
      backend,
      hooks,
      watch,
      saving,
      readsAtOnce: config.readAhead,
    });
    const result = await watch.time("finalize", () =>
      finalize(state, {
        percentile: config.percentile,
        percentileLr: PERCENTILE_LR,
        totalRows: inputs.nRows,
      }));
    if (state.skippedRows > 0) {
      hooks.log(`Skipped ${state.skippedRows} rows that hold NaN or an infinity`, "warn");
    }
    return { state, result, layout, choice, notes, startedAt, release: () => release(close) };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Said when distributions are left out. */
export function distributionsNote({ nDistributions }: VisualsConfig, { nRows }: Inputs): string {
  return `The distributions of ${nDistributions} latents over ${nRows} rows would pass --distributions-limit; their ` +
    "histograms are kept in the sketch instead";
}

/** Whether the directory holds what is asked for; says what differs if not. */
export async function fits({ directory, request }: OpenedDump, log: JobHooks["log"] = () => {}): Promise<boolean> {
  let differences: string[];
  try {
    const manifest = await readManifest(directory);
    if (manifest === undefined) return false;
    differences = compareManifest(manifest, request);
    // Opening checks that every file is there and whole.
    if (differences.length === 0) (await readArtifacts(directory)).close();
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    log(`Recomputing: ${error.message}`, "warn");
    return false;
  }
  if (differences.length > 0) log(`Recomputing ${directory}: ${differences.join("; ")}`);
  return differences.length === 0;
}

/** The report of a job that found its artifacts. */
export async function reused(job: OpenedDump, { log }: JobHooks): Promise<DumpReport> {
  const { directory } = job;
  const { backend, startedAt } = (await readManifest(directory))!;
  log(`Using the artifacts in ${directory}, computed by ${backend.name} at ${startedAt}`);
  return { directory, outputs: [directory], rows: 0, reused: true, seconds: secondsSince(job) };
}

function secondsSince({ startedMs }: OpenedDump): number {
  return (performance.now() - startedMs) / 1000;
}
