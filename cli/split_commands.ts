/**
 * `submit` and `dump --parts N --local`: one job as many.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config.ts";
import { batchScripts, type BatchStep, dependencyOf } from "./batch_scripts.ts";
import { configWords } from "./config_words.ts";
import { leastPrivilegeWords } from "./dry_run.ts";
import { formatBytes, formatCount } from "./format_numbers.ts";
import { type Grants, grantsFor, withRealPaths } from "./grants.ts";
import type { Jobs, JobSummary } from "./jobs.ts";
import { shellQuote } from "../config/shell_quote.ts";

/** What splitting a job touches of the outside. */
export interface SplitEnvironment {
  /** URL of `cli.ts`. */
  readonly moduleUrl: string;
  /** Resolves symlinks and relative paths. */
  readonly realPath: (path: string) => Promise<string>;
  /** Writes a text file. */
  readonly writeText: (path: string, text: string) => Promise<void>;
  /** Submits a batch script: flags, then its path; gives the job's number. */
  readonly sbatch: (words: readonly string[]) => Promise<string>;
  /** Runs the program again and gives its exit status. */
  readonly runDeno: (
    words: readonly string[],
    options: { readonly signal: AbortSignal; readonly onLine: (line: string) => void },
  ) => Promise<number>;
  /** Asks running work to stop. */
  readonly signal: AbortSignal;
}

/**
 * Writes batch scripts and submits them; with `dryRun` it only writes.
 *
 * @returns What was submitted and how to follow it.
 * @throws {ConfigError} If a setting makes no sense for a job in parts.
 * @throws {SchedulerError} If Slurm refuses; what was submitted before stays, and is named.
 */
export async function submitJobs(config: VisualsConfig, env: SplitEnvironment, jobs: Jobs): Promise<string> {
  if (config.force) {
    throw new ConfigError(
      "submit goes on from what is there, so --force makes no sense; remove the output directory's parts to begin anew",
      { path: "force" },
    );
  }
  // The backend is found on the nodes, which may have what this machine lacks; all other inputs are looked at now.
  const plan = await jobs.planJob({ ...config, device: "auto" });
  const workingDirectory = await env.realPath(".");
  const directory = plan.directory.startsWith("/") ? plan.directory : `${workingDirectory}/${plan.directory}`;
  const scriptDirectory = `${directory.replaceAll("/./", "/")}/slurm`;
  const grants: Record<string, Grants> = {};
  for (const command of ["measure", "dump", "merge", "render"]) {
    grants[command] = await withRealPaths(grantsFor(config, { ...env, command }), env.realPath);
  }
  const { moduleUrl } = env;
  const scripts = batchScripts({
    config,
    grants: (command) => grants[command],
    moduleUrl,
    workingDirectory,
    scriptDirectory,
  });
  for (const { path, text } of scripts) await env.writeText(path, text);
  await env.writeText(`${scriptDirectory}/logs/README`, "What the jobs print: STEP-JOB_TASK.out\n");
  const lines = [
    ...scripts.map(({ path }) => `Wrote ${path}`),
    `${formatCount(plan.images)} images in ${formatCount(plan.shards)} shards; a task of the dump needs about ` +
    `${formatBytes(plan.memoryBytes)} of memory`,
  ];
  const { array } = config.slurm;
  if (array > plan.shards) {
    lines.push(`${array - plan.shards} of the ${array} tasks will have nothing to do: there are ${plan.shards} shards`);
  }
  if (config.dryRun) return [...lines, "Nothing was submitted", ""].join("\n");
  const ids: string[] = [];
  for (const { step, path } of scripts) {
    if (step === undefined) continue;
    const before = ids.at(-1);
    const flags = before === undefined ? [] : dependencyOf(step, before);
    ids.push(await submitOne(step, [...flags, path], ids, env));
    lines.push(`Submitted ${step.padEnd(7)} as job ${ids.at(-1)}`);
  }
  return [
    ...lines,
    `Follow them:  squeue --jobs=${ids.join(",")}`,
    `Their output: tail -F ${shellQuote(`${scriptDirectory}/logs`)}/*.out`,
    `Cancel them:  scancel ${ids.join(" ")}`,
    `The results:  ${directory}`,
    "",
  ].join("\n");
}

async function submitOne(
  step: BatchStep,
  words: readonly string[],
  before: readonly string[],
  env: SplitEnvironment,
): Promise<string> {
  try {
    return await env.sbatch(words);
  } catch (error) {
    if (error instanceof Error && before.length > 0) {
      error.message += ` (at the step ${step}; jobs ${before.join(", ")} are submitted: scancel ${before.join(" ")})`;
    }
    throw error;
  }
}

/**
 * Computes `config.parts` parts with as many processes here, then merges them.
 *
 * A process that fails leaves the others alone: merging then names its part.
 *
 * @throws {ConfigError} If the number of parts is missing.
 * @throws {ArtifactError} If a part is missing in the end.
 */
export async function dumpLocally(
  config: VisualsConfig,
  env: SplitEnvironment,
  job: { readonly jobs: Jobs; readonly hooks: Parameters<Jobs["main"]>[1] },
): Promise<JobSummary> {
  const { parts: count } = config;
  if (count === undefined) throw new ConfigError("--local lacks --parts, the number of processes", { path: "parts" });
  const { jobs, hooks } = job;
  if (config.data.scaleMean || config.data.scaleNorm) await jobs.measureSample(config, hooks);
  const grants = await withRealPaths(grantsFor(config, { ...env, command: "dump" }), env.realPath);
  const threads = Math.max(1, Math.floor(config.nWorkers / count));
  const switches = [...(config.resume ? ["--resume"] : []), ...(config.force ? ["--force"] : [])];
  const [, ...words] = leastPrivilegeWords(grants, {
    moduleUrl: env.moduleUrl,
    command: "dump",
    words: [...configWords(config), "--n-workers", String(threads), ...switches],
  });
  const codes = await Promise.all(Array.from({ length: count }, async (_, index) => {
    const onLine = (line: string): void => hooks?.log?.(`part ${index}: ${line}`);
    return await env.runDeno([...words, "--part", `${index}/${count}`], { signal: env.signal, onLine });
  }));
  env.signal.throwIfAborted();
  codes.forEach((code, index) => {
    if (code !== 0) hooks?.log?.(`Part ${index} of ${count} ended with exit status ${code}`, "warn");
  });
  return await jobs.mergeParts(config, hooks);
}
