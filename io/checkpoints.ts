/**
 * Saved states of a pass under way: `.state/` in the directory of its artifacts.
 * @module
 */
import type { LatentState } from "../compute/latent_state.ts";
import { makeDirectory, removeFile, removeTemporaries } from "./atomic_write.ts";
import { isDirectory, listDirectory } from "./open_file.ts";
import { writeState } from "./state_file.ts";

const NAME_PATTERN = /^(\d{9})\.state$/;
/** The newest, and the one before in case a disk lied about having written it. */
const KEPT = 2;

function stateDirectory(directory: string): string {
  return `${directory}/.state`;
}

/**
 * The saved states in a directory of artifacts, newest first; empty when there are none.
 *
 * @example
 * ```ts
 * import { listCheckpoints } from "./checkpoints.ts";
 * console.assert((await listCheckpoints("fixtures/golden/emoji-sort_by_patch")).length === 0);
 * ```
 */
export async function listCheckpoints(directory: string): Promise<string[]> {
  const folder = stateDirectory(directory);
  if (!await isDirectory(folder)) return [];
  const names = (await listDirectory(folder)).filter((name) => NAME_PATTERN.test(name));
  return names.reverse().map((name) => `${folder}/${name}`);
}

/**
 * Saves a state beside the one before it, and removes those before that.
 *
 * @param facts Kept in the file's header; see `writeState`.
 * @throws {ArtifactError} If the file cannot be written; the states saved before are untouched.
 *
 * @example
 * ```ts
 * import { emptyState } from "../compute/empty_state.ts";
 * import { listCheckpoints, removeCheckpoints, saveCheckpoint } from "./checkpoints.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 2 });
 * await saveCheckpoint("tests/tmp/saved", state, { nextImage: 0 });
 * console.assert((await listCheckpoints("tests/tmp/saved")).length === 1);
 * await removeCheckpoints("tests/tmp/saved");
 * await Deno.remove("tests/tmp/saved");
 * ```
 */
export async function saveCheckpoint(directory: string, state: LatentState, facts: unknown): Promise<void> {
  const saved = await listCheckpoints(directory);
  const newest = saved.length === 0 ? 0 : Number(NAME_PATTERN.exec(saved[0].slice(saved[0].lastIndexOf("/") + 1))![1]);
  await makeDirectory(stateDirectory(directory));
  const name = String(newest + 1).padStart(9, "0");
  await writeState(`${stateDirectory(directory)}/${name}.state`, state, facts);
  for (const path of saved.slice(KEPT - 1)) await removeFile(path);
}

/** Removes all saved states, and their directory if nothing else lies in it. */
export async function removeCheckpoints(directory: string): Promise<void> {
  const folder = stateDirectory(directory);
  if (!await isDirectory(folder)) return;
  await removeTemporaries(folder);
  for (const path of await listCheckpoints(directory)) await removeFile(path);
  if ((await listDirectory(folder)).length === 0) await removeFile(folder);
}
