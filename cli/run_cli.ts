/**
 * The command line without its process: words in, text and an exit status out. `cli.ts` connects it to Deno.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import { printable } from "../compute/printable.ts";
import type { VisualsConfig } from "../config.ts";
import { resolvePart } from "../config/part.ts";
import { nearest } from "../config/nearest.ts";
import { recordingOf } from "../config/recording_of.ts";
import { runCompare } from "./compare_command.ts";
import { completions } from "./completions.ts";
import { dryRunText, leastPrivilegeCommand } from "./dry_run.ts";
import { describeFailure, EXIT_CODES, type JobPaths } from "./exit_codes.ts";
import { type Grants, grantsFor, inputsOf, withRealPaths } from "./grants.ts";
import { helpText, settingHelp } from "./help.ts";
import { checkFlags, type JobCommand, jobOf } from "./job_commands.ts";
import type { Jobs } from "./jobs.ts";
import { loadConfig } from "./load_config.ts";
import { localPath } from "./local_path.ts";
import { ProgressReporter } from "./progress.ts";
import { recordingText } from "./recording_text.ts";
import { type ReportEnvironment, runCheck, runInspect } from "./report_commands.ts";
import { runServe, type ServeEnvironment } from "./serve_command.ts";
import { settingsPage } from "./settings_page.ts";
import { dumpLocally, type SplitEnvironment, submitJobs } from "./split_commands.ts";
import { summaryText } from "./summary_text.ts";

/** Everything that a command touches of the outside. */
export interface CliEnvironment {
  /** Words after the program's name. */
  readonly words: readonly string[];
  /** URL of `cli.ts`; the demo's files lie beside it. */
  readonly moduleUrl: string;
  /** What `--version` prints. */
  readonly version: string;
  /** Writes results. */
  readonly stdout: (text: string) => void;
  /** Writes messages and progress. */
  readonly stderr: (text: string) => void;
  /** Width of the terminal behind `stderr`; undefined when there is none. */
  readonly columns: (() => number) | undefined;
  /** Whether `stderr` may be coloured. */
  readonly color: boolean;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Asks running work to stop. */
  readonly signal: AbortSignal;
  /** Dispatches a cancelable `warning` when the process is told of its end ahead of time; unless it is cancelled, `signal` fires. */
  readonly warnings?: EventTarget | undefined;
  /** Reads a config file. */
  readonly readFile: (path: string) => Promise<Record<string, unknown>>;
  /** Resolves symlinks. */
  readonly realPath: (path: string) => Promise<string>;
  /** Reads an environment variable, for `--part env:NAME/NAME`. */
  readonly variable: (name: string) => string | undefined;
  /** Writes a text file. */
  readonly writeText: SplitEnvironment["writeText"];
  /** Submits a batch script. */
  readonly sbatch: SplitEnvironment["sbatch"];
  /** Runs the program again. */
  readonly runDeno: SplitEnvironment["runDeno"];
  /** Loads the work, which needs `grants` and nothing else; only commands that need it do. */
  readonly loadJobs: (grants: Grants) => Promise<Jobs>;
  /** Serves a directory on this computer. */
  readonly serve?: ServeEnvironment["serve"];
}

/** One command. A new one is an entry in {@linkcode COMMANDS}. */
interface Command {
  readonly usage: string;
  readonly summary: string;
  /** Does it; what it throws becomes the exit status. `started` is told the paths once they are known. */
  readonly run: (words: readonly string[], env: CliEnvironment, started: (paths: JobPaths) => void) => Promise<void>;
}

const PROGRAM = "deno run -R -W cli.ts";

/** A command that runs a job. */
function job(command: JobCommand): Command["run"] {
  return (words, env, started) => runJob(command, words, env, started);
}

const COMMANDS: Readonly<Record<string, Command>> = {
  visuals: {
    usage: "[FLAGS]",
    summary: "Compute what is missing, choose latents, draw pictures and pages; the demo without flags",
    run: job("visuals"),
  },
  dump: {
    usage: "[FLAGS]",
    summary: "Compute only: rankings and statistics of every latent",
    run: job("dump"),
  },
  measure: {
    usage: "[FLAGS]",
    summary: "Measure what rows are scaled by, once for all parts of a dump",
    run: job("measure"),
  },
  merge: {
    usage: "[--parts N] [FLAGS]",
    summary: "Merge the parts that dump --part computed into artifacts",
    run: job("merge"),
  },
  render: {
    usage: "[--part I/N] [FLAGS]",
    summary: "Draw pictures and pages of what is computed",
    run: job("render"),
  },
  export: {
    usage: "--export npz|json… [FLAGS]",
    summary: "Write what is computed for other tools: a scipy matrix of every activation, latents as JSON lines",
    run: job("export"),
  },
  study: {
    usage: "[FLAGS]",
    summary: "Read all rows again for label statistics and the patch audit of the latents that are shown",
    run: job("study"),
  },
  compare: {
    usage: "DIR_A DIR_B [FLAGS]",
    summary: "Find latents of two runs on the same pictures that behave alike, and show them side by side",
    run: (words, env, started) => runCompare(words, reportEnvironment(env, started)),
  },
  submit: {
    usage: "--slurm.array N [FLAGS]",
    summary: "Write Slurm batch scripts for all of it, in parts, and submit them; only write them with --dry-run",
    run: job("submit"),
  },
  activations: {
    usage: "--model FILE --layers N… [FLAGS]",
    summary: "Record the layers of an ONNX vision transformer on every picture, as shards",
    run: job("activations"),
  },
  check: {
    usage: "[--json] [FLAGS]",
    summary: "Try the encoder on a sample: do checkpoint, layer, scaling and pictures belong together?",
    run: (words, env, started) => runCheck(words, reportEnvironment(env, started)),
  },
  inspect: {
    usage: "FILE|DIR [--json]",
    summary: "Say what a checkpoint, shards, artifacts or pictures are; held against --data.shard-root if given",
    run: (words, env, started) => runInspect(words, reportEnvironment(env, started)),
  },
  serve: {
    usage: "DIR [--port N]",
    summary: "Show an output directory in the browser, on this computer only; it follows a run that goes on",
    run: (words, env) => runServe(words, env),
  },
  completions: {
    usage: "bash|zsh|fish [NAME]",
    summary: "Print completions for a shell, for the name that the program is installed under",
    run: ([shell, program = "saev-visuals"], env) => {
      const commands = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary] as const);
      env.stdout(completions(shell, { commands, program }));
      return Promise.resolve();
    },
  },
  help: {
    usage: "[FLAG]",
    summary: "Print this, or what one flag takes; --markdown prints docs/settings.md",
    run: ([name], env) => {
      if (name === "--markdown") env.stdout(settingsPage());
      else env.stdout(name === undefined || Object.hasOwn(COMMANDS, name) ? help() : settingHelp(name));
      return Promise.resolve();
    },
  },
};

/**
 * Runs one command and returns the exit status.
 *
 * @example
 * ```ts
 * import { runCli } from "./run_cli.ts";
 * let out = "";
 * const code = await runCli({
 *   words: ["--version"], moduleUrl: import.meta.url, version: "1.2.3", stdout: (text) => void (out += text),
 *   stderr: () => {}, columns: undefined, color: false, now: () => 0, signal: new AbortController().signal,
 *   readFile: () => Promise.reject(), realPath: () => Promise.reject(), loadJobs: () => Promise.reject(),
 *   variable: () => undefined, writeText: () => Promise.reject(), sbatch: () => Promise.reject(),
 *   runDeno: () => Promise.reject(),
 * });
 * if (code !== 0 || out !== "saev-visuals 1.2.3\n") throw new Error(out);
 * ```
 */
export async function runCli(env: CliEnvironment): Promise<number> {
  const [name, ...words] = env.words;
  let paths: JobPaths | undefined;
  try {
    if (env.words.includes("--help") || env.words.includes("-h")) {
      env.stdout(help());
    } else if (name === "--version" || name === "-V") {
      env.stdout(`saev-visuals ${env.version}\n`);
    } else {
      await findCommand(name).run(words, env, (known) => paths = known);
    }
    return EXIT_CODES.done;
  } catch (error) {
    const failure = describeFailure(error, paths);
    const { code } = failure;
    const message = failure.message.split("\n").map(printable).join("\n");
    env.stderr(`${label(code === EXIT_CODES.interrupted ? "" : "error: ", env.color, 31)}${message}\n`);
    return code;
  }
}

function findCommand(name: string | undefined): Command {
  const known = Object.keys(COMMANDS);
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) return COMMANDS[name];
  const list = `${known.slice(0, -1).join(", ")} or ${known.at(-1)}`;
  if (name === undefined) throw new ConfigError(`No command was given, expected ${list}; see --help`, { path: "" });
  const near = name.startsWith("-") ? undefined : nearest(name, known);
  const hint = near === undefined ? "see --help" : `did you mean ${near}?`;
  throw new ConfigError(`Found ${name} where a command was expected: ${list}; ${hint}`, { path: "" });
}

async function runJob(
  command: JobCommand,
  words: readonly string[],
  env: CliEnvironment,
  started: (paths: JobPaths) => void,
): Promise<void> {
  const demoRoot = command === "visuals" ? demoDirectory(env.moduleUrl) : false;
  const { config: asked, isDemo } = await loadConfig(words, { readFile: env.readFile, demoRoot });
  checkFlags(command, asked);
  const config = asked.part === undefined ? asked : { ...asked, part: resolvePart(asked.part, env.variable) };
  started({ inputs: inputsOf(config, command), output: config.dumpTo });
  const grants = await withRealPaths(grantsFor(config, { ...env, command }), env.realPath);
  const jobs = await env.loadJobs(grants);
  if (command === "submit") {
    env.stdout(await submitJobs(config, env, jobs));
    return;
  }
  if (config.dryRun && (command === "activations" || config.fromPictures)) {
    const narrow = leastPrivilegeCommand(grants, { ...env, command, words });
    env.stdout(
      recordingText(await jobs.planRecording(command === "activations" ? config : recordingOf(config)), narrow),
    );
    return;
  }
  if (config.dryRun) {
    const line = leastPrivilegeCommand(grants, { ...env, command, words });
    env.stdout(dryRunText(await jobs.planJob(config), command, line));
    return;
  }
  const reporter = new ProgressReporter({ ...env, write: env.stderr });
  if (isDemo && !config.quiet) {
    reporter.log(`No inputs were given: running the demo (240 emoji pictures, 768 latents) into ${config.dumpTo}`);
  }
  try {
    const hooks = hooksFor(reporter, config, env);
    const summary = config.local
      ? await dumpLocally(config, env, { jobs, hooks })
      : await jobs[jobOf(command, config)](config, hooks);
    reporter.finish();
    if (!config.quiet) env.stdout(summaryText(config.profile ? summary : { ...summary, profile: undefined }));
  } catch (error) {
    reporter.finish();
    throw error;
  }
}

function reportEnvironment(env: CliEnvironment, started: (paths: JobPaths) => void): ReportEnvironment {
  const reporter = new ProgressReporter({ ...env, write: env.stderr });
  return {
    ...env,
    started,
    demoRoot: demoDirectory(env.moduleUrl),
    warn: (line) => env.stderr(`${label("warning: ", env.color, 33)}${printable(line)}\n`),
    withHooks: async (config, work) => {
      try {
        return await work(hooksFor(reporter, config, env) ?? {});
      } finally {
        reporter.finish();
      }
    },
  };
}

function hooksFor(
  reporter: ProgressReporter,
  { quiet, usr2 }: VisualsConfig,
  env: CliEnvironment,
): Parameters<Jobs["main"]>[1] {
  const saves = new EventTarget();
  if (usr2 === "go-on") {
    env.warnings?.addEventListener("warning", (event) => {
      event.preventDefault();
      saves.dispatchEvent(new Event("save"));
    });
  }
  return {
    signal: env.signal,
    saves,
    // A line may name what a file of somebody else's holds.
    log: (line, level = "info") => {
      if (level === "warn") reporter.log(label("warning: ", env.color, 33) + printable(line));
      else if (!quiet) reporter.log(printable(line));
    },
    progress: quiet ? () => {} : (progress) => reporter.update(progress),
  };
}

function help(): string {
  return helpText(Object.entries(COMMANDS).map(([name, command]) => ({ name, ...command })), PROGRAM);
}

/** Undefined when the program was loaded over the network: its files are not on disk then. */
function demoDirectory(moduleUrl: string): string | undefined {
  return localPath(new URL("./fixtures/demo/emoji", moduleUrl));
}

function label(text: string, color: boolean, code: number): string {
  return color && text !== "" ? `\x1b[${code}m${text}\x1b[39m` : text;
}
