/**
 * What the viewer says and shows of a run.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import { ArtifactError } from "../compute/errors.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { StoredExamples } from "../io/examples_file.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import { readStudy, STUDY_NAME } from "../io/study_file.ts";
import type { ViewerRun } from "../render/viewer_data.ts";
import { digest } from "./digest.ts";
import { numberFiles } from "./picture_ledger.ts";
import { viewerColumns } from "./viewer_columns.ts";

/**
 * Collects what `buildViewer` asks for, but for the pictures.
 *
 * Equal requests give the same `build`, on any day, so that an interrupted build goes on and ends in the same bytes. `id` is
 * that of the checkpoint and the shards: notes on a latent are found again however entries are ranked.
 *
 * @throws {ArtifactError} If an entry's image is not among the pictures.
 */
export async function viewerRun(
  config: VisualsConfig,
  artifacts: StoredArtifacts,
  shown: {
    readonly latents: readonly number[];
    readonly pictures: PictureSource;
    readonly plot: string | undefined;
    readonly examples: StoredExamples | undefined;
  },
): Promise<Omit<ViewerRun, "picture">> {
  const { manifest } = artifacts;
  const { latents, pictures, plot, examples } = shown;
  checkImages(artifacts, pictures.length);
  const inputs = manifest?.inputs ?? { ckpt: config.ckpt, shards: config.data.shardRoot };
  const known = manifest === undefined ? artifacts.directory : {
    inputs: manifest.inputs,
    backend: manifest.backend.name,
    files: numberFiles(manifest),
    tool: manifest.versions.tool,
  };
  const study = manifest !== undefined && Object.hasOwn(manifest.files, STUDY_NAME)
    ? await readStudy(artifacts.directory, artifacts.dSae)
    : undefined;
  const columns = await viewerColumns(artifacts, study);
  const told = columns.map(({ key, values }) => [key, Array.from(values)]);
  const { fit, grid, exif, images, sortBy } = config;
  const distance = config.diverse ? config.diverseDistance : undefined;
  const build = {
    ...{ known, fit, grid, exif, images, sortBy, latents, distance, columns: told },
    study: study?.request,
    examples: examples === undefined ? undefined : [examples.request, examples.sampled],
  };
  return {
    id: (await digest(inputs)).slice(0, 16),
    build: (await digest(build)).slice(0, 16),
    title: titleOf(config.ckpt),
    summary: summaryOf(config, artifacts),
    plots: plot === undefined
      ? []
      : [{ src: plot, caption: `How strongly the first ${config.nDistributions} latents fire` }],
    sortBy,
    rows: rowsOf(artifacts),
    images: pictures.length,
    artifacts,
    ...(grid === undefined ? {} : { grid: { rows: grid[0], cols: grid[1] } }),
    fit,
    chosen: latents,
    freqRange: config.logFreqRange,
    valueRange: config.logValueRange,
    columns,
    ...(study === undefined ? {} : { areas: (latent) => study.classes[study.latents.indexOf(latent)] ?? [] }),
    ...(examples === undefined ? {} : { examples }),
    label: (image) => pictures.label(image),
    name: (image) => pictures.name(image),
  };
}

/** Names the checkpoint by its last two parts: `sae.pt` alone is every checkpoint's name. */
function titleOf(ckpt: string): string {
  const name = ckpt.split("/").filter((part) => part !== "" && part !== ".").slice(-2).join("/");
  return `What activates the latents of ${name}`;
}

function rowsOf({ manifest, distributionsShape }: StoredArtifacts): number {
  return manifest?.rows ?? distributionsShape[1];
}

function summaryOf(config: VisualsConfig, artifacts: StoredArtifacts): [string, string][] {
  const { manifest } = artifacts;
  const layer = typeof config.data.layer === "number" ? `layer ${config.data.layer}` : `mean over layers`;
  return [
    ["Checkpoint", config.ckpt],
    ["Shards", `${config.data.shardRoot}, ${layer}, ${config.data.patches}`],
    ["Pictures", `${config.images.root} (${config.images.kind})`],
    ["Rows", rowsOf(artifacts).toLocaleString("en")],
    ["Latents", artifacts.dSae.toLocaleString("en")],
    [
      "Ranked by",
      `${config.sortBy}, top ${artifacts.k}${config.dedupe === "image" ? ", one entry per image" : ""}${
        config.diverse ? ", near-duplicates left out" : ""
      }`,
    ],
    ...(manifest === undefined ? [] : [
      ["Computed", `${manifest.startedAt.slice(0, 16).replace("T", " ")} UTC on ${manifest.backend.name}`] as [
        string,
        string,
      ],
    ]),
  ];
}

/** An artifact from elsewhere may rank anything. */
function checkImages({ directory, dSae, k, topI, topCount }: StoredArtifacts, nImages: number): void {
  for (let latent = 0; latent < dSae; latent++) {
    for (let rank = 0; rank < topCount[latent]; rank++) {
      const image = topI[latent * k + rank];
      if (image < nImages) continue;
      throw new ArtifactError(
        `Cannot use ${directory}: latent ${latent} ranks image ${image}, and there are ${nImages} pictures; ` +
          "compute the artifacts again with --force",
        { path: directory },
      );
    }
  }
}
