/**
 * Turns a run into the viewer's files: a page, data scripts, and each distinct picture once.
 *
 * Files are made one by one as they are asked for, so memory does not grow with the number of latents.
 * @module
 */
import type { LatentExamples } from "../compute/interval_examples.ts";
import { type Fit, type PatchGrid, patchGrid } from "./fit.ts";
import {
  imagePages,
  labelAreas,
  runData,
  script,
  sketchPages,
  storedEntries,
  storedExamples,
} from "./_viewer_files.ts";
import { viewerPage } from "./_viewer_page.ts";
import { PictureShelf } from "./_viewer_pictures.ts";
import { dataPath, PAGE_LATENTS } from "./viewer/format.ts";

/** A file of the viewer. */
export interface ViewerFile {
  /** Path relative to the directory of `index.html`, with forward slashes. */
  readonly path: string;
  /** What it holds. */
  readonly bytes: Uint8Array;
  /** Which image it shows, if it is a picture. */
  readonly image?: number;
}

/** What the page has to know of a picture's file. */
export interface PictureSize {
  /** The file's format. */
  readonly type: "jpeg" | "png" | "webp";
  /** Width of the source picture in pixels (the stored one may be smaller). */
  readonly width: number;
  /** Height of the source picture in pixels. */
  readonly height: number;
}

/** A picture as it is stored: bytes a browser shows, or why there are none. */
export type StoredPicture =
  | PictureSize & {
    /** The file's bytes, without an orientation a browser would follow; see `storedPicture`. */
    readonly bytes: Uint8Array;
  }
  | {
    /** Why it cannot be shown, in words. */
    readonly failed: string;
  };

/** The same, or a picture whose file is in its place already, from a build that was interrupted: it has no bytes. */
export type ViewerPicture = StoredPicture | PictureSize & { readonly bytes?: undefined };

/** What a pass ended in; `readArtifacts` gives an object of this shape. */
export interface ViewerArtifacts {
  /** Latents. */
  readonly dSae: number;
  /** Entries per latent. */
  readonly k: number;
  /** Heatmap values per entry; 0 without heatmaps. */
  readonly patches: number;
  /** `f32 [dSae, k]`: ranking values, best first. */
  readonly rankValues: Float32Array;
  /** `u32 [dSae, k]`: image of each entry. */
  readonly topI: Uint32Array;
  /** `u32 [dSae, k]`: patch of each entry. */
  readonly topPatchI: Uint32Array;
  /** `u32 [dSae]`: valid entries. */
  readonly topCount: Uint32Array;
  /** `f32 [dSae]`: mean of the positive activations; NaN for a latent that never fired. */
  readonly meanValues: Float32Array;
  /** `f32 [dSae]`: fraction of rows on which the latent fires. */
  readonly sparsity: Float32Array;
  /** One latent's heatmaps: `f32 [k, patches]`; not called without heatmaps. */
  readTopValues(latent: number): Promise<Float32Array>;
  /** One latent's quantile sketch, `histogram: u32 [2048]`, with its extremes; undefined when there is none. */
  readSketch(
    latent: number,
  ): Promise<{ readonly histogram: Uint32Array; readonly min: number; readonly max: number } | undefined>;
}

/** A further number of every latent. */
export interface ViewerColumn {
  /** Names it in addresses and in `viewer/latents.js`: a letter, then at most 31 letters and digits. */
  readonly key: string;
  /** Heading, a word or two. */
  readonly name: string;
  /** What it is, in a sentence. */
  readonly about: string;
  /** Unit behind a value, such as `bits`. */
  readonly unit?: string;
  /** Whether it spreads over decades: then it is filtered by its log10. */
  readonly log?: boolean;
  /** `f32 [dSae]`; NaN where there is none. */
  readonly values: Float32Array;
}

/** Examples of the latents' ranges, from a sample of the images. */
export interface ViewerExamples {
  /** Images that were looked at. */
  readonly sampled: number;
  /** Equal parts of each latent's range. */
  readonly intervals: number;
  /** Those of a latent; heatmaps of `artifacts.patches` values each. Undefined for none. */
  of(latent: number): LatentExamples | undefined;
}

/** Everything the viewer shows. Text may hold anything: it is only ever shown as text. */
export interface ViewerRun {
  /** Names the run across builds, for example a hash of its configuration: notes in the browser belong to it. */
  readonly id: string;
  /** Names this build; a page that is served reloads its data when it changes. */
  readonly build: string;
  /** Heading. */
  readonly title: string;
  /** Facts, as name and value. */
  readonly summary: readonly (readonly [name: string, value: string])[];
  /** Plots beside the page: relative path and caption. */
  readonly plots?: readonly { readonly src: string; readonly caption: string }[];
  /** What entries are ranked by. */
  readonly sortBy: "patch" | "img" | "sum";
  /** Rows seen. */
  readonly rows: number;
  /** Pictures in the data set. */
  readonly images: number;
  /** The results. */
  readonly artifacts: ViewerArtifacts;
  /** Rows and columns of patches; square when left out. */
  readonly grid?: PatchGrid;
  /** How pictures are laid into the square that the patches tile; `square` when left out. */
  readonly fit?: Fit;
  /** Further numbers of every latent, in the order of the table's columns. */
  readonly columns?: readonly ViewerColumn[];
  /** Examples of the ranges of the chosen latents; without, pages show what the entries have of them. */
  readonly examples?: ViewerExamples;
  /** Latents whose pictures are stored, in order. */
  readonly chosen: readonly number[];
  /** Bounds of the selection by log10 firing rate. */
  readonly freqRange: readonly [number, number];
  /** Bounds of the selection by log10 mean activation. */
  readonly valueRange: readonly [number, number];
  /** Areas under the ROC curve of classes, largest first, by name: class, area, ends of its interval; empty for none. */
  areas?(latent: number): readonly (readonly [label: string, area: number, low: number, high: number])[];
  /** A picture's class; empty for none. */
  label(image: number): string;
  /** A picture's name. */
  name(image: number): string;
  /** A picture to store; called once for each distinct picture, up to {@linkcode PICTURES_AT_ONCE} of them at a time. */
  picture(image: number): Promise<ViewerPicture>;
}

/** Pictures that are asked for at the same time. */
export const PICTURES_AT_ONCE = 16;

const encoder = new TextEncoder();

/**
 * Makes the viewer's files, in the order in which a reader can make use of them: the page, the table of all latents,
 * then file by file the entries of the chosen latents with their pictures, then histograms of all latents.
 *
 * Pictures become `viewer/pictures/…`, data `viewer/…js`, and after each file of entries `viewer/state.json` says how
 * far it has come. `docs/viewer.md` describes the layout and the error of each quantity.
 *
 * @param run What to show.
 * @returns Files one by one; `viewer/state.json` comes several times, each replacing the last.
 * @throws {RangeError} If a chosen latent or the image of an entry or example is not an index, the patches do not fill the
 *   grid, a plot's path has a scheme or a host, or a column's key or length is wrong.
 *
 * Source: this system's own.
 *
 * @example
 * ```ts
 * import { buildViewer } from "./viewer_data.ts";
 * const none = new Float32Array(1);
 * const artifacts = {
 *   dSae: 1, k: 1, patches: 4, rankValues: none, topI: new Uint32Array(1), topPatchI: new Uint32Array(1),
 *   topCount: new Uint32Array(1), meanValues: none, sparsity: none,
 *   readTopValues: () => Promise.resolve(new Float32Array(4)), readSketch: () => Promise.resolve(undefined),
 * };
 * const paths: string[] = [];
 * const files = buildViewer({
 *   id: "a", build: "1", title: "None", summary: [], sortBy: "patch", rows: 4, images: 1, artifacts, chosen: [],
 *   freqRange: [-6, -2], valueRange: [-1, 1], label: () => "", name: () => "x.jpg",
 *   picture: () => Promise.resolve({ failed: "there is none" }),
 * });
 * for await (const { path } of files) paths.push(path);
 * console.assert(paths[0] === "index.html" && paths.includes("viewer/latents.js"));
 * ```
 */
export async function* buildViewer(run: ViewerRun): AsyncGenerator<ViewerFile, void, void> {
  const { artifacts, chosen } = run;
  for (const latent of chosen) {
    if (!Number.isInteger(latent) || latent < 0 || latent >= artifacts.dSae) {
      throw new RangeError(`Cannot show latent ${latent}: there are ${artifacts.dSae}`);
    }
  }
  const grid = artifacts.patches > 0 ? patchGrid(artifacts.patches, run.grid) : null;
  const text = (path: string, content: string): ViewerFile => ({ path, bytes: encoder.encode(content) });
  const pages = Math.ceil(chosen.length / PAGE_LATENTS);
  const state = (done: number, all = false): ViewerFile =>
    text("viewer/state.json", JSON.stringify({ build: run.build, pages: done, of: pages, done: all }) + "\n");

  const { data, labelOf } = runData(run, grid);
  yield text("index.html", viewerPage(run.title, run.plots ?? []));
  yield text(dataPath("latents", 0), script("latents", 0, data));
  yield state(0);
  const shelf = new PictureShelf(run, labelOf);
  for (let page = 0; page < pages; page++) {
    const latents = chosen.slice(page * PAGE_LATENTS, (page + 1) * PAGE_LATENTS);
    const entries = [];
    const images = new Set<number>();
    for (const latent of latents) {
      const found = await storedEntries(artifacts, latent);
      const areas = labelAreas(run, latent, data.labels);
      const examples = storedExamples(run, latent);
      entries.push({
        ...found.data,
        ...(areas.length === 0 ? {} : { areas }),
        ...(examples === undefined ? {} : { examples: examples.data }),
      });
      for (const image of [...found.images, ...examples?.images ?? []]) images.add(image);
    }
    const missing = [...images].filter((image) => !shelf.has(image));
    for (let at = 0; at < missing.length; at += PICTURES_AT_ONCE) {
      const part = missing.slice(at, at + PICTURES_AT_ONCE);
      const pictures = await Promise.all(part.map((image) => run.picture(image)));
      for (const [i, picture] of pictures.entries()) {
        const path = shelf.put(part[i], picture);
        if ("bytes" in picture && picture.bytes !== undefined) yield { path, bytes: picture.bytes, image: part[i] };
      }
    }
    const pictures = [...images].map((image) => shelf.data(image));
    yield text(dataPath("page", page), script("page", page, { latents: entries, pictures }));
    yield state(page + 1);
  }
  for (const [number, page] of imagePages(run, data.imageBucket)) {
    yield text(dataPath("images", number), script("images", number, page));
  }
  for await (const [number, page] of sketchPages(artifacts)) {
    yield text(dataPath("sketches", number), script("sketches", number, page));
  }
  yield state(pages, true);
}
