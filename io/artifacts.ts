/**
 * Writes what a pass has found to `dump_to/sort_by_{sort_by}/`.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { tensor } from "../compute/tensor.ts";
import type { TopKImg, TopKPatch } from "../compute/topk.ts";
import { SKETCH_NAME, sparseSketch } from "./_stored_sketch.ts";
import { LATENTS_NAME, latentsTable } from "./latents_table.ts";
import { atomicWrite, makeDirectory, moveFile, removeFile, removeTree } from "./atomic_write.ts";
import { type Manifest, MANIFEST_FORMAT, MANIFEST_NAME } from "./manifest.ts";
import { fileSize, isDirectory, listDirectory } from "./open_file.ts";
import { readManifest } from "./read_manifest.ts";
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

/** Made of artifacts later, on request; those of other artifacts go away with them. */
const ADDED_NAMES: ReadonlySet<string> = new Set([
  "token_acts.npz",
  "var.parquet",
  "latents.jsonl",
  "labels.parquet",
  "study.json",
  "examples.safetensors",
]);

/** What the manifest records beside the files. */
export type ManifestFacts = Omit<Manifest, "format" | "files">;

/**
 * The directory of a ranking's artifacts.
 *
 * @example
 * ```ts
 * import { artifactDirectory } from "./artifacts.ts";
 * console.assert(artifactDirectory("./data", "patch") === "./data/sort_by_patch");
 * ```
 */
export function artifactDirectory(dumpTo: string, sortBy: string): string {
  return `${dumpTo}/sort_by_${sortBy}`;
}

/**
 * Name of the online estimates' file: `percentiles_p99.pt`, `percentiles_p99.9.pt`.
 *
 * @example
 * ```ts
 * import { percentilesName } from "./artifacts.ts";
 * console.assert(percentilesName(99) === "percentiles_p99.pt");
 * ```
 */
export function percentilesName(percentile: number): string {
  return `percentiles_p${percentile}.pt`;
}

/**
 * Writes all artifacts to a directory beside, then moves them into place, the manifest last: an interrupted write is never
 * taken for a finished one, and until the whole new set is on disk the one before it stays as it was.
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
 * @param directory See {@linkcode artifactDirectory}; made if missing.
 * @returns The manifest as written.
 * @throws {ArtifactError} If a file cannot be written.
 */
export async function writeArtifacts(directory: string, set: ArtifactSet, facts: ManifestFacts): Promise<Manifest> {
  const staging = stagingDirectory(directory);
  await removeTree(staging);
  await makeDirectory(staging);
  let manifest: Manifest;
  try {
    manifest = await writeSet(staging, set, facts);
  } catch (error) {
    // A full disk should get back what this took of it.
    await removeTree(staging).catch(() => undefined);
    throw error;
  }
  await publish(directory, manifest);
  return manifest;
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
  const manifest: Manifest = { format: MANIFEST_FORMAT, ...facts, files };
  // From here on the set is complete, and whoever finds it publishes it.
  await atomicWrite(`${staging}/${MANIFEST_NAME}`, JSON.stringify(manifest, undefined, 2) + "\n");
  return manifest;
}

/**
 * Ends what a killed job began: a set of artifacts that was written completely takes its place, a part of one goes away.
 * Call only where nobody else writes.
 *
 * @returns Whether a set took its place.
 * @throws {ArtifactError} If a file cannot be moved.
 *
 * @example
 * ```ts
 * import { recoverArtifacts } from "./artifacts.ts";
 * console.assert(await recoverArtifacts("fixtures/golden/emoji-sort_by_patch") === false);
 * ```
 */
export async function recoverArtifacts(directory: string): Promise<boolean> {
  const staging = stagingDirectory(directory);
  if (!await isDirectory(staging)) return false;
  // It was renamed into place whole, so what does not parse is not ours.
  const manifest = await manifestIfSound(staging);
  if (manifest === undefined) {
    await removeTree(staging);
    return false;
  }
  await publish(directory, manifest);
  return true;
}

/**
 * Adds files to artifacts that are there, or replaces some, all of them or none: as {@linkcode writeArtifacts} does.
 *
 * While files that the manifest does not list are added it stays in place, and readers find the artifacts as they were.
 *
 * @param manifest The artifacts' manifest.
 * @param write Writes the files into a directory and says which.
 * @returns The manifest as it is now.
 * @throws {ArtifactError} If a file cannot be written; the artifacts stay as they were.
 */
export async function addArtifacts(
  directory: string,
  manifest: Manifest,
  write: (staging: string) => Promise<readonly string[]>,
): Promise<Manifest> {
  const staging = stagingDirectory(directory);
  await removeTree(staging);
  await makeDirectory(staging);
  let extended: Manifest;
  try {
    const files: Record<string, number> = { ...manifest.files };
    for (const name of await write(staging)) files[name] = await fileSize(`${staging}/${name}`) ?? 0;
    extended = { ...manifest, files };
    await atomicWrite(`${staging}/${MANIFEST_NAME}`, JSON.stringify(extended, undefined, 2) + "\n");
  } catch (error) {
    await removeTree(staging).catch(() => undefined);
    throw error;
  }
  await publish(directory, extended);
  return extended;
}

/** Beside the artifacts, so on the same disk: renaming needs no room, and a full disk leaves what was there before. */
function stagingDirectory(directory: string): string {
  return `${directory}/.incoming`;
}

/**
 * Moves a complete set into place, the manifest last. May be cut off anywhere and done again.
 *
 * The manifest that is there goes first, unless all that it lists stays as it is: then it is true until the new one takes its
 * place, and whoever looks in between finds the artifacts without what is added.
 */
async function publish(directory: string, manifest: Manifest): Promise<void> {
  const staging = stagingDirectory(directory);
  const left = new Set(await listDirectory(staging));
  if (!await isTrueMeanwhile(directory, manifest, left)) await removeFile(`${directory}/${MANIFEST_NAME}`);
  await removeForeign(directory, manifest);
  for (const name of Object.keys(manifest.files)) {
    if (left.has(name)) await moveFile(`${staging}/${name}`, `${directory}/${name}`);
  }
  await moveFile(`${staging}/${MANIFEST_NAME}`, `${directory}/${MANIFEST_NAME}`);
  await removeTree(staging);
}

/** Whether the manifest that is there is of the same artifacts, and lists no file that goes away or is replaced. */
async function isTrueMeanwhile(directory: string, manifest: Manifest, incoming: ReadonlySet<string>): Promise<boolean> {
  const before = await manifestIfSound(directory);
  if (before === undefined) return false;
  const facts = (of: Manifest): string => JSON.stringify({ ...of, files: {} });
  return facts(before) === facts(manifest) &&
    Object.keys(before.files).every((name) => Object.hasOwn(manifest.files, name) && !incoming.has(name));
}

/** The manifest of a directory; undefined when there is none or it is damaged. */
async function manifestIfSound(directory: string): Promise<Manifest | undefined> {
  return await readManifest(directory).catch((error: unknown) => {
    if (!(error instanceof ArtifactError)) throw error;
    return undefined;
  });
}

/** Estimates of another percentile, and what was added to other artifacts, belong to another run. */
async function removeForeign(directory: string, { files }: Manifest): Promise<void> {
  for (const name of await listDirectory(directory)) {
    const isOptional = /^percentiles_p[\d.]+\.pt$/.test(name) || ADDED_NAMES.has(name);
    if (isOptional && !Object.hasOwn(files, name)) await removeFile(`${directory}/${name}`);
  }
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
