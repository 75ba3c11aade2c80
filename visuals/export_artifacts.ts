/**
 * Artifacts for other tools: the sparse matrix and table of upstream's notebooks, and latents as JSON lines.
 * @module
 */
import { chooseBackend } from "../compute/choose_backend.ts";
import { ArtifactError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import { addArtifacts } from "../io/artifacts.ts";
import { atomicWrite } from "../io/atomic_write.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import { isDirectory } from "../io/open_file.ts";
import { readArtifacts, type StoredArtifacts } from "../io/read_artifacts.ts";
import { readManifest } from "../io/read_manifest.ts";
import { writeTable } from "../io/write_table.ts";
import { openMatchingPictures } from "./draw.ts";
import { fits, openDump, type OpenedDump } from "./dump.ts";
import { type JobHooks, withDefaults } from "./hooks.ts";
import { inDirectory } from "./in_directory.ts";
import { latentLine } from "./latent_lines.ts";
import { measuredRows } from "./measured_rows.ts";
import { chosenLatents } from "./render_latents.ts";
import type { JobSummary } from "./report.ts";
import { writeTokenActs } from "./token_acts.ts";

/** Files of each kind of export. */
const FILES: Readonly<Record<VisualsConfig["export"][number], readonly string[]>> = {
  npz: ["token_acts.npz", "var.parquet"],
  json: ["latents.jsonl"],
};

/**
 * Writes what `config.export` names beside artifacts that are there.
 *
 * `npz` reads all rows again, in this one process: after `merge`, not in parts. Nothing depends on batches or threads.
 *
 * @throws {ArtifactError} If there are no artifacts of this request, or something cannot be written.
 * @throws {DatasetError} If the pictures are not those that the activations were recorded from.
 */
export async function exportArtifacts(asked: VisualsConfig, hooks?: Partial<JobHooks>): Promise<JobSummary> {
  const job = await openDump(asked);
  const { directory } = job;
  if (!await fits(job)) {
    throw new ArtifactError(
      `Cannot export from ${directory}: it holds no artifacts of this request; compute them with dump, or merge their parts`,
      { path: directory },
    );
  }
  return await inDirectory(directory, job.config, withDefaults(hooks), async (hooks) => ({
    outputs: await exportInto(job, hooks),
    seconds: (performance.now() - job.startedMs) / 1000,
    profile: job.watch.seconds,
  }));
}

/**
 * The same in a directory that is this job's alone. What is there already stays, unless `force` is set: it was made of the
 * same artifacts, or it would have gone with the others.
 *
 * @returns Paths of the files asked for.
 */
export async function exportInto(job: OpenedDump, hooks: JobHooks): Promise<string[]> {
  const { config, directory, watch } = job;
  for (const kind of new Set(config.export)) {
    const manifest = (await readManifest(directory))!;
    // Lines hold the latents that are chosen now, so they are cheap and always written anew.
    const isThere = kind === "npz" && FILES[kind].every((name) => Object.hasOwn(manifest.files, name));
    if (isThere && !config.force) {
      hooks.log(`Keeping ${FILES[kind].join(" and ")} in ${directory}`);
      continue;
    }
    const artifacts = await readArtifacts(directory, { percentile: config.percentile });
    try {
      await watch.time(`export ${kind}`, () =>
        addArtifacts(directory, manifest, async (staging) => {
          await (kind === "npz"
            ? writeNpz(staging, job, artifacts, hooks)
            : writeLines(staging, job, artifacts, hooks));
          return FILES[kind];
        }));
    } finally {
      artifacts.close();
    }
  }
  return exportedPaths(directory, config.export);
}

/** The files that exports are written to. */
export function exportedPaths(directory: string, kinds: VisualsConfig["export"]): string[] {
  return [...new Set(kinds)].flatMap((kind) => FILES[kind]).map((name) => `${directory}/${name}`);
}

async function writeNpz(
  staging: string,
  job: OpenedDump,
  artifacts: StoredArtifacts,
  hooks: JobHooks,
): Promise<void> {
  const { config, inputs } = job;
  const layout = await measuredRows(job, hooks);
  const { backend } = await chooseBackend(config.device, { precision: config.precision, log: hooks.log });
  try {
    await writeTokenActs(`${staging}/token_acts.npz`, config, { inputs, layout, backend, hooks });
  } finally {
    await backend.close();
  }
  const { sparsity, meanValues, topI, k } = artifacts;
  const log10 = (values: Float32Array) => (j: number): number => Math.fround(Math.log10(values[j]));
  await writeTable(`${staging}/var.parquet`, {
    rows: artifacts.dSae,
    columns: [
      { name: "feature", type: "int64", cell: (j) => j },
      { name: "log10_freq", type: "float64", cell: log10(sparsity) },
      { name: "log10_value", type: "float64", cell: log10(meanValues) },
      { name: "topk_example_idx", list: "int64", cell: (j) => topI.subarray(j * k, (j + 1) * k) },
    ],
    facts: { k },
  });
}

async function writeLines(
  staging: string,
  job: OpenedDump,
  artifacts: StoredArtifacts,
  hooks: JobHooks,
): Promise<void> {
  const { config, inputs: { shards } } = job;
  const { ckpt, model_ckpt } = shards.metadata;
  const pictures = await picturesIfThere(job, hooks);
  try {
    const facts = { modelId: String(ckpt ?? model_ckpt ?? ""), layer: String(config.data.layer), pictures };
    const latents = chosenLatents(config, artifacts);
    await atomicWrite(`${staging}/latents.jsonl`, async (output) => {
      const encoder = new TextEncoder();
      for (const latent of latents) {
        hooks.signal?.throwIfAborted();
        await output.write(encoder.encode(`${await latentLine(artifacts, latent, facts)}\n`));
      }
    });
  } finally {
    pictures?.close();
  }
}

/** Names and labels are worth having, but an export can do without. */
async function picturesIfThere(job: OpenedDump, hooks: JobHooks): Promise<PictureSource | undefined> {
  const { root } = job.config.images;
  if (await isDirectory(root)) return await openMatchingPictures(job);
  hooks.log(`Found no pictures at ${root}: names and labels are left out`, "warn");
  return undefined;
}
