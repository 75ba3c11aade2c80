/**
 * The shaders with their bindings: data, no device objects.
 * @module
 */
import carryCode from "./carry.wgsl" with { type: "text" };
import distributionCode from "./distribution.wgsl" with { type: "text" };
import { encodeConstants, type Tile } from "./encode.ts";
import encodeCode from "./encode.wgsl" with { type: "text" };
import { expand } from "./expand.ts";
import type { FoldUse } from "./fold.ts";
import foldCode from "./fold.wgsl" with { type: "text" };
import type { KernelSource } from "./gpu.ts";
import heatmapCode from "./heatmap.wgsl" with { type: "text" };
import mergeCode from "./merge.wgsl" with { type: "text" };
import prepareCode from "./prepare.wgsl" with { type: "text" };
import topkCode from "./topk.wgsl" with { type: "text" };

/** Threads of a workgroup of the fold kernel: one warp, so that 12,288 latents spread over all processors. */
export const FOLD_THREADS = 32;

/** Rows whose loads are in flight together in the fold kernel: a divisor of 32 and of the rows of every tile. */
const FOLD_UNROLL = 16;

/** `prepare`: dispatch (kPad / 16, rowsPad / 16). */
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

/** `fold`: dispatch (⌈cols / FOLD_THREADS⌉). */
export function foldKernel(use: FoldUse, unroll: number = FOLD_UNROLL): KernelSource {
  const code = expand(foldCode, {
    WG: FOLD_THREADS,
    UNROLL: unroll,
    MASK: unroll - 1,
    STATISTICS: Number(use.statistics),
    GROUPED: Number(use.by !== "row"),
    SUM: Number(use.by === "sum"),
    CAPACITY: use.capacity,
    LIST: 2 * use.capacity,
  });
  return {
    name: use.statistics ? "fold" : "select",
    code,
    bindings: ["read", "read", "write", "write", "write", "write"],
  };
}

/** `merge`: dispatch (cols). */
export function mergeKernel(capacity: number): KernelSource {
  const code = expand(mergeCode, { CAPACITY: capacity, LIST: 2 * capacity });
  return { name: "merge", code, bindings: ["write", "read", "write"] };
}

/** `heatmap`: dispatch (cols). */
export function heatmapKernel(): KernelSource {
  return { name: "heatmap", code: heatmapCode, bindings: ["read", "write", "read", "write"] };
}

/** `carry`: dispatch (cols / 2): 64 threads, 32 buckets a latent. */
export function carryKernel(): KernelSource {
  return { name: "carry", code: carryCode, bindings: ["write", "write"] };
}

/** `distribution`: dispatch (⌈kept / 16⌉, ⌈rows / 16⌉). */
export function distributionKernel(): KernelSource {
  return { name: "distribution", code: distributionCode, bindings: ["read", "read", "write"] };
}
