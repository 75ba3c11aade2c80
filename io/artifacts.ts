/**
 * The artifacts of a ranking, `dump_to/sort_by_{sort_by}/`, as a set of files that changes as a whole.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { atomicWrite, makeDirectory, moveFile, removeFile, removeTree } from "./atomic_write.ts";
import { type Manifest, MANIFEST_NAME } from "./manifest.ts";
import { fileSize, isDirectory, listDirectory } from "./open_file.ts";
import { readManifest } from "./read_manifest.ts";

/** Made of artifacts later, on request; those of other artifacts go away with them. */
const ADDED_NAMES: ReadonlySet<string> = new Set([
  "token_acts.npz",
  "var.parquet",
  "latents.jsonl",
  "labels.parquet",
  "study.json",
  "examples.safetensors",
]);

/**
 * The directory of a ranking's artifacts.
 *
 * @example
 * ```ts
 * import { artifactDirectory } from "./artifacts.ts";
 * console.assert(artifactDirectory("./data", "patch") === "./data/sort_by_patch");
 * ```
 */
export function artifactDirectory(dumpTo: string, sortBy: string): string {
  return `${dumpTo}/sort_by_${sortBy}`;
}

/**
 * Name of the online estimates' file: `percentiles_p99.pt`, `percentiles_p99.9.pt`.
 *
 * @example
 * ```ts
 * import { percentilesName } from "./artifacts.ts";
 * console.assert(percentilesName(99) === "percentiles_p99.pt");
 * ```
 */
export function percentilesName(percentile: number): string {
  return `percentiles_p${percentile}.pt`;
}

/**
 * Ends what a killed job began: a set of artifacts that was written completely takes its place, a part of one goes away.
 * Call only where nobody else writes.
 *
 * @returns Whether a set took its place.
 * @throws {ArtifactError} If a file cannot be moved.
 *
 * @example
 * ```ts
 * import { recoverArtifacts } from "./artifacts.ts";
 * console.assert(await recoverArtifacts("fixtures/golden/emoji-sort_by_patch") === false);
 * ```
 */
export async function recoverArtifacts(directory: string): Promise<boolean> {
  const staging = stagingDirectory(directory);
  if (!await isDirectory(staging)) return false;
  // It was renamed into place whole, so what does not parse is not ours.
  const manifest = await manifestIfSound(staging);
  if (manifest === undefined) {
    await removeTree(staging);
    return false;
  }
  await publish(directory, manifest);
  return true;
}

/**
 * Adds files to artifacts that are there, or replaces some, all of them or none: as {@linkcode writeArtifacts} does.
 *
 * While files that the manifest does not list are added it stays in place, and readers find the artifacts as they were.
 *
 * @param manifest The artifacts' manifest.
 * @param write Writes the files into a directory and says which.
 * @returns The manifest as it is now.
 * @throws {ArtifactError} If a file cannot be written; the artifacts stay as they were.
 */
export async function addArtifacts(
  directory: string,
  manifest: Manifest,
  write: (staging: string) => Promise<readonly string[]>,
): Promise<Manifest> {
  return await replaceArtifacts(directory, async (staging) => {
    const files: Record<string, number> = { ...manifest.files };
    for (const name of await write(staging)) files[name] = await fileSize(`${staging}/${name}`) ?? 0;
    return { ...manifest, files };
  });
}

/**
 * Lets `write` fill a directory beside with files, then moves them into place, the manifest last: an interrupted write is never
 * taken for a finished one, and until the whole new set is on disk the one before it stays as it was.
 *
 * @param write Writes the files into a directory; what it did not write of the manifest it returns is there already.
 * @returns The manifest as it is now.
 * @throws {ArtifactError} If a file cannot be written; the artifacts stay as they were.
 */
export async function replaceArtifacts(
  directory: string,
  write: (staging: string) => Promise<Manifest>,
): Promise<Manifest> {
  const staging = stagingDirectory(directory);
  await removeTree(staging);
  await makeDirectory(staging);
  let manifest: Manifest;
  try {
    manifest = await write(staging);
    // From here on the set is complete, and whoever finds it publishes it.
    await atomicWrite(`${staging}/${MANIFEST_NAME}`, JSON.stringify(manifest, undefined, 2) + "\n");
  } catch (error) {
    // A full disk should get back what this took of it.
    await removeTree(staging).catch(() => undefined);
    throw error;
  }
  await publish(directory, manifest);
  return manifest;
}

/** Beside the artifacts, so on the same disk: renaming needs no room, and a full disk leaves what was there before. */
function stagingDirectory(directory: string): string {
  return `${directory}/.incoming`;
}

/**
 * Moves a complete set into place, the manifest last. May be cut off anywhere and done again.
 *
 * The manifest that is there goes first, unless all that it lists stays as it is: then it is true until the new one takes its
 * place, and whoever looks in between finds the artifacts without what is added.
 */
async function publish(directory: string, manifest: Manifest): Promise<void> {
  const staging = stagingDirectory(directory);
  const left = new Set(await listDirectory(staging));
  if (!await isTrueMeanwhile(directory, manifest, left)) await removeFile(`${directory}/${MANIFEST_NAME}`);
  await removeForeign(directory, manifest);
  for (const name of Object.keys(manifest.files)) {
    if (left.has(name)) await moveFile(`${staging}/${name}`, `${directory}/${name}`);
  }
  await moveFile(`${staging}/${MANIFEST_NAME}`, `${directory}/${MANIFEST_NAME}`);
  await removeTree(staging);
}

/** Whether the manifest that is there is of the same artifacts, and lists no file that goes away or is replaced. */
async function isTrueMeanwhile(directory: string, manifest: Manifest, incoming: ReadonlySet<string>): Promise<boolean> {
  const before = await manifestIfSound(directory);
  if (before === undefined) return false;
  const facts = (of: Manifest): string => JSON.stringify({ ...of, files: {} });
  return facts(before) === facts(manifest) &&
    Object.keys(before.files).every((name) => Object.hasOwn(manifest.files, name) && !incoming.has(name));
}

/** The manifest of a directory; undefined when there is none or it is damaged. */
async function manifestIfSound(directory: string): Promise<Manifest | undefined> {
  return await readManifest(directory).catch((error: unknown) => {
    if (!(error instanceof ArtifactError)) throw error;
    return undefined;
  });
}

/** Estimates of another percentile, and what was added to other artifacts, belong to another run. */
async function removeForeign(directory: string, { files }: Manifest): Promise<void> {
  for (const name of await listDirectory(directory)) {
    const isOptional = /^percentiles_p[\d.]+\.pt$/.test(name) || ADDED_NAMES.has(name);
    if (isOptional && !Object.hasOwn(files, name)) await removeFile(`${directory}/${name}`);
  }
}
