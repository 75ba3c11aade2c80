/**
 * The shaders with their bindings: data, no device objects.
 * @module
 */
import carryCode from "./carry.wgsl" with { type: "text" };
import distributionCode from "./distribution.wgsl" with { type: "text" };
import { encodeConstants, type Tile } from "./encode.ts";
import encodeCode from "./encode.wgsl" with { type: "text" };
import { type Constants, expand } from "./expand.ts";
import type { FoldUse } from "./fold.ts";
import foldCode from "./fold.wgsl" with { type: "text" };
import type { KernelSource } from "./gpu.ts";
import heatmapCode from "./heatmap.wgsl" with { type: "text" };
import { chunkOf } from "./merge.ts";
import mergeCode from "./merge.wgsl" with { type: "text" };
import prepareCode from "./prepare.wgsl" with { type: "text" };
import topkCode from "./topk.wgsl" with { type: "text" };
import wideSumCode from "./wide_sum.wgsl" with { type: "text" };

/** How a workgroup of the fold kernel cuts its work. */
export interface FoldShape {
  /** Latents that it owns. */
  readonly latents: number;
  /** Rows that are loaded side by side: `latents · groups` threads, at least as many as `rows`, and `latents` more that walk. */
  readonly groups: number;
  /** Rows in a step, a multiple of 32 and of `groups`, at most 32 a group: `4 · latents · rows` bytes of workgroup memory. */
  readonly rows: number;
}

/** Rows that the fold's percentile walks without a loop: enough to hide the latency of workgroup memory. */
const FOLD_BLOCK = 16;

/** Latents that a workgroup of `merge` and `heatmap` looks after: most have nothing to do in most strips. */
export const LATENTS_PER_GROUP = 8;

/** On a GPU: a warp reads one cache line of a row of F, and 12,288 latents make 384 workgroups, all at once on a large card. */
export const FOLD_SHAPE: FoldShape = { latents: 32, groups: 4, rows: 64 };

/** On a CPU: compilers behind OpenGL take time that grows with the square of the workgroup's memory. */
export const SOFTWARE_FOLD_SHAPE: FoldShape = { latents: 8, groups: 4, rows: 32 };

/** `prepare`: dispatch (⌈kPad / 32⌉, ⌈rowsPad / 32⌉). */
export function prepareKernel(use: { centre: boolean; scale: boolean; half: boolean }): KernelSource {
  const constants = { CENTRE: Number(use.centre), SCALE: Number(use.scale), HALF: Number(use.half) };
  return {
    name: "prepare",
    code: expand(prepareCode, constants),
    bindings: ["read", "read", "write", "write", "write"],
  };
}

/** `encode`: dispatch (colsPad / tile columns, rowsPad / tile rows). */
export function encodeKernel(tile: Tile, half: boolean): KernelSource {
  return {
    name: "encode",
    code: expand(encodeCode, encodeConstants(tile, half)),
    bindings: ["read", "read", "read", "read", "write"],
  };
}

/** `topk`: dispatch (rows). */
export function topkKernel(): KernelSource {
  return { name: "topk", code: topkCode, bindings: ["write"] };
}

/** What the kernels that collect candidates share. */
function collecting({ by, capacity }: FoldUse): Constants {
  return { GROUPED: Number(by !== "row"), SUM: Number(by === "sum"), CAPACITY: capacity, LIST: 2 * capacity };
}

/** Adds the arithmetic of sums where it is used. */
const withSums = (code: string, { by }: FoldUse): string => by === "sum" ? wideSumCode + code : code;

/** `fold`: dispatch (⌈cols / shape.latents⌉). */
export function foldKernel(use: FoldUse, shape: FoldShape): KernelSource {
  const { latents, groups, rows } = shape;
  const code = expand(foldCode, {
    LATENTS: latents,
    GROUPS: groups,
    THREADS: groups + 1,
    ROWS: rows,
    WORDS: rows / 32,
    BLOCK: FOLD_BLOCK,
    BLOCKS: rows / FOLD_BLOCK,
    PER: rows / groups,
    ...collecting(use),
  });
  const bindings = ["read", "read", "write", "write", "write", "write"] as const;
  return { name: "fold", code: withSums(code, use), bindings };
}

/** `merge`: dispatch (⌈cols / LATENTS_PER_GROUP⌉). */
export function mergeKernel(use: FoldUse): KernelSource {
  const unit = use.by === "row" ? "1u" : "P.perImage";
  const code = expand(mergeCode, {
    ...collecting(use),
    CHUNK: chunkOf(use.capacity),
    UNIT: unit,
    LATENTS: LATENTS_PER_GROUP,
  });
  return { name: "merge", code: withSums(code, use), bindings: ["write", "write", "write", "read"] };
}

/** `heatmap`: dispatch (⌈cols / LATENTS_PER_GROUP⌉). */
export function heatmapKernel(): KernelSource {
  return {
    name: "heatmap",
    code: expand(heatmapCode, { LATENTS: LATENTS_PER_GROUP }),
    bindings: ["read", "write", "read", "write"],
  };
}

/** `carry`: dispatch (cols / 2): 64 threads, 32 buckets a latent. */
export function carryKernel(): KernelSource {
  return { name: "carry", code: carryCode, bindings: ["write", "write"] };
}

/** `distribution`: dispatch (⌈kept / 16⌉, ⌈rows / 16⌉). */
export function distributionKernel(): KernelSource {
  return { name: "distribution", code: distributionCode, bindings: ["read", "read", "write"] };
}
