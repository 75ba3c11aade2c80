/**
 * Reads what says what a directory of artifacts holds.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { refuseLinksOut } from "./contained.ts";
import { type Manifest, MANIFEST_NAME, MAX_MANIFEST_BYTES, parseManifest } from "./manifest.ts";
import { readSmallFile } from "./open_file.ts";

/**
 * The manifest of a directory, undefined if there is none: then its artifacts are missing, unfinished, or upstream's.
 *
 * @throws {ArtifactError} If it is damaged or of another format, or the directory holds a link that leads out of it.
 *
 * @example
 * ```ts
 * import { readManifest } from "./read_manifest.ts";
 * console.assert(await readManifest("fixtures/golden/emoji-sort_by_patch") === undefined);
 * ```
 */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  await refuseLinksOut(directory, directory);
  const path = `${directory}/${MANIFEST_NAME}`;
  const bytes = await readSmallFile(path, MAX_MANIFEST_BYTES);
  if (bytes === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ArtifactError(`Cannot read ${path}: it is not JSON; compute the artifacts again`, { path }, { cause });
  }
  return parseManifest(value, path);
}
