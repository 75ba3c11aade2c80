/**
 * What a job would read, compute and write, without doing it.
 * @module
 */
import { chooseBackend } from "../compute/choose_backend.ts";
import { SKETCH_BINS, SUM_BINS } from "../compute/latent_state.ts";
import { imageStride } from "../compute/rows.ts";
import { outputRoot } from "../config/output_root.ts";
import type { VisualsConfig } from "../config/types.ts";
import { refuseLinksOut } from "../io/contained.ts";
import { fileSize } from "../io/open_file.ts";
import { fits, openDump } from "./dump.ts";
import { readArtifacts } from "../io/read_artifacts.ts";
import { EXAMPLES_NAME } from "../io/examples_file.ts";
import { exportedPaths } from "./export_artifacts.ts";
import { findForeign, type ForeignArtifacts } from "./foreign_artifacts.ts";
import { planFold } from "./fold_rows.ts";
import { sampleSize } from "./interval_examples.ts";
import type { JobPlan } from "./report.ts";
import { studyFiles } from "./study.ts";

/** Batches in flight: one read, one computed, one waiting. */
const BATCHES_IN_FLIGHT = 3;

/**
 * Opens the inputs, and so finds what is wrong with them, and adds up.
 *
 * @throws {ConfigError | CheckpointError | ShardFormatError | ArtifactError} As the job would.
 */
export async function planJob(request: VisualsConfig): Promise<JobPlan> {
  const foreign = await findForeign(request);
  if (foreign !== undefined) return await planForeign(foreign);
  const job = await openDump(request);
  const { config, inputs, directory } = job;
  const { shards, sae, layout, nRows } = inputs;
  const plan = planFold(config, inputs, layout);
  const heatmap = config.sortBy === "img" ? 0 : shards.patches;
  const entries = sae.dSae * config.topK;
  const distributions = plan.nDistributions * nRows * 4;
  const artifactBytes = entries * (heatmap * 4 + 4 + 8 + 8) + sae.dSae * 24 + distributions;
  const state = entries * (heatmap * 4 + 12) + sae.dSae * (SUM_BINS * 8 + SKETCH_BINS * 4 + 40) + distributions;
  const weights = sae.dVit * sae.dSae * 4;
  const passes = 1 + (config.data.scaleMean ? 1 : 0) + (config.data.scaleNorm ? 1 : 0);
  const sampled = Math.min(1, config.data.nRandomSamples / nRows);
  const rowBytes = shards.nImages * imageStride(layout) * 4;
  const { backend, reason } = await chooseBackend(config.device, { precision: config.precision });
  await backend.close();
  const latents = Math.min(sae.dSae, config.nLatents + config.includeLatents.length);
  const exampleImages = config.part === undefined
    ? sampleSize(config, { images: shards.nImages, latents, encoder: sae })
    : 0;
  // The second is where submit writes.
  for (const output of [directory, `${directory}/slurm`]) await refuseLinksOut(outputRoot(config.dumpTo), output);
  return {
    directory,
    shards: shards.files.length,
    reads: [
      { path: config.ckpt, bytes: await fileSize(config.ckpt) ?? 0 },
      { path: `${shards.root}/metadata.json`, bytes: await fileSize(`${shards.root}/metadata.json`) ?? 0 },
      ...shards.files.map(({ path, bytes }) => ({ path, bytes })),
    ],
    rows: nRows,
    images: shards.nImages,
    dVit: sae.dVit,
    dSae: sae.dSae,
    flops: 2 * nRows * sae.dVit * sae.dSae,
    bytesRead: weights + Math.round(rowBytes * (1 + (passes - 1) * sampled)),
    artifactBytes,
    memoryBytes: state + 3 * weights + BATCHES_IN_FLIGHT * plan.batchImages * imageStride(layout) * 4,
    writes: ["*.pt", "quantiles.json", "latents.parquet", "manifest.json"].map((name) => `${directory}/${name}`),
    draws: drawn(config, directory),
    studies: studyFiles(config).map((name) => `${directory}/${name}`),
    ...(exampleImages === 0 ? {} : { examples: { images: exampleImages, path: `${directory}/${EXAMPLES_NAME}` } }),
    exports: exportedPaths(directory, config.export),
    isComputed: !config.force && await fits(job),
    backend: { name: backend.name, reason },
    pictures: latents * Math.min(config.topK, shards.nImages),
  };
}

/** Nothing is computed where another program's artifacts are. */
async function planForeign({ config, directory, percentile }: ForeignArtifacts): Promise<JobPlan> {
  const artifacts = await readArtifacts(directory, { percentile });
  artifacts.close();
  const { dSae, k, distributionsShape: [, rows] } = artifacts;
  const latents = Math.min(dSae, config.nLatents + config.includeLatents.length);
  const none = { dVit: 0, flops: 0, bytesRead: 0, artifactBytes: 0, memoryBytes: 0, shards: 0, images: 0 };
  return {
    ...none,
    directory,
    reads: [],
    rows,
    dSae,
    writes: [],
    draws: drawn(config, directory),
    studies: [],
    exports: [],
    isComputed: true,
    backend: { name: "none", reason: "another program computed the artifacts" },
    pictures: latents * k,
  };
}

function drawn({ render }: VisualsConfig, directory: string): string[] {
  const pictures = render === "viewer-only" ? [] : [`${directory}/neurons/`];
  return [`${directory}/index.html`, `${directory}/viewer/`, ...pictures];
}
