/**
 * The one schema that everything about settings is made from.
 * @module
 */
import { z } from "./_zod.ts";
import { RECORDING } from "./recording_schema.ts";
import type { JsonSchema } from "./settings.ts";
import type { VisualsConfig } from "./types.ts";

const KIB_POWERS: Readonly<Record<string, number>> = { "": 0, K: 1, M: 2, G: 3, T: 4 };
const SIZE_PATTERN = /^(\d+(?:\.\d+)?) ?([KMGTkmgt]?)(?:i?[Bb])?$/;

/** Bytes as a number, or as text with a binary suffix: `1.5G`, `512 MiB`. */
function size(): z.ZodType<number, number | string> {
  return z.union([z.int().min(0), z.string().regex(SIZE_PATTERN)]).transform((value) => {
    if (typeof value === "number") return value;
    const [, digits, suffix] = SIZE_PATTERN.exec(value)!;
    return Math.floor(Number(digits) * 1024 ** KIB_POWERS[suffix.toUpperCase()]);
  });
}

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { ms: 0.001, "": 1, s: 1, m: 60, min: 60, h: 3600 };
const DURATION_PATTERN = /^(\d+(?:\.\d+)?) ?(ms|s|min|m|h)?$/;

/** Seconds as a number, or as text with a unit: `60s`, `5 min`, `1.5h`. */
function duration(): z.ZodType<number, number | string> {
  return z.union([z.number().min(0), z.string().regex(DURATION_PATTERN)]).transform((value) => {
    if (typeof value === "number") return value;
    const [, digits, unit = ""] = DURATION_PATTERN.exec(value)!;
    return Number(digits) * SECONDS_PER_UNIT[unit];
  });
}

const count = (): z.ZodInt => z.int().min(1);
const range = (): z.ZodTuple<[z.ZodNumber, z.ZodNumber], null> => z.tuple([z.number(), z.number()]);

// The order is the order of --help and docs/settings.md.
const DATA = z.strictObject({
  shardRoot: z.string().min(1).default("./shards").meta({
    description: "Directory of activation shards: the one that holds metadata.json",
    unit: "path",
  }),
  patches: z.enum(["cls", "patches", "meanpool"]).default("patches").meta({
    description: "What becomes a row: every patch, the CLS token, or the mean over an image's patches",
  }),
  layer: z.union([z.int(), z.literal("meanpool")]).default(-2).meta({
    description: "Layer to read: a number that metadata.json lists, or the mean over all layers",
  }),
  clamp: z.number().positive().default(1e5).meta({
    description: "Values are clamped to plus or minus this before they are scaled",
    unit: "activation",
  }),
  scaleMean: z.boolean().default(true).meta({ description: "Subtract the mean of a sample of rows" }),
  scaleNorm: z.boolean().default(true).meta({
    description: "Divide by the mean L2 norm of the centred sample over the root of the width",
  }),
  nRandomSamples: count().default(2 ** 19).meta({
    description: "Rows in the sample that the mean and the norm are taken from",
    unit: "rows",
  }),
});
const IMAGES = z.strictObject({
  kind: z.enum(["imagenet", "image-folder", "ade20k"]).default("imagenet").meta({
    description: "Kind of picture data set: Hugging Face parquet or arrow files on disk, class folders, or ADE20K",
  }),
  root: z.string().min(1).default("./data/imagenet").meta({
    description: "Directory of the picture data set",
    unit: "path",
  }),
  split: z.string().default("").meta({
    description: "Split of the data set; when empty, train for imagenet, training for ade20k, none for image-folder",
  }),
});
// One line of a batch script each: what could end the line or begin a comment is no value of theirs.
const word = (): z.ZodString => z.string().regex(/^[\w.:,=@+-]+$/);
/** Flags turn words of digits into numbers. */
const amount = (): z.ZodType<string, string | number> =>
  z.union([z.int().min(0), word()]).transform((value) => String(value));

const SLURM = z.strictObject({
  partition: word().optional().meta({ description: "Partition to submit to; the cluster's own choice when not given" }),
  account: word().optional().meta({ description: "Account to charge" }),
  qos: word().optional().meta({ description: "Quality of service" }),
  array: count().default(8).meta({
    description: "Tasks of the dump's array, each computing one part; more than there are shards stand idle",
    unit: "tasks",
  }),
  renderArray: count().default(1).meta({ description: "Tasks that draw the pictures", unit: "tasks" }),
  cpus: count().default(8).meta({ description: "Processors of a task, and its worker threads", unit: "processors" }),
  gpus: amount().optional().meta({ description: "GPUs of a dump task, such as 1 or a100:1" }),
  mem: amount().optional().meta({ description: "Memory of a task, such as 16G" }),
  time: amount().optional().meta({
    description: "Time limit of a task, such as 02:00:00; a minute before it the task saves its state",
  }),
});
const GROUPS = {
  "Inputs": {
    ckpt: z.string().min(1).default("./checkpoints/sae.pt").meta({
      description: "Checkpoint of the sparse autoencoder",
      unit: "path",
    }),
    run: z.string().min(1).optional().meta({
      description: "Run directory of the current upstream layout: fills --ckpt, --data.shard-root and --dump-to",
      unit: "path",
    }),
    images: IMAGES.prefault({}),
  },
  "Rows": {
    data: DATA.prefault({}),
    verify: z.boolean().default(false).meta({
      description: "Recompute the shard directory's hash (and hash its files) and warn on a mismatch",
    }),
    nonFinite: z.enum(["error", "skip"]).default("error").meta({
      description: "What to do with a row holding NaN or an infinity: stop and name it, or count and skip it",
    }),
  },
  "Ranking and statistics": {
    sortBy: z.enum(["patch", "img", "sum"]).default("patch").meta({
      description: "Rank patches, images by their one row, or images by the sum over their patches",
    }),
    topK: count().default(128).meta({
      description: "Entries kept per latent",
      unit: "entries",
    }),
    dedupe: z.enum(["none", "image"]).default("none").meta({
      description: "With image, only the best patch of each image is ranked",
    }),
    percentile: z.number().min(0).max(100).default(99).meta({
      description: "Percentile of the online estimate",
      unit: "percent",
    }),
    nDistributions: z.int().min(0).default(25).meta({
      description: "Keep and plot every activation of this many latents, from the first",
      unit: "latents",
    }),
    distributionsLimit: size().prefault("1GiB").meta({
      description: "When the kept activations would be larger than this, keep their histograms instead",
      unit: "bytes",
    }),
    epsilon: z.number().positive().default(1e-9).meta({
      description: "Added where a division or a logarithm could meet zero",
    }),
  },
  "Latents and pictures": {
    logFreqRange: range().default([-6, -2]).meta({
      description: "Show latents whose firing rate is strictly inside",
      unit: "log10",
    }),
    logValueRange: range().default([-1, 1]).meta({
      description: "Show latents whose mean activation is strictly inside",
      unit: "log10",
    }),
    includeLatents: z.array(z.int().min(0)).default([]).meta({
      description: "Show these latents first, in this order, whatever their statistics",
      unit: "latents",
    }),
    nLatents: z.int().min(0).default(400).meta({
      description: "Show this many latents more, chosen at random",
      unit: "latents",
    }),
    seed: z.int().min(0).default(42).meta({
      description: "Seed of the random choice of latents; the same seed picks the same latents as upstream",
    }),
    intervalImages: z.int().min(0).default(4096).meta({
      description:
        "Take examples of a latent's whole range from a sample of this many images, encoded again; 0 for none; see docs/viewer.md",
      unit: "images",
    }),
    render: z.enum(["png", "jpeg", "viewer-only"]).default("png").meta({
      description:
        "Draw each latent's pictures to PNG files, or to JPEG files of quality 90; or to none, and show them in the page alone",
    }),
    diverse: z.boolean().default(false).meta({
      description: "Leave out a latent's pictures that look nearly like one ranked above; see docs/insight.md",
    }),
    diverseDistance: z.int().min(0).max(64).default(10).meta({
      description:
        "With --diverse, pictures whose perceptual hashes differ in at most this many of 64 bits are nearly alike",
      unit: "bits",
    }),
    fit: z.enum(["square", "clip", "dinov2"]).default("square").meta({
      description: "Fit a picture by squeezing it as upstream does, or by the model's own resize and crop",
    }),
    grid: z.tuple([count(), count()]).optional().meta({
      description: "Rows and columns of the patch grid; a square one when not given",
      unit: "patches",
    }),
    gridScale: z.number().positive().max(16).default(2).meta({
      description: "Side of a rendered picture",
      unit: "224 pixels",
    }),
    exif: z.boolean().default(false).meta({
      description: "Rotate pictures by their EXIF orientation; activations are recorded from unrotated pixels",
    }),
    maxPixels: count().default(178_956_970).meta({
      description: "Refuse to decode a picture larger than this",
      unit: "pixels",
    }),
  },
  "Beyond the pictures": {
    export: z.array(z.enum(["npz", "json"])).default([]).meta({
      description: "Also write every activation as a scipy matrix with var.parquet, or the shown latents as JSON lines",
    }),
    study: z.boolean().default(false).meta({
      description:
        "With visuals, also read all rows again for label statistics and the patch audit of the shown latents",
    }),
  },
  "Compute": {
    device: z.enum(["auto", "webgpu", "wasm", "reference"]).default("auto").meta({
      description: "Backend; auto takes the fastest that works here and says why, a named one is never replaced",
    }),
    precision: z.enum(["f32", "f16"]).default("f32").meta({
      description: "How the webgpu backend stores rows and weights; f16 is faster and rounds each by up to 2^-11",
    }),
    nWorkers: z.int().min(0).default(0).meta({
      description: "Worker threads; 0 for one per core",
      unit: "threads",
    }),
    topkBatchSize: count().default(16384).meta({
      description: "Batch of the ranking pass; changes speed and memory, never a result",
      unit: "rows",
    }),
    saeBatchSize: count().default(16384).meta({
      description: "Batch of the encoder; changes speed and memory, never a result",
      unit: "rows",
    }),
    readAhead: count().max(64).default(1).meta({
      description: "Reads under way at a time while a batch is computed; 4 to 16 where a file system is slow to answer",
      unit: "reads",
    }),
    maxMemory: size().prefault("8GiB").meta({
      description: "Refuse a job that would need more memory than this",
      unit: "bytes",
    }),
  },
  "Run": {
    dumpTo: z.string().min(1).default("./data").meta({
      description: "Output directory; {shards} in it stands for the name of the shard directory",
      unit: "path",
    }),
    force: z.boolean().default(false).meta({ description: "Recompute even when fitting artifacts exist" }),
    resume: z.boolean().default(false).meta({
      description: "Go on from the last saved state of an interrupted job",
    }),
    checkpointEvery: duration().prefault("60s").meta({
      description: "Save the state of the pass this often; with 0 only when the job is interrupted",
      unit: "seconds",
    }),
    usr2: z.enum(["stop", "go-on"]).default("stop").meta({
      description:
        "What SIGUSR2 does, which batch systems send ahead of the end: save the state and stop, or save it and go on",
    }),
    breakLock: z.boolean().default(false).meta({
      description: "Take over an output directory that another job seems to hold",
    }),
    part: z.string().min(1).optional().meta({
      description:
        "With dump or render, do only these parts of so many, counted from 0: 3/64, 3,7-9/64, env:INDEX/COUNT with variables' names",
    }),
    parts: count().optional().meta({
      description: "Number of parts: which set to merge, or with --local how many processes compute at the same time",
      unit: "parts",
    }),
    local: z.boolean().default(false).meta({
      description: "With dump --parts, compute the parts with processes on this machine, then merge",
    }),
    dryRun: z.boolean().default(false).meta({
      description: "Say what would be read, computed and written, and with which permissions; do nothing",
    }),
    quiet: z.boolean().default(false).meta({ description: "Print warnings and errors only" }),
    profile: z.boolean().default(false).meta({ description: "Report the seconds spent per stage" }),
  },
  "Recording activations": RECORDING,
  "Slurm": {
    slurm: SLURM.prefault({}),
  },
};

const SCHEMA = z.strictObject({
  ...GROUPS["Inputs"],
  ...GROUPS["Rows"],
  ...GROUPS["Ranking and statistics"],
  ...GROUPS["Latents and pictures"],
  ...GROUPS["Beyond the pictures"],
  ...GROUPS["Compute"],
  ...GROUPS["Run"],
  ...GROUPS["Recording activations"],
  ...GROUPS["Slurm"],
});

type SameKeys<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : false) : false;
/** `A`, or nothing at all when a setting is in the schema and not in the types, or the other way round. */
type Exactly<A extends VisualsConfig, B extends VisualsConfig> = [
  SameKeys<A, B>,
  SameKeys<A["data"], B["data"]>,
  SameKeys<A["images"], B["images"]>,
  SameKeys<A["slurm"], B["slurm"]>,
] extends [true, true, true, true] ? A : never;

/** What is wrong with a configuration, first thing first. */
export interface SchemaIssue {
  /** Keys down to the setting, or down to the table with the unknown key. */
  readonly keys: readonly string[];
  /** The unknown key, when that is what is wrong. */
  readonly unknownKey: string | undefined;
}

/**
 * Validates and fills in defaults.
 *
 * @example
 * ```ts
 * import { validate } from "./schema.ts";
 * const result = validate({ topK: 0 });
 * if (!("issue" in result) || result.issue.keys[0] !== "topK") throw new Error("unexpected");
 * ```
 */
export function validate(input: unknown): { readonly config: VisualsConfig } | { readonly issue: SchemaIssue } {
  const result = SCHEMA.safeParse(input);
  if (result.success) return { config: result.data satisfies Exactly<VisualsConfig, typeof result.data> };
  const [first] = result.error.issues;
  return {
    issue: {
      // A position inside a list or a pair is dropped: the setting is what the user knows.
      keys: first.path.filter((key) => typeof key === "string"),
      unknownKey: first.code === "unrecognized_keys" ? first.keys[0] : undefined,
    },
  };
}

/**
 * The schema as JSON schemas, one per heading of the documentation, in order.
 *
 * @example
 * ```ts
 * import { schemaGroups } from "./schema.ts";
 * if (schemaGroups()[0][0] !== "Inputs") throw new Error("unexpected");
 * ```
 */
export function schemaGroups(): [heading: string, schema: JsonSchema][] {
  return Object.entries(GROUPS).map(([heading, shape]) => [
    heading,
    z.toJSONSchema(z.strictObject(shape as z.ZodRawShape), { io: "input" }) as JsonSchema,
  ]);
}
