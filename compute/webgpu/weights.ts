/**
 * An encoder on the device: padded, in chunks of latents.
 * @module
 */
import { firingThreshold, type Sae } from "../sae.ts";
import { toFloat16 } from "./float16.ts";
import type { Chunk, Geometry } from "./geometry.ts";
import type { Gpu } from "./gpu.ts";

/** Buffers of one chunk. */
export interface ChunkWeights {
  /** `f32|f16 [kPad, colsPad]`. */
  readonly w: GPUBuffer;
  /** `f32 [2, colsPad]`: bias, firing threshold. */
  readonly bias: GPUBuffer;
}

/**
 * Uploads an encoder's weights; padding columns have bias −1 and so never fire.
 *
 * @param gpu The device.
 * @param sae The encoder.
 * @param geometry How it is cut.
 * @param half Whether weights are rounded to 16 bits.
 * @returns Buffers of each chunk; the caller releases them.
 * @throws {DeviceLimitError} If one is larger than the device allows; then none stays allocated.
 */
export function uploadWeights(gpu: Gpu, sae: Sae, geometry: Geometry, half: boolean): ChunkWeights[] {
  const made: ChunkWeights[] = [];
  try {
    for (const chunk of geometry.chunks) made.push(uploadChunk(gpu, sae, { chunk, kPad: geometry.kPad, half }));
    return made;
  } catch (error) {
    for (const { w, bias } of made) for (const buffer of [w, bias]) gpu.release(buffer);
    throw error;
  }
}

function uploadChunk(
  gpu: Gpu,
  sae: Sae,
  { chunk, kPad, half }: { chunk: Chunk; kPad: number; half: boolean },
): ChunkWeights {
  const padded = chunkWeights(sae, chunk, kPad);
  const stored = half ? toFloat16(padded) : padded;
  const w = gpu.storage("weights", stored.byteLength);
  gpu.device.queue.writeBuffer(w, 0, stored);
  const bias = new Float32Array(2 * chunk.colsPad).fill(-1, 0, chunk.colsPad);
  bias.set(sae.bEnc.subarray(chunk.from, chunk.from + chunk.cols));
  for (let j = 0; j < chunk.cols; j++) {
    // + 0 turns −0 into 0, whose bits the shader compares with.
    bias[chunk.colsPad + j] = firingThreshold(sae.activation, chunk.from + j) + 0;
  }
  const biasBuffer = gpu.storage("bias", bias.byteLength);
  gpu.device.queue.writeBuffer(biasBuffer, 0, bias);
  return { w, bias: biasBuffer };
}

function chunkWeights(sae: Sae, chunk: Chunk, kPad: number): Float32Array<ArrayBuffer> {
  const padded = new Float32Array(kPad * chunk.colsPad);
  for (let d = 0; d < sae.dVit; d++) {
    const from = d * sae.dSae + chunk.from;
    padded.set(sae.wEnc.subarray(from, from + chunk.cols), d * chunk.colsPad);
  }
  return padded;
}

/** `f32 [2, kPad]`: what `prepare` subtracts, the mean (zeros for none) and bPre. */
export function centreOf(mean: Float32Array | undefined, bPre: Float32Array, kPad: number): Float32Array<ArrayBuffer> {
  const centre = new Float32Array(2 * kPad);
  if (mean !== undefined) centre.set(mean);
  centre.set(bPre, kPad);
  return centre;
}
