/**
 * The contents of the viewer's data files.
 * @module
 */
import { sketchQuantile } from "../compute/quantile_sketch.ts";
import type { FitGeometry, PatchGrid } from "./fit.ts";
import type { ViewerArtifacts, ViewerRun } from "./viewer_data.ts";
import { encodeHeatmap, encodeHistogram, toBase64 } from "./viewer/codec.ts";
import {
  COLUMN_KEY,
  type ColumnData,
  type DataKind,
  type EntriesData,
  type ExamplesData,
  type ImagesData,
  type LabelArea,
  MARKED_QUANTILES,
  type RunData,
  SKETCH_LATENTS,
  type SketchData,
  TABLE_LABELS,
  VIEWER_FORMAT,
} from "./viewer/format.ts";
import { labelShares } from "./viewer/list_latents.ts";

/** Most files that say which latents a picture is among the entries of, and fewest pictures in one of them. */
const MAX_IMAGE_FILES = 256;
const MIN_IMAGE_BUCKET = 256;

/** A data script: one call. Markup in strings is escaped, so that the file could even be inlined. */
export function script(kind: DataKind, number: number, data: unknown): string {
  const json = JSON.stringify(data).replace(
    /[<>\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `saevViewer(${JSON.stringify(kind)},${number},${json});\n`;
}

/** The geometry's affine map, from source pixels to the unit square of its window. */
export function affineOf({ affine, window }: FitGeometry): [number, number, number, number] {
  // Twelve digits are exact to far less than a pixel, and short.
  const short = (value: number): number => Number(value.toPrecision(12));
  return [
    short(affine.scaleX / window.width),
    short(affine.scaleY / window.height),
    short(affine.offsetX / window.width),
    short(affine.offsetY / window.height),
  ];
}

/** The distinct images among a latent's entries, in order. */
function distinctImages({ k, topI, topCount }: ViewerArtifacts, latent: number): number[] {
  return [...new Set(topI.subarray(latent * k, latent * k + topCount[latent]))];
}

/** The table of all latents. */
export function runData(
  run: ViewerRun,
  grid: PatchGrid | null,
): { data: RunData; labelOf: (image: number) => number } {
  const { artifacts, chosen } = run;
  const { dSae, k } = artifacts;
  for (const { src } of run.plots ?? []) {
    if (/^[a-z][a-z0-9+.-]*:|^[/\\]/i.test(src)) {
      throw new RangeError(`Cannot show ${src}: a plot's path must be relative`);
    }
  }
  const labels: string[] = [];
  const indices = new Map<string, number>();
  const totals: number[] = [];
  const labelIndex = new Uint32Array(run.images);
  for (let image = 0; image < run.images; image++) {
    const label = run.label(image);
    let index = indices.get(label);
    if (index === undefined) {
      indices.set(label, index = labels.length);
      labels.push(label);
      totals.push(0);
    }
    totals[index] += 1;
    labelIndex[image] = index;
  }
  const labelOf = (image: number): number => labelIndex[image];
  const top = new Float32Array(dSae);
  const distinct = new Uint16Array(dSae);
  const bits = new Float64Array(dSae);
  const common = new Uint32Array(dSae * TABLE_LABELS);
  for (let latent = 0; latent < dSae; latent++) {
    top[latent] = artifacts.topCount[latent] > 0 ? artifacts.rankValues[latent * k] : -1;
    const images = distinctImages(artifacts, latent);
    distinct[latent] = Math.min(65535, images.length);
    const shares = labelShares(images.map(labelOf), totals, run.images);
    for (const { count } of shares) bits[latent] -= count / images.length * Math.log2(count / images.length);
    shares.filter(({ label }) => labels[label] !== "").slice(0, TABLE_LABELS)
      .forEach(({ label }, i) => common[latent * TABLE_LABELS + i] = label + 1);
  }
  const entropyUnit = bits.reduce((largest, value) => Math.max(largest, value), 1) / 65535;
  const data: RunData = {
    format: VIEWER_FORMAT,
    build: run.build,
    id: run.id,
    title: run.title,
    summary: run.summary,
    plots: run.plots ?? [],
    sortBy: run.sortBy,
    dSae,
    rows: run.rows,
    images: run.images,
    k,
    grid,
    freqRange: run.freqRange,
    valueRange: run.valueRange,
    frequency: toBase64(artifacts.sparsity),
    mean: toBase64(artifacts.meanValues),
    top: toBase64(top),
    distinct: toBase64(distinct),
    entropy: toBase64(Uint16Array.from(bits, (value) => Math.round(value / entropyUnit))),
    entropyUnit,
    common: toBase64(common),
    labels,
    labelTotals: toBase64(Uint32Array.from(totals)),
    chosen: toBase64(Uint32Array.from(chosen)),
    columns: columnsData(run),
    imageBucket: Math.max(MIN_IMAGE_BUCKET, Math.ceil(run.images / MAX_IMAGE_FILES)),
    ...(run.examples === undefined
      ? {}
      : { examples: { sampled: run.examples.sampled, intervals: run.examples.intervals } }),
  };
  return { data, labelOf };
}

function columnsData({ columns = [], artifacts }: ViewerRun): ColumnData[] {
  const keys = new Set<string>();
  return columns.map(({ key, name, about, unit = "", log = false, values }) => {
    if (!COLUMN_KEY.test(key) || keys.has(key)) {
      throw new RangeError(
        `Cannot show a column ${key}: keys are distinct, a letter and at most 31 letters and digits`,
      );
    }
    if (values.length !== artifacts.dSae) {
      throw new RangeError(`Cannot show ${values.length} values of ${name}: there are ${artifacts.dSae} latents`);
    }
    keys.add(key);
    return { key, name, about, unit, log, values: toBase64(values) };
  });
}

/** Areas of a latent's classes, by the index of the class. */
export function labelAreas(run: ViewerRun, latent: number, labels: readonly string[]): LabelArea[] {
  const short = (value: number): number => Math.round(value * 10_000) / 10_000;
  return (run.areas?.(latent) ?? []).flatMap(([label, area, low, high]): LabelArea[] => {
    const index = labels.indexOf(label);
    return index < 0 ? [] : [[index, short(area), short(low), short(high)]];
  });
}

/** One latent's entries, and the images they show. */
export async function storedEntries(
  artifacts: ViewerArtifacts,
  latent: number,
): Promise<{ data: EntriesData; images: number[] }> {
  const { k, patches } = artifacts;
  const [from, to] = [latent * k, latent * k + artifacts.topCount[latent]];
  const heatmaps = patches > 0 && to > from ? await artifacts.readTopValues(latent) : new Float32Array(0);
  let upper = 0;
  for (const value of heatmaps.subarray(0, (to - from) * patches)) if (value > upper) upper = value;
  const heat: number[] = [];
  if (upper > 0) {
    for (let i = 0; i < to - from; i++) encodeHeatmap(heat, heatmaps.subarray(i * patches, (i + 1) * patches), upper);
  }
  return {
    data: {
      latent,
      upper,
      image: toBase64(artifacts.topI.slice(from, to)),
      patch: toBase64(Uint16Array.from(artifacts.topPatchI.subarray(from, to))),
      value: toBase64(artifacts.rankValues.slice(from, to)),
      heat: toBase64(Uint8Array.from(heat)),
    },
    images: distinctImages(artifacts, latent),
  };
}

/**
 * One latent's examples, weakest first, and the images they show; undefined when there are none.
 *
 * @throws {RangeError} If an example's image is not one of the run's.
 */
export function storedExamples(
  { examples, artifacts: { patches }, images }: ViewerRun,
  latent: number,
): { data: ExamplesData; images: number[] } | undefined {
  const found = examples?.of(latent);
  if (found === undefined || found.image.length === 0) return undefined;
  const { upper, image, patch, value, interval, heat } = found;
  const beyond = image.find((number) => number >= images);
  if (beyond !== undefined) {
    throw new RangeError(`Cannot show image ${beyond} of latent ${latent}: there are ${images}`);
  }
  const order = Uint32Array.from(image.keys()).sort((a, b) => value[a] - value[b] || image[a] - image[b]);
  const heatmaps: number[] = [];
  if (patches > 0) order.forEach((i) => encodeHeatmap(heatmaps, heat.subarray(i * patches, (i + 1) * patches), upper));
  return {
    data: {
      upper,
      image: toBase64(order.map((i) => image[i])),
      patch: toBase64(Uint16Array.from(order, (i) => patch[i])),
      value: toBase64(Float32Array.from(order, (i) => value[i])),
      interval: toBase64(Uint8Array.from(order, (i) => interval[i])),
      heat: toBase64(Uint8Array.from(heatmaps)),
    },
    images: [...image],
  };
}

/**
 * For each file of `bucket` images that has any: which chosen latents show them, among their entries or examples. Gathered in
 * two passes over flat arrays, as there may be millions of pairs.
 *
 * @throws {RangeError} If an entry's image is not one of the run's.
 */
export function* imagePages(
  { artifacts, chosen, images, examples }: ViewerRun,
  bucket: number,
): Generator<[number, ImagesData], void, void> {
  const imagesOf = (latent: number): ReadonlySet<number> =>
    new Set([...distinctImages(artifacts, latent), ...examples?.of(latent)?.image ?? []]);
  const ends = new Uint32Array(images + 1);
  for (const latent of chosen) {
    for (const image of imagesOf(latent)) {
      if (image >= images) throw new RangeError(`Cannot show image ${image} of latent ${latent}: there are ${images}`);
      ends[image + 1] += 1;
    }
  }
  for (let image = 0; image < images; image++) ends[image + 1] += ends[image];
  const latents = new Uint32Array(ends[images]);
  const next = ends.slice();
  for (const latent of chosen) {
    for (const image of imagesOf(latent)) latents[next[image]++] = latent;
  }
  for (let start = 0; start < images; start += bucket) {
    const file: Record<string, number[]> = {};
    let isEmpty = true;
    for (let image = start; image < Math.min(images, start + bucket); image++) {
      if (ends[image] === ends[image + 1]) continue;
      file[image] = [...latents.subarray(ends[image], ends[image + 1])];
      isEmpty = false;
    }
    if (!isEmpty) yield [start / bucket, file];
  }
}

/** Histograms and quantiles of all latents, file by file; none when the run has no sketches. */
export async function* sketchPages(
  artifacts: ViewerArtifacts,
): AsyncGenerator<[number, SketchData], void, void> {
  const { dSae } = artifacts;
  for (let start = 0; start < dSae; start += SKETCH_LATENTS) {
    const histograms: string[] = [];
    const quantiles: number[] = [];
    for (let latent = start; latent < Math.min(dSae, start + SKETCH_LATENTS); latent++) {
      const sketch = await artifacts.readSketch(latent);
      if (sketch === undefined) return;
      const { histogram, min, max } = sketch;
      histograms.push(encodeHistogram(histogram));
      const count = histogram.reduce((sum, n) => sum + n, 0);
      quantiles.push(...MARKED_QUANTILES.map((q) => sketchQuantile(histogram, 0, count, q, min, max)));
    }
    yield [start / SKETCH_LATENTS, { histograms, quantiles: toBase64(Float32Array.from(quantiles)) }];
  }
}
