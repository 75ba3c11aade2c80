/**
 * The parameter block: what the kernels know about a pass, at a fixed place in the shared memory.
 *
 * The build turns every name into an inlined getter of the same name for the kernels (`dSae()`), so this list is the only
 * place that knows the layout. Kernels run in several workers; after set-up nobody writes here.
 * @module
 */

/** Whole numbers and addresses, u32 each. */
export const U32_FIELDS = [
  // How many there are, and the shape of the job.
  "threads",
  "dVit",
  "dPad", // dVit rounded up to a multiple of 32; the padding is zero
  "dSae",
  "nPad", // dSae rounded up to a multiple of 8; padding columns never fire
  "perImage", // rows an image gives
  "layers",
  "tokens",
  "fromToken", // first token of an image's first row
  "poolTokens", // tokens averaged into a row; 1 for none
  "skipNonFinite",
  "topK",
  "sumMode", // 1: rank images by the sum over their patches
  "dedupe", // 1: keep only the best patch of an image
  "patches", // heatmap values per entry; 0 for none
  "nDistributions",
  "nRows", // rows of the whole job
  "chunkImages", // images worked on at a time
  "partRows", // rows of a chunk that a block of columns meets at a time; a multiple of 4
  "listCapacity", // rows of a chunk, and some more: room in everything that has an entry a row; a multiple of 16
  "blockColumns", // columns a worker claims at a time, a multiple of 8
  "rowK", // TopK activation: latents kept per row; 0 for other activations
  // Where things are.
  "wt", // f32 [nPad, dPad]: wEnc transposed
  "bias", // f32 [nPad]
  "threshold", // f32 [nPad]: fires when pre > threshold; NaN in the padding
  "bPre", // f32 [dVit]
  "mean", // f32 [dVit]
  "x", // f32 [2, chunkRows, dPad]: prepared rows of this chunk and the next
  "skipped", // u8 [2, chunkRows]
  "pre", // f32 [chunkRows, nPad]: TopK only
  "rowCut", // f32 [chunkRows], u32 [chunkRows]: TopK's cut, and the last latent that a tie at it keeps
  "count",
  "sumBins",
  "histogram",
  "least",
  "largest",
  "heapCount", // u32 [dSae]
  "heap", // {~row u32, value f32, slot u32} [dSae, topK], worst entry first
  "heatmap", // f32 [dSae, topK, patches] by slot
  "estimate",
  "estimateRow",
  "distributions",
  "topValue",
  "topImage",
  "topPatch",
  "scratch", // one region per worker
  "scratchBytes",
  "rowSpaceBytes", // of it: to sort entries in, or to quantise a row or column in
  "captureBytes", // of it: heatmaps still to be written, 20 bytes each; 0 without heatmaps
  // Screening; see docs/screening.md.
  "screening", // 1 once its constants are ready
  "dScreen", // dVit rounded up to a multiple of 64
  "rotation", // h, block length of the rotation
  "rank", // balanced directions, a multiple of 4
  "wqOffset", // added to a column's quantised values, to make them positive
  "wqLevels", // wqOffset − 1, their largest absolute value; see SCREEN_WAYS of plan_memory.ts
  "tileBytes", // of eight quantised columns
  // {u8 [8 steps, 8, 8], i16 [8, 4]} [nPad / 8, dScreen / 64]: quantised columns, plus the offset; eight side by side, 8
  // dimensions a step; then the factors of each column's four lanes
  "wq",
  "columnTerms", // f32 [nPad / 8, 4, 8]: P, Q, T, beta
  "columnInverse", // f32 [nPad]: 1 / s, rounded down; for TopK
  "columnDense", // i32 [nPad / 8]: parts for which the tile is still computed densely
  "screenMean", // f32 [dScreen]: mu
  "screenScale", // f32 [dScreen]: D, powers of two; 0 in the padding
  "screenSign", // f32 [dScreen]: the rotation's signs, in rotated order
  "screenV", // f32 [rank, dScreen]
  "screenT", // f32 [rank]
  "sums16", // 1: products are added in 16 bits within a segment; 0: in 32
  "segments", // of a row, of 64 dimensions each
  "xqRows", // rows of a chunk, rounded up to a multiple of 4
  "xq", // i8 [2, xqRows / 4, dScreen / 64, 4, 64]: quantised rows of this chunk and the next
  "rowTerms", // f32 [2, xqRows, 4]: s_x, nx, nd, ny
  "rowBegin", // u64 [2, segments, xqRows]: where a segment's sums begin, see quantise_rows.as
  "rowFloor", // f32 [chunk rows]: what a row's cut exceeds for certain, 0 where nothing is known; for TopK
  "screenWork", // space to choose the constants in
  "screenBytes", // of the memory that every worker's screen has for itself, whole pages
] as const;

/** Real numbers, f64 each. */
export const F64_FIELDS = [
  "clamp",
  "scalar",
  "rate",
  "total",
  "pull",
  "rowShare", // 1 / total
  "rowsPerStep", // total / rate
  "inflate",
  "skew", // ‖VᵀV − I‖ of the balanced directions, or more
] as const;

/** Bytes before the parameter block: counters that workers change (see `kernels/sync.as`). */
export const CONTROL_BYTES = 1024;

/** Where the parameter block begins. */
export const PARAMS_AT: number = CONTROL_BYTES;

/** First byte that regions may use. */
export const REGIONS_AT = 4096;

/** Name of a whole-number field. */
export type U32Field = typeof U32_FIELDS[number];

/** Name of a real field. */
export type F64Field = typeof F64_FIELDS[number];

/** Byte address of a field. */
export function fieldAddress(name: U32Field | F64Field): number {
  const real = F64_FIELDS.indexOf(name as F64Field);
  return real >= 0
    ? PARAMS_AT + 8 * real
    : PARAMS_AT + 8 * F64_FIELDS.length + 4 * U32_FIELDS.indexOf(name as U32Field);
}
