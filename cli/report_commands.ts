/**
 * The commands that only look: `inspect` and `check`.
 * @module
 */
import { ConfigError, DatasetError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config.ts";
import type { JobHooks } from "../visuals/hooks.ts";
import { checkText } from "./check_text.ts";
import type { JobPaths } from "./exit_codes.ts";
import { type Grants, grantsFor, grantsToInspect, withRealPaths } from "./grants.ts";
import { inspectText } from "./inspect_text.ts";
import type { Jobs } from "./jobs.ts";
import { loadConfig } from "./load_config.ts";
import { parseFlags } from "./parse_flags.ts";

/** What these commands take of the program. */
export interface ReportEnvironment {
  /** URL of `cli.ts`. */
  readonly moduleUrl: string;
  /** Directory of the demo's files; undefined when they are not on disk. */
  readonly demoRoot: string | undefined;
  /** Writes results. */
  readonly stdout: (text: string) => void;
  /** Writes one warning. */
  readonly warn: (line: string) => void;
  /** Runs work with a progress display, which is gone when it settles. */
  readonly withHooks: <T>(config: VisualsConfig, work: (hooks: Partial<JobHooks>) => Promise<T>) => Promise<T>;
  /** Reads a config file. */
  readonly readFile: (path: string) => Promise<Record<string, unknown>>;
  /** Resolves symlinks. */
  readonly realPath: (path: string) => Promise<string>;
  /** Loads the work. */
  readonly loadJobs: (grants: Grants) => Promise<Jobs>;
  /** Called with the paths once they are known. */
  readonly started: (paths: JobPaths) => void;
}

/**
 * `inspect FILE|DIR [--json] [--data.shard-root DIR]`: what lies there.
 *
 * @throws {ConfigError} If no path is given, or several.
 */
export async function runInspect(words: readonly string[], env: ReportEnvironment): Promise<void> {
  const { isJson, rest } = takeJson(words);
  const [path, ...flags] = rest;
  if (path === undefined || path.startsWith("--")) {
    throw new ConfigError(
      "inspect lacks what to look at; give a checkpoint, shards, artifacts or a folder of pictures first",
      { path: "" },
    );
  }
  const { config } = await loadConfig(flags, { readFile: env.readFile, demoRoot: false });
  const shardRoot = parseFlags(flags).given.has("data.shardRoot") ? config.data.shardRoot : undefined;
  env.started({ inputs: [path], output: "" });
  const jobs = await env.loadJobs(await withRealPaths(grantsToInspect(path, shardRoot), env.realPath));
  const found = await jobs.inspectPath({ path, shardRoot });
  env.stdout(isJson ? json(found) : inspectText(found));
  if (isJson || !("warnings" in found)) return;
  for (const line of [...found.warnings, ...("problems" in found ? found.problems : [])]) env.warn(line);
}

/**
 * `check [FLAGS] [--json]`: whether checkpoint, shards and pictures belong together.
 *
 * @throws {DatasetError} After the report, if the job would fail.
 */
export async function runCheck(words: readonly string[], env: ReportEnvironment): Promise<void> {
  const { isJson, rest } = takeJson(words);
  const { config } = await loadConfig(rest, env);
  env.started({ inputs: [config.ckpt, config.data.shardRoot, config.images.root], output: "" });
  const { read } = grantsFor(config, { ...env, command: "visuals" });
  const jobs = await env.loadJobs(await withRealPaths({ read, write: [] }, env.realPath));
  const report = await env.withHooks(config, (hooks) => jobs.checkInputs(config, hooks));
  env.stdout(isJson ? json(report) : checkText(report));
  if (!isJson) report.warnings.forEach(env.warn);
  const [problem] = report.problems;
  if (problem !== undefined) {
    throw new DatasetError(`${problem}; give the data set that the activations were recorded from`, {
      path: config.images.root,
    });
  }
}

function takeJson(words: readonly string[]): { isJson: boolean; rest: readonly string[] } {
  const rest = words.filter((word) => word !== "--json");
  return { isJson: rest.length < words.length, rest };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
