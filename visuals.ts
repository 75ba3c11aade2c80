/**
 * The story of a job: open the inputs, rank, write; then choose latents, draw, and lay out the page.
 *
 * The steps are in `visuals/`, one file each. This file and those are the only ones that know io, compute and render.
 * @module
 */
import { readArtifacts } from "./io/read_artifacts.ts";
import { recordingOf } from "./config/recording_of.ts";
import type { VisualsConfig } from "./config/types.ts";
import { draw, openMatchingPictures } from "./visuals/draw.ts";
import { dumpInto } from "./visuals/dump.ts";
import { exportInto } from "./visuals/export_artifacts.ts";
import { inDirectory } from "./visuals/in_directory.ts";
import { examplesInto } from "./visuals/interval_examples.ts";
import { type JobHooks, Stopwatch, withDefaults } from "./visuals/hooks.ts";
import { openAhead } from "./visuals/open_ahead.ts";
import { recordActivations } from "./visuals/record_activations.ts";
import { studyInto } from "./visuals/study.ts";
import type { JobSummary } from "./visuals/report.ts";

export type { DumpReport } from "./visuals/dump.ts";
export { getTopkImg, getTopkPatch } from "./visuals/get_topk.ts";
export { dumpActivations } from "./visuals/dump_activations.ts";
export { type CompareRequest, compareRuns } from "./visuals/compare_runs.ts";
export { dumpPart } from "./visuals/dump_part.ts";
export { exportArtifacts } from "./visuals/export_artifacts.ts";
export { measureSample } from "./visuals/measured_rows.ts";
export { mergeParts } from "./visuals/merge_parts.ts";
export { renderArtifacts } from "./visuals/render_artifacts.ts";
export { studyArtifacts } from "./visuals/study.ts";
export { checkInputs, type CheckReport } from "./visuals/check_inputs.ts";
export {
  type ArtifactsReport,
  type CheckpointReport,
  type Inspection,
  inspectPath,
  type InspectRequest,
  type PicturesReport,
  type ShardsReport,
  type Spread,
} from "./visuals/inspect_path.ts";
export type { Outcome, Way } from "./visuals/try_encoder.ts";
export type { JobHooks, Progress } from "./visuals/hooks.ts";
export { type OnlineQuantileTest, testOnlineQuantileEstimation } from "./visuals/online_quantile.ts";
export { planJob } from "./visuals/plan_job.ts";
export { planRecording, type RecordingPlan } from "./visuals/plan_recording.ts";
export { recordActivations } from "./visuals/record_activations.ts";
export type { JobPlan, JobSummary } from "./visuals/report.ts";

/**
 * Does everything: computes the artifacts unless fitting ones are there, chooses latents, draws them.
 *
 * With `fromPictures` the activations are recorded first, into `dumpTo/activations`, unless they are there.
 *
 * Writes below `dumpTo/sort_by_{sortBy}/`: the artifacts, `neurons/{latent}/{j}.png` (or what `render` asks for), `{j}.txt`,
 * `metadata.json`, the distribution plots, and `index.html`, which shows it all and opens from disk.
 *
 * @param config As `parseConfig` gives it; not changed.
 * @param hooks Listeners for log lines and progress, and a signal to stop by.
 * @returns What was done, and where it is.
 * @throws {ConfigError | CheckpointError | ShardFormatError | DatasetError} Before any work, if settings or inputs do not
 * fit each other: unknown layer, other widths, another number of pictures than images.
 * @throws {NonFiniteError} If a row holds NaN or an infinity and `nonFinite` is `error`.
 * @throws {ArtifactError} If something cannot be written.
 *
 * Source: upstream's `main`.
 *
 * @example
 * ```ts ignore
 * import { parseConfig } from "./config.ts";
 * import { main } from "./visuals.ts";
 * const { outputs } = await main(parseConfig({
 *   ckpt: "sae.pt", data: { shardRoot: "shards" }, images: { kind: "image-folder", root: "pictures" }, dumpTo: "data",
 * }));
 * ```
 */
export async function main(asked: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary> {
  const filled = withDefaults(hooks);
  const watch = new Stopwatch();
  const start = performance.now();
  using job = await openAhead(asked.fromPictures ? await recordFirst(asked, filled) : asked, filled);
  const { config } = job;
  const pictures = await watch.time("open pictures", () => openMatchingPictures(job));
  try {
    return await inDirectory(job.directory, config, filled, async (hooks) => {
      const report = await dumpInto(job, hooks);
      job[Symbol.dispose]();
      const exported = await exportInto(job, hooks);
      if (config.study) await studyInto(job, pictures, hooks);
      const artifacts = await readArtifacts(report.directory, { percentile: config.percentile });
      try {
        // With `force` the artifacts are new, so examples that are there came with a study just now.
        const examples = await watch.time("examples", () => examplesInto(job, artifacts, { hooks }));
        const { directory } = job;
        const { latents, drawn } = await draw(config, { directory, artifacts, examples, pictures, hooks, watch });
        return {
          ...report,
          outputs: [`${report.directory}/index.html`, ...exported],
          latents,
          pictures: drawn,
          seconds: (performance.now() - start) / 1000,
          profile: { ...report.profile, ...watch.seconds },
        };
      } finally {
        artifacts.close();
      }
    });
  } finally {
    pictures.close();
  }
}

/** Records the layer that is read, and reads it from there. */
async function recordFirst(config: VisualsConfig, hooks: JobHooks): Promise<VisualsConfig> {
  const { outputs: [shardRoot] } = await recordActivations(recordingOf(config), hooks);
  return { ...config, data: { ...config.data, shardRoot } };
}
