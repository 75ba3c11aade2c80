/**
 * Below which directory everything is written.
 * @module
 */
import type { VisualsConfig } from "./types.ts";

/**
 * The part of `dumpTo` that is known before the shards are read.
 *
 * @example
 * ```ts
 * import { outputRoot } from "./output_root.ts";
 * if (outputRoot("runs/a/inference/{shards}") !== "runs/a/inference") throw new Error();
 * if (outputRoot("{shards}") !== ".") throw new Error();
 * ```
 */
export function outputRoot(dumpTo: string): string {
  return dumpTo.replace(/\/*\{shards\}.*$/, "") || (dumpTo.startsWith("/") ? "/" : ".");
}

/**
 * The output directory with `{shards}` replaced by the name of the shard directory.
 *
 * @example
 * ```ts
 * import { parseConfig, resolveDumpTo } from "../config.ts";
 * const dir = resolveDumpTo(parseConfig({ run: "runs/a" }), "feadabea");
 * if (dir !== "runs/a/inference/feadabea") throw new Error(dir);
 * ```
 */
export function resolveDumpTo(config: Pick<VisualsConfig, "dumpTo">, shardsName: string): string {
  return config.dumpTo.replaceAll("{shards}", () => shardsName);
}
