/**
 * Two runs on the same pictures: which latents behave alike.
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { chooseBackend } from "../compute/choose_backend.ts";
import { Correlation, type Match } from "../compute/correlate.ts";
import { ArtifactError, DatasetError, DeviceLimitError } from "../compute/errors.ts";
import { type RowLayout, rowsPerImage } from "../compute/rows.ts";
import type { VisualsConfig } from "../config/types.ts";
import { openPictures } from "../io/datasets/open_pictures.ts";
import { describeInputs } from "../io/manifest.ts";
import { readArtifacts, type StoredArtifacts } from "../io/read_artifacts.ts";
import { encodeRows } from "./encode_rows.ts";
import { type JobHooks, Stopwatch, withDefaults } from "./hooks.ts";
import { inDirectory } from "./in_directory.ts";
import { measureRows } from "./measure_rows.ts";
import { type Inputs, openInputs } from "./open_inputs.ts";
import { chosenLatents } from "./render_latents.ts";
import type { JobSummary } from "./report.ts";
import { writeComparison } from "./write_comparison.ts";

/** Latents of the second run that are listed for one of the first. */
const MATCHES = 5;

/** What to compare. */
export interface CompareRequest {
  /** How latents are chosen, and pictures read and drawn; checkpoint, shards and rows are the first run's. */
  readonly a: VisualsConfig;
  /** The second run's settings. */
  readonly b: VisualsConfig;
  /** The first run's artifacts. */
  readonly directoryA: string;
  /** The second's. */
  readonly directoryB: string;
}

/** A run that is compared. */
export interface ComparedRun {
  /** Its settings. */
  readonly config: VisualsConfig;
  /** Its artifacts. */
  readonly artifacts: StoredArtifacts;
  /** What they were computed from. */
  readonly inputs: Inputs;
}

/** What was found of a latent of the first run. */
export interface LatentMatches {
  /** The latent. */
  readonly latent: number;
  /** The most correlated of the second run, best first. */
  readonly matches: readonly Match[];
}

/**
 * Compares the latents that a render of the first run shows with all latents of the second, and writes a page of pairs,
 * `matches.parquet` and `matches.json` to `DUMP_TO/compare/`.
 *
 * The value of a latent on an image is what the run ranks images by: its largest activation, or with `sortBy: "sum"` the sum.
 * All rows of both runs are read and encoded again, of the first for the latents compared alone. Images of which a run left out
 * every row count in neither.
 *
 * @throws {ArtifactError} If there are no artifacts, or they were computed from other files than lie there now.
 * @throws {DatasetError} If the runs or the pictures have different numbers of images.
 * @throws {DeviceLimitError} If the table of pairs would pass `maxMemory`.
 */
export async function compareRuns(request: CompareRequest, hooks?: Partial<JobHooks>): Promise<JobSummary> {
  const start = performance.now();
  const { directoryA, directoryB } = request;
  const output = `${request.a.dumpTo}/compare`;
  const opened: ComparedRun[] = [];
  try {
    for (const [config, directory] of [[request.a, directoryA], [request.b, directoryB]] as const) {
      opened.push(await openRun(config, directory));
    }
    const [a, b] = opened;
    const [{ nImages }, { nImages: others }] = [a.inputs.shards, b.inputs.shards];
    if (nImages !== others) {
      throw new DatasetError(
        `${directoryA} is of ${nImages} images and ${directoryB} of ${others}: runs on the same pictures can be compared`,
        { path: directoryB },
      );
    }
    const pictures = await openPictures(request.a.images);
    try {
      if (pictures.length !== nImages) {
        throw new DatasetError(
          `${request.a.images.root} holds ${pictures.length} pictures, and the runs are of ${nImages} images; ` +
            "give their data set (--images.root, --images.split)",
          { path: request.a.images.root },
        );
      }
      return await inDirectory(output, request.a, withDefaults(hooks), async (hooks) => {
        const watch = new Stopwatch();
        const latents = chosenLatents(request.a, a.artifacts);
        const { found, images } = await watch.time("compare", () => correlate(a, b, latents, hooks));
        const drawn = await writeComparison(output, { a, b, found, images, pictures, hooks, watch });
        return {
          outputs: ["index.html", "matches.parquet", "matches.json"].map((name) => `${output}/${name}`),
          latents: latents.length,
          pictures: drawn,
          seconds: (performance.now() - start) / 1000,
          profile: watch.seconds,
        };
      });
    } finally {
      pictures.close();
    }
  } finally {
    opened.forEach(({ artifacts }) => artifacts.close());
  }
}

async function openRun(config: VisualsConfig, directory: string): Promise<ComparedRun> {
  const artifacts = await readArtifacts(directory);
  try {
    const inputs = await openInputs(config);
    const now = describeInputs(config.ckpt, inputs.saeInfo.sha256, inputs.shards);
    const then = artifacts.manifest!.inputs;
    if (now.checkpoint.sha256 !== then.checkpoint.sha256 || now.metadata.sha256 !== then.metadata.sha256) {
      throw new ArtifactError(
        `Cannot compare ${directory}: ${config.ckpt} or ${config.data.shardRoot} has other content than it was computed from`,
        { path: directory },
      );
    }
    return { config, artifacts, inputs };
  } catch (error) {
    artifacts.close();
    throw error;
  }
}

async function correlate(
  a: ComparedRun,
  b: ComparedRun,
  latents: readonly number[],
  hooks: JobHooks,
): Promise<{ found: LatentMatches[]; images: number }> {
  const { dSae } = b.inputs.sae;
  const { maxMemory, device, precision } = a.config;
  const bytes = 8 * latents.length * dSae;
  if (bytes > maxMemory) {
    throw new DeviceLimitError(
      `Comparing ${latents.length} latents with ${dSae} takes ${bytes} bytes, and ${maxMemory} are allowed; ` +
        "take fewer --n-latents or raise --max-memory",
      { limit: "max-memory", requested: bytes, available: maxMemory },
    );
  }
  const sums = new Correlation(latents.length, dSae);
  const { backend } = await chooseBackend(device, { precision, log: hooks.log });
  try {
    const quiet: JobHooks = { ...hooks, progress: () => {} };
    const theirs = imageVectors(b, { backend, layout: await measureRows(b.config, b.inputs, quiet), hooks });
    const layout = await measureRows(a.config, a.inputs, quiet);
    for await (const own of imageVectors(a, { backend, layout, hooks: quiet }, latents)) {
      const other = (await theirs.next()).value!;
      if (own !== undefined && other !== undefined) sums.add(own, other);
    }
  } finally {
    await backend.close();
  }
  const matches = sums.matches(MATCHES);
  return { found: latents.map((latent, i) => ({ latent, matches: matches[i] })), images: sums.images };
}

/** `f32 [latents]` of every image, in order; undefined for one of which every row was left out. */
async function* imageVectors(
  { config, inputs }: ComparedRun,
  pass: { backend: Backend; layout: RowLayout; hooks: JobHooks },
  latents?: readonly number[],
): AsyncGenerator<Float32Array | undefined, undefined> {
  const { backend, layout, hooks } = pass;
  const perImage = rowsPerImage(layout);
  const m = latents?.length ?? inputs.sae.dSae;
  const options = { backend, hooks, stage: "compare", latents };
  for await (const { acts, nImages, skipped } of encodeRows(config, inputs, layout, options)) {
    for (let i = 0; i < nImages; i++) {
      const sums = new Float64Array(m);
      for (let p = 0; p < perImage; p++) {
        const row = (i * perImage + p) * m;
        for (let j = 0; j < m; j++) {
          const value = acts[row + j];
          if (config.sortBy === "sum") sums[j] += value;
          else if (value > sums[j]) sums[j] = value;
        }
      }
      const isLeftOut = skipped !== undefined &&
        skipped.subarray(i * perImage, (i + 1) * perImage).every((skip) => skip === 1);
      yield isLeftOut ? undefined : Float32Array.from(sums);
    }
  }
}
