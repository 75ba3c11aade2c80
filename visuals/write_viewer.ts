/**
 * Writes the viewer's files, so that a browser can follow, and a job that was cut off can go on.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import { removeFile, removeTemporaries } from "../io/atomic_write.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import { isDirectory, listDirectory, readSmallFile } from "../io/open_file.ts";
import type { StoredExamples } from "../io/examples_file.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { WriteBatch } from "../io/write_batch.ts";
import { buildViewer, PICTURES_AT_ONCE } from "../render/viewer_data.ts";
import { picturePath } from "../render/viewer/format.ts";
import type { JobHooks } from "./hooks.ts";
import { ViewerPictures } from "./viewer_pictures.ts";
import { viewerRun } from "./viewer_run.ts";

const STATE_NAME = "viewer/state.json";
const MAX_STATE_BYTES = 1 << 16;
/** Folders of data scripts, and what is written there. */
const DATA_FOLDERS = ["viewer/latents", "viewer/sketches", "viewer/images"];
const OWN_SCRIPT = /^\d{4,}\.js$/;

/** What is written from, and where. */
export interface ViewerJob {
  /** As `chosenLatents` gives them. */
  readonly latents: readonly number[];
  readonly pictures: PictureSource;
  readonly directory: string;
  readonly hooks: JobHooks;
}

/** What became of the pictures. */
export interface ViewerReport {
  /** Distinct pictures among the latents' entries. */
  readonly pictures: number;
  /** Those that could not be read, and why. */
  readonly failed: ReadonlyMap<number, string>;
}

/**
 * Writes `index.html` and `viewer/`, in the order in which a browser can use them: page and table first, then file by file the
 * entries with their pictures, each announced by `viewer/state.json`. Memory does not grow with the number of latents.
 *
 * What an earlier build left and this one does not write is removed, data of other latents before anything else.
 *
 * @param job.plot Name of the plot beside the page, which may be drawn later.
 * @param job.examples Examples of the latents' ranges, if there are any.
 * @throws {ArtifactError} If something cannot be written, or an entry's image is not among the pictures.
 */
export async function writeViewer(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  job: ViewerJob & { readonly plot: string | undefined; readonly examples: StoredExamples | undefined },
): Promise<ViewerReport> {
  const { directory, hooks, latents } = job;
  const run = await viewerRun(config, artifacts, job);
  const isShown = shownImages(artifacts, latents, job.pictures.length, job.examples);
  await clearData(directory, run.build);
  const written = new Set<string>();
  return await withPictures(config, job, isShown, async (stored, batch) => {
    for await (const file of buildViewer({ ...run, picture: (image) => stored.get(image) })) {
      hooks.signal?.throwIfAborted();
      await batch.add(`${directory}/${file.path}`, file.bytes);
      if (file.image !== undefined) stored.added(file.image);
      else written.add(file.path);
      if (file.path === STATE_NAME) await stored.keep(batch);
    }
    await batch.flush();
    await sweepData(directory, (path) => written.has(path));
    await stored.sweep((image) => isShown[image] === 1);
  });
}

/**
 * Stores the pictures of some latents without the page: what a part of a render does for the whole.
 *
 * @throws {ArtifactError} If something cannot be written.
 */
export async function storeViewerPictures(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  job: ViewerJob,
): Promise<ViewerReport> {
  const isShown = shownImages(artifacts, job.latents, job.pictures.length);
  return await withPictures(config, job, isShown, async (stored, batch) => {
    const images = Array.from(isShown.keys()).filter((image) => isShown[image] === 1);
    for (let at = 0; at < images.length; at += PICTURES_AT_ONCE) {
      const part = images.slice(at, at + PICTURES_AT_ONCE);
      const found = await Promise.all(part.map((image) => stored.get(image)));
      for (const [i, picture] of found.entries()) {
        if ("failed" in picture || picture.bytes === undefined) continue;
        const path = picturePath(part[i], picture.type === "jpeg" ? "jpg" : picture.type);
        await batch.add(`${job.directory}/${path}`, picture.bytes);
        stored.added(part[i]);
      }
      await stored.keep(batch);
    }
  });
}

/** Runs `work` on the stored pictures, and records what is there however it ends. */
async function withPictures(
  config: VisualsConfig,
  job: ViewerJob,
  isShown: Uint8Array,
  work: (stored: ViewerPictures, batch: WriteBatch) => Promise<void>,
): Promise<ViewerReport> {
  const pictures = isShown.reduce((sum, shown) => sum + shown, 0);
  const stored = await ViewerPictures.open(config, job);
  const batch = new WriteBatch();
  try {
    stored.begin(pictures);
    await work(stored, batch);
    await stored.keep(batch, { now: true });
    return { pictures, failed: stored.failures };
  } catch (error) {
    // Whoever stopped the job wants it to go on later; a disk that refuses has been named by the error already.
    await stored.keep(batch, { now: true }).catch(() => undefined);
    throw error;
  } finally {
    stored.close();
    await batch.discard();
  }
}

/** `u8 [images]`: 1 for each image among the latents' entries, or their examples. */
function shownImages(
  { k, topI, topCount }: StoredArtifacts,
  latents: readonly number[],
  nImages: number,
  examples?: StoredExamples,
): Uint8Array {
  const shown = new Uint8Array(nImages);
  for (const latent of latents) {
    for (const image of topI.subarray(latent * k, latent * k + topCount[latent])) shown[image] = 1;
    for (const image of examples?.of(latent)?.image ?? []) shown[image] = 1;
  }
  return shown;
}

/** Removes the data of another build: its files have the same names. */
async function clearData(directory: string, build: string): Promise<void> {
  const bytes = await readSmallFile(`${directory}/${STATE_NAME}`, MAX_STATE_BYTES);
  let found: unknown;
  try {
    found = bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes))?.build;
  } catch {
    found = undefined;
  }
  await sweepData(directory, () => found === build);
  await removeTemporaries(`${directory}/viewer`);
}

async function sweepData(directory: string, isKept: (path: string) => boolean): Promise<void> {
  for (const folder of DATA_FOLDERS) {
    if (!await isDirectory(`${directory}/${folder}`)) continue;
    await removeTemporaries(`${directory}/${folder}`);
    for (const name of await listDirectory(`${directory}/${folder}`)) {
      if (OWN_SCRIPT.test(name) && !isKept(`${folder}/${name}`)) await removeFile(`${directory}/${folder}/${name}`);
    }
  }
}
