/**
 * Where everything of a pass lies in the shared memory, and how much it takes.
 * @module
 */
import type { FoldPlan } from "../backend.ts";
import { DeviceLimitError } from "../errors.ts";
import { SKETCH_BINS, SUM_BINS } from "../latent_state.ts";
import { imageStride, rowsPerImage } from "../rows.ts";
import type { Sae } from "../sae.ts";
import { REGIONS_AT, type U32Field } from "./fields.ts";
import { PAIR_TOP, type ProbeResult } from "./probe.ts";
import { MAX_RANK, screenWorkBytes } from "./screening.ts";

/** Largest 32-bit WebAssembly memory. */
export const MAX_WASM_BYTES: number = 2 ** 32;

/** Buffers that {@linkcode Fold.lend} hands round: one is read into while the other is computed. */
const RAW_BUFFERS = 2;

/** Rows worked on at a time, if images allow: what fires in them is folded at once, so that states are visited less often. */
const CHUNK_ROWS = 2048;

/**
 * Chunks that a raw buffer holds, at most, for so many threads: larger ones leave the caches, and take memory that nobody has
 * touched yet; but the more threads there are, the sooner the next one has to be read.
 */
const bufferChunks = (threads: number): number => Math.max(2, Math.ceil(threads / 2));

/** Rows of them that a block of columns meets at a time; their bytes and the block should stay in a core's level-2 cache. */
const PART_ROWS = 256;

/**
 * Columns that a worker claims at a time, at most; a row's survivors among them are 128 bits. The 16 tiles that these are
 * have places in `kernels/sync.as` (ALIVE) and `kernel_host.ts`.
 */
const BLOCK_COLUMNS = 128;

/** Heatmaps that may wait to be written, 20 bytes each. */
const CAPTURES = 4096;

/** Bytes at the beginning of a worker's region; the same as in `kernels/sync.as`. */
export const SCRATCH_AT = 1344;

/** Row numbers within a chunk are 16-bit. */
const MAX_CHUNK_ROWS = 65_535;

/** Chosen sizes and addresses. */
export interface MemoryPlan {
  /** Values of the parameter block that are sizes or addresses. */
  readonly fields: Readonly<Partial<Record<U32Field, number>>>;
  /** Addresses of the raw buffers. */
  readonly raw: readonly number[];
  /** Images each raw buffer holds. */
  readonly rawImages: number;
  /** Whether rows may be screened: there is room for it. */
  readonly canScreen: boolean;
  /** Bytes of the shared memory. */
  readonly bytes: number;
}

/** A page of the system, on most; of a histogram half the bins. */
const PAGE_BYTES = 4096;

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Ways to screen: the largest size of a quantised weight, and whether products are added in 16 bits within a segment. */
const SCREEN_WAYS = {
  "8-bit weights, 32-bit sums": { levels: 127, narrow: false },
  "8-bit weights, 16-bit sums": { levels: (PAIR_TOP - 1) / 2, narrow: true },
  "7-bit weights, 16-bit sums": { levels: 63, narrow: true },
  // Never the best; for tests.
  "7-bit weights, 32-bit sums": { levels: 63, narrow: false },
} as const;

/** One of them. */
export type ScreenWay = keyof typeof SCREEN_WAYS;

/** The best way that is exact here; undefined if there is none. */
export function chooseScreen({ dotBits, pairBits }: ProbeResult): ScreenWay | undefined {
  if (dotBits === 8) return "8-bit weights, 32-bit sums";
  if (pairBits === 8) return "8-bit weights, 16-bit sums";
  return dotBits === 7 && pairBits === 7 ? "7-bit weights, 16-bit sums" : undefined;
}

const lowestBit = (n: number): number => n & -n;

/**
 * Lays out a pass.
 *
 * @param threads Workers, at most; each has a scratch region.
 * @param options `encodeOnly`: no statistics, but room for every pre-activation of a chunk. `screen`: how to screen; undefined
 *   leaves it out.
 * @throws {DeviceLimitError} If it does not fit `plan.maxMemoryBytes` or a 32-bit memory.
 */
export function planMemory(
  sae: Sae,
  plan: FoldPlan,
  threads: number,
  { encodeOnly = false, screen }: { encodeOnly?: boolean; screen?: ScreenWay | undefined } = {},
): MemoryPlan {
  const perImage = rowsPerImage(plan.layout);
  const { dVit, dSae } = sae;
  const dPad = roundUp(dVit, 32);
  const nPad = roundUp(Math.max(dSae, 1), 8);
  const patches = plan.sortBy === "img" ? 0 : perImage;
  const rowK = sae.activation.kind === "topk" ? sae.activation.k : 0;
  const enough = bufferChunks(threads) * Math.max(1, Math.floor(CHUNK_ROWS / perImage));
  const rawImages = Math.max(1, Math.min(plan.batchImages, plan.nImages, enough));
  // A TopK encoder keeps every pre-activation of a chunk.
  const chunksOf = rowK || encodeOnly ? PART_ROWS : CHUNK_ROWS;
  const most = Math.max(1, Math.min(rawImages, Math.floor(chunksOf / perImage)));
  const chunkImages = Math.ceil(rawImages / Math.ceil(rawImages / most));
  const chunkRows = chunkImages * perImage;
  if (chunkRows > MAX_CHUNK_ROWS) {
    throw new DeviceLimitError(
      `Cannot work on images of ${perImage} rows: the kernels take at most ${MAX_CHUNK_ROWS} rows an image`,
      { limit: "rows per image", requested: chunkRows, available: MAX_CHUNK_ROWS },
    );
  }
  const partRows = roundUp(Math.ceil(chunkRows / Math.ceil(chunkRows / PART_ROWS)), 4);
  const listCapacity = roundUp(chunkRows + 8, 16);
  const blockColumns = Math.min(BLOCK_COLUMNS, roundUp(Math.ceil(nPad / (4 * threads)), 8));
  const nDistributions = Math.min(plan.nDistributions, dSae);
  const nRows = plan.nImages * perImage;

  const dScreen = roundUp(dVit, 64);
  const rotation = Math.min(256, lowestBit(dScreen));
  const rank = Math.min(MAX_RANK, 4 * Math.floor(dVit / 16));
  const canScreen = screen !== undefined && rank > 0 && dSae >= 64;
  const segments = dScreen / 64;
  const tileBytes = 9 * dScreen;
  const { levels, narrow } = SCREEN_WAYS[screen ?? "7-bit weights, 16-bit sums"];
  const xqRows = roundUp(chunkRows, 4);
  const screenBytes = canScreen ? ownScreenBytes({ xqRows, partRows, dScreen, segments, tileBytes }) : 0;
  const screened = (bytes: number): number => region(canScreen ? bytes : 0);

  let top = REGIONS_AT;
  const region = (bytes: number): number => {
    const at = top;
    top = roundUp(top + bytes, 64);
    return at;
  };
  /** Region of latents' histograms: the middle halves, where nearly all values fall, are pages of the system. */
  const pagedRegion = (bytes: number): number => {
    top = roundUp(top + PAGE_BYTES / 2, PAGE_BYTES) - PAGE_BYTES / 2;
    return region(bytes);
  };
  const rowSpaceBytes = roundUp(Math.max(plan.k * 12 + patches * 4, dScreen * 24 + 2048) + 64, 64);
  const captureBytes = patches > 0 && !encodeOnly ? CAPTURES * 20 : 0;
  const scratchBytes = roundUp(
    SCRATCH_AT + rowSpaceBytes + captureBytes + partRows * 16 + 576 + listCapacity * 4 +
      blockColumns * listCapacity * 14,
    64,
  );
  const states = encodeOnly ? 0 : dSae;
  const entries = states * plan.k;
  const fields: Partial<Record<U32Field, number>> = {
    threads,
    dVit,
    dPad,
    dSae,
    nPad,
    perImage,
    patches,
    rowK,
    nDistributions,
    nRows,
    chunkImages,
    partRows,
    listCapacity,
    blockColumns,
    topK: plan.k,
    scratchBytes,
    rowSpaceBytes,
    captureBytes,
    scratch: region(threads * scratchBytes),
    bias: region(nPad * 4),
    threshold: region(nPad * 4),
    bPre: region(dPad * 4),
    mean: region(dPad * 4),
    skipped: region(2 * listCapacity),
    rowCut: region(rowK ? 8 * listCapacity : 0),
    count: region(states * 4),
    least: region(states * 4),
    largest: region(states * 4),
    heapCount: region(states * 4),
    estimate: region(states * 8),
    estimateRow: region(states * 8),
    x: region(2 * listCapacity * dPad * 4),
    wt: region(nPad * dPad * 4),
    pre: region(rowK || encodeOnly ? chunkRows * nPad * 4 : 0),
    sumBins: region(states * SUM_BINS * 8),
    histogram: pagedRegion(states * SKETCH_BINS * 4),
    heap: region(entries * 12),
    topValue: region(entries * 4),
    topImage: region(entries * 4),
    topPatch: region(entries * 4),
    distributions: region(nDistributions * nRows * 4),
    dScreen,
    rotation,
    rank,
    xqRows,
    sums16: narrow ? 1 : 0,
    segments,
    wqOffset: levels + 1,
    wqLevels: levels,
    columnInverse: screened(rowK ? nPad * 4 : 0),
    columnDense: screened(nPad / 2),
    columnTerms: screened(nPad * 16),
    screenMean: screened(dScreen * 4),
    screenScale: screened(dScreen * 4),
    screenSign: screened(dScreen * 4),
    screenT: screened(rank * 4),
    screenV: screened(rank * dScreen * 4),
    rowTerms: screened(2 * xqRows * 16),
    rowBegin: screened(2 * segments * xqRows * 8),
    xq: screened(2 * xqRows * dScreen),
    tileBytes,
    wq: screened((nPad / 8) * tileBytes),
    rowFloor: screened(rowK ? chunkRows * 4 : 0),
    screenWork: screened(screenWorkBytes(dPad)),
    screenBytes,
    heatmap: region(entries * patches * 4),
  };
  const rawBytes = Math.max(rawImages * imageStride(plan.layout) * 4, dSae * 4);
  const raw = Array.from({ length: RAW_BUFFERS }, () => region(rawBytes));
  const own = threads * screenBytes;
  // The workers' own memories count among what may be used, but not among the 4 GiB of the shared one.
  const heatmapBytes = entries * patches * 4;
  if (top > MAX_WASM_BYTES) refuse(top, MAX_WASM_BYTES, "32-bit WebAssembly memory", fields, heatmapBytes);
  if (top + own > plan.maxMemoryBytes) refuse(top + own, plan.maxMemoryBytes, "max-memory", fields, heatmapBytes);
  return { fields, raw, rawImages, canScreen, bytes: top };
}

/** What a worker's screen takes for itself; laid out by `instantiateKernels`. */
function ownScreenBytes(
  { xqRows, partRows, dScreen, segments, tileBytes }: Readonly<
    Record<"xqRows" | "partRows" | "dScreen" | "segments" | "tileBytes", number>
  >,
): number {
  const rows = xqRows * (dScreen + 8 * segments + 20) + partRows * 48;
  return roundUp(2 * 65_536 + rows + (BLOCK_COLUMNS / 8) * (tileBytes + 160), 65_536);
}

/** @throws {DeviceLimitError} Always: `bytes` are more than there are. */
function refuse(
  bytes: number,
  available: number,
  limit: "max-memory" | "32-bit WebAssembly memory",
  { topK, dSae }: Partial<Record<U32Field, number>>,
  heatmapBytes: number,
): never {
  const mib = (n: number): string => `${Math.ceil(n / 2 ** 20)} MiB`;
  throw new DeviceLimitError(
    `Cannot fit the pass into ${limit}: ${dSae} latents with ${topK} entries each take ${mib(bytes)} ` +
      `(${mib(heatmapBytes)} of it heatmaps), there are ${
        mib(available)
      }: ask for fewer entries per latent or smaller batches` +
      (limit === "max-memory" ? ", or allow more memory" : ""),
    { limit, requested: bytes, available },
  );
}
