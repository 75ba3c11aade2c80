/**
 * Opens the states of many parts as one, with no more than so many files open at a time.
 * @module
 */
import { type JoinedStates, joinStates, writeJoined } from "../io/join_states.ts";
import { openState, type StateFile } from "../io/open_state.ts";
import type { StateShape } from "../io/state_file.ts";
import type { JobHooks, Stopwatch } from "./hooks.ts";

/** Some systems let a process open 256 files, and it has others. */
const MAX_OPEN_PARTS = 128;

/** A part's state on disk. */
export interface PartFile {
  /** Where it is. */
  readonly path: string;
  /** Rows of its images, skipped ones included. */
  readonly nRows: number;
}

/** See {@linkcode withJoined}. */
export interface JoinOptions {
  /** What every state has to have, but for the distributions, which depend on its rows. */
  readonly shape: StateShape;
  /** Latents whose every activation is kept. */
  readonly nDistributions: number;
  /** Directory for what is merged on the way; the caller removes it. */
  readonly scratch: string;
  /** Who listens. */
  readonly hooks: JobHooks;
  /** What adds up times. */
  readonly watch: Stopwatch;
  /** Files open at a time, at least 2; for tests. */
  readonly maxOpen?: number;
}

/**
 * Runs `work` on the parts as one state. When there are more than fit, groups of neighbours are merged to files first, and those
 * again, as a tree.
 *
 * @param files In the order of their images; at least one.
 * @throws {ArtifactError} If a state is damaged, or the disk is full.
 */
export async function withJoined<T>(
  files: readonly PartFile[],
  options: JoinOptions,
  work: (joined: JoinedStates) => Promise<T>,
): Promise<T> {
  const { scratch, hooks, watch, maxOpen = MAX_OPEN_PARTS } = options;
  let level = files;
  for (let depth = 0; level.length > maxOpen; depth++) {
    const groups = Math.ceil(level.length / maxOpen);
    const merged: PartFile[] = [];
    hooks.log(`Merging ${level.length} states in ${groups} groups first`);
    for (let group = 0; group < groups; group++) {
      hooks.signal?.throwIfAborted();
      const [from, to] = [group, group + 1].map((i) => Math.floor((i * level.length) / groups));
      const path = `${scratch}/${depth}-${group}.state`;
      const nRows = await watch.time(
        "merge groups",
        () =>
          withOpen(level.slice(from, to), options, async (joined) => {
            await writeJoined(path, joined);
            return joined.nRows;
          }),
      );
      merged.push({ path, nRows });
      hooks.progress({ stage: "merge groups", done: group + 1, total: groups, unit: "groups" });
    }
    level = merged;
  }
  return await withOpen(level, options, work);
}

async function withOpen<T>(
  files: readonly PartFile[],
  { shape, nDistributions }: JoinOptions,
  work: (joined: JoinedStates) => Promise<T>,
): Promise<T> {
  const opened: { file: StateFile; nRows: number }[] = [];
  try {
    for (const { path, nRows } of files) {
      opened.push({ file: await openState(path, { ...shape, distributionWords: nDistributions * nRows }), nRows });
    }
    return await work(joinStates(opened));
  } finally {
    for (const { file } of opened) file.close();
  }
}
