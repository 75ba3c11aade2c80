/**
 * Flags for V8 that make the kernels faster; printed when run, for the tasks in `deno.json`.
 * @module
 */

/** On x86-64, V8 joins pairs of 128-bit operations of WebAssembly to 256 bits when told to. Elsewhere it does not know the flag. */
const WIDE_VECTORS = "--experimental-wasm-revectorize";
/** What every V8 does anyway: a word to put in the same place. */
const NOTHING_NEW = "--wasm-tier-up";

/**
 * The words that `deno run` takes for a command.
 *
 * Results have the same bits with and without; docs/performance.md says what it gives and how it is watched over. V8 calls it
 * experimental, so commands that decode other people's pictures with WebAssembly do without.
 *
 * @param arch Of the processor, as `Deno.build.arch`.
 * @returns No words for other commands than `dump`, and on other processors.
 *
 * @example
 * ```ts
 * import { engineFlags } from "./engine_flags.ts";
 * if (engineFlags("dump", "x86_64").join() !== "--v8-flags=--experimental-wasm-revectorize") throw new Error();
 * if (engineFlags("dump", "aarch64").length > 0 || engineFlags("visuals", "x86_64").length > 0) throw new Error();
 * ```
 */
export function engineFlags(command: string, arch: string = Deno.build.arch): string[] {
  return arch === "x86_64" && command === "dump" ? [`--v8-flags=${WIDE_VECTORS}`] : [];
}

if (import.meta.main) {
  const [word = `--v8-flags=${NOTHING_NEW}`] = engineFlags("dump");
  await Deno.stdout.write(new TextEncoder().encode(`${word}\n`));
}
