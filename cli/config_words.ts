/**
 * A configuration as flags again, for commands that are written down or handed on.
 * @module
 */
import { listSettings, parseConfig, type VisualsConfig } from "../config.ts";

/** Settings that belong to one command only and are given to it apart. */
const NOT_HANDED_ON =
  /^(?:breakLock|dryRun|export|force|local|nWorkers|part|parts|profile|quiet|resume|study|usr2|slurm\..*)$/;

/**
 * The flags that make this configuration: everything that is not the default, whether it came from a flag, a file or a run
 * directory. How the job is split, started and shown is left out.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { configWords } from "./config_words.ts";
 * const words = configWords(parseConfig({ topK: 8, data: { scaleMean: false }, slurm: { array: 4 } }));
 * if (words.join(" ") !== "--data.no-scale-mean --top-k 8") throw new Error(words.join(" "));
 * ```
 */
export function configWords(config: VisualsConfig): string[] {
  const defaults = parseConfig();
  return listSettings().flatMap(({ path, flag, isSwitch }) => {
    const value = at(config, path);
    if (NOT_HANDED_ON.test(path) || value === undefined || value === "") return [];
    if (JSON.stringify(value) === JSON.stringify(at(defaults, path))) return [];
    if (isSwitch) return [value === true ? flag : flag.replace(/^(--(?:.*\.)?)/, "$1no-")];
    const words = (Array.isArray(value) ? value : [value]).map(String);
    // A text that looks like a flag has to be tied to its own.
    return words.length === 1 && words[0].startsWith("--") ? [`${flag}=${words[0]}`] : [flag, ...words];
  });
}

function at(config: object, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], config);
}
