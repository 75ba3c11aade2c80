/**
 * Examples of the whole range of the latents that are shown, from a sample of images that is encoded again.
 * @module
 */
import type { BackendName } from "../compute/backend.ts";
import { type BackendChoice, chooseBackend } from "../compute/choose_backend.ts";
import { BackendUnavailableError, DeviceLimitError, DeviceLostError } from "../compute/errors.ts";
import {
  addImage,
  examplesOf,
  type IntervalExamples,
  intervalExamples,
  INTERVALS,
  type LatentExamples,
  PER_INTERVAL,
  sampleImages,
} from "../compute/interval_examples.ts";
import { rowsPerImage } from "../compute/rows.ts";
import type { VisualsConfig } from "../config/types.ts";
import { addArtifacts } from "../io/artifacts.ts";
import { EXAMPLES_NAME, readExamples, type StoredExamples, writeExamples } from "../io/examples_file.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { readManifest } from "../io/read_manifest.ts";
import { digest } from "./digest.ts";
import type { OpenedDump } from "./dump.ts";
import { encodeRows } from "./encode_rows.ts";
import type { JobHooks } from "./hooks.ts";
import { measuredRows } from "./measured_rows.ts";
import type { Inputs } from "./open_inputs.ts";
import { chosenLatents } from "./render_latents.ts";

/** Latents for which an image may be encoded at full price; with more, fewer images are. */
const FULL_SAMPLE_LATENTS = 1024;

const BACKENDS: readonly string[] = ["webgpu", "wasm", "reference"] satisfies BackendName[];

/**
 * How many images examples of so many latents are taken from.
 *
 * `--interval-images`, while at most 1,024 latents are encoded; with more, as many as cost the same. A top-k autoencoder is
 * encoded whole, as its latents compete.
 *
 * @returns 0 when none are asked for, else from 1 to the images there are.
 *
 * @example
 * ```ts
 * import { sampleSize } from "./interval_examples.ts";
 * const encoder = { activation: { kind: "topk", k: 32 }, dSae: 4096 } as const;
 * console.assert(sampleSize({ intervalImages: 4096 }, { images: 1e6, latents: 400, encoder }) === 1024);
 * ```
 */
export function sampleSize(
  { intervalImages }: Pick<VisualsConfig, "intervalImages">,
  of: {
    readonly images: number;
    readonly latents: number;
    readonly encoder: Pick<Inputs["sae"], "activation" | "dSae">;
  },
): number {
  const { images, latents, encoder } = of;
  if (intervalImages === 0 || latents === 0) return 0;
  const encoded = encoder.activation.kind === "topk" ? encoder.dSae : latents;
  const affordable = Math.floor(intervalImages * Math.min(1, FULL_SAMPLE_LATENTS / encoded));
  return Math.min(images, Math.max(1, affordable));
}

/** No examples yet of some latents, whose ranges end where the pass saw them end. */
export async function emptyExamples(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  latents: readonly number[],
): Promise<IntervalExamples> {
  const upper = new Float32Array(latents.length);
  for (const [i, latent] of latents.entries()) upper[i] = (await artifacts.readSketch(latent))?.max ?? 0;
  return intervalExamples(upper, { seed: config.seed, patches: artifacts.patches });
}

/**
 * The examples that a configuration shows: those that are there, or taken now and kept beside the artifacts.
 *
 * Those of all images, which a study takes on its way, stay; those of a sample stay when the same sample is asked for again.
 * Other latents need others. With `fresh` none stay.
 *
 * @returns Undefined when none are asked for.
 * @throws {ArtifactError} If those that are there are damaged, or they cannot be written.
 */
export async function examplesInto(
  job: OpenedDump,
  artifacts: StoredArtifacts,
  { hooks, fresh = false }: { readonly hooks: JobHooks; readonly fresh?: boolean },
): Promise<StoredExamples | undefined> {
  const { config, directory, inputs } = job;
  const { nImages } = inputs.shards;
  const latents = chosenLatents(config, artifacts);
  const wanted = sampleSize(config, { images: nImages, latents: latents.length, encoder: inputs.sae });
  if (wanted === 0) return undefined;
  const request = await requestOf(config);
  const found = fresh ? undefined : await keptExamples(directory, artifacts);
  const isRight = found?.request === request && found.images === nImages &&
    (found.sampled === nImages || found.sampled === wanted) &&
    latents.every((latent) => found.of(latent) !== undefined);
  if (isRight) return found;
  const layout = await measuredRows(job, hooks);
  const examples = await emptyExamples(config, artifacts, latents);
  const images = sampleImages(nImages, wanted, config.seed);
  const m = latents.length * rowsPerImage(layout);
  const { backend } = await backendFor(config, artifacts.manifest?.backend.name ?? "", hooks);
  try {
    const options = { backend, hooks, stage: "examples", latents, images };
    for await (const batch of encodeRows(config, inputs, layout, options)) {
      batch.images.forEach((image, i) => addImage(examples, image, batch.acts.subarray(i * m, (i + 1) * m)));
    }
  } finally {
    await backend.close();
  }
  const manifest = (await readManifest(directory))!;
  await addArtifacts(directory, manifest, async (staging) => {
    await keepExamples(staging, job, artifacts, {
      latents,
      of: (at) => examplesOf(examples, at),
      sampled: images.length,
    });
    return [EXAMPLES_NAME];
  });
  return await readExamples(directory, artifacts);
}

/** Writes examples to a directory on its way among the artifacts. */
export async function keepExamples(
  staging: string,
  { config, inputs }: OpenedDump,
  { patches }: StoredArtifacts,
  found: { readonly latents: readonly number[]; readonly of: (at: number) => LatentExamples; readonly sampled: number },
): Promise<void> {
  const facts = { request: await requestOf(config), images: inputs.shards.nImages, intervals: INTERVALS, patches };
  await writeExamples(`${staging}/${EXAMPLES_NAME}`, { ...facts, ...found });
}

/** What decides which images are kept, beside latents and sample. */
async function requestOf({ seed }: VisualsConfig): Promise<string> {
  return await digest({ seed, intervals: INTERVALS, perInterval: PER_INTERVAL });
}

async function keptExamples(directory: string, artifacts: StoredArtifacts): Promise<StoredExamples | undefined> {
  const files = (await readManifest(directory))?.files ?? {};
  return Object.hasOwn(files, EXAMPLES_NAME) ? await readExamples(directory, artifacts) : undefined;
}

/**
 * The backend that the pass ran on, whose bits these are, or the one asked for. A render may run where that is missing, as on a
 * node without a GPU: then any that is there, and the log says so.
 *
 * @param ran The one that the pass ran on.
 * @param choose Makes a backend; for tests.
 */
export async function backendFor(
  { device, precision }: Pick<VisualsConfig, "device" | "precision">,
  ran: string,
  { log }: Pick<JobHooks, "log">,
  choose: typeof chooseBackend = chooseBackend,
): Promise<BackendChoice> {
  const name = device !== "auto" ? device : BACKENDS.includes(ran) ? ran as BackendName : "auto";
  try {
    return await choose(name, { precision, log });
  } catch (error) {
    const isMissing = error instanceof BackendUnavailableError || error instanceof DeviceLimitError ||
      error instanceof DeviceLostError;
    if (!isMissing) throw error;
    const choice = await choose("auto", { precision, log });
    log(`Taking examples on ${choice.backend.name}, whose values may differ in rounding: ${error.message}`);
    return choice;
  }
}
