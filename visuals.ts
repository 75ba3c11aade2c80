/**
 * The story of a job: open the inputs, rank, write; then choose latents, draw, and lay out the page.
 *
 * The steps are in `visuals/`, one file each. This file and those are the only ones that know io, compute and render.
 * @module
 */
import { openPictures } from "./io/datasets/open_pictures.ts";
import { DatasetError } from "./compute/errors.ts";
import { readArtifacts, type StoredArtifacts } from "./io/read_artifacts.ts";
import { atomicWrite } from "./io/atomic_write.ts";
import { renderIndexPage } from "./render/page.ts";
import type { VisualsConfig } from "./config/types.ts";
import type { PictureSource } from "./io/datasets/picture_source.ts";
import { dumpInto, type DumpReport, openDump, type OpenedDump } from "./visuals/dump.ts";
import { inDirectory } from "./visuals/in_directory.ts";
import { type JobHooks, Stopwatch, withDefaults } from "./visuals/hooks.ts";
import { pageData } from "./visuals/page_data.ts";
import { startPlot } from "./visuals/plot_distributions.ts";
import { chosenLatents, renderLatents } from "./visuals/render_latents.ts";
import type { JobSummary } from "./visuals/report.ts";

export { dumpActivations, type DumpReport, getTopkImg, getTopkPatch } from "./visuals/dump.ts";
export { checkInputs, type CheckReport } from "./visuals/check_inputs.ts";
export { type Inspection, inspectPath, type InspectRequest } from "./visuals/inspect_path.ts";
export type { JobHooks, Progress } from "./visuals/hooks.ts";
export { type OnlineQuantileTest, testOnlineQuantileEstimation } from "./visuals/online_quantile.ts";
export { planJob } from "./visuals/plan_job.ts";
export type { JobPlan, JobSummary } from "./visuals/report.ts";

/**
 * Does everything: computes the artifacts unless fitting ones are there, chooses latents, draws them.
 *
 * Writes below `dumpTo/sort_by_{sortBy}/`: the artifacts, `neurons/{latent}/{j}.png`, `{j}.txt`, `metadata.json`, the
 * distribution plots, and `index.html`, which shows it all and opens from disk.
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
  const job = await openDump(asked);
  const { config } = job;
  const pictures = await watch.time("open pictures", () => openMatchingPictures(job));
  try {
    return await inDirectory(job.directory, config, filled, async (hooks) => {
      const report = await dumpInto(job, hooks);
      const artifacts = await readArtifacts(report.directory, { percentile: config.percentile });
      try {
        const { latents, drawn } = await draw(config, { report, artifacts, pictures, hooks, watch });
        return {
          ...report,
          outputs: [`${report.directory}/index.html`],
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

/** Pictures and activations must be of the same data set; their numbers are the one thing that can be compared. */
async function openMatchingPictures({ config, inputs }: OpenedDump): Promise<PictureSource> {
  const { nImages, root } = inputs.shards;
  const pictures = await openPictures(config.images);
  if (pictures.length !== nImages) {
    pictures.close();
    throw new DatasetError(
      `${config.images.root} holds ${pictures.length} pictures, but ${root} was recorded from ${nImages}: ` +
        `give the data set (--images.root, --images.split) that the activations were recorded from`,
      { path: config.images.root },
    );
  }
  return pictures;
}

async function draw(
  config: VisualsConfig,
  job: { report: DumpReport; artifacts: StoredArtifacts; pictures: PictureSource; hooks: JobHooks; watch: Stopwatch },
): Promise<{ latents: number; drawn: number }> {
  const { artifacts, pictures, hooks, watch, report: { directory } } = job;
  const latents = chosenLatents(config, artifacts);
  if (latents.length === 0) {
    hooks.log(
      "No latent lies within --log-freq-range and --log-value-range; widen them, or see the page's plot",
      "warn",
    );
  }
  const pages = await watch.time(
    "render",
    () => renderLatents(config, artifacts, { latents, pictures, directory, hooks }),
  );
  // After the pictures, which take every core and are what the user came for.
  const plot = await watch.time("plot", () => startPlot(config, artifacts, { directory, hooks }));
  await watch.time(
    "page",
    async () =>
      await atomicWrite(
        `${directory}/index.html`,
        renderIndexPage(pageData(config, artifacts, { pages, plot: plot?.src })),
      ),
  );
  await watch.time("plot", () => plot?.written);
  return { latents: latents.length, drawn: pages.reduce((sum, page) => sum + page.pictures.length, 0) };
}
