/**
 * Loads the data scripts, each once and when it is needed, and keeps them decoded.
 * @module
 */
/// <reference lib="dom" />
import { type Bars, decodeHeatmaps, decodeHistogram, floats, fromBase64, shorts, words } from "./codec.ts";
import {
  type DataKind,
  dataPath,
  type EntriesData,
  type ExamplesData,
  type ImagesData,
  type LabelArea,
  MARKED_QUANTILES,
  PAGE_LATENTS,
  type PageData,
  type PictureData,
  picturePath,
  type RunData,
  SKETCH_LATENTS,
  type SketchData,
  TABLE_LABELS,
  VIEWER_FORMAT,
} from "./format.ts";
import { tableColumns } from "./columns.ts";
import type { LatentColumns } from "./list_latents.ts";

/** The run, decoded. */
export interface Run extends LatentColumns {
  /** As it was written. */
  readonly data: RunData;
  /** Patches per picture; 0 without heatmaps. */
  readonly patches: number;
  /** Position of each chosen latent. */
  readonly position: ReadonlyMap<number, number>;
  /** `f32 [dSae]`: fraction of rows on which each latent fires. */
  readonly frequency: Float32Array;
  /** `f32 [dSae]`: mean of the positive activations. */
  readonly mean: Float32Array;
  /** Pictures of the data set with each label. */
  readonly labelTotals: Uint32Array;
}

/** A picture. */
export interface Picture {
  /** Its index in the data set. */
  readonly image: number;
  /** Index of its label. */
  readonly label: number;
  /** Its name. */
  readonly name: string;
  /** Source width in pixels. */
  readonly width: number;
  /** Source height in pixels. */
  readonly height: number;
  /** Path below the page; empty when it could not be read. */
  readonly src: string;
  /** Source pixels to the patches' unit square. */
  readonly affine: readonly [number, number, number, number];
  /** Why there is no picture. */
  readonly failed: string | undefined;
}

/** A latent's entries, decoded. */
export interface Entries {
  /** The latent. */
  readonly latent: number;
  /** What level 255 stands for. */
  readonly upper: number;
  /** `u32 [n]`. */
  readonly image: Uint32Array;
  /** `u16 [n]`. */
  readonly patch: Uint16Array;
  /** `f32 [n]`. */
  readonly value: Float32Array;
  /** `u8 [n, patches]`. */
  readonly levels: Uint8Array;
  /** Areas of labels; empty when they were not measured. */
  readonly areas: readonly LabelArea[];
  /** Pictures by image. */
  readonly pictures: ReadonlyMap<number, Picture>;
  /** Sampled pictures from all of its range, weakest first; undefined when there are none. */
  readonly examples?: Examples | undefined;
}

/** Examples, which are shown as entries are. */
export interface Examples extends Entries {
  /** `u8 [n]`: part of the range, from 1. */
  readonly interval: Uint8Array;
}

/** A histogram and its marked quantiles. */
export interface Histogram {
  /** Its bars. */
  readonly bars: Bars;
  /** Values of the marked quantiles. */
  readonly quantiles: Float32Array;
}

/** Decoded files of entries kept in memory: 16 latents each. */
const MAX_PAGES = 24;

interface Page {
  readonly byLatent: ReadonlyMap<number, Entries>;
}

/** Policy under which scripts are loaded: data files of this page and nothing else. */
function scriptUrl(path: string): string {
  const allowed = /^viewer\/(?:latents|(?:latents|sketches|images)\/\d{4,9})\.js(?:\?v=[\w.-]{1,80})?$/;
  const check = (text: string): string => {
    if (!allowed.test(text)) throw new TypeError("Not a data file");
    return text;
  };
  policy ??= (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("saev-viewer", {
    createScriptURL: check,
  }) ?? { createScriptURL: check };
  return policy.createScriptURL(path) as string;
}
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(text: string): string },
  ): { createScriptURL(text: string): unknown };
}
let policy: { createScriptURL(text: string): unknown } | undefined;

/** Loads and keeps data. */
export class Store {
  #run: Run | undefined;
  #build = "";
  #received = new Map<string, unknown>();
  #pages = new Map<number, Promise<Page>>();
  #sketches = new Map<number, Promise<SketchData | undefined>>();
  #images = new Map<number, Promise<ImagesData>>();

  /** Lets data scripts deliver. */
  constructor() {
    Object.defineProperty(globalThis, "saevViewer", {
      value: (kind: string, number: number, data: unknown) => this.#received.set(`${kind} ${number}`, data),
    });
  }

  /** The run; `open` loads it. */
  get run(): Run {
    return this.#run!;
  }

  /** Loads the run's table, again when a new build is named. */
  async open(build = ""): Promise<Run> {
    this.#build = build;
    const data = await this.#load<RunData>("latents", 0);
    if (data.format !== VIEWER_FORMAT) {
      throw new Error(`The data are of format ${data.format}, this page reads ${VIEWER_FORMAT}`);
    }
    this.#build = data.build;
    this.#pages.clear();
    this.#sketches.clear();
    this.#images.clear();
    const chosen = words(data.chosen);
    const common = words(data.common);
    const [frequency, mean] = [floats(data.frequency), floats(data.mean)];
    this.#run = {
      data,
      dSae: data.dSae,
      patches: data.grid === null ? 0 : data.grid.rows * data.grid.cols,
      chosen,
      position: new Map(Array.from(chosen, (latent, i) => [latent, i])),
      frequency,
      mean,
      columns: tableColumns(data, { frequency, mean }),
      labelTotals: words(data.labelTotals),
      labelsOf: (latent) =>
        Array.from(common.subarray(latent * TABLE_LABELS, (latent + 1) * TABLE_LABELS))
          .filter((label) => label > 0).map((label) => data.labels[label - 1]),
    };
    return this.#run;
  }

  /** A chosen latent's entries; undefined for a latent that was not chosen. */
  async entries(latent: number): Promise<Entries | undefined> {
    const position = this.run.position.get(latent);
    if (position === undefined) return undefined;
    const number = Math.floor(position / PAGE_LATENTS);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = this.#load<PageData>("page", number).then((data) => this.#decode(data));
      // What failed may be there later, when a run goes on.
      page.catch(() => this.#pages.delete(number));
    }
    this.#pages.delete(number);
    this.#pages.set(number, page);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) break;
      this.#pages.delete(oldest);
    }
    return (await page).byLatent.get(latent);
  }

  /** A latent's histogram; undefined when it never fires or the run has none. */
  async histogram(latent: number): Promise<Histogram | undefined> {
    const number = Math.floor(latent / SKETCH_LATENTS);
    let page = this.#sketches.get(number);
    if (page === undefined) {
      page = this.#load<SketchData>("sketches", number).catch(() => undefined);
      this.#sketches.set(number, page);
      page.then((found) => found === undefined && this.#sketches.delete(number));
    }
    const data = await page;
    const at = latent % SKETCH_LATENTS;
    const bars = data === undefined ? undefined : decodeHistogram(data.histograms[at]);
    if (bars === undefined) return undefined;
    const n = MARKED_QUANTILES.length;
    return { bars, quantiles: floats(data!.quantiles).subarray(at * n, (at + 1) * n) };
  }

  /** Chosen latents that have an image among their entries or examples. */
  async latentsOf(image: number): Promise<readonly number[]> {
    const number = Math.floor(image / this.run.data.imageBucket);
    let page = this.#images.get(number);
    if (page === undefined) {
      page = this.#load<ImagesData>("images", number);
      page.catch(() => this.#images.delete(number));
      this.#images.set(number, page);
    }
    return (await page)[String(image)] ?? [];
  }

  #decode({ latents, pictures }: PageData): Page {
    const all = new Map(pictures.map((data) => [data[0], decodePicture(data)]));
    return {
      byLatent: new Map(latents.map((data) => {
        const { latent, areas = [], examples } = data;
        const shared = { latent, areas, pictures: all };
        return [latent, {
          ...shared,
          ...this.#pictures(data),
          examples: examples === undefined
            ? undefined
            : { ...shared, ...this.#pictures(examples), interval: fromBase64(examples.interval) },
        }];
      })),
    };
  }

  #pictures(
    data: EntriesData | ExamplesData,
  ): Pick<Entries, "upper" | "image" | "patch" | "value" | "levels"> {
    const image = words(data.image);
    return {
      upper: data.upper,
      image,
      patch: shorts(data.patch),
      value: floats(data.value),
      levels: decodeHeatmaps(fromBase64(data.heat), image.length, this.run.patches),
    };
  }

  #load<T>(kind: DataKind, number: number): Promise<T> {
    const path = dataPath(kind, number);
    // Served files may change between builds; files opened from disk have no cache to get past.
    const version = location.protocol === "file:" || this.#build === "" ? "" : `?v=${encodeURIComponent(this.#build)}`;
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const key = `${kind} ${number}`;
      const finish = (): void => {
        script.remove();
        const data = this.#received.get(key);
        this.#received.delete(key);
        if (data === undefined) reject(new Error(`Cannot load ${path}`));
        else resolve(data as T);
      };
      script.addEventListener("load", finish);
      script.addEventListener("error", finish);
      script.src = scriptUrl(path + version);
      document.head.append(script);
    });
  }
}

function decodePicture(data: PictureData): Picture {
  const [image, label, name, width, height, ending, affine, failed] = data;
  // An ending that is none of these could only come from a damaged file.
  const known = ["jpg", "png", "webp"].includes(ending);
  return { image, label, name, width, height, src: known ? picturePath(image, ending) : "", affine, failed };
}
