/**
 * The kernels of a lane, compiled and bound to its buffers.
 * @module
 */
import type { Gpu, Kernel } from "./gpu.ts";
import {
  carryKernel,
  distributionKernel,
  encodeKernel,
  foldKernel,
  heatmapKernel,
  markKernel,
  mergeKernel,
  prepareKernel,
  topkKernel,
} from "./kernels.ts";
import type { LaneBuffers } from "./lane_buffers.ts";
import type { LaneRequest } from "./lane_request.ts";

/** A kernel with the buffers it works on. */
export interface Step {
  /** The kernel. */
  readonly pipeline: GPUComputePipeline;
  /** Its group 1. */
  readonly group: GPUBindGroup;
}

/** Steps of one chunk. */
export interface ChunkSteps {
  /** The product. */
  readonly encode: Step;
  /** Statistics and candidates. */
  readonly fold: Step;
  /** Candidates into the ranking. */
  readonly merge: Step;
  /** Heatmaps of what entered. */
  readonly heatmap: Step;
  /** Sums into totals. */
  readonly carry: Step;
  /** Activations that go back. */
  readonly distribution: Step;
}

/** All steps of a lane. */
export interface LaneSteps {
  /** Group 0 of every step: the parameter block at a dynamic offset. */
  readonly params: GPUBindGroup;
  /** Raw values to rows. */
  readonly prepare: Step;
  /** Whole rows' ranking, and the bits of what it leaves; undefined unless the encoder is a TopK one. */
  readonly topk: { readonly cut: Step; readonly mark: Step } | undefined;
  /** Steps of each chunk. */
  readonly chunks: readonly ChunkSteps[];
}

/** Compiles the kernels (once a device) and binds them. */
export async function bindLane(gpu: Gpu, request: LaneRequest, buffers: LaneBuffers): Promise<LaneSteps> {
  const { plan, sae, half, tuning, prepared, tile } = request;
  const by = plan.sortBy === "sum" ? "sum" : plan.dedupe === "image" ? "image" : "row";
  const use = { by, capacity: tuning.capacity } as const;
  const ranksRows = sae.activation.kind === "topk";
  const [prepare, encode, fold, merge, heatmap, carry, distribution, topk, mark] = await Promise.all([
    gpu.kernel(prepareKernel({ centre: !prepared, scale: !prepared && plan.layout.scalar !== 1, half })),
    gpu.kernel(encodeKernel(tile, half, ranksRows ? "all" : "firing")),
    gpu.kernel(foldKernel(use, tuning.fold)),
    gpu.kernel(mergeKernel(use)),
    gpu.kernel(heatmapKernel()),
    gpu.kernel(carryKernel()),
    gpu.kernel(distributionKernel()),
    gpu.kernel(topkKernel()),
    gpu.kernel(markKernel()),
  ]);
  const step = (kernel: Kernel, bound: GPUBuffer[]): Step => {
    return { pipeline: kernel.pipeline, group: gpu.bind(kernel, bound) };
  };
  const { states, weights, centre, raw, x, f, bits, skip, found, kept, params } = buffers;
  return {
    params: gpu.bindParams(params),
    prepare: step(prepare, [raw, centre, x, skip, found]),
    topk: ranksRows ? { cut: step(topk, [f]), mark: step(mark, [f, bits]) } : undefined,
    chunks: states.map(({ latents, histogram, halves, totals, candidates, top, heatmaps }, i) => {
      const { w, bias } = weights[i];
      return {
        encode: step(encode, [x, w, bias, skip, f, ...(ranksRows ? [] : [bits])]),
        fold: step(fold, [f, bits, skip, latents, candidates, histogram, halves]),
        merge: step(merge, [latents, candidates, top, f, bits]),
        heatmap: step(heatmap, [latents, top, f, bits, heatmaps]),
        carry: step(carry, [halves, totals]),
        distribution: step(distribution, [f, bits, skip, kept]),
      };
    }),
  };
}

/** Records one dispatch; group 0 is set before. */
export function dispatch(pass: GPUComputePassEncoder, step: Step, x: number, y = 1): void {
  pass.setPipeline(step.pipeline);
  pass.setBindGroup(1, step.group);
  pass.dispatchWorkgroups(x, y);
}
