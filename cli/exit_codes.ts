/**
 * Errors to exit codes and to the one line that the user sees.
 * @module
 */
import { escapeCommas, shellQuote } from "../config/shell_quote.ts";

/** What the program's exit status means. */
export const EXIT_CODES = {
  done: 0,
  bug: 1,
  usage: 2,
  input: 3,
  backend: 4,
  output: 5,
  interrupted: 75,
} as const;

/** The same for `--help`, in words. */
export const EXIT_CODE_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [0, "done"],
  [1, "a bug in this program"],
  [2, "a wrong flag, setting or permission"],
  [3, "an input that cannot be read or used"],
  [4, "the backend cannot run, or not within the memory allowed"],
  [5, "the output cannot be written"],
  [75, "interrupted; run again with --resume"],
  [130, "interrupted twice, stopped at once"],
];

/** By the error's `name`, as errors from workers and of Deno keep it where their class is out of reach. */
const CODE_OF_NAME: Readonly<Record<string, number>> = {
  ConfigError: EXIT_CODES.usage,
  NotCapable: EXIT_CODES.usage,
  ShardFormatError: EXIT_CODES.input,
  CheckpointError: EXIT_CODES.input,
  TorchFileError: EXIT_CODES.input,
  UnsafePickleError: EXIT_CODES.input,
  DatasetError: EXIT_CODES.input,
  PictureError: EXIT_CODES.input,
  NonFiniteError: EXIT_CODES.input,
  ArtifactError: EXIT_CODES.input,
  BackendUnavailableError: EXIT_CODES.backend,
  DeviceLostError: EXIT_CODES.backend,
  DeviceLimitError: EXIT_CODES.backend,
  SchedulerError: EXIT_CODES.backend,
  RenderError: EXIT_CODES.output,
  AbortError: EXIT_CODES.interrupted,
};

/** The operating system's answers; they are about input unless they name the output directory. */
const FILE_ERROR_NAMES: ReadonlySet<string> = new Set([
  "AlreadyExists",
  "FilesystemLoop",
  "IsADirectory",
  "NotADirectory",
  "NotFound",
  "PermissionDenied",
]);

/** No space, over quota, read-only, file too large: only writing gives these. */
const WRITE_ERROR_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EFBIG"]);

/** Where a job reads and writes. */
export interface JobPaths {
  /** Files and directories it reads. */
  readonly inputs: readonly string[];
  /** Directory it writes to. */
  readonly output: string;
}

/** What to print and how to exit. */
export interface Failure {
  /** Exit status. */
  readonly code: number;
  /** One line, or several with the stack for a bug. */
  readonly message: string;
}

/**
 * Says how a failure ends the program.
 *
 * @param paths Where the job reads and writes, once known: a file error is about output when the longest of these paths
 * that its message names is the output's.
 *
 * @example
 * ```ts
 * import { describeFailure } from "./exit_codes.ts";
 * const error = Object.assign(new Error('Requires read access to "a.pt", run again with the --allow-read flag'), {
 *   name: "NotCapable",
 * });
 * const { code, message } = describeFailure(error);
 * if (code !== 2 || !message.includes("--allow-read=a.pt")) throw new Error(message);
 * ```
 */
export function describeFailure(error: unknown, paths?: JobPaths): Failure {
  if (!(error instanceof Error)) return bug(new Error(`Thrown: ${String(error)}`));
  const { name } = error;
  if (name === "NotCapable") {
    const message = (error as { narrowed?: boolean }).narrowed
      ? `${shortRefusal(error.message)}, which no setting names, as it may lie behind a symlink; ` +
        "add it to the command that --dry-run prints"
      : permissionLine(error.message);
    return { code: EXIT_CODES.usage, message };
  }
  if (name === "AbortError") {
    return { code: EXIT_CODES.interrupted, message: "Interrupted; run the same command with --resume to go on" };
  }
  const osCode = (error as { code?: unknown }).code;
  const message = oneLine(error.message);
  if (typeof osCode === "string" && WRITE_ERROR_CODES.has(osCode)) {
    const todo = osCode === "EROFS" ? "give another --dump-to" : "free some space or give another --dump-to";
    return { code: EXIT_CODES.output, message: `Cannot write the output: ${message}; ${todo}` };
  }
  if (osCode === "EMFILE" || osCode === "ENFILE") {
    return { code: EXIT_CODES.input, message: `Cannot open another file: ${message}; raise the limit with ulimit -n` };
  }
  if (FILE_ERROR_NAMES.has(name) || osCode === "EIO") {
    return paths !== undefined && isAboutOutput(message, paths)
      ? { code: EXIT_CODES.output, message: `Cannot write the output: ${message}; check --dump-to` }
      : { code: EXIT_CODES.input, message: `Cannot read an input: ${message}; check the path` };
  }
  // Artifacts are input when they are read again, and output when they are made.
  const code = name === "ArtifactError" && message.startsWith("Cannot write ") ? EXIT_CODES.output : CODE_OF_NAME[name];
  return code === undefined ? bug(error) : { code, message };
}

/** Deno's own words and the flag to add, with the path as it has to be typed. */
function permissionLine(message: string): string {
  const line = oneLine(message);
  const match = /^Requires (\w+) access(?: to (.+?))?, run again with the --(allow-[\w-]+) flag/.exec(line);
  if (match === null) return line;
  const [, , quoted, flag] = match;
  // Without quotes Deno names something unlisted, such as "all" or <CWD>: only the whole flag helps then.
  const path = quoted !== undefined && /^".*"$/.test(quoted) ? `=${escapeCommas(quoted.slice(1, -1))}` : "";
  return `${line}: add ${shellQuote(`--${flag}${path}`)} after "deno run", or see the whole command with --dry-run`;
}

/** Deno's words without its advice, which does not help a job that narrowed itself. */
function shortRefusal(message: string): string {
  return oneLine(message).replace(/, run again with .*$/, "");
}

function bug(error: Error): Failure {
  const lines = [error.stack ?? `${error.name}: ${error.message}`];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    lines.push(`Caused by ${cause.stack ?? cause.message}`);
  }
  lines.push("This is a bug in saev-visuals; please report it with the lines above");
  return { code: EXIT_CODES.bug, message: lines.join("\n") };
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").trim();
}

function isAboutOutput(message: string, { inputs, output }: JobPaths): boolean {
  const named = [output, ...inputs].map(plainPath).filter((path) => {
    const at = message.lastIndexOf(path);
    return at >= 0 && !/[\w.-]/.test(message[at - 1] ?? "") && !/[\w.-]/.test(message[at + path.length] ?? "");
  });
  return named.length > 0 && named.every((path) => path.length <= plainPath(output).length);
}

/** Without `./` in front and `/` behind; `{shards}` stands for anything, so only what is before it counts. */
function plainPath(path: string): string {
  return path.replace(/^(?:\.\/)+/, "").replace(/\/*(?:\{shards\}.*)?$/, "");
}
