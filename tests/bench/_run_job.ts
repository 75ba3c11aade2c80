/**
 * Starts `_job_once.ts`.
 * @module
 */
import { engineFlags } from "../../cli/engine_flags.ts";
import type { VisualsConfig } from "../../config.ts";
import type { JobRun } from "./_job_once.ts";
import { runCommand } from "./_measure.ts";

const HERE = new URL(".", import.meta.url).pathname;

/** Runs a job of this configuration in a process of its own. */
export async function runJob(name: string, config: VisualsConfig, ...words: readonly string[]): Promise<JobRun> {
  const flags = [
    "--no-prompt",
    "--allow-read",
    `--allow-write=${config.dumpTo}`,
    "--unstable-worker-options",
    ...engineFlags("dump"),
  ];
  const run = await runCommand("deno", [
    "run",
    ...flags,
    `${HERE}_job_once.ts`,
    name,
    JSON.stringify(config),
    ...words,
  ]);
  return JSON.parse(run.stdout) as JobRun;
}
