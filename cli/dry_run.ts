/**
 * The text of `--dry-run`: what would be read, computed and written, and the narrowest command that may do it.
 * @module
 */
import { printable } from "../compute/printable.ts";
import { engineFlags } from "./engine_flags.ts";
import { formatBytes, formatCount, formatScaled } from "./format_numbers.ts";
import type { Grants } from "./grants.ts";
import type { JobPlan } from "./jobs.ts";
import { localPath } from "./local_path.ts";
import { escapeCommas, shellQuote } from "../config/shell_quote.ts";

/** Longest list that is printed in full. */
const MAX_LISTED = 8;

/**
 * Says what a job would do.
 *
 * @param command The command that was given: it decides which parts of the plan apply.
 * @param line What {@linkcode leastPrivilegeCommand} makes.
 *
 * @example
 * ```ts
 * import { dryRunText } from "./dry_run.ts";
 * const text = dryRunText({
 *   directory: "data", shards: 1, reads: [{ path: "sae.pt", bytes: 2048 }], rows: 640, images: 10, dVit: 96, dSae: 768, flops: 94371840, bytesRead: 2048,
 *   artifactBytes: 1024, memoryBytes: 4096, writes: ["data/manifest.json"], draws: [], studies: [], exports: [], isComputed: false,
 *   backend: { name: "wasm", reason: "no GPU" }, pictures: 8,
 * }, "visuals", "deno run cli.ts visuals");
 * if (!text.includes("640 rows of 10 images")) throw new Error(text);
 * ```
 */
export function dryRunText(plan: JobPlan, command: string, line: string): string {
  const computes = (command === "visuals" || command === "dump") && !plan.isComputed;
  const draws = command === "visuals" || command === "render";
  return [
    ...readLines(plan, command, computes),
    ...(computes ? computeLines(plan) : []),
    ...(computes || command === "merge"
      ? [`Would write ${formatBytes(plan.artifactBytes)} of artifacts:`, ...listed(plan.writes)]
      : []),
    ...(command === "measure" ? [`Would write the mean and scale:`, `  ${plan.directory}/parts/measured.json`] : []),
    ...(command === "study" ? ["Would read all rows again and write:", ...listed(plan.studies)] : []),
    ...(plan.exports.length > 0 && command !== "study" && command !== "measure" && command !== "render"
      ? ["Would write for other tools:", ...listed(plan.exports)]
      : []),
    ...(draws && plan.examples !== undefined ? exampleLines(plan.examples) : []),
    ...(draws
      ? [`Would draw up to ${formatCount(plan.pictures)} ${plural("picture", plan.pictures)}:`, ...listed(plan.draws)]
      : []),
    "Nothing was done. The command with no more permissions than it needs:",
    line,
    "",
  ].join("\n");
}

function exampleLines({ images, path }: NonNullable<JobPlan["examples"]>): string[] {
  return [
    `Would read ${formatCount(images)} ${plural("image", images)} again for examples, unless they are in:`,
    `  ${printable(path)}`,
  ];
}

function readLines(plan: JobPlan, command: string, computes: boolean): string[] {
  if (command === "merge") return ["Would read the parts in:", `  ${plan.directory}/parts/`];
  if (["render", "export", "study"].includes(command)) return ["Would read the artifacts in:", `  ${plan.directory}/`];
  if (!computes && command !== "measure") {
    return ["Would compute nothing: artifacts of this request are in:", `  ${plan.directory}/`];
  }
  const files = `${formatCount(plan.reads.length)} ${plural("file", plan.reads.length)}`;
  return [
    command === "measure"
      ? `Would read a sample of rows from ${files}:`
      : `Would read ${formatBytes(plan.bytesRead)} from ${files}:`,
    ...listed(plan.reads.map(({ path, bytes }) => `${path} (${formatBytes(bytes)})`)),
  ];
}

function computeLines(plan: JobPlan): string[] {
  return [
    "Would compute:",
    `  ${formatCount(plan.rows)} rows of ${formatCount(plan.images)} images, ` +
    `${formatCount(plan.dVit)} wide, into ${formatCount(plan.dSae)} latents: ${
      formatScaled(plan.flops, "FLOP")
    } done densely`,
    `  on ${plan.backend.name}: ${plan.backend.reason}`,
    `  with about ${formatBytes(plan.memoryBytes)} of memory`,
  ];
}

/** How the program was started. */
export interface Invocation {
  /** URL of `cli.ts`. */
  readonly moduleUrl: string;
  /** `visuals` or `dump`. */
  readonly command: string;
  /** The words after it, as given. */
  readonly words: readonly string[];
}

/**
 * One line for a POSIX shell that may read and write only what `grants` name, and the config file.
 *
 * @example
 * ```ts
 * import { leastPrivilegeCommand } from "./dry_run.ts";
 * const invocation = { moduleUrl: "https://example.org/cli.ts", command: "dump", words: ["--top-k", "8"] };
 * const line = leastPrivilegeCommand({ read: ["sae.pt"], write: ["./data"] }, invocation);
 * if (!line.endsWith("--allow-write=./data https://example.org/cli.ts dump --top-k 8")) throw new Error(line);
 * ```
 */
export function leastPrivilegeCommand(grants: Grants, invocation: Invocation): string {
  return leastPrivilegeWords(grants, invocation).map(shellQuote).join(" ");
}

/**
 * The words of {@linkcode leastPrivilegeCommand}, not quoted.
 *
 * @example
 * ```ts
 * import { leastPrivilegeWords } from "./dry_run.ts";
 * const invocation = { moduleUrl: "https://example.org/cli.ts", command: "dump", words: ["--part", "env:INDEX/COUNT"] };
 * const words = leastPrivilegeWords({ read: ["sae.pt"], write: ["./data"] }, invocation);
 * if (!words.includes("--allow-env=INDEX,COUNT")) throw new Error(words.join(" "));
 * ```
 */
export function leastPrivilegeWords(grants: Grants, { moduleUrl, command, words }: Invocation): string[] {
  const list = (paths: readonly string[]): string => paths.map(escapeCommas).join(",");
  return [
    "deno",
    "run",
    "--no-prompt",
    "--unstable-worker-options",
    ...engineFlags(command),
    `--allow-read=${list([...grants.workers ?? [], ...grants.read, ...configFile(words)])}`,
    `--allow-write=${list(grants.write)}`,
    ...variables(words),
    localPath(moduleUrl) ?? moduleUrl,
    command,
    ...words.filter((word, i) => !isDryRun(word) && !(isDryRun(words[i - 1]) && /^(true|false)$/i.test(word))),
  ];
}

/** Those that `--part env:NAME/NAME` reads. */
function variables(words: readonly string[]): string[] {
  const part = words.map((word, i) => /^--part=(env:.*)/.exec(word)?.[1] ?? (words[i - 1] === "--part" ? word : ""));
  const names = part.flatMap((word) => word.startsWith("env:") ? word.slice(4).match(/[A-Za-z_]\w*/g) ?? [] : []);
  return names.length === 0 ? [] : [`--allow-env=${[...new Set(names)].join(",")}`];
}

function isDryRun(word: string | undefined): boolean {
  return word !== undefined && /^--dry[-_]run(=.*)?$|^--dryRun(=.*)?$/.test(word);
}

function configFile(words: readonly string[]): string[] {
  const at = words.findIndex((word) => word === "--config" || word.startsWith("--config="));
  if (at < 0) return [];
  return [words[at] === "--config" ? words[at + 1] : words[at].slice("--config=".length)];
}

function listed(items: readonly string[]): string[] {
  // One more line than the limit would only say "and 1 more": print that one instead.
  const shown = items.length <= MAX_LISTED + 1 ? items : items.slice(0, MAX_LISTED);
  const rest = items.length - shown.length;
  return [...shown.map((item) => `  ${printable(item)}`), ...(rest > 0 ? [`  and ${formatCount(rest)} more`] : [])];
}

function plural(noun: string, count: number): string {
  return count === 1 ? noun : `${noun}s`;
}
