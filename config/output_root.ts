/**
 * Below which directory everything is written.
 * @module
 */

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
