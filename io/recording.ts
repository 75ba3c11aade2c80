/**
 * `recording.json` beside shards: how they were recorded, and which are done.
 * @module
 */
import { DatasetError } from "../compute/errors.ts";
import { atomicWrite } from "./atomic_write.ts";
import { fileSize, readSmallFile } from "./open_file.ts";
import type { ShardPlan } from "./write_shards.ts";

/** Name of the file. */
export const RECORDING_NAME = "recording.json";
const MAX_RECORDING_BYTES = 16 << 20;

/** What is known of a recording. */
export interface Recording {
  /** Version of this file's layout. */
  readonly format: 1;
  /** Everything that the values depend on: equal requests give equal shards. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Shards that are written, the first so many. */
  readonly shardsDone: number;
  /** Whether all is written. */
  readonly complete: boolean;
  /** What a reader should know, one line each. */
  readonly notes: readonly string[];
}

/** What lies in a directory. */
export interface FoundRecording {
  /** The file, if there is one. */
  readonly recording: Recording | undefined;
  /** Whether there is a metadata.json, so that readers take the directory for shards. */
  readonly isReadable: boolean;
}

/**
 * Looks for a recording.
 *
 * @throws {DatasetError} If its file is damaged.
 */
export async function findRecording(directory: string): Promise<FoundRecording> {
  const path = `${directory}/${RECORDING_NAME}`;
  const isReadable = await fileSize(`${directory}/metadata.json`) !== undefined;
  const bytes = await readSmallFile(path, MAX_RECORDING_BYTES, DatasetError);
  if (bytes === undefined) return { recording: undefined, isReadable };
  let value: Partial<Recording> | null = null;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Said below.
  }
  const ok = value?.format === 1 && typeof value.request === "object" && value.request !== null &&
    Number.isSafeInteger(value.shardsDone) && value.shardsDone! >= 0;
  if (!ok) {
    throw new DatasetError(`Cannot read ${path}: it is no recording's file; record again with --force`, { path });
  }
  return { recording: value as Recording, isReadable };
}

/** Writes the file whole. */
export async function writeRecording(directory: string, recording: Recording): Promise<void> {
  await atomicWrite(`${directory}/${RECORDING_NAME}`, `${JSON.stringify(recording, undefined, 2)}\n`);
}

/**
 * The first key in which two requests differ; undefined when they are equal.
 *
 * @example
 * ```ts
 * import { requestDifference } from "./recording.ts";
 * console.assert(requestDifference({ a: 1, b: [2] }, { a: 1, b: [3] }) === "b");
 * ```
 */
export function requestDifference(
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): string | undefined {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .find((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
}

/** How many of the first shards are there in full, of those that a recording says are done. */
export async function countDone({ directory, files }: ShardPlan, said: number): Promise<number> {
  let done = 0;
  while (
    done < Math.min(said, files.length) && await fileSize(`${directory}/${files[done].name}`) === files[done].bytes
  ) {
    done++;
  }
  return done;
}
