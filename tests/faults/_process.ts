/**
 * Jobs as processes of their own, that can be killed.
 * @module
 */

/** Root of the project. */
export const ROOT: string = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** What a finished process left. */
export interface Finished {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process under way. */
export interface Running {
  /** Resolves once it has written a line that holds `text` to its standard output or error. */
  said(text: string): Promise<void>;
  /** Sends a signal. */
  kill(signal: Deno.Signal): void;
  /** How it ended. */
  readonly finished: Promise<Finished>;
}

/** Starts a program in the project's root, without colours. */
export function start(program: string, args: readonly string[]): Running {
  const child = new Deno.Command(program, {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let [output, isOver] = ["", false];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((check) => check());
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
    let text = "";
    for await (const part of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
      text += part;
      output += part;
      wake();
    }
    return text;
  };
  const finished = Promise.all([child.status, collect(child.stdout), collect(child.stderr)])
    .then(([{ code, signal }, stdout, stderr]) => ({ code, signal, stdout, stderr }))
    .finally(() => {
      isOver = true;
      wake();
    });
  return {
    said: (text) =>
      new Promise<void>((resolve, reject) => {
        const check = (): void => {
          if (output.includes(text)) resolve();
          else if (isOver) reject(new Error(`The process ended without saying ${text}: ${output}`));
          else return;
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      }),
    kill: (signal) => child.kill(signal),
    finished,
  };
}

/** Runs a program to its end. */
export async function run(program: string, args: readonly string[]): Promise<Finished> {
  return await start(program, args).finished;
}

/** Runs `body` with a new directory under tests/tmp, and removes it. */
export async function inTemporary(body: (directory: string) => Promise<void>): Promise<void> {
  await Deno.mkdir(`${ROOT}tests/tmp`, { recursive: true });
  const directory = await Deno.makeTempDir({ dir: `${ROOT}tests/tmp`, prefix: "faults-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
