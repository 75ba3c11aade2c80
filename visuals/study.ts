/**
 * Studies the latents that are shown: what classes of pictures say about them, and whether they track places or norms.
 * @module
 */
import { chooseBackend } from "../compute/choose_backend.ts";
import { ArtifactError } from "../compute/errors.ts";
import { examplesOf, type LatentExamples } from "../compute/interval_examples.ts";
import { groupLabels, type Labels, labelStatistics, type LatentLabels } from "../compute/label_statistics.ts";
import { auditPatches, type PatchAudit } from "../compute/patch_audit.ts";
import type { VisualsConfig } from "../config/types.ts";
import { addArtifacts } from "../io/artifacts.ts";
import { atomicWrite } from "../io/atomic_write.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import { EXAMPLES_NAME } from "../io/examples_file.ts";
import { LATENTS_NAME } from "../io/latents_table.ts";
import { readArtifacts, type StoredArtifacts } from "../io/read_artifacts.ts";
import { readManifest } from "../io/read_manifest.ts";
import { LABELS_NAME, readStudy, STUDY_NAME, studyText } from "../io/study_file.ts";
import { writeTable } from "../io/write_table.ts";
import { digest } from "./digest.ts";
import { openMatchingPictures } from "./draw.ts";
import { fits, openDump, type OpenedDump } from "./dump.ts";
import { type JobHooks, withDefaults } from "./hooks.ts";
import { imageValues } from "./image_values.ts";
import { inDirectory } from "./in_directory.ts";
import { emptyExamples, keepExamples } from "./interval_examples.ts";
import { measuredRows } from "./measured_rows.ts";
import { chosenLatents } from "./render_latents.ts";
import type { JobSummary } from "./report.ts";
import { labelsTable, studiedLatents, studyColumns } from "./study_tables.ts";

/** Values of images held at a time; with more, the rows are read once for each share of the latents. */
const VALUES_BYTES = 2 ** 30;

/** A study under way. */
export interface StudiedLatent extends LatentLabels, PatchAudit {
  /** Which latent. */
  readonly latent: number;
}

/**
 * Studies the latents that a render of this configuration shows, and writes `study.json`, `labels.parquet` and the columns of
 * it in `latents.parquet` beside the artifacts.
 *
 * All rows are read and encoded again, for those latents alone. On the way examples of their ranges are taken, of all images,
 * unless `intervalImages` is 0.
 *
 * @throws {ArtifactError} If there are no artifacts of this request, or something cannot be written.
 * @throws {DatasetError} If the pictures are not those that the activations were recorded from.
 */
export async function studyArtifacts(asked: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary> {
  const job = await openDump(asked);
  const { directory } = job;
  if (!await fits(job)) {
    throw new ArtifactError(
      `Cannot study ${directory}: it holds no artifacts of this request; compute them with dump, or merge their parts`,
      { path: directory },
    );
  }
  const pictures = await openMatchingPictures(job);
  try {
    return await inDirectory(directory, job.config, withDefaults(hooks), async (hooks) => {
      const latents = await studyInto(job, pictures, hooks);
      return {
        outputs: studyFiles(job.config).map((name) => `${directory}/${name}`),
        studied: latents,
        seconds: (performance.now() - job.startedMs) / 1000,
        profile: job.watch.seconds,
      };
    });
  } finally {
    pictures.close();
  }
}

/**
 * The same in a directory that is this job's alone. A study of the same latents and classes that is there stays, unless
 * `force` is set.
 *
 * @returns How many latents it is of.
 */
export async function studyInto(job: OpenedDump, pictures: PictureSource, hooks: JobHooks): Promise<number> {
  const { config, directory } = job;
  const manifest = (await readManifest(directory))!;
  const artifacts = await readArtifacts(directory, { percentile: config.percentile });
  try {
    const latents = chosenLatents(config, artifacts);
    const names = labelNames(pictures);
    const { images, grid, sortBy } = config;
    const request = await digest({ latents, images, grid, sortBy, labels: names.all });
    const isThere = !config.force && Object.hasOwn(manifest.files, STUDY_NAME) &&
      (await readStudy(directory, artifacts.dSae))?.request === request;
    if (isThere) {
      hooks.log(`Keeping the study in ${directory}`);
      return latents.length;
    }
    const labels = groupLabels(names.of, names.all.length);
    const { found, examples } = await study(job, artifacts, { latents, labels, hooks });
    await addArtifacts(directory, manifest, async (staging) => {
      const nameOf = (label: number): string => names.all[label];
      await atomicWrite(`${staging}/${STUDY_NAME}`, studyText({ request, ...studyColumns(found, nameOf) }));
      await writeTable(`${staging}/${LABELS_NAME}`, labelsTable(found, nameOf));
      await writeTable(`${staging}/${LATENTS_NAME}`, await studiedLatents(artifacts, found, nameOf));
      if (config.intervalImages > 0) {
        const sampled = job.inputs.shards.nImages;
        await keepExamples(staging, job, artifacts, { latents, of: (at) => examples[at], sampled });
      }
      return studyFiles(config);
    });
    return latents.length;
  } finally {
    artifacts.close();
  }
}

async function study(
  job: OpenedDump,
  artifacts: StoredArtifacts,
  { latents, labels, hooks }: { latents: readonly number[]; labels: Labels; hooks: JobHooks },
): Promise<{ found: StudiedLatent[]; examples: LatentExamples[] }> {
  const { config, inputs, watch } = job;
  const { nImages } = inputs.shards;
  const layout = await measuredRows(job, hooks);
  const { backend } = await chooseBackend(config.device, { precision: config.precision, log: hooks.log });
  const share = Math.max(1, Math.floor(VALUES_BYTES / (4 * nImages)));
  const found: StudiedLatent[] = [];
  const examples: LatentExamples[] = [];
  try {
    for (let first = 0; first < latents.length; first += share) {
      const some = latents.slice(first, first + share);
      const taken = config.intervalImages > 0 ? await emptyExamples(config, artifacts, some) : undefined;
      const { values, counts } = await watch.time(
        "study",
        () => imageValues(config, { inputs, layout, backend, hooks }, some, taken),
      );
      if (taken !== undefined) examples.push(...some.map((_, i) => examplesOf(taken, i)));
      const audits = auditPatches(counts, gridOf(config, counts.patches));
      await watch.time("labels", () => {
        for (const [i, latent] of some.entries()) {
          hooks.signal?.throwIfAborted();
          const own = values.subarray(i * nImages, (i + 1) * nImages);
          found.push({ latent, ...audits[i], ...labelStatistics(own, labels, rankedImages(artifacts, latent)) });
        }
      });
    }
  } finally {
    await backend.close();
  }
  return { found, examples };
}

/** The files that a study writes. */
export function studyFiles({ intervalImages }: Pick<VisualsConfig, "intervalImages">): string[] {
  return [STUDY_NAME, LABELS_NAME, LATENTS_NAME, ...(intervalImages > 0 ? [EXAMPLES_NAME] : [])];
}

function gridOf({ grid }: VisualsConfig, patches: number): { rows: number; cols: number } | undefined {
  if (grid !== undefined) return { rows: grid[0], cols: grid[1] };
  const side = Math.sqrt(patches);
  return Number.isInteger(side) ? { rows: side, cols: side } : undefined;
}

function rankedImages({ k, topI, topCount }: StoredArtifacts, latent: number): number[] {
  return [...new Set(topI.subarray(latent * k, latent * k + topCount[latent]))];
}

/** Every class once, in the order of the pictures. */
function labelNames(pictures: PictureSource): { all: string[]; of: Uint32Array } {
  const indices = new Map<string, number>();
  const of = Uint32Array.from({ length: pictures.length }, (_, image) => {
    const name = pictures.label(image);
    const known = indices.get(name);
    if (known !== undefined) return known;
    indices.set(name, indices.size);
    return indices.size - 1;
  });
  return { all: [...indices.keys()], of };
}
