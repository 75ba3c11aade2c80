/**
 * Artifacts that another program wrote: upstream's files, and nothing that says what they were computed from.
 * @module
 */
import { DatasetError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import { openPictures } from "../io/datasets/open_pictures.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import { foreignPercentile, readArtifacts } from "../io/read_artifacts.ts";
import { outputDirectory } from "./output_directory.ts";

/** A directory of such artifacts. */
export interface ForeignArtifacts {
  /** The settings, as they were given. */
  readonly config: VisualsConfig;
  /** Where they are. */
  readonly directory: string;
  /** The percentile that is there. */
  readonly percentile: number;
  /** When this began, monotonic. */
  readonly startedMs: number;
}

/** Looks whether a configuration's directory holds them. */
export async function findForeign(config: VisualsConfig): Promise<ForeignArtifacts | undefined> {
  const startedMs = performance.now();
  // Its name may stand for that of the shards, which need not be there.
  if (config.dumpTo.includes("{shards}")) return undefined;
  const directory = await outputDirectory(config);
  const percentile = await foreignPercentile(directory, config.percentile);
  return percentile === undefined ? undefined : { config, directory, percentile, startedMs };
}

/**
 * Opens the pictures. Upstream keeps one column for each row, or for each image, of which their number is known.
 *
 * @throws {DatasetError} If there are more or fewer pictures than images.
 */
export async function openForeignPictures(
  config: VisualsConfig,
  { directory, percentile }: ForeignArtifacts,
): Promise<PictureSource> {
  const artifacts = await readArtifacts(directory, { percentile });
  const { patches, distributionsShape: [, columns] } = artifacts;
  artifacts.close();
  const pictures = await openPictures(config.images);
  const { length } = pictures;
  if (columns === length || columns === length * patches) return pictures;
  pictures.close();
  const images = patches > 0 && columns % patches === 0 ? columns / patches : columns;
  throw new DatasetError(
    `${config.images.root} holds ${length} pictures, but the artifacts in ${directory} were made of ${images}: ` +
      "give the data set (--images.root, --images.split) that the activations were recorded from",
    { path: config.images.root },
  );
}
