/**
 * The configuration as types. `schema.ts` does not compile when they differ from the schema.
 * @module
 */

/** Where rows come from and how they are scaled. */
export interface DataConfig {
  /** Directory with the shards' `metadata.json`. */
  readonly shardRoot: string;
  /** What becomes a row: every patch, the CLS token, or the mean over patches. */
  readonly patches: "cls" | "patches" | "meanpool";
  /** A layer that the metadata lists, or the mean over all layers. */
  readonly layer: number | "meanpool";
  /** Values are clamped to `[−clamp, clamp]`. */
  readonly clamp: number;
  /** Subtract the mean of a sample of rows. */
  readonly scaleMean: boolean;
  /** Divide by the mean L2 norm of the sample over √dVit. */
  readonly scaleNorm: boolean;
  /** Rows in that sample. */
  readonly nRandomSamples: number;
}

/** Where pictures come from. */
export interface ImagesConfig {
  /** Kind of data set. */
  readonly kind: "imagenet" | "image-folder" | "ade20k";
  /** Its directory. */
  readonly root: string;
  /** Its split; never empty for `imagenet` and `ade20k`, always empty for `image-folder`. */
  readonly split: string;
}

/** Resources and names that `submit` writes into batch scripts. */
export interface SlurmConfig {
  /** Partition to submit to; undefined for the cluster's own choice. */
  readonly partition?: string | undefined;
  /** Account to charge. */
  readonly account?: string | undefined;
  /** Quality of service. */
  readonly qos?: string | undefined;
  /** Tasks of the dump's array: parts that the shards are split into. */
  readonly array: number;
  /** Tasks that draw pictures. */
  readonly renderArray: number;
  /** Processors of a task. */
  readonly cpus: number;
  /** GPUs of a dump task, as Slurm takes them: `1`, `a100:1`. */
  readonly gpus?: string | undefined;
  /** Memory of a task, as Slurm takes it: `16G`. */
  readonly mem?: string | undefined;
  /** Time limit of a task, as Slurm takes it: `02:00:00`. */
  readonly time?: string | undefined;
}

/** What is recorded of which model, and how pictures are prepared for it. */
export interface RecordingConfig {
  /** ONNX file of the model. */
  readonly model?: string | undefined;
  /** Layers to record; none when nothing is recorded. */
  readonly layers: readonly number[];
  /** Outputs that hold them; found by name and shape when empty. */
  readonly outputs: readonly string[];
  /** What token 0 is, and whether it is recorded. */
  readonly cls: "auto" | "keep" | "drop" | "none";
  /** Register tokens before the patches, which are left out; undefined to tell by the number of tokens. */
  readonly registers?: number | undefined;
  /** `preprocessor_config.json` that says how pictures are prepared. */
  readonly preprocessor?: string | undefined;
  /** Short side, or height and width; empty for the model's input size. */
  readonly resize: readonly number[];
  /** Side, or height and width; empty for no crop. */
  readonly crop: readonly number[];
  /** Filter of the resize; bicubic when undefined. */
  readonly interpolation?: "nearest" | "box" | "bilinear" | "hamming" | "bicubic" | "lanczos" | undefined;
  /** One number or three; empty when a preprocessor says. */
  readonly mean: readonly number[];
  /** One number or three, above 0. */
  readonly std: readonly number[];
  /** Layout of the shards. */
  readonly layout: "january" | "current";
  /** Most vectors in a shard, over all layers. */
  readonly tokensPerShard: number;
  /** Pictures the model takes at once. */
  readonly vitBatchSize: number;
  /** Family of the model, for metadata.json. */
  readonly modelFamily: string;
  /** Name of the model, for metadata.json; its file's name when undefined. */
  readonly modelCkpt?: string | undefined;
  /** Record before `visuals`. */
  readonly fromPictures: boolean;
}

/** A complete, validated configuration, as {@linkcode parseConfig} gives it. */
export interface VisualsConfig extends RecordingConfig {
  /** Checkpoint file of the sparse autoencoder. */
  readonly ckpt: string;
  /** Run directory of the current upstream layout that `ckpt`, `data.shardRoot` and `dumpTo` were filled from. */
  readonly run?: string | undefined;
  /** The rows. */
  readonly data: DataConfig;
  /** The pictures. */
  readonly images: ImagesConfig;
  /** Recompute the shard directory's hash and warn when its name differs. */
  readonly verify: boolean;
  /** What to do with a row holding NaN or an infinity. */
  readonly nonFinite: "error" | "skip";
  /** What to rank. */
  readonly sortBy: "patch" | "img" | "sum";
  /** Entries kept per latent. */
  readonly topK: number;
  /** Whether an image may appear several times in one latent's ranking. */
  readonly dedupe: "none" | "image";
  /** Percentile of the online estimator, 0 … 100. */
  readonly percentile: number;
  /** Latents whose every activation is kept: the first ones. */
  readonly nDistributions: number;
  /** Largest size of the kept activations, in bytes; past it their histograms are kept. */
  readonly distributionsLimit: number;
  /** Guards divisions and logarithms against zero. */
  readonly epsilon: number;
  /** Latents are shown only if log10(firing rate) is strictly inside. */
  readonly logFreqRange: readonly [number, number];
  /** Latents are shown only if log10(mean activation) is strictly inside. */
  readonly logValueRange: readonly [number, number];
  /** Latents shown first, in this order. */
  readonly includeLatents: readonly number[];
  /** Latents chosen at random after those. */
  readonly nLatents: number;
  /** Seed of that choice, and of that of images for examples. */
  readonly seed: number;
  /** Images that examples of the latents' ranges are taken from; 0 for no examples. */
  readonly intervalImages: number;
  /** Files that pictures with heatmaps are drawn to; none with `viewer-only`. */
  readonly render: "png" | "jpeg" | "viewer-only";
  /** Leave out pictures of a latent that look nearly like one ranked above. */
  readonly diverse: boolean;
  /** Bits of 64 in which the perceptual hashes of such pictures differ at most. */
  readonly diverseDistance: number;
  /** What to write for other tools beside the artifacts. */
  readonly export: readonly ("npz" | "json")[];
  /** Read all rows again for label statistics and the patch audit. */
  readonly study: boolean;
  /** How a picture is fitted to the square. */
  readonly fit: "square" | "clip" | "dinov2";
  /** Rows and columns of the patch grid; undefined for a square one. */
  readonly grid?: readonly [number, number] | undefined;
  /** Side of a rendered picture, in units of 224 pixels. */
  readonly gridScale: number;
  /** Rotate pictures as their EXIF orientation says. */
  readonly exif: boolean;
  /** Largest picture that is decoded, in pixels. */
  readonly maxPixels: number;
  /** Backend. */
  readonly device: "auto" | "webgpu" | "wasm" | "reference";
  /** How the WebGPU backend stores rows and weights. */
  readonly precision: "f32" | "f16";
  /** Worker threads, ≥ 1. */
  readonly nWorkers: number;
  /** Rows in one batch of the ranking pass. */
  readonly topkBatchSize: number;
  /** Rows in one batch of the encoder. */
  readonly saeBatchSize: number;
  /** Reads under way at a time, ahead of the computing; changes speed, never a result. */
  readonly readAhead: number;
  /** Upper bound of the memory a job takes, in bytes. */
  readonly maxMemory: number;
  /** Output directory; `{shards}` in it stands for the shard directory's name. */
  readonly dumpTo: string;
  /** Recompute even when fitting artifacts exist. */
  readonly force: boolean;
  /** Go on from the last saved state of an interrupted job. */
  readonly resume: boolean;
  /** Seconds between saved states of the pass; 0 to save only when interrupted. */
  readonly checkpointEvery: number;
  /** What SIGUSR2 does, which batch systems send ahead of the end: save and stop, or save and go on. */
  readonly usr2: "stop" | "go-on";
  /** Take over a directory that another job seems to hold. */
  readonly breakLock: boolean;
  /** Which parts of how many to compute or draw, counted from 0: `3/64`, `3,7-9/64`; undefined for all in one job. */
  readonly part?: string | undefined;
  /** Number of parts: to merge, or to compute at the same time with `local`. */
  readonly parts?: number | undefined;
  /** Compute the parts with processes on this machine. */
  readonly local: boolean;
  /** What batch scripts ask for. */
  readonly slurm: SlurmConfig;
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** Print errors and warnings only. */
  readonly quiet: boolean;
  /** Report the seconds spent per stage. */
  readonly profile: boolean;
}

/**
 * The same with everything optional: what a config file or a caller gives. Sizes may be text such as `"8GiB"`, times text
 * such as `"5m"`.
 */
export type VisualsConfigInput =
  & {
    readonly [K in keyof Omit<VisualsConfig, "data" | "images" | "slurm" | SizeSetting | "checkpointEvery">]?:
      VisualsConfig[K];
  }
  & { readonly [K in SizeSetting | "checkpointEvery"]?: number | string }
  & {
    readonly data?: Partial<DataConfig>;
    readonly images?: Partial<ImagesConfig>;
    readonly slurm?: Partial<SlurmConfig>;
  };

/** Settings that are a number of bytes. */
export type SizeSetting = "distributionsLimit" | "maxMemory";
