/**
 * What a lane is made for, and what its kernels are told.
 * @module
 */
import type { FoldPlan } from "../backend.ts";
import { rowsPerImage } from "../rows.ts";
import type { Sae } from "../sae.ts";
import type { Tile } from "./encode.ts";
import { type Chunk, cutJob, type Geometry } from "./geometry.ts";
import type { FoldShape } from "./kernels.ts";
import { makeParams, type Params } from "./params.ts";

/** What may be set for tests and tuning. */
export interface Tuning {
  /** Rows wanted in a strip. */
  readonly stripRows: number;
  /** Bytes wanted in an upload. */
  readonly pieceBytes: number;
  /** Candidates a latent's list holds; at most 1024, the workgroup memory of the merge. */
  readonly capacity: number;
  /** How the fold kernel cuts its work. */
  readonly fold: FoldShape;
  /** Most latents in a chunk. */
  readonly maxChunk: number;
  /** Pieces in flight before results are waited for; fewer where host memory is short. */
  readonly ring: number;
  /** Bytes wanted in a lent buffer, at least a batch: enough work to hide a read-back's latency. */
  readonly lentBytes: number;
}

/** What a lane is made for. */
export interface LaneRequest {
  /** The encoder. */
  readonly sae: Sae;
  /** The pass. */
  readonly plan: FoldPlan;
  /** Shape of the product's tiles. */
  readonly tile: Tile;
  /** Rows and columns are padded to multiples of these, rows to one of 32. */
  readonly rowPad: number;
  /** See `rowPad`. */
  readonly colPad: number;
  /** Whether rows and weights are stored as 16-bit floats. */
  readonly half: boolean;
  /** Whether rows come prepared but for bPre, `f32 [rows, dVit]`. */
  readonly prepared: boolean;
  /** Images in a batch at most. */
  readonly maxImages: number;
  /** Sizes. */
  readonly tuning: Tuning;
}

/** Latents whose distributions are kept. */
export function keptLatents({ plan, sae }: LaneRequest): number {
  return Math.min(plan.nDistributions, sae.dSae);
}

/** Some rows of a piece. */
export interface RowRange {
  /** Data set row of the first. */
  readonly firstRow: number;
  /** Its place in the piece. */
  readonly pieceRow: number;
  /** How many. */
  readonly rows: number;
  /** Rows of the whole piece. */
  readonly pieceRows: number;
}

/** The parameters of all kernels for some rows and a chunk of latents. */
export function laneParams(request: LaneRequest, geometry: Geometry, chunk: Chunk, range: RowRange): Params {
  const { firstRow, pieceRow, rows, pieceRows } = range;
  const { plan, sae, rowPad, prepared } = request;
  const { layout, k, percentile, percentileLr, nImages } = plan;
  const perImage = rowsPerImage(layout);
  const total = Math.max(1, nImages * perImage);
  const { activation } = sae;
  const compact = prepared || layout.kind !== "patches";
  return makeParams({
    rows,
    rowsPad: Math.ceil(rows / rowPad) * rowPad,
    firstRow,
    pieceRow,
    pieceRows,
    ldF: geometry.ldF,
    colOffset: chunk.colOffset,
    cols: chunk.cols,
    colsPad: chunk.colsPad,
    dVit: sae.dVit,
    kPad: geometry.kPad,
    tokens: compact ? perImage : layout.tokens,
    firstToken: compact ? 0 : layout.firstToken,
    perImage,
    k,
    sparse: activation.kind === "topk" ? Math.min(activation.k, 0xffffffff) : 0,
    total,
    kept: Math.max(0, Math.min(keptLatents(request) - chunk.from, chunk.cols)),
    keptAll: keptLatents(request),
    keptFrom: chunk.from,
    clamp: layout.clamp,
    scalar: layout.scalar,
    stepScale: percentileLr / total,
    pull: (2 * percentile) / 100 - 1,
  });
}

/** f32 values uploaded per image: all its tokens when the device picks them, its rows when they come picked. */
export function imageValues({ plan: { layout }, prepared }: LaneRequest): number {
  const compact = prepared || layout.kind !== "patches";
  return (compact ? rowsPerImage(layout) : layout.tokens) * layout.dVit;
}

/**
 * How the job is cut on a device.
 *
 * @throws {DeviceLimitError} If it cannot be.
 */
export function cutLane(request: LaneRequest, maxBindingBytes: number): Geometry {
  const { sae, plan, tuning, half } = request;
  const perImage = rowsPerImage(plan.layout);
  return cutJob({
    dVit: sae.dVit,
    dSae: sae.dSae,
    perImage,
    imageValues: imageValues(request),
    k: plan.k,
    patches: plan.sortBy === "img" ? 0 : perImage,
    capacity: tuning.capacity,
    kept: keptLatents(request),
    wholeRows: sae.activation.kind === "topk",
    rowPad: request.rowPad,
    colPad: request.colPad,
    storedBytes: half ? 2 : 4,
    stripRows: tuning.stripRows,
    pieceBytes: tuning.pieceBytes,
    maxImages: request.maxImages,
    maxChunk: tuning.maxChunk,
    maxBindingBytes,
  });
}
