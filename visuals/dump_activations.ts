/**
 * The whole of `dump`: artifacts, and what is exported of them.
 * @module
 */
import type { VisualsConfig } from "../config/types.ts";
import { dumpInto, type DumpReport, fits, reused } from "./dump.ts";
import { type JobHooks, withDefaults } from "./hooks.ts";
import { inDirectory } from "./in_directory.ts";
import { openAhead } from "./open_ahead.ts";

/**
 * Computes the ranking and the statistics and writes them, unless artifacts of the same request are there already;
 * then whatever `config.export` names.
 *
 * @throws {ConfigError | CheckpointError | ShardFormatError} Before any work, if the inputs do not fit.
 * @throws {NonFiniteError} If a row holds NaN or an infinity and the configuration refuses them.
 * @throws {ArtifactError} If the artifacts cannot be written, or another job works in their directory.
 * @throws {DOMException} `AbortError` if the hooks' signal fires; with `resume` the pass goes on from there.
 */
export async function dumpActivations(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<DumpReport> {
  const filled = withDefaults(hooks);
  using job = await openAhead(config, filled);
  // What is only looked at may lie where nothing can be written.
  if (!config.force && config.export.length === 0 && await fits(job)) return reused(job, filled);
  return await inDirectory(job.directory, job.config, filled, async (hooks) => {
    const report = await dumpInto(job, hooks);
    if (config.export.length === 0) return report;
    const { exportInto } = await import("./export_artifacts.ts");
    return { ...report, outputs: [...report.outputs ?? [], ...await exportInto(job, hooks)] };
  });
}
