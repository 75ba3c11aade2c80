/**
 * From artifacts to the page: latents are chosen and drawn, the plots and the page written.
 * @module
 */
import { DatasetError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import { atomicWrite } from "../io/atomic_write.ts";
import { openPictures } from "../io/datasets/open_pictures.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { renderIndexPage } from "../render/page.ts";
import type { OpenedDump } from "./dump.ts";
import type { JobHooks, Stopwatch } from "./hooks.ts";
import { pageData } from "./page_data.ts";
import { plotDistributions } from "./plot_distributions.ts";
import { chosenLatents, renderLatents } from "./render_latents.ts";

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

/** Chooses latents, draws them, the plots and the page. */
export async function draw(
  config: VisualsConfig,
  job: { directory: string; artifacts: StoredArtifacts; pictures: PictureSource; hooks: JobHooks; watch: Stopwatch },
): Promise<{ latents: number; drawn: number }> {
  const { artifacts, pictures, hooks, watch, directory } = job;
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
  const plot = await watch.time("plot", () => plotDistributions(config, artifacts, directory));
  await watch.time(
    "page",
    async () =>
      await atomicWrite(`${directory}/index.html`, renderIndexPage(pageData(config, artifacts, { pages, plot }))),
  );
  return { latents: latents.length, drawn: pages.reduce((sum, page) => sum + page.pictures.length, 0) };
}
