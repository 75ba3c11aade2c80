/**
 * The canonical state to the device and back.
 * @module
 */
import { type LatentState, SKETCH_BINS, SUM_BINS } from "../latent_state.ts";
import { advanceZeros, type EstimatorRule } from "../percentile_estimator.ts";
import type { Gpu } from "./gpu.ts";
import type { Lane } from "./lane.ts";
import type { ChunkState } from "./lane_buffers.ts";
import { FRESH, LATENT, LATENT_WORDS } from "./latents.ts";

/** State is written, and heatmaps are read, in parts of about this many bytes. */
const PART_BYTES = 8 * 2 ** 20;

const POSITIVE_INFINITY_BITS = 0x7f800000;

/**
 * Puts a state on the device; its rankings take heatmap slots in order.
 *
 * @param gpu The device.
 * @param lane Whose buffers.
 * @param state What to put there. Estimates are brought up to its last row and rounded to f32.
 * @param perImage Rows per image.
 * @param rule Of the percentile estimator.
 */
export function uploadState(gpu: Gpu, lane: Lane, state: LatentState, perImage: number, rule: EstimatorRule): void {
  const { queue } = gpu.device;
  const { k, patches } = state;
  for (const { chunk: { from, cols }, ...buffers } of lane.states) {
    const words = new Uint32Array(LATENT_WORDS * cols);
    const floats = new Float32Array(words.buffer);
    const top = new Uint32Array(3 * k * cols);
    const topFloats = new Float32Array(top.buffer);
    for (let j = 0; j < cols; j++) {
      const latent = from + j;
      const ranked = state.topCount[latent];
      words[LATENT.count * cols + j] = state.count[latent];
      floats[LATENT.least * cols + j] = state.min[latent];
      floats[LATENT.most * cols + j] = state.max[latent];
      const seen = state.estimateRow[latent];
      // + 0 turns −0 into 0: a row that moves nothing is an addition of 0 on the device.
      floats[LATENT.estimate * cols + j] = advanceZeros(state.estimate[latent], seen, state.rows - seen, rule) + 0;
      words[LATENT.t * cols + j] = state.rows;
      if (ranked === k) floats[LATENT.tau * cols + j] = state.topValue[latent * k + k - 1];
      words[LATENT.stopped * cols + j] = 0xffffffff;
      words[LATENT.ranked * cols + j] = ranked;
      for (let i = 0; i < ranked; i++) {
        const entry = latent * k + i;
        topFloats[3 * j * k + i] = state.topValue[entry];
        top[(3 * j + 1) * k + i] = state.topImage[entry] * perImage + state.topPatch[entry];
        top[(3 * j + 2) * k + i] = i;
      }
    }
    queue.writeBuffer(buffers.latents, 0, words);
    queue.writeBuffer(buffers.top, 0, top);
    write(gpu, buffers.histogram, state.histogram, from * SKETCH_BINS, cols * SKETCH_BINS);
    write(gpu, buffers.totals, state.sumBins, from * SUM_BINS, cols * SUM_BINS);
    if (patches > 0) write(gpu, buffers.heatmaps, state.heatmap, from * k * patches, cols * k * patches);
    gpu.submit("clearing sums", (encoder) => encoder.clearBuffer(buffers.halves));
  }
}

function write(
  gpu: Gpu,
  buffer: GPUBuffer,
  data: Uint32Array | BigUint64Array | Float32Array,
  offset: number,
  n: number,
): void {
  const part = PART_BYTES / data.BYTES_PER_ELEMENT;
  for (let at = 0; at < n; at += part) {
    const size = Math.min(part, n - at);
    gpu.device.queue.writeBuffer(
      buffer,
      at * data.BYTES_PER_ELEMENT,
      data as Float32Array<ArrayBuffer>,
      offset + at,
      size,
    );
  }
}

/**
 * Clears the device's state to that of no rows.
 *
 * @param gpu The device.
 * @param lane Whose buffers. Rankings and heatmaps need no clearing: their counts are 0.
 */
export function clearState(gpu: Gpu, lane: Lane): void {
  for (const { chunk: { cols }, latents, histogram, halves, totals } of lane.states) {
    const words = new Uint32Array(LATENT_WORDS * cols);
    words.fill(POSITIVE_INFINITY_BITS, LATENT.least * cols, (LATENT.least + 1) * cols);
    words.fill(0xffffffff, LATENT.stopped * cols, (LATENT.stopped + 1) * cols);
    gpu.device.queue.writeBuffer(latents, 0, words);
    gpu.submit("clearing the state", (encoder) => {
      for (const buffer of [histogram, halves, totals]) encoder.clearBuffer(buffer);
    });
  }
}

/**
 * Reads the device's state into the arrays of a canonical one; `rows`, `skippedRows` and distributions are the host's.
 *
 * @param gpu The device.
 * @param lane Whose buffers; drained and carried.
 * @param state Written. Entries past `topCount` must be as in an empty state.
 * @param perImage Rows per image.
 */
export async function readState(gpu: Gpu, lane: Lane, state: LatentState, perImage: number): Promise<void> {
  const { k, patches } = state;
  for (const buffers of lane.states) {
    const { chunk: { from, cols }, latents, histogram, totals, top } = buffers;
    const words = new Uint32Array(await gpu.read(latents, 0, 4 * LATENT_WORDS * cols));
    const floats = new Float32Array(words.buffer);
    const field = (row: number): Float32Array => floats.subarray(row * cols, (row + 1) * cols);
    state.count.set(words.subarray(LATENT.count * cols, (LATENT.count + 1) * cols), from);
    state.min.set(field(LATENT.least), from);
    state.max.set(field(LATENT.most), from);
    state.estimate.set(field(LATENT.estimate), from);
    for (let j = 0; j < cols; j++) state.estimateRow[from + j] = words[LATENT.t * cols + j];
    await gpu.stream(histogram, 4 * SKETCH_BINS * cols, (part, offset) => {
      state.histogram.set(new Uint32Array(part), from * SKETCH_BINS + offset / 4);
    });
    state.sumBins.set(new BigUint64Array(await gpu.read(totals, 0, 8 * SUM_BINS * cols)), from * SUM_BINS);
    const ranking = new Uint32Array(await gpu.read(top, 0, 12 * k * cols));
    const values = new Float32Array(ranking.buffer);
    for (let j = 0; j < cols; j++) {
      const ranked = words[LATENT.ranked * cols + j];
      state.topCount[from + j] = ranked;
      for (let i = 0; i < ranked; i++) {
        const entry = (from + j) * k + i;
        const row = ranking[(3 * j + 1) * k + i];
        const image = Math.floor(row / perImage);
        state.topValue[entry] = values[3 * j * k + i];
        state.topImage[entry] = image;
        state.topPatch[entry] = row - image * perImage;
      }
    }
    if (patches > 0) await readHeatmaps(gpu, buffers, state, ranking);
  }
}

/** Heatmaps lie by slot on the device and by rank in the state. */
async function readHeatmaps(gpu: Gpu, buffers: ChunkState, state: LatentState, ranking: Uint32Array): Promise<void> {
  const { k, patches, topCount, heatmap } = state;
  const { chunk: { from, cols }, heatmaps } = buffers;
  const latentBytes = 4 * k * patches;
  const each = Math.max(1, Math.floor(PART_BYTES / latentBytes));
  await gpu.stream(heatmaps, cols * latentBytes, (bytes, offset) => {
    const part = new Float32Array(bytes);
    const first = offset / latentBytes;
    for (let j = 0; j < part.length / (k * patches); j++) {
      const latent = from + first + j;
      const slots = (3 * (first + j) + 2) * k;
      for (let i = 0; i < topCount[latent]; i++) {
        let at = (j * k + ranking[slots + i] % FRESH) * patches;
        // By hand: a view for each of a million maps costs more than copying them.
        for (let to = (latent * k + i) * patches, end = to + patches; to < end; to++) heatmap[to] = part[at++];
      }
    }
  }, each * latentBytes);
}
