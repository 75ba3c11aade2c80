/**
 * The two rankings without the writing.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import type { Tensor } from "../compute/tensor.ts";
import type { TopKImg, TopKPatch } from "../compute/topk.ts";
import type { VisualsConfig } from "../config/types.ts";
import { openDump, runPass } from "./dump.ts";
import { type JobHooks, withDefaults } from "./hooks.ts";

/**
 * Ranks images by one vector each (the CLS token, or the mean over patches): no image twice, no heatmaps.
 *
 * Nothing is written. Source: upstream's `get_topk_img`.
 *
 * @throws {ConfigError} If `sortBy` is not `img`, or as `dumpActivations`.
 */
export async function getTopkImg(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<TopKImg> {
  const result = await rankOnly(config, hooks, ["img"], "getTopkImg");
  if (result.kind !== "img") throw new Error("An image ranking came back with heatmaps");
  return result;
}

/**
 * Ranks patches by activation (or, with `sortBy: "sum"`, images by the sum over their patches), with heatmaps.
 *
 * Nothing is written. Source: upstream's `get_topk_patch`.
 *
 * @throws {ConfigError} If `sortBy` is `img`, or as `dumpActivations`.
 */
export async function getTopkPatch(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<TopKPatch> {
  const result = await rankOnly(config, hooks, ["patch", "sum"], "getTopkPatch");
  if (result.kind !== "patch") throw new Error("A patch ranking came back without heatmaps");
  return result;
}

async function rankOnly(
  asked: VisualsConfig,
  hooks: Partial<JobHooks> | undefined,
  rankings: readonly string[],
  name: string,
): Promise<TopKImg | TopKPatch> {
  if (!rankings.includes(asked.sortBy)) {
    throw new ConfigError(`${name} needs sortBy ${rankings.join(" or ")}, found ${asked.sortBy}`, { path: "sortBy" });
  }
  const { config, inputs, watch, startedAt } = await openDump(asked);
  const pass = await runPass(config, inputs, { hooks: withDefaults(hooks), watch, startedAt });
  try {
    return copied(pass.result);
  } finally {
    await pass.release();
  }
}

/** The arrays may be views on memory that goes away with the backend. */
function copied(result: TopKImg | TopKPatch): TopKImg | TopKPatch {
  const own = <A extends Tensor | Tensor<Uint32Array>>(tensor: A): A => ({ ...tensor, data: tensor.data.slice() });
  const shared = {
    topValues: own(result.topValues),
    rankValues: own(result.rankValues),
    topI: own(result.topI),
    topCount: own(result.topCount),
    distributions: own(result.distributions),
  };
  return result.kind === "img" ? { ...result, ...shared } : { ...result, ...shared, topPatchI: own(result.topPatchI) };
}
