/**
 * The command line: `deno run -R -W cli.ts visuals`.
 *
 * Connects {@linkcode runCli} to the process: words, standard streams, permissions, signals and the exit status.
 * @module
 */
import type { Grants } from "./cli/grants.ts";
import type { Jobs } from "./cli/jobs.ts";
import { openJobWorker } from "./cli/open_job_worker.ts";
import { remoteJobs } from "./cli/remote_jobs.ts";
import { runCli } from "./cli/run_cli.ts";
import { atomicWrite } from "./io/atomic_write.ts";
import { readConfigFile } from "./io/config_file.ts";
import { runDeno, sbatch } from "./io/run_program.ts";
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
function stopOnSignals(warnings: EventTarget): AbortSignal {
  const controller = new AbortController();
  // SIGUSR2 is what batch systems are asked to send ahead of the end; SIGUSR1 opens Deno's inspector.
  for (const name of ["SIGINT", "SIGTERM", "SIGUSR2"] as const) {
    // Windows has only the first.
    if (name !== "SIGINT" && Deno.build.os === "windows") continue;
    Deno.addSignalListener(name, () => {
      if (name === "SIGUSR2" && !warnings.dispatchEvent(new Event("warning", { cancelable: true }))) return;
      if (controller.signal.aborted) Deno.exit(130);
      writeAll(Deno.stderr, "\nStopping at the next safe point; a second signal stops at once\n");
      controller.abort(new DOMException(`Stopped by ${name}`, "AbortError"));
    });
  }
  return controller.signal;
}

/**
 * The work in a worker that may touch only what this job names, when the program itself may read everything.
 *
 * A program loaded from a URL may lack the flag that workers with own permissions need, and Deno ends a process that lacks
 * it: there, and where reading is limited already, the work runs in place with the permissions that were given.
 */
async function narrowedJobs(grants: Grants): Promise<Jobs> {
  const isUnlimited = async (name: "read" | "write"): Promise<boolean> =>
    (await Deno.permissions.query({ name })).state === "granted";
  if (!import.meta.url.startsWith("file:") || !await isUnlimited("read")) return await import("./visuals.ts");
  const limitWrite = await isUnlimited("write");
  return remoteJobs(() => openJobWorker(grants, { limitWrite }));
}

if (import.meta.main) {
  const isTerminal = Deno.stderr.isTerminal();
  const warnings = new EventTarget();
  const code = await runCli({
    words: Deno.args,
    moduleUrl: import.meta.url,
    version: metadata.version,
    stdout: (text) => writeAll(Deno.stdout, text),
    stderr: (text) => writeAll(Deno.stderr, text),
    columns: isTerminal ? terminalColumns : undefined,
    color: isTerminal && !Deno.noColor,
    now: () => performance.now(),
    signal: stopOnSignals(warnings),
    warnings,
    readFile: readConfigFile,
    realPath: Deno.realPath,
    loadJobs: narrowedJobs,
    variable: (name) => Deno.env.get(name),
    writeText: atomicWrite,
    sbatch,
    runDeno,
    // Loaded by the one command that serves: what it is made of takes longer to load than the rest of this.
    serve: async (...to) => (await import("./io/serve_directory.ts")).serveDirectory(...to),
  });
  Deno.exit(code);
}
