/**
 * The command line: `deno run -R -W cli.ts visuals`.
 *
 * Connects {@linkcode runCli} to the process: words, standard streams, signals and the exit status.
 * @module
 */
import { runCli } from "./cli/run_cli.ts";
import { readConfigFile } from "./io/config_file.ts";
import metadata from "./deno.json" with { type: "json" };

const encoder = new TextEncoder();

/** Writes all of a text; a reader that went away (`cli.ts help | head`) is no error. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Width of the terminal; some say 0 or nothing at all, then 80. */
function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** The first signal asks the job to stop where it can be taken up again; a second ends the process at once. */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    // Windows has no SIGTERM to listen to.
    if (name === "SIGTERM" && Deno.build.os === "windows") continue;
    Deno.addSignalListener(name, () => {
      if (controller.signal.aborted) Deno.exit(130);
      writeAll(Deno.stderr, "\nStopping at the next safe point; a second signal stops at once\n");
      controller.abort(new DOMException(`Stopped by ${name}`, "AbortError"));
    });
  }
  return controller.signal;
}

if (import.meta.main) {
  const isTerminal = Deno.stderr.isTerminal();
  const code = await runCli({
    words: Deno.args,
    moduleUrl: import.meta.url,
    version: metadata.version,
    stdout: (text) => writeAll(Deno.stdout, text),
    stderr: (text) => writeAll(Deno.stderr, text),
    columns: isTerminal ? terminalColumns : undefined,
    color: isTerminal && !Deno.noColor,
    now: () => performance.now(),
    signal: stopOnSignals(),
    readFile: readConfigFile,
    loadJobs: () => import("./visuals.ts"),
  });
  Deno.exit(code);
}
