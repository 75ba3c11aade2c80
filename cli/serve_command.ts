/**
 * The command `serve`: an output directory in the browser, also while a run still writes it.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import type { ServedDirectory } from "../io/serve_directory.ts";

/** Default of `--port`. */
export const DEFAULT_PORT = 8017;

/** What the command takes of the program. */
export interface ServeEnvironment {
  /** Writes results. */
  readonly stdout: (text: string) => void;
  /** Asks it to stop. */
  readonly signal: AbortSignal;
  /** Serves a directory; undefined where the program cannot. */
  readonly serve?: (root: string, options: { port: number; signal: AbortSignal }) => Promise<ServedDirectory>;
}

/**
 * `serve DIR [--port N]`: serves until it is interrupted.
 *
 * @throws {ConfigError} If the directory or the port is missing or wrong.
 */
export async function runServe(words: readonly string[], env: ServeEnvironment): Promise<void> {
  const { root, port } = parseWords(words);
  if (env.serve === undefined) throw new ConfigError("This program cannot serve", { path: "" });
  const served = await env.serve(root, { port, signal: env.signal });
  env.stdout(`Serving ${root} at ${served.url} (Ctrl+C stops)\n`);
  await served.finished;
}

function parseWords(words: readonly string[]): { root: string; port: number } {
  let root: string | undefined;
  let port = DEFAULT_PORT;
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === "--port" || word.startsWith("--port=")) {
      const text = word === "--port" ? words[++i] : word.slice("--port=".length);
      port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : NaN;
      if (!(port <= 65535)) {
        throw new ConfigError(`Found --port ${text ?? "without a number"}, expected 0 to 65535`, { path: "port" });
      }
    } else if (word.startsWith("-")) {
      throw new ConfigError(`serve knows no ${word}, only --port`, { path: "" });
    } else if (root === undefined) root = word;
    else throw new ConfigError(`serve takes one directory, found ${root} and ${word}`, { path: "" });
  }
  if (root === undefined) {
    throw new ConfigError(
      "serve lacks what to serve; give the directory of an index.html, as in serve data/sort_by_patch",
      { path: "" },
    );
  }
  return { root, port };
}
