/**
 * Reads artifacts back, the large ones one latent at a time.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { tensor } from "../compute/tensor.ts";
import type { TopKImg, TopKPatch } from "../compute/topk.ts";
import { asArtifact, deriveRanking, toU32 } from "./_artifact_parts.ts";
import { expandSketch, readSketch, type Sketch, SKETCH_NAME, type StoredSketch } from "./_stored_sketch.ts";
import { percentilesName } from "./artifacts.ts";
import { type Manifest, MANIFEST_NAME } from "./manifest.ts";
import { fileSize, type FileSource, isDirectory, listDirectory, openFile } from "./open_file.ts";
import { readManifest } from "./read_manifest.ts";
import { type LazyTensor, openTensor } from "./torch_file.ts";
import type { TorchTensor } from "./torch_tensor.ts";

export type { StoredSketch } from "./_stored_sketch.ts";

/** Artifacts on disk; close them when done. */
export interface StoredArtifacts {
  /** Where they are. */
  readonly directory: string;
  /** What made them; undefined for upstream's. */
  readonly manifest: Manifest | undefined;
  /** Whether entries have heatmaps. */
  readonly kind: "img" | "patch";
  /** Latents. */
  readonly dSae: number;
  /** Entries per latent. */
  readonly k: number;
  /** Heatmap values per entry; 0 for images. */
  readonly patches: number;
  /** `f32 [dSae, k]`: ranking values, best first; −1 past `topCount`. */
  readonly rankValues: Float32Array;
  /** `u32 [dSae, k]`: image of each entry. */
  readonly topI: Uint32Array;
  /** `u32 [dSae, k]`: patch of each entry; zeros for images. */
  readonly topPatchI: Uint32Array;
  /** `u32 [dSae]`: valid entries. */
  readonly topCount: Uint32Array;
  /** `f32 [dSae]`; NaN for a latent that never fired. */
  readonly meanValues: Float32Array;
  /** `f32 [dSae]`. */
  readonly sparsity: Float32Array;
  /** `f32 [dSae]`: the online estimates. */
  readonly percentiles: Float32Array;
  /** `[m, rows]` of the distributions. */
  readonly distributionsShape: readonly [number, number];
  /** Reads one latent's `top_values`: `f32 [k, patches]`, or `f32 [k]` for images. */
  readTopValues(latent: number): Promise<Float32Array>;
  /** Reads the activations of one of the first m latents at every row: `f32 [rows]`. */
  readDistribution(latent: number): Promise<Float32Array>;
  /** Reads a latent's sketch; undefined for upstream's artifacts, which have none. */
  readSketch(latent: number): Promise<StoredSketch | undefined>;
  /** Reads everything into the form a pass ends in; needs memory for all heatmaps. */
  readAll(): Promise<TopKImg | TopKPatch>;
  /** Closes the files. Idempotent. */
  close(): void;
}

/**
 * The percentile of the artifacts in a directory that another program wrote: upstream's, which have no manifest.
 *
 * @param wanted The percentile that is taken if the directory has several.
 * @returns Undefined if the artifacts are ours, finished or not, or there are none.
 *
 * @example
 * ```ts
 * import { foreignPercentile } from "./read_artifacts.ts";
 * console.assert(await foreignPercentile("fixtures/golden/emoji-sort_by_patch", 99) === 99);
 * console.assert(await foreignPercentile("fixtures/golden", 99) === undefined);
 * ```
 */
export async function foreignPercentile(directory: string, wanted: number): Promise<number | undefined> {
  if (!await isDirectory(directory)) return undefined;
  const names = await listDirectory(directory);
  // Counts and ranking values are what only our own hold, and a set on its way lies in a directory of its own.
  const isOurs = [MANIFEST_NAME, "top_count.pt", "rank_values.pt", ".incoming"].some((name) => names.includes(name));
  if (isOurs || !names.includes("top_values.pt")) return undefined;
  const found = names.flatMap((name) => /^percentiles_p(\d+(?:\.\d+)?)\.pt$/.exec(name)?.[1] ?? []).map(Number);
  return found.includes(wanted) ? wanted : found[0];
}

/**
 * Opens a directory that `writeArtifacts` wrote, or one of upstream's.
 *
 * Upstream writes no counts, ranking values and patches: they are read off its heatmaps then (the maximum, and where it
 * first is), and entries past the first non-positive one do not count.
 *
 * @param options.percentile Which `percentiles_p*` to read; needed for upstream's only, the manifest knows it otherwise.
 * @throws {ArtifactError} If files are missing, were changed in size, or do not fit each other.
 *
 * @example
 * ```ts
 * import { readArtifacts } from "./read_artifacts.ts";
 * const artifacts = await readArtifacts("fixtures/golden/emoji-sort_by_patch", { percentile: 99 });
 * const heatmaps = await artifacts.readTopValues(546);
 * console.assert(heatmaps.length === artifacts.k * artifacts.patches);
 * artifacts.close();
 * ```
 */
export async function readArtifacts(
  directory: string,
  options: { readonly percentile?: number } = {},
): Promise<StoredArtifacts> {
  const manifest = await readManifest(directory);
  if (manifest !== undefined) await checkSizes(directory, manifest);
  const percentile = options.percentile ?? (manifest?.config as { percentile?: number } | undefined)?.percentile;
  if (typeof percentile !== "number") {
    const what = manifest === undefined
      ? `it has no ${MANIFEST_NAME}, so its artifacts are unfinished`
      : "no percentile";
    throw new ArtifactError(`Cannot read ${directory}: ${what}`, { path: directory });
  }
  const files: FileSource[] = [];
  const open = async (name: string): Promise<LazyTensor> => {
    const path = `${directory}/${name}`;
    const file = await openFile(path).catch((cause: unknown) => {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw new ArtifactError(`Cannot find ${path}: the artifacts are incomplete; compute them again`, { path }, {
        cause,
      });
    });
    files.push(file);
    return await asArtifact(path, () => openTensor(file));
  };
  const close = (): void => files.splice(0).forEach((file) => file.close());
  try {
    return await assemble({ directory, manifest, percentile, open, close });
  } catch (error) {
    close();
    throw error;
  }
}

interface Source {
  readonly directory: string;
  readonly manifest: Manifest | undefined;
  readonly percentile: number;
  readonly open: (name: string) => Promise<LazyTensor>;
  readonly close: () => void;
}

async function assemble({ directory, manifest, percentile, open, close }: Source): Promise<StoredArtifacts> {
  const topValues = await open("top_values.pt");
  const distributions = await open("distributions.pt");
  checkKinds(directory, topValues, distributions);
  const [dSae, k] = topValues.shape;
  const hasHeatmaps = topValues.shape.length === 3;
  const patches = hasHeatmaps ? topValues.shape[2] : 0;
  const read = async (name: string, shape: readonly number[]): Promise<TorchTensor["data"]> => {
    const path = `${directory}/${name}`;
    const lazy = await open(name);
    if (lazy.shape.join() !== shape.join()) {
      throw new ArtifactError(`Cannot use ${path}: it has shape [${lazy.shape}], and [${shape}] was expected`, {
        path,
      });
    }
    return (await asArtifact(path, () => lazy.read())).data;
  };
  const rows = async (lazy: LazyTensor, row: number): Promise<Float32Array> =>
    (await lazy.readRows(row, row + 1)).data as Float32Array;
  const f32 = async (name: string, shape = [dSae]): Promise<Float32Array> => {
    const data = await read(name, shape);
    if (data instanceof Float32Array) return data;
    throw new ArtifactError(`Cannot use ${directory}/${name}: its values are not float32`, { path: directory });
  };
  const ranking = manifest !== undefined
    ? {
      rankValues: await f32("rank_values.pt", [dSae, k]),
      topPatchI: toU32(await read("top_patch_i.pt", [dSae, k])),
      topCount: toU32(await read("top_count.pt", [dSae])),
    }
    : await deriveRanking(topValues);
  if (ranking.topCount.some((count) => count > k) || ranking.topPatchI.some((patch) => patch >= Math.max(1, patches))) {
    throw new ArtifactError(
      `Cannot use ${directory}: a latent has more than ${k} entries, or a patch past ${patches}`,
      {
        path: directory,
      },
    );
  }
  let sketch: Promise<Sketch> | undefined;
  const stored: StoredArtifacts = {
    directory,
    manifest,
    kind: hasHeatmaps ? "patch" : "img",
    dSae,
    k,
    patches,
    ...ranking,
    topI: toU32(await read("top_img_i.pt", [dSae, k])),
    meanValues: await f32("mean_values.pt"),
    sparsity: await f32("sparsity.pt"),
    percentiles: await f32(percentilesName(percentile)),
    distributionsShape: [distributions.shape[0], distributions.shape[1]],
    readTopValues: (latent) => rows(topValues, latent),
    readDistribution: (latent) => rows(distributions, latent),
    async readSketch(latent: number): Promise<StoredSketch | undefined> {
      if (manifest === undefined) return undefined;
      sketch ??= readSketch(`${directory}/${SKETCH_NAME}`, dSae);
      return expandSketch(await sketch, latent);
    },
    async readAll(): Promise<TopKImg | TopKPatch> {
      const shared = {
        topValues: tensor((await topValues.read()).data as Float32Array, topValues.shape),
        rankValues: tensor(stored.rankValues, [dSae, k]),
        topI: tensor(stored.topI, [dSae, k]),
        topCount: tensor(stored.topCount, [dSae]),
        meanValues: tensor(stored.meanValues, [dSae]),
        sparsity: tensor(stored.sparsity, [dSae]),
        distributions: tensor((await distributions.read()).data as Float32Array, distributions.shape),
        percentiles: tensor(stored.percentiles, [dSae]),
      };
      if (!hasHeatmaps) return { kind: "img", ...shared };
      return { kind: "patch", ...shared, topPatchI: tensor(stored.topPatchI, [dSae, k]) };
    },
    close,
  };
  return stored;
}

/** Shapes and types that what follows relies on. */
function checkKinds(directory: string, topValues: LazyTensor, distributions: LazyTensor): void {
  const isRight = [2, 3].includes(topValues.shape.length) && distributions.shape.length === 2 &&
    distributions.shape[0] <= topValues.shape[0] &&
    [topValues, distributions].every(({ dtype }) => dtype === "float32");
  if (isRight) return;
  throw new ArtifactError(
    `Cannot use ${directory}: top_values.pt is ${topValues.dtype} [${topValues.shape}] and distributions.pt ` +
      `${distributions.dtype} [${distributions.shape}], which are no artifacts`,
    { path: directory },
  );
}

async function checkSizes(directory: string, manifest: Manifest): Promise<void> {
  for (const [name, bytes] of Object.entries(manifest.files)) {
    const path = `${directory}/${name}`;
    const found = await fileSize(path);
    if (found === bytes) continue;
    const what = found === undefined ? "it is missing" : `it holds ${found} bytes, and ${bytes} were written`;
    throw new ArtifactError(`Cannot use ${path}: ${what}; compute the artifacts again with --force`, { path });
  }
}
