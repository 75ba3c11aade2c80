/**
 * The canonical state as views on a pass's memory, and back.
 * @module
 */
import type { FoldPlan } from "../backend.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "../latent_state.ts";
import { rowsPerImage } from "../rows.ts";
import type { MemoryPlan } from "./plan_memory.ts";

/** Byte offsets within a worker's scratch region; the same as in `kernels/sync.as`. */
export const SKIPPED_SO_FAR = 64;
/** Rows folded so far. */
export const FOLDED_SO_FAR = 84;

/** Typed arrays over the state's regions, under the names of {@linkcode LatentState}. */
function arrays(
  plan: FoldPlan,
  { fields }: MemoryPlan,
  memory: WebAssembly.Memory,
): Omit<LatentState, "rows" | "skippedRows"> {
  const at = fields as Record<string, number>;
  const { dSae, topK: k, patches } = at;
  const { buffer } = memory;
  const nDistributed = Math.min(plan.nDistributions, dSae) * plan.nImages * rowsPerImage(plan.layout);
  return {
    dSae,
    k,
    patches,
    count: new Uint32Array(buffer, at.count, dSae),
    sumBins: new BigUint64Array(buffer, at.sumBins, dSae * SUM_BINS),
    histogram: new Uint32Array(buffer, at.histogram, dSae * SKETCH_BINS),
    min: new Float32Array(buffer, at.least, dSae),
    max: new Float32Array(buffer, at.largest, dSae),
    topCount: new Uint32Array(buffer, at.heapCount, dSae),
    topValue: new Float32Array(buffer, at.topValue, dSae * k),
    topImage: new Uint32Array(buffer, at.topImage, dSae * k),
    topPatch: new Uint32Array(buffer, at.topPatch, dSae * k),
    heatmap: new Float32Array(buffer, at.heatmap, dSae * k * patches),
    estimate: new Float64Array(buffer, at.estimate, dSae),
    estimateRow: new Float64Array(buffer, at.estimateRow, dSae),
    distributions: new Float32Array(buffer, at.distributions, nDistributed),
  };
}

/**
 * The state as views: nothing is copied, the views change when the pass goes on. Call after the kernel `sealAll`.
 *
 * @param counted Rows folded and skipped.
 */
export function viewState(
  plan: FoldPlan,
  memoryPlan: MemoryPlan,
  memory: WebAssembly.Memory,
  counted: { rows: number; skippedRows: number },
): LatentState {
  return { ...counted, ...arrays(plan, memoryPlan, memory) };
}

/**
 * Writes the state before the first row, or one taken up, into fresh (zeroed) memory.
 The sizes have been checked.
 */
export function writeState(
  plan: FoldPlan,
  memoryPlan: MemoryPlan,
  memory: WebAssembly.Memory,
  from?: LatentState,
): void {
  const to = arrays(plan, memoryPlan, memory) as unknown as Record<string, Float32Array>;
  if (from === undefined) {
    to.min.fill(Infinity);
    return;
  }
  for (const [name, target] of Object.entries(to)) {
    if (typeof target === "number") continue;
    const source = (from as unknown as Record<string, Float32Array>)[name];
    target.set(source);
  }
  writeHeaps(plan, memoryPlan, memory, from);
  const { scratch = 0, scratchBytes = 0, threads = 1 } = memoryPlan.fields;
  for (let worker = 0; worker < threads; worker++) {
    const words = new Uint32Array(memory.buffer, scratch + worker * scratchBytes, 32);
    words[FOLDED_SO_FAR / 4] = from.rows;
    words[SKIPPED_SO_FAR / 4] = from.skippedRows;
  }
}

/** Entries in ascending order are a heap with the worst at the root; entry of rank r owns heatmap r. */
function writeHeaps(plan: FoldPlan, { fields }: MemoryPlan, memory: WebAssembly.Memory, from: LatentState): void {
  const { dSae, k } = from;
  const perImage = rowsPerImage(plan.layout);
  const words = new Uint32Array(memory.buffer, fields.heap, dSae * k * 3);
  const values = new Float32Array(memory.buffer, fields.heap, dSae * k * 3);
  for (let j = 0; j < dSae; j++) {
    const n = from.topCount[j];
    for (let i = 0; i < n; i++) {
      const rank = n - 1 - i;
      const at = (j * k + i) * 3;
      words[at] = ~(from.topImage[j * k + rank] * perImage + from.topPatch[j * k + rank]);
      values[at + 1] = from.topValue[j * k + rank];
      words[at + 2] = rank;
    }
  }
}
