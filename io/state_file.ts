/**
 * The state of a pass as a file: exact to the bit, zeros left out, checked, and readable a few latents at a time.
 * @module
 */
import { crc32 } from "node:zlib";
import { ArtifactError } from "../compute/errors.ts";
import type { LatentState } from "../compute/latent_state.ts";
import { packWords } from "./_packed_words.ts";
import { heatmapWords, latentFields, planChunks, type StateShape, wordsOf } from "./_state_layout.ts";
import { atomicWrite, type FileOutput } from "./atomic_write.ts";

export type { StateShape } from "./_state_layout.ts";

/** First bytes of a state file. */
export const STATE_MAGIC = "SAEVSTAT";
/** Its last bytes. */
export const STATE_END = "SAEVEND\0";
/** Version of the layout; another one is never read. */
export const STATE_FORMAT = 1;
/** Bytes of the fixed part at the start: magic, format, length of the header. */
export const STATE_PREFIX_BYTES = 16;
/** Bytes of the fixed part at the end: see {@linkcode writeState}. */
export const STATE_TRAILER_BYTES = 32;

/** What stands before the arrays. */
export interface StateHeader extends StateShape {
  /** Rows folded. */
  readonly rows: number;
  /** Rows skipped. */
  readonly skippedRows: number;
  /** Whatever the writer wants to know again; JSON values only. */
  readonly facts: unknown;
}

/**
 * Writes a state, atomically.
 *
 * Layout, little-endian: `"SAEVSTAT"`, u32 format, u32 n, a JSON header of n bytes ({@linkcode StateHeader}), then chunks, then
 * the chunks' offsets as f64 (one more than there are chunks: the last is the end), then u32 CRC-32 of the prefix and header,
 * u32 CRC-32 of the offsets, f64 offset of the offsets, f64 number of chunks, `"SAEVEND\0"`.
 * A chunk is its CRC-32, a zero, and packed words: for latents `i · n … ` every fixed field, then
 * the heatmaps of valid entries; the chunks after those hold the distributions as one array, a piece each.
 *
 * @param state May be views on memory that others write to, as long as nobody does meanwhile.
 * @param facts Kept in the header.
 * @throws {ArtifactError} If the file cannot be written; whatever had its name before is untouched.
 *
 * @example
 * ```ts
 * import { emptyState } from "../compute/empty_state.ts";
 * import { openState } from "./open_state.ts";
 * import { writeState } from "./state_file.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 2 });
 * await writeState("tests/tmp/example.state", state, { nextImage: 0 });
 * const file = await openState("tests/tmp/example.state");
 * console.assert((await file.read()).topValue[0] === -1);
 * file.close();
 * await Deno.remove("tests/tmp/example.state");
 * ```
 */
export async function writeState(path: string, state: LatentState, facts: unknown): Promise<void> {
  const { dSae, k, patches, rows, skippedRows, distributions } = state;
  const shape = { dSae, k, patches, distributionWords: distributions.length };
  await streamState(path, { ...shape, rows, skippedRows, facts }, {
    latents: (first) => ({ state, at: first }),
    distributions: (first, last) => distributions.subarray(first, last),
  });
}

/** Where {@linkcode streamState} takes a state from, piece by piece, in order. */
export interface StatePieces {
  /** A state that holds latents `first … last − 1` from its latent `at` on. */
  latents(first: number, last: number): Awaitable<{ readonly state: LatentState; readonly at: number }>;
  /** Values `first … last − 1` of the distributions, all latents' one after the other. */
  distributions(first: number, last: number): Awaitable<Float32Array>;
}

type Awaitable<T> = T | Promise<T>;

/**
 * The same from pieces: the whole state is never in memory.
 *
 * @param header Its shape decides the pieces that are asked for.
 * @throws {ArtifactError} If the file cannot be written; whatever had its name before is untouched.
 *
 * @example
 * ```ts
 * import { emptyState } from "../compute/empty_state.ts";
 * import { streamState } from "./state_file.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 0 });
 * const header = { dSae: 4, k: 3, patches: 0, distributionWords: 0, rows: 0, skippedRows: 0, facts: {} };
 * await streamState("tests/tmp/streamed.state", header, {
 *   latents: (first) => ({ state, at: first }),
 *   distributions: () => new Float32Array(0),
 * });
 * await Deno.remove("tests/tmp/streamed.state");
 * ```
 */
export async function streamState(path: string, header: StateHeader, pieces: StatePieces): Promise<void> {
  const plan = planChunks(header);
  await atomicWrite(path, async (output) => {
    const start = prefixAndHeader(header);
    await output.write(start);
    const offsets = new Float64Array(plan.chunks + 1);
    const buffer = new Uint32Array(2 + plan.largestChunk);
    for (let chunk = 0; chunk < plan.chunks; chunk++) {
      offsets[chunk] = output.position;
      const { kind, first, last } = plan.part(chunk);
      const end = kind === "distributions"
        ? packWords(wordsOf(await pieces.distributions(first, last)), buffer, 2)
        : packLatents(await pieces.latents(first, last), last - first, buffer);
      await writeChunk(output, buffer, end);
    }
    offsets[plan.chunks] = output.position;
    const index = new Uint8Array(offsets.buffer);
    const trailer = new DataView(new ArrayBuffer(STATE_TRAILER_BYTES));
    trailer.setUint32(0, crc32(start), true);
    trailer.setUint32(4, crc32(index), true);
    trailer.setFloat64(8, output.position, true);
    trailer.setFloat64(16, plan.chunks, true);
    new Uint8Array(trailer.buffer).set(new TextEncoder().encode(STATE_END), 24);
    await output.write(index);
    await output.write(new Uint8Array(trailer.buffer));
  });
}

/** Refuses the file, in one line that says what to do. */
export function badState(path: string, what: string): ArtifactError {
  return new ArtifactError(`Cannot use the saved state ${path}: ${what}; remove it to begin anew`, { path });
}

function prefixAndHeader(header: StateHeader): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  // A multiple of 8, so that every array that follows is aligned.
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(STATE_PREFIX_BYTES + length).fill(32);
  bytes.set(new TextEncoder().encode(STATE_MAGIC));
  bytes.set(json, STATE_PREFIX_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, STATE_FORMAT, true);
  view.setUint32(12, length, true);
  return bytes;
}

/** Packs latents behind the two words of preface and returns where they end. */
function packLatents(
  { state, at: first }: { readonly state: LatentState; readonly at: number },
  n: number,
  buffer: Uint32Array,
): number {
  let at = 2;
  for (const [name, width] of latentFields(state)) {
    at = packWords(wordsOf(state[name]).subarray(first * width, (first + n) * width), buffer, at);
  }
  const heatmap = wordsOf(state.heatmap);
  for (let latent = first; latent < first + n; latent++) {
    const [from, to] = heatmapWords(state, latent);
    at = packWords(heatmap.subarray(from, to), buffer, at);
  }
  return at;
}

async function writeChunk(output: FileOutput, buffer: Uint32Array, end: number): Promise<void> {
  // An even number of words keeps the offsets, which are f64, aligned.
  if (end % 2 === 1) buffer[end++] = 0;
  buffer[0] = crc32(new Uint8Array(buffer.buffer, 8, end * 4 - 8));
  buffer[1] = 0;
  await output.write(new Uint8Array(buffer.buffer, 0, end * 4));
}
