/**
 * The batch scripts of `submit`: to be read, kept and changed.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config.ts";
import { configWords } from "./config_words.ts";
import { leastPrivilegeWords } from "./dry_run.ts";
import type { Grants } from "./grants.ts";
import { shellQuote } from "../config/shell_quote.ts";

/** The steps, in order. */
export type BatchStep = "measure" | "dump" | "merge" | "render" | "page";

/** What scripts are made from. */
export interface BatchFacts {
  /** The configuration; `slurm` decides the resources. */
  readonly config: VisualsConfig;
  /** What each command may touch. */
  readonly grants: (command: string) => Grants;
  /** URL of `cli.ts`. */
  readonly moduleUrl: string;
  /** Directory that relative paths are relative to. */
  readonly workingDirectory: string;
  /** Directory of scripts and logs, absolute. */
  readonly scriptDirectory: string;
}

/** One file. */
export interface BatchScript {
  /** Its step; undefined for the script that submits again. */
  readonly step: BatchStep | undefined;
  /** Where it goes. */
  readonly path: string;
  /** What it holds. */
  readonly text: string;
}

const WHAT: Readonly<Record<BatchStep, string>> = {
  measure: "Measures what rows are centred and scaled by, once for all parts.",
  dump:
    "Computes one part of the shards. A task that is requeued goes on from its last saved state; one whose part is there ends.",
  merge: "Merges the parts. It runs however the array ended, and says which parts are missing, if any.",
  render: "Draws the pictures of the chosen latents.",
  page: "Puts the drawn pictures into place, takes examples of the latents' ranges, and writes the plots and the page.",
};

/**
 * Steps of a configuration: rows that are not scaled need no measuring, and pictures drawn by one task no gathering.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { batchSteps } from "./batch_scripts.ts";
 * const steps = batchSteps(parseConfig({ slurm: { renderArray: 4 } }));
 * if (steps.join() !== "measure,dump,merge,render,page") throw new Error(steps.join());
 * ```
 */
export function batchSteps({ data, slurm }: VisualsConfig): BatchStep[] {
  return [
    ...(data.scaleMean || data.scaleNorm ? ["measure"] as const : []),
    "dump",
    "merge",
    "render",
    ...(slurm.renderArray > 1 ? ["page"] as const : []),
  ];
}

/**
 * Slurm's flags that make a step wait for the one before it.
 *
 * Merging waits for the array to end in whatever way: after a task has failed `afterok` stays unsatisfiable even if that task is
 * requeued and succeeds, and the job would wait for ever.
 *
 * @param step The step that waits.
 * @param before Job of the step before it.
 *
 * @example
 * ```ts
 * import { dependencyOf } from "./batch_scripts.ts";
 * if (dependencyOf("merge", "17").join() !== "--dependency=afterany:17") throw new Error();
 * ```
 */
export function dependencyOf(step: BatchStep, before: string): string[] {
  if (step === "merge" || step === "page") return [`--dependency=afterany:${before}`];
  return [`--dependency=afterok:${before}`, "--kill-on-invalid-dep=yes"];
}

/**
 * Writes one script a step, and `again.sh`, which submits some tasks of the array again and what follows them.
 *
 * @throws {ConfigError} If a path holds what a directive of Slurm cannot.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { batchScripts } from "./batch_scripts.ts";
 * const [dump] = batchScripts({
 *   config: parseConfig({ data: { scaleMean: false, scaleNorm: false }, slurm: { array: 64, partition: "gpu" } }),
 *   grants: () => ({ read: ["shards"], write: ["data"] }), moduleUrl: "file:///opt/saev/cli.ts",
 *   workingDirectory: "/home/me", scriptDirectory: "/home/me/data/slurm",
 * });
 * if (!dump.text.includes("#SBATCH --array=0-63") || !dump.text.includes("\nexec deno run ")) throw new Error(dump.text);
 * ```
 */
export function batchScripts(facts: BatchFacts): BatchScript[] {
  const { config, scriptDirectory } = facts;
  const steps = batchSteps(config).map((step): BatchScript => ({
    step,
    path: `${scriptDirectory}/${step}.sh`,
    text: stepScript(step, facts),
  }));
  return [...steps, { step: undefined, path: `${scriptDirectory}/again.sh`, text: againScript(facts) }];
}

function stepScript(step: BatchStep, facts: BatchFacts): string {
  const { config, workingDirectory, scriptDirectory, moduleUrl } = facts;
  const { slurm } = config;
  const tasks = step === "dump" ? slurm.array : step === "render" ? slurm.renderArray : 1;
  const isArray = step === "dump" || tasks > 1;
  const directives: [string, string | number | undefined][] = [
    ["job-name", `saev-${step}`],
    ["partition", slurm.partition],
    ["account", slurm.account],
    ["qos", slurm.qos],
    ["array", isArray ? `0-${tasks - 1}` : undefined],
    ["ntasks", 1],
    ["cpus-per-task", slurm.cpus],
    ["gpus", step === "dump" ? slurm.gpus : undefined],
    ["mem", slurm.mem],
    ["time", slurm.time],
    ["chdir", workingDirectory],
    ["output", `${slurmPath(scriptDirectory)}/logs/${step}-${isArray ? "%A_%a" : "%j"}.out`],
    ["open-mode", "append"],
  ];
  const command = step === "page" ? "render" : step;
  const own = [
    ["--n-workers", String(slurm.cpus)],
    ...(step === "merge" ? [["--parts", String(slurm.array)]] : []),
    ...(step === "merge" && config.export.length > 0 ? [["--export", ...config.export]] : []),
    ...(step === "merge" || step === "measure" ? [] : [["--resume"]]),
    ["--usr2", "go-on"],
  ];
  const deno = leastPrivilegeWords(facts.grants(command), { moduleUrl, command, words: [] });
  const lines = [
    ...pairs(deno),
    ...pairs(configWords(config)),
    ...own.map((words) => words.map(shellQuote).join(" ")),
    ...(isArray ? [`--part "$SLURM_ARRAY_TASK_ID/${tasks}"`] : []),
  ];
  return [
    "#!/bin/bash",
    `# ${WHAT[step]}`,
    "# Written by `submit`; change what you like, and submit it with sbatch or all steps with again.sh.",
    ...directives.filter(([, value]) => value !== undefined).map(([name, value]) =>
      `#SBATCH --${name}=${quoteDirective(String(value))}`
    ),
    // Not TERM: who asked to stop obeys, but a task that ends by itself then counts as failed and is not requeued.
    "# Warned a minute before the time limit, and where preemption is announced: USR2 says save the state and go on.",
    "#SBATCH --signal=B:USR2@60",
    "# After preemption or the loss of a node it begins again, and goes on from the state it saved.",
    "#SBATCH --requeue",
    "",
    "# exec, so that Slurm's signals reach the program and not a shell around it.",
    ...(deno.some((word) => word.startsWith("--v8-flags"))
      ? ["# --v8-flags is for x86-64 processors: delete that line for others, where Deno refuses it."]
      : []),
    `exec ${lines.join(" \\\n  ")}`,
    "",
  ].join("\n");
}

function againScript({ config, scriptDirectory }: BatchFacts): string {
  const script = (step: BatchStep): string => shellQuote(`${scriptDirectory}/${step}.sh`);
  const lines = [
    "#!/bin/sh",
    "# Submits tasks of the array again, by their numbers, then merging and drawing: sh again.sh 3,7-9",
    "set -eu",
    `job=$(sbatch --parsable --array="$1" ${script("dump")})`,
    'echo "dump $job"',
  ];
  for (const step of batchSteps(config).filter((step) => step !== "measure" && step !== "dump")) {
    const flags = dependencyOf(step, "$job").map((flag) => `"${flag}"`).join(" ");
    lines.push(`job=$(sbatch --parsable ${flags} ${script(step)})`, `echo "${step} $job"`);
  }
  return `${lines.join("\n")}\n`;
}

function notWritable(path: string, what: string): ConfigError {
  return new ConfigError(
    `Cannot write a batch script with ${path}: Slurm's directives cannot hold ${what}; submit from another directory, or give ` +
      "another --dump-to",
    { path: "dumpTo" },
  );
}

/** A flag and its values a line. */
function pairs(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const [i, word] of words.entries()) {
    // The program's own path begins a line too.
    const isFlag = word.startsWith("--") || i === 0 || (words[0] === "deno" && i === words.length - 2);
    if (isFlag) lines.push(shellQuote(word));
    else lines[lines.length - 1] += ` ${shellQuote(word)}`;
  }
  return lines;
}

/** Slurm reads `%j` and the like in the path of a log, and a backslash there turns that off, for all of it. */
function slurmPath(path: string): string {
  if (path.includes("\\")) throw notWritable(path, "a backslash");
  return path.replaceAll("%", "%%");
}

/**
 * Slurm splits a directive at spaces, and takes quotes. It ends with the line whatever the quotes say: what followed a line
 * break in a path would be a command of the script.
 */
function quoteDirective(value: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is refused
  if (/[\x00-\x1f\x7f]/.test(value)) throw notWritable(value, "a line break or another control character");
  return /^[^\s"'#\\]+$/.test(value) ? value : `"${value.replaceAll(/(["\\])/g, "\\$1")}"`;
}
