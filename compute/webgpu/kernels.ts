/**
 * The shaders with their bindings: data, no device objects.
 * @module
 */
import carryCode from "./carry.wgsl" with { type: "text" };
import distributionCode from "./distribution.wgsl" with { type: "text" };
import { encodeConstants, type Stores, type Tile } from "./encode.ts";
import encodeCode from "./encode.wgsl" with { type: "text" };
import { type Constants, expand } from "./expand.ts";
import firedCode from "./fired.wgsl" with { type: "text" };
import type { FoldUse } from "./fold.ts";
import foldCode from "./fold.wgsl" with { type: "text" };
import type { KernelSource } from "./gpu.ts";
import heatmapCode from "./heatmap.wgsl" with { type: "text" };
import markCode from "./mark.wgsl" with { type: "text" };
import { chunkOf } from "./merge.ts";
import mergeCode from "./merge.wgsl" with { type: "text" };
import prepareCode from "./prepare.wgsl" with { type: "text" };
import topkCode from "./topk.wgsl" with { type: "text" };
import wideSumCode from "./wide_sum.wgsl" with { type: "text" };

/** How the fold kernel cuts its work. */
export interface FoldShape {
  /** Latents of a workgroup, a thread each: a power of two up to 32. */
  readonly latents: number;
  /** Rows that a workgroup counts: a multiple of 32 up to 512. */
  readonly rows: number;
  /** Words of 32 rows whose values are loaded ahead of the percentile's walk: 32 registers each. */
  readonly ahead: number;
}

/** Latents that a workgroup of `merge` and `heatmap` looks after: most have nothing to do in most strips. */
export const LATENTS_PER_GROUP = 8;

/** On a GPU: more workgroups than a card has schedulers, and 64 rows take about as long to walk as a value takes to come from memory. */
export const FOLD_SHAPE: FoldShape = { latents: 16, rows: 256, ahead: 2 };

/** On a CPU there is little to wait for, and compilers take their time. */
export const SOFTWARE_FOLD_SHAPE: FoldShape = { latents: 8, rows: 512, ahead: 1 };

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
export function encodeKernel(tile: Tile, half: boolean, stores: Stores): KernelSource {
  return {
    name: "encode",
    code: expand(encodeCode, encodeConstants(tile, half, stores)),
    bindings: ["read", "read", "read", "read", "write", ...(stores === "firing" ? ["write"] as const : [])],
  };
}

/** `mark`: dispatch (⌈ldF / 64⌉, ⌈rows / 32⌉). */
export function markKernel(): KernelSource {
  return { name: "mark", code: markCode, bindings: ["read", "write"] };
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

/** `fold`: dispatch {@linkcode foldGroups}. */
export function foldKernel(use: FoldUse, shape: FoldShape): KernelSource {
  const { latents, rows, ahead } = shape;
  const code = expand(foldCode, {
    LATENTS: latents,
    SHARES: 32 / latents,
    ROWS: rows,
    WORDS: rows / 32,
    AHEAD: ahead,
    ...collecting(use),
  });
  const bindings = ["read", "read", "read", "write", "write", "write", "write"] as const;
  return { name: "fold", code: withSums(code, use), bindings };
}

/** Workgroups of `fold`: those that walk come first, so that they begin first. */
export function foldGroups(shape: FoldShape, cols: number, rows: number): readonly [number, number] {
  return [Math.ceil(cols / shape.latents), 1 + Math.ceil(rows / shape.rows)];
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
  return {
    name: "merge",
    code: withSums(firedCode + code, use),
    bindings: ["write", "write", "write", "read", "read"],
  };
}

/** `heatmap`: dispatch (⌈cols / LATENTS_PER_GROUP⌉). */
export function heatmapKernel(): KernelSource {
  return {
    name: "heatmap",
    code: firedCode + expand(heatmapCode, { LATENTS: LATENTS_PER_GROUP }),
    bindings: ["read", "write", "read", "read", "write"],
  };
}

/** `carry`: dispatch (cols / 2): 64 threads, 32 buckets a latent. */
export function carryKernel(): KernelSource {
  return { name: "carry", code: carryCode, bindings: ["write", "write"] };
}

/** `distribution`: dispatch (⌈kept / 16⌉, ⌈rows / 16⌉). */
export function distributionKernel(): KernelSource {
  return { name: "distribution", code: firedCode + distributionCode, bindings: ["read", "read", "read", "write"] };
}
