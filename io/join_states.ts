/**
 * State files of passes over disjoint images, seen as the one state of a pass over all of them.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { mergeInto } from "../compute/merge_into.ts";
import type { StateFile } from "./open_state.ts";
import { type StateHeader, streamState } from "./state_file.ts";

/** A file and how many rows, skipped ones included, its distributions have. */
export interface JoinedFile {
  /** The file, open. */
  readonly file: StateFile;
  /** Rows of its images. */
  readonly nRows: number;
}

/** Several states as one; closing the files is their opener's business. */
export interface JoinedStates {
  /** What would stand before the arrays; `facts` are empty. */
  readonly header: StateHeader;
  /** Rows of all images. */
  readonly nRows: number;
  /** Latents whose every activation is kept. */
  readonly nDistributions: number;
  /** Latents that lie together; reading multiples of this reads nothing twice. */
  readonly latentsPerChunk: number;
  /** The merged state of latents `first … last − 1`, on arrays of its own; distributions are left out. */
  latents(first: number, last: number): Promise<LatentState>;
  /** Values `first … last − 1` of the distributions `f32 [nDistributions, nRows]`. */
  distributions(first: number, last: number): Promise<Float32Array>;
}

/**
 * Joins states, in the order of their images.
 *
 * One file's piece is in memory beside the merged one and the next that is on its way: memory does not grow with the number of
 * files.
 *
 * @param files At least one.
 * @throws {ArtifactError} If the states are not of one plan.
 *
 * @example
 * ```ts
 * import { emptyState } from "../compute/empty_state.ts";
 * import { joinStates } from "./join_states.ts";
 * import { openState } from "./open_state.ts";
 * import { writeState } from "./state_file.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 2 });
 * await writeState("tests/tmp/joined.state", { ...state, rows: 10 }, {});
 * const file = await openState("tests/tmp/joined.state");
 * const joined = joinStates([{ file, nRows: 10 }, { file, nRows: 10 }]);
 * console.assert(joined.header.rows === 20 && (await joined.latents(0, 4)).rows === 20);
 * file.close();
 * await Deno.remove("tests/tmp/joined.state");
 * ```
 */
export function joinStates(files: readonly JoinedFile[]): JoinedStates {
  const [{ file: first }] = files;
  const { dSae, k, patches } = first.header;
  const kept = new Set(
    files.filter(({ nRows }) => nRows > 0).map(({ file, nRows }) => file.header.distributionWords / nRows),
  );
  const nDistributions = [...kept][0] ?? 0;
  if (kept.size > 1 || files.some(({ file: { header } }) => !isSame(header, first.header))) {
    throw new ArtifactError("Cannot merge states of different plans; compute them again with the same settings", {
      path: "",
    });
  }
  const total = (rows: (file: JoinedFile) => number): number => files.reduce((sum, file) => sum + rows(file), 0);
  const nRows = total((file) => file.nRows);
  const header: StateHeader = {
    dSae,
    k,
    patches,
    distributionWords: nDistributions * nRows,
    rows: total(({ file }) => file.header.rows),
    skippedRows: total(({ file }) => file.header.skippedRows),
    facts: {},
  };
  return {
    header,
    nRows,
    nDistributions,
    latentsPerChunk: first.latentsPerChunk,
    latents: (from, to) => mergeLatents(files, from, to),
    distributions: (from, to) => mergeDistributions(files, nRows, from, to),
  };
}

/**
 * Writes joined states as one file.
 *
 * @throws {ArtifactError} If it cannot be written.
 */
export async function writeJoined(path: string, joined: JoinedStates): Promise<void> {
  await streamState(path, joined.header, {
    latents: async (first, last) => ({ state: await joined.latents(first, last), at: 0 }),
    distributions: (first, last) => joined.distributions(first, last),
  });
}

function isSame(a: StateHeader, b: StateHeader): boolean {
  return a.dSae === b.dSae && a.k === b.k && a.patches === b.patches;
}

async function mergeLatents(files: readonly JoinedFile[], first: number, last: number): Promise<LatentState> {
  let merged: LatentState | undefined;
  let next: Promise<LatentState> | undefined;
  // Most entries of most files do not come among the best: their heatmaps, nearly all of a state, are passed over.
  const thresholds = new Float32Array(last - first).fill(-Infinity);
  for (let i = 0; i < files.length; i++) {
    const piece = await (next ?? files[i].file.readLatents(first, last));
    // Nobody waits for it yet: whoever does sees the failure.
    next = files[i + 1]?.file.readLatents(first, last, thresholds);
    next?.catch(() => {});
    merged = merged === undefined ? piece : mergeInto(merged, piece);
    raise(thresholds, merged);
  }
  return merged!;
}

/** To the value that an entry must have to come among the best. */
function raise(thresholds: Float32Array, { k, topCount, topValue }: LatentState): void {
  for (let j = 0; j < thresholds.length; j++) if (topCount[j] === k) thresholds[j] = topValue[j * k + k - 1];
}

/** Rows of latent after latent, each put together from all files. */
async function mergeDistributions(
  files: readonly JoinedFile[],
  nRows: number,
  first: number,
  last: number,
): Promise<Float32Array> {
  const values = new Float32Array(last - first);
  for (let at = first; at < last;) {
    const latent = Math.floor(at / nRows);
    let start = latent * nRows;
    for (const { file, nRows: rows } of files) {
      const to = Math.min(last, start + rows);
      if (at < to) {
        const offset = latent * rows - start;
        values.set(await file.readDistributions(at + offset, to + offset), at - first);
        at = to;
      }
      start += rows;
    }
  }
  return values;
}
