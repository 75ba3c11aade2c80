/**
 * The buffers of a lane: allocated together, released together.
 * @module
 */
import { rowsPerImage } from "../rows.ts";
import type { Chunk, Geometry } from "./geometry.ts";
import type { Gpu } from "./gpu.ts";
import { imageValues, keptLatents, type LaneRequest } from "./lane_request.ts";
import { LATENT_WORDS } from "./latents.ts";
import { PARAMS_STRIDE_BYTES } from "./params.ts";
import { centreOf, type ChunkWeights, uploadWeights } from "./weights.ts";

/** State buffers of one chunk, all `[cols, …]`. */
export interface ChunkState {
  /** The latents. */
  readonly chunk: Chunk;
  /** `u32 [10, cols]`, see latents.ts. */
  readonly latents: GPUBuffer;
  /** `u32 [cols, 2048]`. */
  readonly histogram: GPUBuffer;
  /** `u32 [cols, 32, 2]`. */
  readonly halves: GPUBuffer;
  /** `u64 [cols, 32]`. */
  readonly totals: GPUBuffer;
  /** `u32 [cols, 2, capacity]`. */
  readonly candidates: GPUBuffer;
  /** `u32 [cols, 3, k]`. */
  readonly top: GPUBuffer;
  /** `f32 [cols, k, patches]` by slot. */
  readonly heatmaps: GPUBuffer;
}

/** All buffers of a lane. One set serves all pieces: the queue runs writes and commands in order. */
export interface LaneBuffers {
  /** State of each chunk. */
  readonly states: readonly ChunkState[];
  /** Encoder of each chunk. */
  readonly weights: readonly ChunkWeights[];
  /** `f32 [2, kPad]`: what `prepare` subtracts. */
  readonly centre: GPUBuffer;
  /** `f32 [images, tokens, dVit]`: a piece as uploaded. */
  readonly raw: GPUBuffer;
  /** `f32|f16 [kPad, stripRowsPad]`: a strip's rows. */
  readonly x: GPUBuffer;
  /** `f32 [stripRowsPad, ldF]`: a strip's activations, where they fire. */
  readonly f: GPUBuffer;
  /** `u32 [stripRowsPad / 32, ldF]`: a bit per row of a strip, for each latent. */
  readonly bits: GPUBuffer;
  /** A bit per row of a strip. */
  readonly skip: GPUBuffer;
  /** `u32 [4]`: first bad element of a piece, rows with one, first +Infinity, first −Infinity. */
  readonly found: GPUBuffer;
  /** `f32 [pieceRows, kept]`: distributions of a piece. */
  readonly kept: GPUBuffer;
  /** Parameter blocks of all strips and chunks of a piece. */
  readonly params: GPUBuffer;
  /** Where results of pieces in flight are copied to: one each, and one for the piece that is submitted while they are read. */
  readonly staging: readonly GPUBuffer[];
}

/** Bytes of `found` in use and in staging buffers, where distributions follow. */
export const FOUND_BYTES = 16;

/**
 * Allocates all buffers and uploads the encoder.
 *
 * @param gpu The device.
 * @param request What the lane is for.
 * @param geometry How it is cut.
 * @throws {DeviceLimitError} If a buffer is larger than the device allows; then nothing stays allocated.
 */
export function allocateLane(gpu: Gpu, request: LaneRequest, geometry: Geometry): LaneBuffers {
  const made: GPUBuffer[] = [];
  const keep = (buffer: GPUBuffer): GPUBuffer => {
    made.push(buffer);
    return buffer;
  };
  const storage = (label: string, bytes: number): GPUBuffer => keep(gpu.storage(label, bytes));
  const { plan, sae, half, tuning, prepared } = request;
  const { kPad, stripRowsPad, ldF, chunks, pieceImages, stripImages } = geometry;
  const { layout, k, sortBy } = plan;
  const perImage = rowsPerImage(layout);
  const makeState = (chunk: Chunk): ChunkState => {
    const { cols } = chunk;
    return {
      chunk,
      latents: storage("latents", 4 * LATENT_WORDS * cols),
      histogram: storage("histogram", 4 * 2048 * cols),
      halves: storage("sums", 4 * 64 * cols),
      totals: storage("totals", 4 * 64 * cols),
      candidates: storage("candidates", 4 * 2 * tuning.capacity * cols),
      top: storage("ranking", 4 * 3 * k * cols),
      heatmaps: storage("heatmaps", 4 * (sortBy === "img" ? 4 : cols * k * perImage)),
    };
  };
  try {
    const states = chunks.map(makeState);
    const weights = uploadWeights(gpu, sae, geometry, half);
    for (const { w, bias } of weights) made.push(w, bias);
    const centre = centreOf(prepared ? undefined : layout.mean, sae.bPre, kPad);
    const centreBuffer = storage("centre", centre.byteLength);
    gpu.device.queue.writeBuffer(centreBuffer, 0, centre);
    const strips = Math.ceil(pieceImages / stripImages);
    const keptBytes = 4 * keptLatents(request) * pieceImages * perImage;
    const pieceBytes = 4 * pieceImages * imageValues(request);
    const uniform = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const readable = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    // Uploads wait in the host's memory until the device takes them.
    const ring = Math.max(2, Math.min(tuning.ring, Math.floor(plan.maxMemoryBytes / 8 / pieceBytes)));
    return {
      states,
      weights,
      centre: centreBuffer,
      raw: storage("upload", pieceBytes),
      x: storage("rows", kPad * stripRowsPad * (half ? 2 : 4)),
      f: storage("activations", 4 * stripRowsPad * ldF),
      bits: storage("firing activations", 4 * Math.ceil(stripRowsPad / 32) * ldF),
      skip: storage("skipped rows", 4 * Math.ceil(stripRowsPad / 32)),
      found: storage("non-finite rows", FOUND_BYTES),
      kept: storage("distributions", keptBytes),
      params: keep(gpu.acquire("parameters", PARAMS_STRIDE_BYTES * strips * chunks.length, uniform)),
      staging: Array.from({ length: ring + 1 }, () => keep(gpu.acquire("results", FOUND_BYTES + keptBytes, readable))),
    };
  } catch (error) {
    for (const buffer of made) gpu.release(buffer);
    throw error;
  }
}

/** Releases all buffers; once. */
export function freeLane(gpu: Gpu, buffers: LaneBuffers): void {
  const { states, weights, staging, ...single } = buffers;
  for (const { chunk: _, ...state } of states) for (const buffer of Object.values(state)) gpu.release(buffer);
  for (const { w, bias } of weights) for (const buffer of [w, bias]) gpu.release(buffer);
  for (const buffer of [...staging, ...Object.values(single)]) gpu.release(buffer);
}
