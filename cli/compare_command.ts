/**
 * The command `compare`: two runs on the same pictures.
 * @module
 */
import { ArtifactError, ConfigError } from "../compute/errors.ts";
import { parseConfig, type VisualsConfig, type VisualsConfigInput } from "../config.ts";
import type { JobHooks } from "../visuals/hooks.ts";
import { leastPrivilegeCommand } from "./dry_run.ts";
import type { JobPaths } from "./exit_codes.ts";
import { type Grants, grantsFor, withRealPaths } from "./grants.ts";
import type { CompareRequest, Jobs } from "./jobs.ts";
import { parseFlags, type RawSettings } from "./parse_flags.ts";
import { summaryText } from "./summary_text.ts";

/** Settings that the runs bring with them. */
const OF_THE_RUNS = /^(?:ckpt|run|data\..*|sortBy|nonFinite)$/;
/** Settings that a run's record holds and that say nothing about another job. */
const NOT_TAKEN_OVER: ReadonlySet<string> = new Set(["dumpTo", "nWorkers", "maxMemory", "run"]);

/** What the command takes of the program. */
export interface CompareEnvironment {
  /** URL of `cli.ts`. */
  readonly moduleUrl: string;
  /** Writes results. */
  readonly stdout: (text: string) => void;
  /** Runs work with a progress display, which is gone when it settles. */
  readonly withHooks: <T>(config: VisualsConfig, work: (hooks: Partial<JobHooks>) => Promise<T>) => Promise<T>;
  /** Reads a table of settings. */
  readonly readFile: (path: string) => Promise<Record<string, unknown>>;
  /** Resolves symlinks. */
  readonly realPath: (path: string) => Promise<string>;
  /** Loads the work. */
  readonly loadJobs: (grants: Grants) => Promise<Jobs>;
  /** Called with the paths once they are known. */
  readonly started: (paths: JobPaths) => void;
}

/**
 * `compare DIR_A DIR_B [FLAGS]`: settings are those in the first run's manifest, flags win over them.
 *
 * @throws {ConfigError} If a directory is missing, or a flag belongs to the runs.
 * @throws {ArtifactError} If a directory holds no artifacts with a manifest.
 */
export async function runCompare(words: readonly string[], env: CompareEnvironment): Promise<void> {
  const [directoryA, directoryB, ...flags] = words;
  if (directoryA === undefined || directoryB === undefined || [directoryA, directoryB].some((d) => d.startsWith("-"))) {
    throw new ConfigError(
      "compare lacks two directories of artifacts first, as in compare a/sort_by_patch b/sort_by_patch",
      { path: "" },
    );
  }
  const { settings, given, configFile } = parseFlags(flags);
  const misplaced = [...given].find(([path]) => OF_THE_RUNS.test(path));
  if (misplaced !== undefined || configFile !== undefined) {
    throw new ConfigError(`compare takes ${misplaced?.[1] ?? "--config"} from the runs' manifests; leave it out`, {
      path: misplaced?.[0] ?? "config",
    });
  }
  const request: CompareRequest = {
    a: parseConfig(merged(await settingsOf(directoryA, env), settings)),
    b: parseConfig(await settingsOf(directoryB, env)),
    directoryA,
    directoryB,
  };
  const { a, b } = request;
  const inputs = [directoryA, directoryB, a.ckpt, b.ckpt, a.data.shardRoot, b.data.shardRoot, a.images.root];
  env.started({ inputs, output: a.dumpTo });
  const grants = await withRealPaths(grantsToCompare(request, env.moduleUrl), env.realPath);
  if (a.dryRun) {
    const line = leastPrivilegeCommand(grants, { moduleUrl: env.moduleUrl, command: "compare", words });
    const [output] = grants.write;
    env.stdout(
      [
        `Would read all rows of ${a.data.shardRoot} and ${b.data.shardRoot}, for the artifacts in:`,
        `  ${directoryA}`,
        `  ${directoryB}`,
        "Would write:",
        ...["index.html", "matches.parquet", "matches.json", "a/", "b/"].map((name) => `  ${output}/compare/${name}`),
        "Nothing was done. The command with no more permissions than it needs:",
        line,
        "",
      ].join("\n"),
    );
    return;
  }
  const jobs = await env.loadJobs(grants);
  const summary = await env.withHooks(a, (hooks) => jobs.compareRuns(request, hooks));
  if (!a.quiet) env.stdout(summaryText(a.profile ? summary : { ...summary, profile: undefined }));
}

/** What a comparison reads and writes. */
function grantsToCompare({ a, b, directoryA, directoryB }: CompareRequest, moduleUrl: string): Grants {
  const first = grantsFor({ ...a, export: [] }, { moduleUrl, command: "render" });
  // Of the second run the output is only read, below its directory.
  const second = grantsFor({ ...b, export: [], dumpTo: directoryB }, { moduleUrl, command: "dump" });
  return { ...first, read: [...new Set([directoryA, ...first.read, ...second.read])] };
}

/** The settings that a run's manifest records. */
async function settingsOf(directory: string, env: CompareEnvironment): Promise<RawSettings> {
  const path = `${directory}/manifest.json`;
  const manifest = await env.readFile(path).catch((cause: unknown) => {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new ArtifactError(
      `Cannot compare ${directory}: it holds no manifest.json of artifacts that visuals or dump wrote`,
      { path: directory },
      { cause },
    );
  });
  const { config } = manifest;
  if (typeof config !== "object" || config === null) {
    throw new ArtifactError(`Cannot compare ${directory}: its manifest.json has no settings`, { path: directory });
  }
  return Object.fromEntries(Object.entries(config).filter(([key]) => !NOT_TAKEN_OVER.has(key)));
}

function merged(base: RawSettings, flags: RawSettings): VisualsConfigInput {
  const images = { ...base.images as RawSettings, ...flags.images as RawSettings };
  return { ...base, ...flags, images } as VisualsConfigInput;
}
