/**
 * Writes what a pass has found.
 * @module
 */
import type { LatentState } from "../compute/latent_state.ts";
import { tensor } from "../compute/tensor.ts";
import type { TopKImg, TopKPatch } from "../compute/topk.ts";
import { SKETCH_NAME, sparseSketch } from "./_stored_sketch.ts";
import { percentilesName, replaceArtifacts } from "./artifacts.ts";
import { atomicWrite } from "./atomic_write.ts";
import { LATENTS_NAME, latentsTable } from "./latents_table.ts";
import { type Manifest, MANIFEST_FORMAT } from "./manifest.ts";
import { fileSize } from "./open_file.ts";
import { isShared, type TensorWriter } from "./tensor_writer.ts";
import { type Table, writeTable } from "./write_table.ts";
import { type StreamedTensor, type TorchOutput, writeTorch } from "./write_torch.ts";

/** Name of the table of quantiles. */
export const QUANTILES_NAME = "quantiles.json";

/** Results whose large arrays may come in pieces. */
export type WritableResult =
  | (Omit<TopKImg, "distributions"> & { readonly distributions: TopKImg["distributions"] | StreamedTensor })
  | (Omit<TopKPatch, "distributions" | "topValues"> & {
    readonly topValues: TopKPatch["topValues"] | StreamedTensor;
    readonly distributions: TopKPatch["distributions"] | StreamedTensor;
  });

/** What is written. A streamed `topValues` is drawn first, and may fill the other arrays as it goes. */
export interface ArtifactSet {
  /** The finalized results. */
  readonly result: WritableResult;
  /** The state's quantile sketch, or a function that gives it as it is stored. */
  readonly sketch: Pick<LatentState, "histogram" | "min" | "max"> | (() => Record<string, TorchOutput>);
  /** `u32 [dSae]`: rows on which each latent fired. */
  readonly count: Uint32Array;
  /** `f32 [dSae]`: each latent's largest activation. */
  readonly max: Float32Array;
  /** Said in the file of percentiles, if they are not the online estimates. */
  readonly percentileNote?: string | undefined;
  /** Percentile that `result.percentiles` estimates; part of the file's name. */
  readonly percentile: number;
  /** Quantiles from the sketch: which, their values `f64 [dSae, quantiles.length]`, and their error bound. */
  readonly quantiles: {
    readonly at: readonly number[];
    readonly values: Float64Array;
    readonly relativeError: number;
  };
  /** Writes heatmaps that lie in shared memory while the rest is made here; not given, all is written here. */
  readonly writer?: TensorWriter | undefined;
}

/** What the manifest records beside the files. */
export type ManifestFacts = Omit<Manifest, "format" | "files">;

/**
 * Writes all artifacts, in the way of {@linkcode replaceArtifacts}: all of them or none.
 *
 * Torch files, f32 unless said otherwise: `top_values [dSae, k, patches]` (`[dSae, k]` for images), `rank_values [dSae, k]`,
 * `top_img_i` and `top_patch_i` int64 `[dSae, k]`, `top_count` int64 `[dSae]`, `mean_values`, `sparsity`,
 * `percentiles_p{p} [dSae]`, `distributions [m, rows]`. Entries past `top_count` are −1 with index 0; NaN stays NaN.
 *
 * `sketch.pt` is a dictionary: `offsets` int64 `[dSae + 1]`, `bin` int16 and `count` int32 (int64 if one passes 2^31 − 1)
 * of the nonempty bins, latent j's being `offsets[j] … offsets[j + 1] − 1`; and `min`, `max` f32 `[dSae]`. Bins are those
 * of compute's quantile sketch. `quantiles.json` holds quantiles read from it, null for a latent that never fired.
 * `latents.parquet` is the table of `latentsTable`.
 *
 * @param directory See `artifactDirectory`; made if missing.
 * @returns The manifest as written.
 * @throws {ArtifactError} If a file cannot be written.
 */
export async function writeArtifacts(directory: string, set: ArtifactSet, facts: ManifestFacts): Promise<Manifest> {
  return await replaceArtifacts(directory, (staging) => writeSet(staging, set, facts));
}

async function writeSet(staging: string, set: ArtifactSet, facts: ManifestFacts): Promise<Manifest> {
  const { result, percentile, writer } = set;
  const patches = result.kind === "patch"
    ? result.topPatchI
    : tensor(new Uint32Array(result.topI.data.length), result.topI.shape);
  const outputs: Record<string, TorchOutput | (() => Record<string, TorchOutput>)> = {
    "top_values.pt": result.topValues,
    "rank_values.pt": result.rankValues,
    "top_img_i.pt": result.topI,
    "top_patch_i.pt": patches,
    "top_count.pt": result.topCount,
    "mean_values.pt": result.meanValues,
    "sparsity.pt": result.sparsity,
    "distributions.pt": result.distributions,
    [percentilesName(percentile)]: result.percentiles,
    [SKETCH_NAME]: () => typeof set.sketch === "function" ? set.sketch() : sparseSketch(set.sketch),
  };
  // While the disk takes one file, the next is made.
  const flushes: Promise<void>[] = [];
  const names = [...Object.keys(outputs), QUANTILES_NAME, LATENTS_NAME];
  try {
    for (const [name, output] of Object.entries(outputs)) {
      if (writer !== undefined && output === result.topValues && isShared(output)) {
        const written = writer.write(`${staging}/${name}`, output);
        // As with a flush: heard when the list is awaited.
        written.catch(() => undefined);
        flushes.push(written);
        continue;
      }
      const note = output === result.percentiles ? set.percentileNote : undefined;
      await writeTorch(`${staging}/${name}`, typeof output === "function" ? output() : output, { note, flushes });
    }
    await atomicWrite(`${staging}/${QUANTILES_NAME}`, quantilesJson(set.quantiles), flushes);
    // Last: what is streamed may have filled the arrays only now.
    await writeTable(`${staging}/${LATENTS_NAME}`, tableOf(set), flushes);
    await Promise.all(flushes);
  } finally {
    // Nothing may be under way when the caller clears up.
    await Promise.allSettled(flushes);
  }
  const files: Record<string, number> = {};
  for (const name of names) files[name] = await fileSize(`${staging}/${name}`) ?? 0;
  return { format: MANIFEST_FORMAT, ...facts, files };
}

function tableOf({ result, count, max, quantiles }: ArtifactSet): Table {
  const { sparsity, meanValues, topI, topCount } = result;
  return latentsTable({
    sparsity: sparsity.data,
    meanValues: meanValues.data,
    count,
    max,
    k: topI.shape[1],
    topI: topI.data,
    topCount: topCount.data,
    quantiles,
  });
}

/** One line per latent; JSON has no NaN. */
function quantilesJson({ at, values, relativeError }: ArtifactSet["quantiles"]): string {
  const lines: string[] = [];
  for (let start = 0; start < values.length; start += at.length) {
    const row = values.subarray(start, start + at.length);
    lines.push(JSON.stringify(Array.from(row, (value) => Number.isFinite(value) ? value : null)));
  }
  return `{"relative_error":${relativeError},"quantiles":${JSON.stringify(at)},"values":[\n${lines.join(",\n")}\n]}\n`;
}
