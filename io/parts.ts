/**
 * Parts of a dump on disk: `parts/i-of-n/` beside the artifacts, each a state and a manifest that is written last.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { atomicWrite, removeFile } from "./atomic_write.ts";
import { type ArtifactRequest, type Manifest, MANIFEST_FORMAT, MANIFEST_NAME, parseManifest } from "./manifest.ts";
import { fileSize, isDirectory, listDirectory, readSmallFile } from "./open_file.ts";
import { readManifest } from "./read_manifest.ts";
import { writeState } from "./state_file.ts";

/** Name of a part's state. */
export const PART_STATE_NAME = "part.state";
/** Name of the file that keeps what was measured on the sample. */
const MEASURED_NAME = "measured.json";
/** A mean row in JSON. */
const MAX_MEASURED_BYTES = 64 << 20;
const NAME_PATTERN = /^(\d+)-of-(\d+)$/;

/** Which images a part holds. */
export interface PartRange {
  /** Its number, from 0. */
  readonly index: number;
  /** Parts in all. */
  readonly count: number;
  /** Its first image. */
  readonly firstImage: number;
  /** Its images; 0 when there are more parts than shards. */
  readonly nImages: number;
  /** Their rows, skipped ones included. */
  readonly nRows: number;
}

/** A part's manifest. */
export interface PartManifest extends Manifest {
  /** Which images it holds. */
  readonly part: PartRange;
  /** What rows were centred and scaled by; every part must have used the same. */
  readonly measured: Measured;
}

/** What is measured on the sample; f32 values, which JSON keeps exactly. */
export interface Measured {
  /** Subtracted from rows; null for nothing. */
  readonly mean: readonly number[] | null;
  /** Divides rows. */
  readonly scalar: number;
}

/**
 * The directory of a part.
 *
 * @example
 * ```ts
 * import { partDirectory } from "./parts.ts";
 * console.assert(partDirectory("data/sort_by_patch", 3, 64) === "data/sort_by_patch/parts/3-of-64");
 * ```
 */
export function partDirectory(directory: string, index: number, count: number): string {
  return `${directory}/parts/${index}-of-${count}`;
}

/**
 * Writes a part: the state, then the manifest.
 *
 * @param directory The artifacts' directory.
 * @throws {ArtifactError} If a file cannot be written.
 */
export async function writePart(
  directory: string,
  state: LatentState,
  facts: Omit<PartManifest, "format" | "files">,
): Promise<void> {
  const own = partDirectory(directory, facts.part.index, facts.part.count);
  await removeFile(`${own}/${MANIFEST_NAME}`);
  await writeState(`${own}/${PART_STATE_NAME}`, state, { part: facts.part });
  const bytes = await fileSize(`${own}/${PART_STATE_NAME}`) ?? 0;
  const manifest: PartManifest = { format: MANIFEST_FORMAT, ...facts, files: { [PART_STATE_NAME]: bytes } };
  await atomicWrite(`${own}/${MANIFEST_NAME}`, JSON.stringify(manifest, undefined, 2) + "\n");
}

/**
 * A part's manifest; undefined when the part is not there, or not whole.
 *
 * @param directory The artifacts' directory.
 *
 * @example
 * ```ts
 * import { readPartManifest } from "./parts.ts";
 * console.assert(await readPartManifest("fixtures/golden/patch", 0, 2) === undefined);
 * ```
 */
export async function readPartManifest(
  directory: string,
  index: number,
  count: number,
): Promise<PartManifest | undefined> {
  const own = partDirectory(directory, index, count);
  const manifest = await readManifest(own).catch((error: unknown) => {
    if (!(error instanceof ArtifactError)) throw error;
    return undefined;
  }) as Partial<PartManifest> | undefined;
  // Its own word is taken for nothing: what it says decides which files are read next, and how.
  const isOurs = manifest !== undefined && isRange(manifest.part) && isMeasured(manifest.measured) &&
    manifest.part.index === index && manifest.part.count === count;
  if (!isOurs) return undefined;
  const isWhole = await fileSize(`${own}/${PART_STATE_NAME}`) === manifest.files?.[PART_STATE_NAME];
  return isWhole ? manifest as PartManifest : undefined;
}

function isRange(part: Partial<PartRange> | undefined): part is PartRange {
  return typeof part === "object" && part !== null &&
    (["index", "count", "firstImage", "nImages", "nRows"] as const).every((key) => {
      const value = part[key];
      return Number.isSafeInteger(value) && value! >= 0;
    });
}

/**
 * Whether a value out of a file is what is measured on a sample.
 *
 * @example
 * ```ts
 * import { isMeasured } from "./parts.ts";
 * console.assert(isMeasured({ mean: [0.5], scalar: 2 }) && !isMeasured({ mean: ["1"], scalar: 2 }));
 * ```
 */
export function isMeasured(value: unknown): value is Measured {
  if (typeof value !== "object" || value === null) return false;
  const { mean, scalar } = value as Partial<Measured>;
  return Number.isFinite(scalar) && (mean === null || Array.isArray(mean) && mean.every(Number.isFinite));
}

/**
 * The sets of parts in a directory of artifacts: number of parts → indices with a directory, ascending. Whether they are
 * whole is told by {@linkcode readPartManifest}.
 *
 * @example
 * ```ts
 * import { listParts } from "./parts.ts";
 * console.assert((await listParts("fixtures/golden/patch")).size === 0);
 * ```
 */
export async function listParts(directory: string): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>();
  if (!await isDirectory(`${directory}/parts`)) return found;
  for (const name of await listDirectory(`${directory}/parts`)) {
    const match = NAME_PATTERN.exec(name);
    if (match === null) continue;
    const count = Number(match[2]);
    found.set(count, [...found.get(count) ?? [], Number(match[1])]);
  }
  for (const indices of found.values()) indices.sort((a, b) => a - b);
  return found;
}

/** What was measured, and for which request. */
export interface MeasuredFile extends ArtifactRequest {
  /** The values. */
  readonly measured: Measured;
}

/**
 * Keeps what was measured for the parts to come.
 *
 * @throws {ArtifactError} If it cannot be written.
 */
export async function writeMeasured(directory: string, file: MeasuredFile): Promise<void> {
  await atomicWrite(`${directory}/parts/${MEASURED_NAME}`, JSON.stringify({ format: MANIFEST_FORMAT, ...file }) + "\n");
}

/** Reads it; undefined when there is none of this format. Whether it fits is the reader's to tell. */
export async function readMeasured(directory: string): Promise<MeasuredFile | undefined> {
  const path = `${directory}/parts/${MEASURED_NAME}`;
  const bytes = await readSmallFile(path, MAX_MEASURED_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const file = JSON.parse(new TextDecoder().decode(bytes)) as Partial<MeasuredFile & { format: number }> | null;
    if (!isMeasured(file?.measured)) return undefined;
    // The rest is a request, as in a manifest.
    parseManifest({ backend: { name: "" }, files: {}, rows: 0, skippedRows: 0, ...file }, path);
    return file as MeasuredFile;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ArtifactError) return undefined;
    throw error;
  }
}
