/**
 * From artifacts to what a researcher looks at: the chosen latents' pictures, the plots, the page.
 * @module
 */
import { chooseLatents } from "../compute/choose_latents.ts";
import { ConfigError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import { atomicWrite } from "../io/atomic_write.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { encodePng } from "../render/encode_png.ts";
import { drawHeatmap } from "../render/heatmap.ts";
import type { PageLatent, PagePicture } from "../render/page.ts";
import type { JobHooks } from "./hooks.ts";
import { PictureCache } from "./picture_cache.ts";

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

/** One entry that is shown: an image appears once per latent, at its best rank. */
interface Shown {
  readonly rank: number;
  readonly image: number;
}

/**
 * Draws every chosen latent: `neurons/{latent}/{j}.png`, `{j}.txt` and `metadata.json` below `directory`.
 *
 * @param latents As {@linkcode chosenLatents} gives them.
 * @returns What the page needs, in the same order.
 * @throws {ArtifactError} If something cannot be written.
 */
export async function renderLatents(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  options: { latents: readonly number[]; pictures: PictureSource; directory: string; hooks: JobHooks },
): Promise<PageLatent[]> {
  const { latents, pictures, hooks } = options;
  const cache = new PictureCache(pictures, config);
  const shown = latents.map((latent) => distinctImages(artifacts, latent));
  const total = shown.reduce((sum, entries) => sum + entries.length, 0);
  const failures = new Set<number>();
  const pages: PageLatent[] = [];
  let done = 0;
  for (const [i, latent] of latents.entries()) {
    const folder = `${options.directory}/neurons/${latent}`;
    const topValues = await artifacts.readTopValues(latent);
    // Ranking values of sums lie above any single patch, so the scale comes from the heatmaps themselves.
    const upper = topValues.reduce((max, value) => Math.max(max, value), 0);
    const drawn: PagePicture[] = [];
    for (const [j, { rank, image }] of shown[i].entries()) {
      hooks.signal?.throwIfAborted();
      const { picture, failed } = await cache.get(image);
      if (failed !== undefined && !failures.has(image)) {
        failures.add(image);
        hooks.log(`${failed}; a placeholder is shown`, "warn");
      }
      const values = topValues.subarray(rank * artifacts.patches, (rank + 1) * artifacts.patches);
      const grid = config.grid === undefined ? undefined : { rows: config.grid[0], cols: config.grid[1] };
      const heat = failed === undefined
        ? drawHeatmap(picture, values, { upper, grid, epsilon: config.epsilon })
        : picture;
      await atomicWrite(`${folder}/${j}.png`, await encodePng(heat));
      await atomicWrite(`${folder}/${j}.txt`, `${pictures.label(image)}\n`);
      drawn.push({
        src: `neurons/${latent}/${j}.png`,
        image,
        label: pictures.label(image),
        name: pictures.name(image),
        value: artifacts.rankValues[latent * artifacts.k + rank],
        rank: rank + 1,
        ...(failed === undefined ? {} : { failed }),
      });
      hooks.progress({ stage: "render", done: ++done, total, unit: "pictures" });
    }
    const log10Freq = finiteLog10(artifacts.sparsity[latent]);
    const log10Value = finiteLog10(artifacts.meanValues[latent]);
    const facts = { neuron: latent, log10_freq: log10Freq, log10_value: log10Value };
    await atomicWrite(`${folder}/metadata.json`, JSON.stringify(facts));
    pages.push(await pageOf(artifacts, latent, { log10Freq, log10Value, pictures: drawn }));
  }
  if (failures.size > 0) {
    hooks.log(`${failures.size} of the pictures could not be read and are shown as placeholders`, "warn");
  }
  return pages;
}

/** The distinct images among a latent's valid entries, in rank order. */
function distinctImages(artifacts: StoredArtifacts, latent: number): Shown[] {
  const { k, topCount, topI } = artifacts;
  const seen = new Set<number>();
  const entries: Shown[] = [];
  for (let rank = 0; rank < topCount[latent]; rank++) {
    const image = topI[latent * k + rank];
    if (seen.has(image)) continue;
    seen.add(image);
    entries.push({ rank, image });
  }
  return entries;
}

async function pageOf(
  artifacts: StoredArtifacts,
  latent: number,
  facts: Pick<PageLatent, "log10Freq" | "log10Value" | "pictures">,
): Promise<PageLatent> {
  const sketch = await artifacts.readSketch(latent);
  if (sketch === undefined) return { latent, ...facts, count: 0 };
  // The sketch counts every firing once, so its total is exact where the rate, an f32, is not.
  const count = sketch.histogram.reduce((sum, n) => sum + n, 0);
  return { latent, ...facts, count, sketch: { ...sketch, offset: 0 } };
}

/** JSON has no NaN: a latent that never fires has no logarithms. */
function finiteLog10(value: number): number | null {
  const log = Math.log10(value);
  return Number.isFinite(log) ? log : null;
}
