/**
 * The chosen latents' pictures as files: one per latent and image, the heatmap drawn into it.
 * @module
 */
import { chooseLatents } from "../compute/choose_latents.ts";
import { ArtifactError, ConfigError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { WriteBatch } from "../io/write_batch.ts";
import type { Heatmap } from "../render/draw_pictures.ts";
import { openRenderPool, type RenderPool } from "../render/render_pool.ts";
import type { JobHooks } from "./hooks.ts";
import { drawGroups } from "./draw_groups.ts";
import { drawSettings, pictureEnding, readPicture } from "./picture_files.ts";
import { PictureLedger } from "./picture_ledger.ts";
import { PictureMaps } from "./picture_maps.ts";

/** Heatmaps held at a time, in bytes of their values, and entries: latents are drawn in groups of no more. */
const GROUP_BYTES = 128 * 2 ** 20;
/** See {@linkcode GROUP_BYTES}. */
const GROUP_ENTRIES = 2 ** 17;

/** Pictures from which it is worth starting workers. */
const WORKERS_FROM = 16;

/** Pictures under way for every thread, so that none waits for a file. */
const AHEAD = 3;

/** The latents that a configuration picks from artifacts. */
export function chosenLatents(config: VisualsConfig, artifacts: StoredArtifacts): number[] {
  const beyond = config.includeLatents.find((latent) => latent >= artifacts.dSae);
  if (beyond !== undefined) {
    throw new ConfigError(
      `--include-latents names latent ${beyond}, but the autoencoder has latents 0 to ${artifacts.dSae - 1}`,
      { path: "includeLatents" },
    );
  }
  const { sparsity, meanValues } = artifacts;
  const { logFreqRange, logValueRange, includeLatents, nLatents, seed } = config;
  return chooseLatents({ sparsity, meanValues, logFreqRange, logValueRange, includeLatents, nLatents, seed });
}

/** One picture of a latent: an image appears once per latent, at its best rank. */
interface Shown {
  readonly latent: number;
  /** Path of its files from the directory, without their ending: the latent, and the number among its pictures. */
  readonly path: string;
  /** Ending of the picture's file. */
  readonly ending: "png" | "jpg";
  readonly rank: number;
  readonly image: number;
  /** Heatmap and its scale; set when the latent's group is read. */
  values: Float32Array;
  upper: number;
  failed: string | undefined;
}

/** What one rendering works with. */
interface Rendering {
  readonly pictures: PictureSource;
  readonly directory: string;
  readonly hooks: JobHooks;
  readonly batch: WriteBatch;
  readonly ledger: PictureLedger;
  readonly maps: PictureMaps;
  /** Starts the threads when the first picture has to be drawn. */
  readonly pool: () => Promise<RenderPool>;
  /** Told of every entry that is done, and of what could not be read. */
  readonly report: (count: number, image: number, failed: string | undefined) => void;
}

/**
 * Draws every chosen latent: `neurons/{latent}/{j}.png` or `.jpg`, `{j}.txt` and `metadata.json` below `directory`, and
 * `pictures.json` with the map of each picture to its patches; with `render: "viewer-only"` nothing, and what an earlier job
 * drew there is removed.
 *
 * Latents are drawn in groups, of which most jobs have one, and each distinct picture of a group is read, decoded and laid out
 * once; {@linkcode drawGroups} keeps latents that share pictures together. A file is whole under its name or absent; a latent's
 * `metadata.json` comes after its pictures are durable, so where it is, they are.
 *
 * @param latents As {@linkcode chosenLatents} gives them.
 * @returns How many pictures there are; none when none were drawn.
 * @throws {ArtifactError} If something cannot be written.
 */
export async function renderLatents(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  options: {
    latents: readonly number[];
    pictures: PictureSource;
    directory: string;
    hooks: JobHooks;
  },
): Promise<number> {
  const { latents, pictures, directory, hooks } = options;
  const ending = pictureEnding(config);
  const shown = latents.map((latent) =>
    ending === undefined ? [] : distinctImages(artifacts, latent, pictures.length, ending)
  );
  const total = shown.reduce((sum, entries) => sum + entries.length, 0);
  const ledger = await PictureLedger.open(config, { manifest: artifacts.manifest, directory, hooks });
  const failures = new Set<number>();
  let opened: Promise<RenderPool> | undefined;
  let done = 0;
  const rendering: Rendering = {
    ...options,
    batch: new WriteBatch(),
    ledger,
    maps: await PictureMaps.read(ledger.keeps ? [directory] : []),
    pool: () =>
      opened ??= openRenderPool(drawSettings(config), {
        threads: total < WORKERS_FROM ? 1 : config.nWorkers,
        permissions: hooks.workerPermissions,
      }),
    report: (count, image, failed) => {
      done += count;
      hooks.progress({ stage: "render", done, total, unit: "pictures" });
      if (failed === undefined || failures.has(image)) return;
      failures.add(image);
      hooks.log(`${failed}; a placeholder is shown`, "warn");
    },
  };
  const { batch, maps } = rendering;
  if (ending !== undefined) hooks.progress({ stage: "render", done, total, unit: "pictures" });
  try {
    const most = Math.min(GROUP_ENTRIES, Math.floor(GROUP_BYTES / (4 * Math.max(1, artifacts.patches))));
    for (const group of drawGroups(shown.map((entries) => entries.map(({ image }) => image)), most)) {
      const missing: Shown[] = [];
      for (const position of group.latents) {
        const some = await missingOf(shown[position], rendering);
        await readHeatmaps(artifacts, some);
        missing.push(...some);
      }
      await drawGroup(group.images, missing, rendering);
      await batch.flush();
      for (const position of group.latents) {
        const latent = latents[position];
        const log10Freq = finiteLog10(artifacts.sparsity[latent]);
        const log10Value = finiteLog10(artifacts.meanValues[latent]);
        const facts = { neuron: latent, log10_freq: log10Freq, log10_value: log10Value };
        if (ending !== undefined) {
          await batch.add(`${directory}/neurons/${latent}/metadata.json`, JSON.stringify(facts));
        }
      }
    }
    await batch.flush();
    if (ending !== undefined) await maps.write(directory, config, artifacts.patches);
    await ledger.finish();
  } finally {
    (await opened?.catch(() => undefined))?.close();
    await batch.discard();
  }
  if (failures.size > 0) {
    hooks.log(`${failures.size} of the pictures could not be read and are shown as placeholders`, "warn");
  }
  return total;
}

/** The pictures that are not there yet; those that are count as done. */
async function missingOf(entries: readonly Shown[], { ledger, report }: Rendering): Promise<Shown[]> {
  const missing: Shown[] = [];
  for (const entry of entries) {
    if (!await ledger.has(entry.path, entry.ending)) {
      missing.push(entry);
      continue;
    }
    entry.failed = ledger.failure(entry.image);
    report(1, entry.image, entry.failed);
  }
  return missing;
}

/** Draws the pictures of some latents, each distinct one once, several at a time; finds the size of those that are there. */
async function drawGroup(images: readonly number[], missing: readonly Shown[], rendering: Rendering): Promise<void> {
  const { pictures, directory, hooks, batch, ledger, maps, report } = rendering;
  const showsOf = Map.groupBy(missing, ({ image }) => image);
  const isWanted = (image: number): boolean =>
    showsOf.has(image) || !maps.has(image) && ledger.failure(image) === undefined;
  const wanted = images.filter(isWanted).values();
  const next = async (pool: RenderPool): Promise<void> => {
    for (const image of wanted) {
      hooks.signal?.throwIfAborted();
      const shows = showsOf.get(image) ?? [];
      const drawn = await pool.draw(image, () => readPicture(pictures, image), shows.map(heatmapOf));
      const { files, failed, size } = drawn;
      if (size !== undefined) maps.set(image, size);
      if (failed !== undefined) await ledger.noteFailure(image, failed);
      for (const [i, show] of shows.entries()) {
        show.failed = failed;
        await batch.add(`${directory}/${show.path}.${show.ending}`, files[i]);
        await batch.add(`${directory}/${show.path}.txt`, `${pictures.label(image)}\n`);
      }
      report(shows.length, image, failed);
    }
  };
  if (!images.some(isWanted)) return;
  const pool = await rendering.pool();
  const lanes = await Promise.allSettled(Array.from({ length: AHEAD * pool.threads }, () => next(pool)));
  for (const lane of lanes) if (lane.status === "rejected") throw lane.reason;
}

/** What crosses to a worker, and no more. */
function heatmapOf({ values, upper }: Shown): Heatmap {
  return { values, upper };
}

/** The distinct images among a latent's valid entries, in rank order. */
function distinctImages(
  artifacts: StoredArtifacts,
  latent: number,
  nImages: number,
  ending: Shown["ending"],
): Shown[] {
  const { k, topCount, topI } = artifacts;
  const seen = new Set<number>();
  const entries: Shown[] = [];
  for (let rank = 0; rank < topCount[latent]; rank++) {
    const image = topI[latent * k + rank];
    if (seen.has(image)) continue;
    if (image >= nImages) {
      const { directory } = artifacts;
      throw new ArtifactError(
        `Cannot use ${directory}: latent ${latent} ranks image ${image}, and there are ${nImages} pictures; ` +
          "compute the artifacts again with --force",
        { path: directory },
      );
    }
    seen.add(image);
    const path = `neurons/${latent}/${entries.length}`;
    entries.push({ latent, path, ending, rank, image, values: new Float32Array(0), upper: 0, failed: undefined });
  }
  return entries;
}

/** Fills in the heatmaps of one latent's entries. */
async function readHeatmaps(artifacts: StoredArtifacts, entries: readonly Shown[]): Promise<void> {
  if (entries.length === 0) return;
  const { patches } = artifacts;
  const topValues = await artifacts.readTopValues(entries[0].latent);
  // Ranking values of sums lie above any single patch, so the scale comes from the heatmaps themselves.
  const upper = topValues.reduce((max, value) => Math.max(max, value), 0);
  for (const entry of entries) {
    // A copy: a view would take all of the latent's values along to a worker.
    entry.values = topValues.slice(entry.rank * patches, (entry.rank + 1) * patches);
    entry.upper = upper;
  }
}

/** JSON has no NaN: a latent that never fires has no logarithms. */
function finiteLog10(value: number): number | null {
  const log = Math.log10(value);
  return Number.isFinite(log) ? log : null;
}
