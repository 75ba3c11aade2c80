/**
 * Reads what `writeState` wrote, whole or a few latents at a time.
 * @module
 */
import { crc32 } from "node:zlib";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "../compute/latent_state.ts";
import { unpackWords } from "./_packed_words.ts";
import { type ChunkPlan, heatmapWords, latentFields, planChunks, wordsOf } from "./_state_layout.ts";
import { type ByteSource, readBytes } from "./byte_source.ts";
import { openFile } from "./open_file.ts";
import {
  badState,
  STATE_END,
  STATE_FORMAT,
  STATE_MAGIC,
  STATE_PREFIX_BYTES,
  STATE_TRAILER_BYTES,
  type StateHeader,
  type StateShape,
} from "./state_file.ts";

/** No header is larger: the facts hold a request and a mean row. */
const MAX_HEADER_BYTES = 64 << 20;

/** An open state file; close it when done. */
export interface StateFile {
  /** What stands before the arrays. */
  readonly header: StateHeader;
  /** Latents that lie together; reading multiples of this reads nothing twice. */
  readonly latentsPerChunk: number;
  /**
   * The state of latents `first … last − 1`, as if there were no others; distributions are left out.
   *
   * @param thresholds `f32 [last − first]`, read when the bytes are there: heatmaps of a latent's entries below its threshold
   *   may be left out, with zeros in their place, and so may be the −1 past its last entry. All are given when there are none.
   * @throws {RangeError} If there are no such latents.
   * @throws {ArtifactError} If the file is damaged there.
   */
  readLatents(first: number, last: number, thresholds?: Float32Array): Promise<LatentState>;
  /**
   * Values `first … last − 1` of the distributions, all latents' one after the other.
   *
   * @throws {RangeError} If there are no such values.
   * @throws {ArtifactError} If the file is damaged there.
   */
  readDistributions(first: number, last: number): Promise<Float32Array>;
  /**
   * The whole state.
   *
   * @throws {ArtifactError} If the file is damaged anywhere.
   */
  read(): Promise<LatentState>;
  /** Closes the file. Idempotent. */
  close(): void;
}

/**
 * Opens a state; the parts that say what it is are checked now, the arrays when they are read.
 *
 * @param expected Lengths that it has to have. Zeros are left out of the file, so its size says little about the memory that it
 * asks for: a reader that knows the lengths names them.
 * @throws {ArtifactError} If it is no state of this format, has other lengths, or is damaged.
 * @throws {Deno.errors.NotFound} If there is no such file.
 *
 * @example
 * ```ts
 * import { openState } from "./open_state.ts";
 * const failure = await openState("fixtures/golden/torch-files/f32.pt").catch((error: Error) => error.name);
 * console.assert(failure === "ArtifactError");
 * ```
 */
export async function openState(path: string, expected: Partial<StateShape> = {}): Promise<StateFile> {
  const file = await openFile(path);
  try {
    return { ...await readState(file, expected), close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The same from any source; closing it is its opener's business. */
export async function readState(source: ByteSource, expected: Partial<StateShape>): Promise<Omit<StateFile, "close">> {
  const { header, start } = await readHeader(source);
  for (const [key, length] of Object.entries(expected) as [keyof StateShape, number][]) {
    if (header[key] !== length) throw badState(source.path, `its ${key} is ${header[key]}, and ${length} was expected`);
  }
  const plan = planChunks(header);
  const offsets = await readOffsets(source, plan, start);
  const chunk = async (i: number): Promise<Uint32Array> => {
    const bytes = await readBytes(source, offsets[i], offsets[i + 1] - offsets[i]);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    if (words[0] !== crc32(bytes.subarray(8)) || words[1] !== 0) {
      throw badState(source.path, `the bytes at ${offsets[i]} have changed`);
    }
    return words;
  };
  const readLatents = async (first: number, last: number, thresholds?: Float32Array): Promise<LatentState> => {
    checkRange(first, last, header.dSae, "latents");
    const { latentsPerChunk } = plan;
    const only = plan.part(Math.floor(first / latentsPerChunk));
    // A whole chunk, as merging asks for, is not copied once more.
    if (first < last && only.first === first && only.last === last) {
      return unpackLatents(header, last - first, await chunk(first / latentsPerChunk), source.path, thresholds);
    }
    const state = blankState(header, last - first);
    for (let i = Math.floor(first / latentsPerChunk); i * latentsPerChunk < last; i++) {
      const part = plan.part(i);
      const piece = unpackLatents(header, part.last - part.first, await chunk(i), source.path);
      const from = Math.max(first, part.first);
      copyLatents(piece, from - part.first, Math.min(last, part.last) - part.first, state, from - first);
    }
    return state;
  };
  const readDistributions = async (first: number, last: number): Promise<Float32Array> => {
    checkRange(first, last, header.distributionWords, "values");
    const values = new Float32Array(last - first);
    for (let i = Math.ceil(header.dSae / plan.latentsPerChunk); i < plan.chunks; i++) {
      const part = plan.part(i);
      if (part.last <= first || part.first >= last) continue;
      const piece = new Float32Array(part.last - part.first);
      unpackWords(await chunk(i), 2, wordsOf(piece));
      const from = Math.max(first, part.first);
      values.set(piece.subarray(from - part.first, Math.min(last, part.last) - part.first), from - first);
    }
    return values;
  };
  return {
    header,
    latentsPerChunk: plan.latentsPerChunk,
    readLatents,
    readDistributions,
    read: async () => ({
      ...await readLatents(0, header.dSae),
      distributions: await readDistributions(0, header.distributionWords),
    }),
  };
}

/** The prefix and the header, whose checksum stands at the file's end. */
async function readHeader(source: ByteSource): Promise<{ header: StateHeader; start: number }> {
  const { path, size } = source;
  const prefix = await readBytes(source, 0, STATE_PREFIX_BYTES);
  if (prefix.length < STATE_PREFIX_BYTES || new TextDecoder().decode(prefix.subarray(0, 8)) !== STATE_MAGIC) {
    throw badState(path, "it is no saved state");
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset);
  const format = view.getUint32(8, true);
  if (format !== STATE_FORMAT) throw badState(path, `its format is ${format}, expected ${STATE_FORMAT}`);
  const length = view.getUint32(12, true);
  const start = STATE_PREFIX_BYTES + length;
  if (length % 8 !== 0 || length > MAX_HEADER_BYTES || start + STATE_TRAILER_BYTES > size) {
    throw badState(path, `its header would take ${length} bytes of ${size}`);
  }
  const whole = await readBytes(source, 0, start);
  const [expected] = new Uint32Array((await readBytes(source, size - STATE_TRAILER_BYTES, 4)).slice().buffer);
  if (crc32(whole) !== expected) throw badState(path, "it is truncated or damaged");
  const header = parseHeader(whole.subarray(STATE_PREFIX_BYTES));
  if (header === undefined) throw badState(path, "its header is not JSON");
  for (const key of ["dSae", "k", "patches", "distributionWords", "rows", "skippedRows"] as const) {
    if (!Number.isSafeInteger(header[key]) || header[key] < 0) throw badState(path, `its ${key} is ${header[key]}`);
  }
  // Packing leaves at least one word of 32: what claims to be longer than that was not written here.
  const fixed = latentFields(header).reduce((sum, [, width]) => sum + width, 0);
  if ((header.dSae * fixed + header.distributionWords) / 8 > size) {
    throw badState(path, "it is too short for its header");
  }
  return { header, start };
}

function parseHeader(json: Uint8Array): StateHeader | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(json));
    return typeof value === "object" && value !== null ? value as StateHeader : undefined;
  } catch {
    return undefined;
  }
}

async function readOffsets(source: ByteSource, plan: ChunkPlan, start: number): Promise<Float64Array> {
  const { path, size } = source;
  const trailer = new DataView(
    (await readBytes(source, size - STATE_TRAILER_BYTES, STATE_TRAILER_BYTES)).slice().buffer,
  );
  const at = trailer.getFloat64(8, true);
  const bytes = (plan.chunks + 1) * 8;
  const isEnd = new TextDecoder().decode(trailer.buffer.slice(24)) === STATE_END;
  if (!isEnd || trailer.getFloat64(16, true) !== plan.chunks || at + bytes + STATE_TRAILER_BYTES !== size) {
    throw badState(path, "it is truncated or damaged");
  }
  const index = (await readBytes(source, at, bytes)).slice();
  if (crc32(index) !== trailer.getUint32(4, true)) throw badState(path, "its index is damaged");
  const offsets = new Float64Array(index.buffer);
  const isOrdered = offsets.every((offset, i) => offset % 8 === 0 && offset >= (i === 0 ? start : offsets[i - 1] + 8));
  if (!isOrdered || offsets[plan.chunks] !== at) throw badState(path, "its index is damaged");
  return offsets;
}

/** The state of `n` latents that nothing was folded into. */
function blankState(header: StateHeader, n: number, thresholds?: Float32Array): LatentState {
  const { k, patches, rows, skippedRows } = header;
  return {
    dSae: n,
    k,
    patches,
    rows,
    skippedRows,
    count: new Uint32Array(n),
    sumBins: new BigUint64Array(n * SUM_BINS),
    histogram: new Uint32Array(n * SKETCH_BINS),
    min: new Float32Array(n),
    max: new Float32Array(n),
    topCount: new Uint32Array(n),
    topValue: new Float32Array(n * k),
    topImage: new Uint32Array(n * k),
    topPatch: new Uint32Array(n * k),
    heatmap: thresholds === undefined ? new Float32Array(n * k * patches).fill(-1) : new Float32Array(n * k * patches),
    estimate: new Float64Array(n),
    estimateRow: new Float64Array(n),
    distributions: new Float32Array(0),
  };
}

function unpackLatents(
  header: StateHeader,
  n: number,
  packed: Uint32Array,
  path: string,
  thresholds?: Float32Array,
): LatentState {
  const state = blankState(header, n, thresholds);
  let at = 2;
  for (const [name] of latentFields(header)) at = unpackWords(packed, at, wordsOf(state[name]), { isBlank: true });
  const heatmap = wordsOf(state.heatmap);
  for (let latent = 0; latent < n; latent++) {
    if (state.topCount[latent] > header.k) throw badState(path, `a latent has ${state.topCount[latent]} entries`);
    const [from, to] = heatmapWords(state, latent);
    const wanted = thresholds && entriesFrom(state, latent, thresholds[latent]) * header.patches;
    at = unpackWords(packed, at, heatmap.subarray(from, to), { wanted, isBlank: thresholds !== undefined });
  }
  if (at !== packed.length && at + 1 !== packed.length) throw badState(path, "a chunk has another length than it says");
  return state;
}

/** How many of a latent's entries, which are sorted, are not below a threshold. */
function entriesFrom({ k, topCount, topValue }: LatentState, latent: number, threshold: number): number {
  let entries = 0;
  while (entries < topCount[latent] && topValue[latent * k + entries] >= threshold) entries++;
  return entries;
}

/** Copies latents `first … last − 1` of one state to another, to `at` and on. */
function copyLatents(from: LatentState, first: number, last: number, to: LatentState, at: number): void {
  const widths = [...latentFields(from), ["heatmap", from.k * from.patches] as const];
  for (const [name, width] of widths) {
    wordsOf(to[name]).set(wordsOf(from[name]).subarray(first * width, last * width), at * width);
  }
}

function checkRange(first: number, last: number, length: number, what: string): void {
  if (!(Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 0 && first <= last && last <= length)) {
    throw new RangeError(`Cannot read ${what} ${first} to ${last}: there are ${length}`);
  }
}
