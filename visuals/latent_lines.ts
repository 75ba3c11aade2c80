/**
 * The shown latents as JSON, one a line, in the manner of SAEDashboard's and Neuronpedia's feature files.
 * @module
 */
import { sketchBounds } from "../compute/quantile_sketch.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredArtifacts, StoredSketch } from "../io/read_artifacts.ts";

/** What a line says of its run. */
export interface LineFacts {
  /** Name of the model that was recorded. */
  readonly modelId: string;
  /** Layer and autoencoder. */
  readonly layer: string;
  /** The pictures, for names and labels; undefined to leave both out. */
  readonly pictures: PictureSource | undefined;
}

/**
 * One latent as a line of JSON.
 *
 * The names are Neuronpedia's where there is one: `modelId`, `layer`, `index` (text), `frac_nonzero`, `maxActApprox`,
 * `freq_hist_data_bar_values` (lower edges) with `freq_hist_data_bar_heights` (counts), and `activations`: for every entry of
 * the ranking `dataIndex` (the image), `values` (the heatmap, patch by patch; the ranking value alone without one), `rankValue`,
 * `maxValue`, `maxValueTokenIndex` (the patch), and `label` and `name` of the picture. There are no `tokens`: patches have no
 * text. Numbers are f32 to nine digits, which gives every bit back; those that are not finite are null.
 *
 * @example
 * ```ts
 * import { readArtifacts } from "../io/read_artifacts.ts";
 * import { latentLine } from "./latent_lines.ts";
 * const artifacts = await readArtifacts("fixtures/golden/emoji-sort_by_patch", { percentile: 99 });
 * const line = await latentLine(artifacts, 546, { modelId: "vit", layer: "6", pictures: undefined });
 * console.assert(JSON.parse(line).index === "546");
 * artifacts.close();
 * ```
 */
export async function latentLine(artifacts: StoredArtifacts, latent: number, facts: LineFacts): Promise<string> {
  const { k, patches, topCount, topI, topPatchI, rankValues, sparsity } = artifacts;
  const { pictures } = facts;
  const heatmaps = patches === 0 ? undefined : await artifacts.readTopValues(latent);
  const sketch = await artifacts.readSketch(latent);
  const activations = Array.from({ length: topCount[latent] }, (_, rank) => {
    const at = latent * k + rank;
    const image = topI[at];
    const values = heatmaps?.subarray(rank * patches, (rank + 1) * patches) ?? rankValues.subarray(at, at + 1);
    return {
      dataIndex: image,
      ...(pictures === undefined ? {} : { name: pictures.name(image), label: pictures.label(image) }),
      rankValue: number(rankValues[at]),
      values: Array.from(values, number),
      maxValue: number(values.reduce((max, value) => Math.max(max, value), 0)),
      maxValueTokenIndex: topPatchI[at],
    };
  });
  return JSON.stringify({
    modelId: facts.modelId,
    layer: facts.layer,
    index: String(latent),
    frac_nonzero: number(sparsity[latent]),
    mean_nonzero: number(artifacts.meanValues[latent]),
    maxActApprox: sketch === undefined ? activations[0]?.rankValue ?? 0 : number(sketch.max),
    ...bars(sketch),
    activations,
  });
}

/** The nonempty stretch of the sketch's histogram. */
function bars(sketch: StoredSketch | undefined): Record<string, number[]> {
  const heights: number[] = [];
  const values: number[] = [];
  if (sketch !== undefined) {
    const first = sketch.histogram.findIndex((count) => count > 0);
    const last = sketch.histogram.findLastIndex((count) => count > 0);
    for (let bin = Math.max(0, first); bin <= last; bin++) {
      heights.push(sketch.histogram[bin]);
      values.push(sketchBounds(bin).lo);
    }
  }
  return { freq_hist_data_bar_heights: heights, freq_hist_data_bar_values: values };
}

function number(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : null;
}
