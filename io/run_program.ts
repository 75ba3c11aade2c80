/**
 * The one place that starts other programs: Slurm's `sbatch`, and this program again for parts on the same machine.
 * @module
 */

/** A batch system, or a process of it, does not do what it was asked. */
export class SchedulerError extends Error {
  /** The class, also after bundling. */
  override readonly name = "SchedulerError";
}

/**
 * Submits a batch script and returns its job's number. Needs `--allow-run=sbatch`.
 *
 * @param words Flags, then the script.
 * @throws {SchedulerError} If there is no `sbatch`, or it refuses; the message is its own.
 * @throws {Deno.errors.NotCapable} If the process may not run it; the message names the flag to add.
 */
export async function sbatch(words: readonly string[]): Promise<string> {
  const command = new Deno.Command("sbatch", {
    args: ["--parsable", ...words],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await command.output().catch((cause: unknown) => {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new SchedulerError(
      "Cannot find sbatch: submit where Slurm is installed, or write the scripts only, with --dry-run",
      { cause },
    );
  });
  const said = new TextDecoder().decode(success ? stdout : stderr).trim();
  // "12" or, with several clusters, "12;name".
  const id = /^\d+/.exec(said)?.[0];
  if (success && id !== undefined) return id;
  throw new SchedulerError(
    `Cannot submit ${words.at(-1)}: ${said.replaceAll(/\s*\n\s*/g, "; ") || "sbatch gave no job"}`,
  );
}

/** See {@linkcode runDeno}. */
export interface RunOptions {
  /** Ends the process, with SIGTERM so that it can save its state. */
  readonly signal: AbortSignal;
  /** Called with each line that it prints. */
  readonly onLine: (line: string) => void;
}

/**
 * Runs `deno` with these words and returns its exit status. Needs `--allow-run=deno`.
 *
 * @throws {Deno.errors.NotCapable} If the process may not run it; the message names the flag to add.
 */
export async function runDeno(words: readonly string[], { signal, onLine }: RunOptions): Promise<number> {
  const child = new Deno.Command("deno", { args: [...words], stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const end = (): void => {
    try {
      child.kill("SIGTERM");
    } catch (error) {
      // It ended by itself in between.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  try {
    const [{ code }] = await Promise.all([
      child.status,
      eachLine(child.stdout, onLine),
      eachLine(child.stderr, onLine),
    ]);
    return code;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== "") onLine(line);
  }
  if (rest.trim() !== "") onLine(rest);
}
