/**
 * Says what lies at a path: a checkpoint, shards, artifacts, or pictures.
 * @module
 */
import type { InputNorm, Sae } from "../compute/sae.ts";
import { openPictures } from "../io/datasets/open_pictures.ts";
import { detectPath } from "../io/detect_path.ts";
import { loadSae } from "../io/load_sae.ts";
import { openShards, type Shards } from "../io/open_shards.ts";
import { readArtifacts } from "../io/read_artifacts.ts";
import { gridNotes } from "./grid_notes.ts";

/** Quantiles shown of norms: least, quartiles, most. */
const QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 1];
/** Percentile in the name of upstream's artifacts, which have no manifest to say it. */
const UPSTREAM_PERCENTILE = 99;

/** A path and, for a checkpoint, shards to hold it against. */
export interface InspectRequest {
  /** A file or a directory. */
  readonly path: string;
  /** Shards that the checkpoint is to be used with. */
  readonly shardRoot?: string | undefined;
}

/** Least, lower quartile, median, upper quartile and most. */
export type Spread = readonly [number, number, number, number, number];

/** A checkpoint. */
export interface CheckpointReport {
  /** Which of the reports this is. */
  readonly what: "checkpoint";
  /** The files, as `cat FILES | sha256sum` hashes them. */
  readonly files: readonly string[];
  /** Their hash. */
  readonly sha256: string;
  /** The tool. */
  readonly kind: string;
  /** The version of its format; 0 where none is stated. */
  readonly schema: number;
  /** Width of rows. */
  readonly dVit: number;
  /** Latents. */
  readonly dSae: number;
  /** The activation in words. */
  readonly activation: string;
  /** The encoder's formula. */
  readonly convention: string;
  /** What is done to rows first. */
  readonly inputNorm: InputNorm | undefined;
  /** Where its training data was recorded, as the tool says. */
  readonly trainedOn: string | undefined;
  /** Norms of each latent's weights, biases, and of the vectors beside them. */
  readonly norms: {
    readonly encoder: Spread;
    readonly decoder: Spread;
    readonly encoderBias: Spread;
    readonly threshold: Spread | undefined;
    readonly preBias: number;
    readonly decoderBias: number;
  };
  /** What a user should know. */
  readonly warnings: readonly string[];
  /** Why it cannot be used with the shards; empty when none were given. */
  readonly problems: readonly string[];
}

/** A shard directory. */
export interface ShardsReport {
  /** Which of the reports this is. */
  readonly what: "shards";
  /** The directory. */
  readonly root: string;
  /** The layout. */
  readonly layout: string;
  /** The model, as the recorder named it. */
  readonly model: string | undefined;
  /** Images. */
  readonly images: number;
  /** Patches of each, CLS excluded. */
  readonly patches: number;
  /** Whether token 0 is CLS. */
  readonly clsToken: boolean;
  /** Layers, in order. */
  readonly layers: readonly number[];
  /** Width of a vector. */
  readonly dVit: number;
  /** Number of files. */
  readonly files: number;
  /** Bytes of all. */
  readonly bytes: number;
  /** What a user should know. */
  readonly warnings: readonly string[];
}

/** A directory of artifacts. */
export interface ArtifactsReport {
  /** Which of the reports this is. */
  readonly what: "artifacts";
  /** The directory. */
  readonly directory: string;
  /** What made it; undefined for upstream's, which do not say. */
  readonly madeBy: { readonly startedAt: string; readonly backend: string; readonly rows: number } | undefined;
  /** Whether entries are images or patches with heatmaps. */
  readonly kind: "img" | "patch";
  /** Latents. */
  readonly dSae: number;
  /** Entries kept of each. */
  readonly k: number;
  /** Heatmap values of an entry. */
  readonly patches: number;
  /** Latents that never fired. */
  readonly deadLatents: number;
  /** Mean number of latents that fire on a row. */
  readonly meanL0: number;
  /** log10 of the firing rates of those that fire. */
  readonly logFrequency: Spread;
}

/** A picture data set. */
export interface PicturesReport {
  /** Which of the reports this is. */
  readonly what: "pictures";
  /** `image-folder`, `ade20k` or `imagenet`. */
  readonly kind: string;
  /** The directory. */
  readonly root: string;
  /** Pictures. */
  readonly count: number;
  /** Different labels among the first 10,000. */
  readonly labels: number;
  /** The first pictures' names. */
  readonly first: readonly string[];
}

/** Any of them. */
export type Inspection = CheckpointReport | ShardsReport | ArtifactsReport | PicturesReport;

/**
 * Looks at a path and says what it is. Nothing is written, and of shards only the sizes of files are looked at.
 *
 * @throws {DatasetError} If nothing is there, or a directory holds none of these.
 * @throws {CheckpointError | TorchFileError | UnsafePickleError} If it is a checkpoint that cannot be used.
 * @throws {ShardFormatError | ArtifactError} If shards or artifacts are damaged.
 *
 * @example
 * ```ts
 * import { inspectPath } from "./inspect_path.ts";
 * const found = await inspectPath({ path: "fixtures/demo/emoji/sae.pt", shardRoot: "fixtures/demo/emoji/shards" });
 * console.assert(found.what === "checkpoint" && found.problems.length === 0);
 * ```
 */
export async function inspectPath({ path, shardRoot }: InspectRequest): Promise<Inspection> {
  const found = await detectPath(path);
  switch (found.what) {
    case "checkpoint":
      return await inspectCheckpoint(found.path, shardRoot === undefined ? undefined : await openShards(shardRoot));
    case "shards":
      return inspectShards(await openShards(found.root));
    case "artifacts":
      return await inspectArtifacts(found.directory);
    case "pictures": {
      const { kind, root } = found.spec;
      const pictures = await openPictures(found.spec);
      try {
        const looked = Math.min(pictures.length, 10_000);
        const labels = new Set(Array.from({ length: looked }, (_, i) => pictures.label(i)));
        const first = Array.from({ length: Math.min(3, pictures.length) }, (_, i) => pictures.name(i));
        return { what: "pictures", kind, root, count: pictures.length, labels: labels.size, first };
      } finally {
        pictures.close();
      }
    }
  }
}

async function inspectCheckpoint(path: string, shards: Shards | undefined): Promise<CheckpointReport> {
  const { sae, info, decoder } = await loadSae(path, { decoder: true });
  const { activation } = sae;
  return {
    what: "checkpoint",
    files: info.files,
    sha256: info.sha256,
    kind: info.kind,
    schema: info.schema,
    dVit: sae.dVit,
    dSae: sae.dSae,
    activation: info.activation,
    convention: info.convention,
    inputNorm: sae.inputNorm,
    trainedOn: info.trainedOn,
    norms: {
      encoder: spread(columnNorms(sae)),
      decoder: spread(
        Float64Array.from(
          { length: sae.dSae },
          (_, j) => norm(decoder!.wDec.subarray(j * sae.dVit, (j + 1) * sae.dVit)),
        ),
      ),
      encoderBias: spread(Float64Array.from(sae.bEnc)),
      threshold: activation.kind === "jumprelu"
        ? spread(Float64Array.from(activation.threshold))
        : activation.kind === "threshold"
        ? spread(new Float64Array([activation.threshold]))
        : undefined,
      preBias: norm(sae.bPre),
      decoderBias: norm(decoder!.bDec),
    },
    warnings: info.warnings,
    problems: shards === undefined ? [] : misfits(sae, shards),
  };
}

/** Why an encoder cannot read the shards, or its heatmaps would be wrong. */
function misfits(sae: Sae, shards: Shards): string[] {
  const problems = gridNotes(shards);
  if (sae.dVit !== shards.dVit) {
    problems.unshift(
      `It encodes vectors of width ${sae.dVit}, but ${shards.root} holds width ${shards.dVit}: they are not of one model`,
    );
  }
  return problems;
}

function inspectShards(shards: Shards): ShardsReport {
  const { metadata } = shards;
  const model = [metadata.family ?? metadata.model_family, metadata.ckpt ?? metadata.model_ckpt]
    .filter((word) => typeof word === "string").join(" ");
  return {
    what: "shards",
    root: shards.root,
    layout: shards.layout,
    model: model === "" ? undefined : model,
    images: shards.nImages,
    patches: shards.patches,
    clsToken: shards.clsToken,
    layers: shards.layers,
    dVit: shards.dVit,
    files: shards.files.length,
    bytes: shards.files.reduce((sum, file) => sum + file.bytes, 0),
    warnings: gridNotes(shards),
  };
}

async function inspectArtifacts(directory: string): Promise<ArtifactsReport> {
  let artifacts;
  try {
    artifacts = await readArtifacts(directory);
  } catch (error) {
    // Upstream's have no manifest, which would say the percentile.
    artifacts = await readArtifacts(directory, { percentile: UPSTREAM_PERCENTILE }).catch(() => {
      throw error;
    });
  }
  try {
    const { manifest, kind, dSae, k, patches, sparsity } = artifacts;
    const firing = Float64Array.from(sparsity.filter((rate) => rate > 0), Math.log10);
    return {
      what: "artifacts",
      directory,
      madeBy: manifest === undefined
        ? undefined
        : { startedAt: manifest.startedAt, backend: manifest.backend.name, rows: manifest.rows },
      kind,
      dSae,
      k,
      patches,
      deadLatents: dSae - firing.length,
      meanL0: sparsity.reduce((sum, rate) => sum + rate, 0),
      logFrequency: spread(firing),
    };
  } finally {
    artifacts.close();
  }
}

function norm(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

/** L2 norm of each latent's encoder weights. */
function columnNorms({ wEnc, dSae }: Sae): Float64Array {
  const squares = new Float64Array(dSae);
  wEnc.forEach((weight, i) => squares[i % dSae] += weight * weight);
  return squares.map(Math.sqrt);
}

/** Quantiles, linear between neighbours; NaN when there is nothing. */
function spread(values: Float64Array): Spread {
  const sorted = values.toSorted();
  const [least, lower, median, upper, most] = QUANTILES.map((q) => {
    const at = q * (sorted.length - 1);
    const below = Math.floor(at);
    return sorted.length === 0
      ? NaN
      : sorted[below] + (at - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
  });
  return [least, lower, median, upper, most];
}
