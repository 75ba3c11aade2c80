/**
 * From artifacts to what a researcher looks at: latents are chosen, the viewer written, pictures and plots drawn.
 * @module
 */
import { DatasetError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import { openPictures } from "../io/datasets/open_pictures.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredExamples } from "../io/examples_file.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import type { OpenedDump } from "./dump.ts";
import type { JobHooks, Stopwatch } from "./hooks.ts";
import { distributionsName, plotDistributions } from "./plot_distributions.ts";
import { chosenLatents, renderLatents } from "./render_latents.ts";
import { shownEntries } from "./shown_entries.ts";
import { writeViewer } from "./write_viewer.ts";

/**
 * Opens the pictures.
 *
 * Pictures and activations must be of the same data set; their numbers are the one thing that can be compared.
 *
 * @throws {DatasetError} If there are more or fewer pictures than images.
 */
export async function openMatchingPictures({ config, inputs }: OpenedDump): Promise<PictureSource> {
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

/**
 * Chooses latents, writes the viewer, draws pictures and plots.
 *
 * The viewer comes first: it shows everything soonest, and a browser may follow while the rest is drawn.
 */
export async function draw(
  config: VisualsConfig,
  job: {
    directory: string;
    artifacts: StoredArtifacts;
    examples: StoredExamples | undefined;
    pictures: PictureSource;
    hooks: JobHooks;
    watch: Stopwatch;
  },
): Promise<{ latents: number; drawn: number }> {
  const { pictures, hooks, watch, directory, examples } = job;
  const latents = chosenLatents(config, job.artifacts);
  if (latents.length === 0) {
    hooks.log(
      "No latent lies within --log-freq-range and --log-value-range; widen them, or see the page's plot",
      "warn",
    );
  }
  const shown = { latents, pictures, directory, hooks };
  const artifacts = await watch.time("compare pictures", () => shownEntries(config, job.artifacts, shown));
  const plot = distributionsName(config, artifacts);
  const viewer = await watch.time("viewer", () => writeViewer(config, artifacts, { ...shown, plot, examples }));
  const drawn = await watch.time("render", () => renderLatents(config, artifacts, shown));
  // After the pictures, which take every core and are what the user came for.
  await watch.time("plot", () => plotDistributions(config, artifacts, directory));
  if (config.render !== "viewer-only") return { latents: latents.length, drawn };
  // Drawing would have said so.
  for (const reason of viewer.failed.values()) hooks.log(`${reason}; the page says so in its place`, "warn");
  return { latents: latents.length, drawn: viewer.pictures };
}
