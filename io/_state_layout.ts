/**
 * How the arrays of a state are cut into the chunks of a file.
 * @module
 */
import type { StateLengths } from "../compute/empty_state.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "../compute/latent_state.ts";
import { packedLimit } from "./_packed_words.ts";

/** Words of a chunk before packing, unless a single latent has more. */
const CHUNK_WORDS = 2 ** 20;

/** What decides the lengths of all arrays. */
export type StateShape = StateLengths;

/** Fields with a fixed number of words per latent. */
export type LatentField =
  | "count"
  | "sumBins"
  | "histogram"
  | "min"
  | "max"
  | "topCount"
  | "topValue"
  | "topImage"
  | "topPatch"
  | "estimate"
  | "estimateRow";

/** Those fields in the file's order, with their words per latent. `topCount` comes before what depends on it. */
export function latentFields({ k }: Pick<StateShape, "k">): readonly (readonly [LatentField, number])[] {
  return [
    ["count", 1],
    ["sumBins", 2 * SUM_BINS],
    ["histogram", SKETCH_BINS],
    ["min", 1],
    ["max", 1],
    ["topCount", 1],
    ["topValue", k],
    ["topImage", k],
    ["topPatch", k],
    ["estimate", 2],
    ["estimateRow", 2],
  ];
}

/** What a chunk holds: latents, or values of the distributions, `first … last − 1`. */
export interface ChunkPart {
  readonly kind: "latents" | "distributions";
  readonly first: number;
  readonly last: number;
}

/** A state cut up. */
export interface ChunkPlan {
  /** Chunks in all; those with latents come first. */
  readonly chunks: number;
  /** Latents in each of them but the last. */
  readonly latentsPerChunk: number;
  /** Words that the largest can take, packed. */
  readonly largestChunk: number;
  /** What a chunk holds. */
  part(chunk: number): ChunkPart;
}

/** Cuts a state; depends on the shape alone, so that writer and reader agree. */
export function planChunks(shape: StateShape): ChunkPlan {
  const { dSae, k, patches, distributionWords } = shape;
  const fields = latentFields(shape);
  const perLatent = fields.reduce((sum, [, width]) => sum + width, 0) + k * patches;
  const latentsPerChunk = Math.max(1, Math.floor(CHUNK_WORDS / perLatent));
  const withLatents = Math.ceil(dSae / latentsPerChunk);
  const words = Math.max(Math.min(latentsPerChunk, dSae) * perLatent, Math.min(CHUNK_WORDS, distributionWords));
  return {
    chunks: withLatents + Math.ceil(distributionWords / CHUNK_WORDS),
    latentsPerChunk,
    // Every piece may end within a group; one word more makes the number even.
    largestChunk: packedLimit(words) + fields.length + latentsPerChunk + 1,
    part(chunk: number): ChunkPart {
      if (chunk < withLatents) {
        const first = chunk * latentsPerChunk;
        return { kind: "latents", first, last: Math.min(dSae, first + latentsPerChunk) };
      }
      const first = (chunk - withLatents) * CHUNK_WORDS;
      return { kind: "distributions", first, last: Math.min(distributionWords, first + CHUNK_WORDS) };
    },
  };
}

/** An array's memory as words. */
export function wordsOf(array: LatentState[LatentField] | Float32Array): Uint32Array {
  return new Uint32Array(array.buffer, array.byteOffset, array.byteLength / 4);
}

/** Where a latent's heatmaps of valid entries begin and end; past them all is −1 and not kept. */
export function heatmapWords(
  { topCount, k, patches }: Pick<LatentState, "topCount" | "k" | "patches">,
  latent: number,
): readonly [number, number] {
  const start = latent * k * patches;
  return [start, start + Math.min(topCount[latent], k) * patches];
}
