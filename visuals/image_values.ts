/**
 * One value an image and latent, and where and on what latents fire: what a second pass over all rows collects.
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { addImage, type IntervalExamples } from "../compute/interval_examples.ts";
import { type AuditCounts, auditCounts, countImage } from "../compute/patch_audit.ts";
import { type RowLayout, rowsPerImage } from "../compute/rows.ts";
import type { VisualsConfig } from "../config/types.ts";
import { type EncodedImages, encodeRows } from "./encode_rows.ts";
import type { JobHooks } from "./hooks.ts";
import type { Inputs } from "./open_inputs.ts";

/** Of a few latents. */
export interface ImageValues {
  /**
   * `f32 [latents, images]`: the largest activation on an image, or with `sortBy: "sum"` their sum; NaN for an image of which
   * every row was left out.
   */
  readonly values: Float32Array;
  /** Places and norms of firings. */
  readonly counts: AuditCounts;
}

/**
 * Reads all rows and encodes them for a few latents.
 *
 * Values are those of the ranking, bit for bit on the same backend: maxima of the activations, sums in f64 over patches in
 * order, rounded once. Norms are those of rows after the clamp, before they are centred and scaled.
 *
 * @param examples Filled on the way, if there are any to fill: those of the same latents.
 */
export async function imageValues(
  config: VisualsConfig,
  pass: { inputs: Inputs; layout: RowLayout; backend: Backend; hooks: JobHooks },
  latents: readonly number[],
  examples?: IntervalExamples,
): Promise<ImageValues> {
  const { inputs, layout, backend, hooks } = pass;
  const { nImages } = inputs.shards;
  const perImage = rowsPerImage(layout);
  const m = latents.length;
  const values = new Float32Array(m * nImages);
  const counts = auditCounts(m, perImage);
  const norms = new Float32Array(perImage);
  for await (const encoded of encodeRows(config, inputs, layout, { backend, hooks, stage: "study", latents })) {
    for (let i = 0; i < encoded.nImages; i++) {
      const acts = encoded.acts.subarray(i * perImage * m, (i + 1) * perImage * m);
      const image = encoded.images[i];
      normsOf(encoded, i, layout, norms);
      countImage(counts, image, acts, norms);
      if (examples !== undefined) addImage(examples, image, acts);
      const isLeftOut = norms.every(Number.isNaN);
      for (let j = 0; j < m; j++) {
        const value = config.sortBy === "sum" ? sumOf(acts, j, m) : maxOf(acts, j, m);
        values[j * nImages + image] = isLeftOut ? NaN : value;
      }
    }
  }
  return { values, counts };
}

function maxOf(acts: Float32Array, latent: number, latents: number): number {
  let max = 0;
  for (let at = latent; at < acts.length; at += latents) if (acts[at] > max) max = acts[at];
  return max;
}

function sumOf(acts: Float32Array, latent: number, latents: number): number {
  let sum = 0;
  for (let at = latent; at < acts.length; at += latents) sum += acts[at];
  return sum;
}

/** Norms of one image's rows as they were before centring and scaling; NaN for a row left out. */
function normsOf({ rows, skipped }: EncodedImages, image: number, layout: RowLayout, out: Float32Array): void {
  const { dVit, mean, scalar } = layout;
  for (let p = 0; p < out.length; p++) {
    const row = image * out.length + p;
    let squares = 0;
    for (let d = 0; d < dVit; d++) {
      squares += (rows[row * dVit + d] * scalar + (mean === undefined ? 0 : mean[d])) ** 2;
    }
    out[p] = skipped?.[row] === 1 ? NaN : Math.sqrt(squares);
  }
}
