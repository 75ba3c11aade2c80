/**
 * Loads the work behind one command.
 * @module
 */
import type { Jobs } from "./jobs.ts";

/** Jobs that draw nothing: what draws takes longer to load than they take to start. */
const COMPUTING: { readonly [K in keyof Jobs]?: () => Promise<Pick<Jobs, K>> } = {
  dumpActivations: () => import("../visuals/dump_activations.ts"),
  dumpPart: () => import("../visuals/dump_part.ts"),
  measureSample: () => import("../visuals/measured_rows.ts"),
  mergeParts: () => import("../visuals/merge_parts.ts"),
};

/**
 * Loads a job with no more than it needs.
 *
 * @example
 * ```ts
 * import { loadJob } from "./load_job.ts";
 * const { dumpPart } = await loadJob("dumpPart");
 * console.assert(typeof dumpPart === "function");
 * ```
 */
export async function loadJob<K extends keyof Jobs>(job: K): Promise<Pick<Jobs, K>> {
  return await (COMPUTING[job]?.() ?? import("../visuals.ts"));
}
