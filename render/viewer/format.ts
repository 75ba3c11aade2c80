/**
 * The viewer's files as types: what the builder writes and the page reads. `docs/viewer.md` describes them in words.
 *
 * Each data file is a script that makes one call, `saevViewer(kind, number, data)`, because a page opened from disk may
 * load scripts from beside it but may not fetch. Arrays are base64 of little-endian bytes.
 * @module
 */

/** Version of the files' layout; the page refuses others. */
export const VIEWER_FORMAT = 1;
/** Latents in one file of entries. */
export const PAGE_LATENTS = 16;
/** Latents in one file of histograms. */
export const SKETCH_LATENTS = 256;
/** Most common labels kept per latent in the table. */
export const TABLE_LABELS = 3;
/** Adjacent sketch bins drawn as one bar: four bars an octave. */
export const BINS_PER_BAR = 8;
/** Quantiles marked in a histogram. */
export const MARKED_QUANTILES: readonly number[] = [0.5, 0.9, 0.99];

/** What keys of further columns look like. */
export const COLUMN_KEY = /^[a-z][a-zA-Z0-9]{0,31}$/;

/** A further number of every latent, which the table shows, sorts and filters by like its own. */
export interface ColumnData {
  /** Names it in addresses: `[a-z][a-zA-Z0-9]{0,31}`. */
  readonly key: string;
  /** Heading, a word or two. */
  readonly name: string;
  /** What it is, in a sentence. */
  readonly about: string;
  /** Unit behind a value, such as `bits`; empty for none. */
  readonly unit: string;
  /** Whether it spreads over decades: then it is filtered by its log10. */
  readonly log: boolean;
  /** `f32 [dSae]`, exact; NaN where there is none. */
  readonly values: string;
}

/** The run as a whole: `viewer/latents.js`, number 0. */
export interface RunData {
  /** {@linkcode VIEWER_FORMAT}. */
  readonly format: number;
  /** Changes whenever the files are built again. */
  readonly build: string;
  /** Names the run; notes belong to it. */
  readonly id: string;
  /** Heading and document title. */
  readonly title: string;
  /** Facts, as name and value. */
  readonly summary: readonly (readonly [string, string])[];
  /** Plots beside the page: relative path and caption. */
  readonly plots: readonly { readonly src: string; readonly caption: string }[];
  /** What entries are ranked by. */
  readonly sortBy: "patch" | "img" | "sum";
  /** Latents. */
  readonly dSae: number;
  /** Rows seen. */
  readonly rows: number;
  /** Pictures in the data set. */
  readonly images: number;
  /** Entries kept per latent. */
  readonly k: number;
  /** Rows and columns of patches; null without heatmaps. */
  readonly grid: { readonly rows: number; readonly cols: number } | null;
  /** Bounds of the selection, log10. */
  readonly freqRange: readonly [number, number];
  /** Bounds of the selection, log10. */
  readonly valueRange: readonly [number, number];
  /** `f32 [dSae]`: fraction of rows on which the latent fires, exact. */
  readonly frequency: string;
  /** `f32 [dSae]`: mean of the positive activations, exact; NaN when there is none. */
  readonly mean: string;
  /** `f32 [dSae]`: the first entry's ranking value, exact; −1 when there is none. */
  readonly top: string;
  /** `u16 [dSae]`: distinct pictures among the entries, at most 65,535. */
  readonly distinct: string;
  /** `u16 [dSae]`: label entropy over the distinct pictures, in units of `entropyUnit` bits: error ≤ unit / 2. */
  readonly entropy: string;
  /** Bits per unit of `entropy`. */
  readonly entropyUnit: number;
  /** `u32 [dSae, TABLE_LABELS]`: one plus the index of the most common labels; 0 for none. */
  readonly common: string;
  /** Further numbers of every latent; none when missing. */
  readonly columns?: readonly ColumnData[];
  /** Every label of the data set. */
  readonly labels: readonly string[];
  /** `u32 [labels]`: pictures of the data set with each label. */
  readonly labelTotals: string;
  /** `u32`: latents that have entries, in the order they were chosen. */
  readonly chosen: string;
  /** Pictures whose latents are listed in one `images` file. */
  readonly imageBucket: number;
  /** Images that examples across ranges were taken from, and the parts of a range; missing when there are none. */
  readonly examples?: { readonly sampled: number; readonly intervals: number };
}

/** A picture: image, label index, name, source width and height, file ending, and the map to the patch grid. */
export type PictureData = readonly [
  image: number,
  label: number,
  name: string,
  width: number,
  height: number,
  /** Empty when the picture could not be read: then `failed` says why. */
  ending: string,
  /** `u = ax·x + bx`, `v = ay·y + by`: source pixels to the unit square that the patches tile. */
  affine: readonly [ax: number, ay: number, bx: number, by: number],
  failed?: string,
];

/** One latent's entries, best first. */
export interface EntriesData {
  /** The latent. */
  readonly latent: number;
  /** What level 255 stands for. */
  readonly upper: number;
  /** `u32 [n]`: image of each entry. */
  readonly image: string;
  /** `u16 [n]`: the ranked patch. */
  readonly patch: string;
  /** `f32 [n]`: ranking values, exact. */
  readonly value: string;
  /** Heatmaps, see `encodeHeatmap`: error ≤ upper / 510. Empty without heatmaps. */
  readonly heat: string;
  /** Areas under the ROC curve of labels over all pictures, to 1/10,000, largest first; none when missing. */
  readonly areas?: readonly LabelArea[];
  /** Sampled pictures from all of its range, weakest first; none when missing. */
  readonly examples?: ExamplesData;
}

/** Pictures from all of a latent's range: each belongs to the part of it that its largest activation lies in. */
export interface ExamplesData {
  /** Where the range ends: the latent's largest activation. Also what level 255 stands for. */
  readonly upper: number;
  /** `u32 [n]`: image of each example. */
  readonly image: string;
  /** `u16 [n]`: the patch with its largest activation. */
  readonly patch: string;
  /** `f32 [n]`: that activation, exact, ascending. */
  readonly value: string;
  /** `u8 [n]`: part of the range, from 1. */
  readonly interval: string;
  /** Heatmaps, see `encodeHeatmap`: error ≤ upper / 510. Empty without heatmaps. */
  readonly heat: string;
}

/** How well a latent tells the pictures of a label from all others: index of the label, area, ends of its 95 % interval. */
export type LabelArea = readonly [label: number, area: number, low: number, high: number];

/** `viewer/latents/NNNN.js`: entries of {@linkcode PAGE_LATENTS} chosen latents, and the pictures they show. */
export interface PageData {
  /** In the order chosen. */
  readonly latents: readonly EntriesData[];
  /** Each picture once. */
  readonly pictures: readonly PictureData[];
}

/** `viewer/sketches/NNNN.js`: histograms of {@linkcode SKETCH_LATENTS} latents. */
export interface SketchData {
  /** See `encodeHistogram`; empty for a latent that never fires. */
  readonly histograms: readonly string[];
  /** `f32 [latents, MARKED_QUANTILES]`: relative error ≤ 1/65. */
  readonly quantiles: string;
}

/** `viewer/images/NNNN.js`: which chosen latents have a picture among their entries or examples, by image. */
export type ImagesData = Readonly<Record<string, readonly number[]>>;

/** `viewer/state.json`: how far a build has come, for a page that is served while it goes on. */
export interface BuildState {
  /** As {@linkcode RunData.build}. */
  readonly build: string;
  /** Files of entries written. */
  readonly pages: number;
  /** Files of entries in all. */
  readonly of: number;
  /** Whether everything is written. */
  readonly done: boolean;
}

/** Kinds of data files. */
export type DataKind = "latents" | "page" | "sketches" | "images";

/** Path of a data file below the page. */
export function dataPath(kind: DataKind, number: number): string {
  const file = `${String(number).padStart(4, "0")}.js`;
  return kind === "latents" ? "viewer/latents.js" : `viewer/${kind === "page" ? "latents" : kind}/${file}`;
}

/** Path of a picture below the page: a thousand to a folder. */
export function picturePath(image: number, ending: string): string {
  const folder = String(Math.floor(image / 1000)).padStart(3, "0");
  return `viewer/pictures/${folder}/${String(image).padStart(6, "0")}.${ending}`;
}
