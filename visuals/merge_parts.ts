/**
 * From a complete set of parts to the artifacts that one pass over all images would have written.
 * @module
 */
import { stateLengths } from "../compute/empty_state.ts";
import { meanValues, quantiles, sparsity } from "../compute/finalize.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { SKETCH_RELATIVE_ERROR } from "../compute/quantile_sketch.ts";
import { sketchPercentiles } from "../compute/sketch_percentiles.ts";
import { tensor } from "../compute/tensor.ts";
import type { VisualsConfig } from "../config/types.ts";
import metadata from "../deno.json" with { type: "json" };
import { percentilesName } from "../io/artifacts.ts";
import { removeTree } from "../io/atomic_write.ts";
import { SketchPieces } from "../io/join_sketches.ts";
import { type JoinedStates } from "../io/join_states.ts";
import { currentVersions } from "../io/manifest.ts";
import { PART_STATE_NAME, partDirectory } from "../io/parts.ts";
import { type ArtifactSet, writeArtifacts } from "../io/write_artifacts.ts";
import { distributionsNote, openDump, type OpenedDump, QUANTILES } from "./dump.ts";
import { findParts, type FoundParts } from "./find_parts.ts";
import { planFold } from "./fold_rows.ts";
import { type JobHooks, withDefaults } from "./hooks.ts";
import { inDirectory } from "./in_directory.ts";
import { withJoined } from "./join_parts.ts";
import type { JobSummary } from "./report.ts";

/** Values of the distributions that are in memory at a time. */
const DISTRIBUTION_PIECE = 2 ** 20;

/**
 * Merges the parts that `dumpPart` wrote into artifacts.
 *
 * Every artifact equals that of one pass over all images, byte for byte, except the percentiles: the online estimate depends on
 * every row before it, so here they come from the quantile sketch, within `SKETCH_RELATIVE_ERROR` of the true percentile, and
 * their file and the manifest say so. Latents are merged a few at a time over open files: memory is that of the artifacts'
 * small arrays, whatever the number of parts.
 *
 * Afterwards whatever `config.export` names is written.
 *
 * @throws {ArtifactError} If parts are missing, of another request or damaged (the message names the command that computes only
 * those), or the artifacts cannot be written.
 */
export async function mergeParts(asked: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary> {
  const job = await openDump(asked);
  const filled = withDefaults(hooks);
  const found = await job.watch.time("find parts", () => findParts(job, asked.parts));
  return await inDirectory(job.directory, job.config, filled, async (hooks) => {
    const summary = await mergeFound(job, found, hooks);
    if (job.config.export.length === 0) return summary;
    const { exportInto } = await import("./export_artifacts.ts");
    return { ...summary, outputs: [...summary.outputs ?? [], ...await exportInto(job, hooks)] };
  });
}

async function mergeFound(job: OpenedDump, found: FoundParts, hooks: JobHooks): Promise<JobSummary> {
  const { directory, watch, request, startedMs, config, inputs } = job;
  const { parts } = found;
  const files = parts.map(({ part }) => ({
    path: `${partDirectory(directory, part.index, part.count)}/${PART_STATE_NAME}`,
    nRows: part.nRows,
  }));
  const backends = [...new Set(parts.map(({ backend }) => backend))].sort();
  const scratch = `${directory}/parts/.merging`;
  await removeTree(scratch);
  try {
    const plan = planFold(config, inputs, inputs.layout);
    const { nDistributions } = plan;
    const shape = stateLengths(inputs.sae.dSae, plan);
    const options = { shape, nDistributions, scratch, hooks, watch };
    const { skippedRows } = await withJoined(files, options, async (joined) => {
      const notes = notesOf(job, joined, backends);
      notes.forEach((note) => hooks.log(note));
      const set = await artifactSet(joined, config.percentile, hooks);
      await watch.time("merge", () =>
        writeArtifacts(directory, set, {
          ...request,
          startedAt: parts.map(({ startedAt }) => startedAt).sort()[0],
          backend: {
            name: backends.join("+"),
            reason: `merged from ${parts.length} parts`,
            details: { parts: parts.length },
          },
          rows: joined.header.rows,
          skippedRows: joined.header.skippedRows,
          versions: currentVersions(metadata.version),
          timings: watch.seconds,
          notes,
          merged: {
            parts: parts.length,
            percentiles: "sketch",
            percentilesRelativeError: SKETCH_RELATIVE_ERROR,
          },
        }));
      return joined.header;
    });
    hooks.log(`Merged ${parts.length} parts of ${inputs.shards.files.length} shards into ${directory}`);
    return {
      outputs: [directory],
      skippedRows,
      seconds: (performance.now() - startedMs) / 1000,
      profile: watch.seconds,
    };
  } finally {
    await removeTree(scratch);
  }
}

/** The artifacts as they will be once the heatmaps have been streamed; without heatmaps, as they are. */
async function artifactSet(joined: JoinedStates, percentile: number, hooks: JobHooks): Promise<ArtifactSet> {
  const { header: { dSae, k, patches, distributionWords }, nRows, nDistributions } = joined;
  const sketch = new SketchPieces();
  const rankValues = tensor(new Float32Array(dSae * k), [dSae, k]);
  const topI = tensor(new Uint32Array(dSae * k), [dSae, k]);
  const topPatchI = tensor(new Uint32Array(dSae * k), [dSae, k]);
  const topCount = tensor(new Uint32Array(dSae), [dSae]);
  const count = new Uint32Array(dSae);
  const max = new Float32Array(dSae);
  const [means, rates, percentiles] = [0, 0, 0].map(() => tensor(new Float32Array(dSae), [dSae]));
  const values = new Float64Array(dSae * QUANTILES.length);
  const collect = (state: LatentState, first: number): void => {
    rankValues.data.set(state.topValue, first * k);
    topI.data.set(state.topImage, first * k);
    topPatchI.data.set(state.topPatch, first * k);
    topCount.data.set(state.topCount, first);
    count.set(state.count, first);
    max.set(state.max, first);
    means.data.set(meanValues(state).data, first);
    rates.data.set(sparsity(state).data, first);
    percentiles.data.set(sketchPercentiles(state, percentile).data, first);
    values.set(quantiles(state, QUANTILES).data, first * QUANTILES.length);
    sketch.add(state);
  };
  const heatmaps = async function* (): AsyncGenerator<Float32Array> {
    for (let first = 0; first < dSae; first += joined.latentsPerChunk) {
      hooks.signal?.throwIfAborted();
      hooks.progress({ stage: "merge", done: first, total: dSae, unit: "latents" });
      const state = await joined.latents(first, Math.min(dSae, first + joined.latentsPerChunk));
      collect(state, first);
      yield state.heatmap;
    }
    hooks.progress({ stage: "merge", done: dSae, total: dSae, unit: "latents" });
  };
  const distributions = async function* (): AsyncGenerator<Float32Array> {
    for (let first = 0; first < distributionWords; first += DISTRIBUTION_PIECE) {
      hooks.signal?.throwIfAborted();
      yield await joined.distributions(first, Math.min(distributionWords, first + DISTRIBUTION_PIECE));
    }
  };
  const shared = {
    rankValues,
    topI,
    topCount,
    meanValues: means,
    sparsity: rates,
    distributions: { shape: [nDistributions, nRows], pieces: distributions },
    percentiles,
  };
  if (patches === 0) { for await (const _ of heatmaps()) continue; }
  return {
    result: patches === 0
      ? { kind: "img", topValues: rankValues, ...shared }
      : { kind: "patch", topValues: { shape: [dSae, k, patches], pieces: heatmaps }, topPatchI, ...shared },
    sketch: () => sketch.join(),
    count,
    max,
    percentile,
    percentileNote: percentileNote(percentile),
    quantiles: { at: QUANTILES, values, relativeError: SKETCH_RELATIVE_ERROR },
  };
}

function percentileNote(percentile: number): string {
  return `${percentilesName(percentile)} was read off the quantile sketch, within a relative error of ` +
    `1/${
      Math.round(1 / SKETCH_RELATIVE_ERROR)
    }, as parts were merged and the online estimate depends on the order of rows`;
}

function notesOf({ config, inputs }: OpenedDump, joined: JoinedStates, backends: readonly string[]): string[] {
  const notes = [percentileNote(config.percentile)];
  if (joined.nDistributions < Math.min(config.nDistributions, inputs.sae.dSae)) {
    notes.push(distributionsNote(config, inputs));
  }
  if (backends.length > 1) {
    notes.push(
      `The parts were computed by ${backends.join(" and ")}, which agree within rounding but not in every bit; ` +
        "name one with --device to have all bits of one run",
    );
  }
  return notes;
}
