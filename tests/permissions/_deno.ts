/**
 * Starts deno as a user would, with nothing but the permissions given.
 * @module
 */
import { engineFlags } from "../../cli/engine_flags.ts";

/** Root of the project. */
export const ROOT: URL = new URL("../../", import.meta.url);
/** Where tests write. */
export const TMP: URL = new URL("../tmp/", import.meta.url);

/** What a finished process left. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `deno` with these arguments, without colours; `cwd` is the project root if not given, `env` is added. */
export async function runDeno(
  args: readonly string[],
  options: { cwd?: URL; stdin?: string; env?: Record<string, string> | undefined } = {},
): Promise<Finished> {
  const child = new Deno.Command("deno", {
    args: [...args],
    cwd: options.cwd ?? ROOT,
    env: { NO_COLOR: "1", ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Runs `body` with a new empty folder under tests/tmp, and removes it. */
export async function withFolder<T>(body: (folder: URL) => Promise<T>): Promise<T> {
  const folder = new URL(`permissions-${crypto.randomUUID()}/`, TMP);
  await Deno.mkdir(folder, { recursive: true });
  try {
    return await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns a `file:` URL as a path. */
export function path(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** A task's text with the flags for V8 in place of the command that prints them. */
export function withEngineFlags(command: string): string {
  const [word = "--v8-flags=--wasm-tier-up"] = engineFlags("dump");
  return command.replace("$(deno run --no-prompt cli/engine_flags.ts)", word);
}
