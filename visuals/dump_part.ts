/**
 * One share of a dump: its state is kept for `mergeParts`.
 * @module
 */
import { chooseBackend } from "../compute/choose_backend.ts";
import { emptyState } from "../compute/empty_state.ts";
import { ConfigError, NonFiniteError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { parsePart } from "../config/part.ts";
import type { VisualsConfig } from "../config/types.ts";
import metadata from "../deno.json" with { type: "json" };
import { removeCheckpoints } from "../io/checkpoints.ts";
import { compareManifest, currentVersions } from "../io/manifest.ts";
import { partDirectory, readPartManifest, writePart } from "../io/parts.ts";
import type { OpenedDump } from "./dump.ts";
import { foldRows, planFold } from "./fold_rows.ts";
import { type JobHooks, withDefaults } from "./hooks.ts";
import { inDirectory } from "./in_directory.ts";
import { measuredOf, measuredRows } from "./measured_rows.ts";
import { openAhead } from "./open_ahead.ts";
import { type PartInputs, partInputs } from "./part_inputs.ts";
import type { JobSummary } from "./report.ts";
import { SavedProgress } from "./saved_progress.ts";

/**
 * Computes the parts that `config.part` names, one after the other, to `parts/i-of-n/` beside the artifacts.
 *
 * A part is a contiguous share of the shards; parts need nothing of each other and may run anywhere, at any time. One that
 * is there already is left alone unless `config.force` is set. `mergeParts` makes artifacts of a complete set.
 *
 * @throws {ConfigError | CheckpointError | ShardFormatError} Before any work, if the inputs do not fit.
 * @throws {NonFiniteError} If a row of the part holds NaN or an infinity and the configuration refuses them.
 * @throws {ArtifactError} If the part cannot be written, or another job works on it.
 * @throws {DOMException} `AbortError` if the hooks' signal fires; with `resume` the part goes on from there.
 */
export async function dumpPart(asked: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary> {
  if (asked.part === undefined) {
    throw new ConfigError("No part was named; give --part INDEX/COUNT, counted from 0", { path: "part" });
  }
  const { indices, count } = parsePart(asked.part);
  const filled = withDefaults(hooks);
  using job = await openAhead(asked, filled);
  for (const warning of job.inputs.warnings) filled.log(warning, "warn");
  const outputs: string[] = [];
  let [rows, skippedRows, reused] = [0, 0, true];
  for (const index of indices) {
    const directory = partDirectory(job.directory, index, count);
    outputs.push(directory);
    if (!asked.force && await isThere(job, index, count, filled)) continue;
    const state = await inDirectory(directory, job.config, filled, (hooks) => onePart(job, index, count, hooks));
    reused = false;
    rows += state.rows;
    skippedRows += state.skippedRows;
  }
  return {
    outputs,
    rows,
    skippedRows,
    reused,
    seconds: (performance.now() - job.startedMs) / 1000,
    profile: job.watch.seconds,
  };
}

async function onePart(
  job: OpenedDump,
  index: number,
  count: number,
  hooks: JobHooks,
): Promise<Pick<LatentState, "rows" | "skippedRows">> {
  const { config, request, watch } = job;
  const { range, inputs } = partInputs(job.inputs, index, count);
  const directory = partDirectory(job.directory, index, count);
  hooks.log(
    range.nImages === 0
      ? `Part ${index} of ${count} is empty: there are ${job.inputs.shards.files.length} shards`
      : `Part ${index} of ${count}: images ${range.firstImage} to ${range.firstImage + range.nImages - 1}`,
  );
  const { backend, reason } = await watch.time(
    "choose backend",
    () =>
      chooseBackend(config.device, {
        precision: config.precision,
        log: hooks.log,
        workerPermissions: hooks.workerPermissions,
      }),
  );
  try {
    hooks.log(`Computing on ${backend.name}: ${reason}`);
    const saved = new SavedProgress(directory, { request, backend, log: hooks.log });
    const found = await saved.find(config.resume, inputs.layout);
    const layout = found?.layout ?? await measuredRows(job, hooks);
    const startedAt = found?.startedAt ?? job.startedAt;
    // What is kept is decided by the whole job, so that parts agree.
    const whole = planFold(config, job.inputs, layout);
    const plan = {
      ...whole,
      nImages: range.nImages,
      batchImages: Math.min(whole.batchImages, Math.max(1, range.nImages)),
    };
    saved.begin(inputs.sae.dSae, plan, startedAt);
    const { state, release } = range.nImages === 0
      ? { state: emptyState(inputs.sae.dSae, plan), release: () => Promise.resolve() }
      : await foldRows(inputs, plan, {
        backend,
        hooks,
        watch,
        readsAtOnce: config.readAhead,
        saving: { to: saved, everySeconds: config.checkpointEvery },
      }).catch((error: unknown) => {
        throw inDataSet(error, range.firstImage);
      });
    try {
      if (state.skippedRows > 0) hooks.log(`Skipped ${state.skippedRows} rows that hold NaN or an infinity`, "warn");
      await watch.time("write", () =>
        writePart(job.directory, numberedInDataSet(state, range), {
          ...request,
          part: range,
          measured: measuredOf(layout),
          startedAt,
          backend: { name: backend.name, reason, details: backend.details },
          rows: state.rows,
          skippedRows: state.skippedRows,
          versions: currentVersions(metadata.version),
          timings: watch.seconds,
          notes: [],
        }));
    } finally {
      await release();
    }
    await removeCheckpoints(directory);
    return { rows: state.rows, skippedRows: state.skippedRows };
  } finally {
    await backend.close();
  }
}

/** Whether the part is there as it is asked for; says so, or what differs. */
async function isThere(
  { directory, request }: OpenedDump,
  index: number,
  count: number,
  { log }: JobHooks,
): Promise<boolean> {
  const manifest = await readPartManifest(directory, index, count);
  if (manifest === undefined) return false;
  const differences = compareManifest(manifest, request);
  const name = `part ${index} of ${count}`;
  log(differences.length === 0 ? `Using ${name}, which is there` : `Recomputing ${name}: ${differences.join("; ")}`);
  return differences.length === 0;
}

/** The pass counted images from the part's first; the state on disk counts them from the data set's. */
function numberedInDataSet(state: LatentState, { firstImage }: PartInputs["range"]): LatentState {
  const { dSae, k, topCount } = state;
  const topImage = state.topImage.slice();
  for (let j = 0; j < dSae; j++) {
    for (let i = j * k; i < j * k + topCount[j]; i++) topImage[i] += firstImage;
  }
  return { ...state, topImage };
}

function inDataSet(error: unknown, firstImage: number): unknown {
  if (!(error instanceof NonFiniteError) || firstImage === 0) return error;
  const { patch, dimension, value } = error;
  const image = error.image + firstImage;
  const message = error.message.replace(`in image ${error.image},`, `in image ${image},`);
  return new NonFiniteError(message, { image, patch, dimension, value }, { cause: error });
}
