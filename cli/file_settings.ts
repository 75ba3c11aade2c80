/**
 * A config file's tables to settings, in whatever spelling the file uses.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import { listSettings } from "../config.ts";
import { nearest } from "../config/nearest.ts";
import { type RawSettings, setPath } from "./parse_flags.ts";

/** What a file said. */
export interface FileSettings {
  /** The settings given, nested as in the configuration. */
  readonly settings: RawSettings;
  /** Dotted name of each setting given → its key as the file spells it. */
  readonly given: ReadonlyMap<string, string>;
}

/**
 * Brings a file's keys into the configuration's spelling: `top_k`, `top-k` and `topK` are one setting, and so are
 * `data.shard_root` as one key and `shard_root` inside a table `data`.
 *
 * @throws {ConfigError} If a key is unknown or given twice, or a table is no table.
 *
 * @example
 * ```ts
 * import { fileSettings } from "./file_settings.ts";
 * const { settings } = fileSettings({ top_k: 8, data: { "scale-mean": false } }, "run.toml");
 * if (JSON.stringify(settings) !== '{"topK":8,"data":{"scaleMean":false}}') throw new Error();
 * ```
 */
export function fileSettings(tables: Readonly<Record<string, unknown>>, file: string): FileSettings {
  const names = listSettings().map(({ path }) => path);
  const known = new Set(names);
  const tableNames = new Set(names.filter((name) => name.includes(".")).map((name) => name.split(".")[0]));
  const settings: RawSettings = {};
  const given = new Map<string, string>();
  const walk = (table: Readonly<Record<string, unknown>>, spelledPrefix: string, prefix: string): void => {
    for (const [key, value] of Object.entries(table)) {
      const spelled = spelledPrefix + key;
      const path = prefix + toCamel(key);
      if (tableNames.has(path)) {
        if (typeof value !== "object" || value === null || Array.isArray(value)) {
          throw new ConfigError(`${spelled} in ${file} is ${JSON.stringify(value)}, expected a table of settings`, {
            path,
          });
        }
        walk(value as Record<string, unknown>, `${spelled}.`, `${path}.`);
        continue;
      }
      if (!known.has(path)) {
        const near = nearest(path, [...names, ...tableNames]);
        const hint = near === undefined ? "see --help" : `did you mean ${near}?`;
        throw new ConfigError(`There is no setting ${spelled}, found in ${file}; ${hint}`, {
          path,
        });
      }
      const before = given.get(path);
      if (before !== undefined) {
        throw new ConfigError(`${before} and ${spelled} in ${file} are the same setting; keep one`, { path });
      }
      given.set(path, spelled);
      setPath(settings, path, value);
    }
  };
  walk(tables, "", "");
  return { settings, given };
}

function toCamel(key: string): string {
  return key.replace(/[-_]+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
