/**
 * Command-line words to settings. Pure: what a value may be is the schema's business, not this file's.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import { listSettings, type Setting } from "../config.ts";
import { nearest } from "../config/nearest.ts";

/** Settings as nested tables, not validated yet. */
export type RawSettings = { [key: string]: unknown };

/** What the words said. */
export interface ParsedFlags {
  /** The settings given, nested as in the configuration. */
  readonly settings: RawSettings;
  /** Dotted name of each setting given → the flag as it was typed. */
  readonly given: ReadonlyMap<string, string>;
  /** The file of `--config`, if given. */
  readonly configFile: string | undefined;
}

/** What a flag does: a setting, and for the `no-` forms the value that it means. */
interface Meaning {
  readonly setting: Setting;
  readonly negated: boolean;
}

const NUMBER_PATTERN = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;
const KIND_PATTERN = /^images:(imagenet|image-folder|ade20k)(?:-dataset)?$/;

/**
 * Reads flags: `--flag value`, `--flag=value`, switches as `--flag`, `--flag false`, `--no-flag` and `--data.no-flag`.
 *
 * `_` may stand for `-`, and camelCase for kebab-case. A word that starts with one dash is a value, so negative numbers need no quoting; a
 * value that starts with two needs `=`. Lists take words up to the next flag. `images:image-folder` means
 * `--images.kind image-folder`, as upstream.
 *
 * @throws {ConfigError} If a flag is unknown, given twice or lacks its value, or a word is no flag.
 *
 * @example
 * ```ts
 * import { parseFlags } from "./parse_flags.ts";
 * const { settings } = parseFlags(["--top-k", "8", "--log-freq-range", "-6", "-2", "--data.no-scale-mean"]);
 * if (JSON.stringify(settings) !== '{"topK":8,"logFreqRange":[-6,-2],"data":{"scaleMean":false}}') throw new Error();
 * ```
 */
export function parseFlags(words: readonly string[]): ParsedFlags {
  const flags = flagTable();
  const settings: RawSettings = {};
  const given = new Map<string, string>();
  let configFile: string | undefined;
  const note = (path: string, spelled: string): void => {
    const before = given.get(path);
    if (before !== undefined) {
      const both = before === spelled ? spelled : `${before} and ${spelled}`;
      throw new ConfigError(`${both} set${before === spelled ? "s" : ""} ${path} twice; give it once`, { path });
    }
    given.set(path, spelled);
  };
  for (let at = 0; at < words.length;) {
    const word = words[at++];
    const kind = KIND_PATTERN.exec(word);
    if (kind !== null) {
      note("images.kind", word);
      setPath(settings, "images.kind", kind[1]);
      continue;
    }
    if (!word.startsWith("--") || word === "--") {
      throw new ConfigError(`Found the word ${word} where a flag was expected; flags start with --, see --help`, {
        path: "",
      });
    }
    const equals = word.indexOf("=");
    const spelled = equals < 0 ? word : word.slice(0, equals);
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    const takeWords = (most: number): string[] => {
      if (attached !== undefined) {
        return most === 1 ? [attached] : attached.split(/[\s,]+/).filter((part) => part !== "");
      }
      const from = at;
      while (at < words.length && at - from < most && !words[at].startsWith("--")) at++;
      return words.slice(from, at);
    };
    if (spelled === "--config") {
      note("config", spelled);
      configFile = takeWords(1)[0];
      if (!configFile) {
        throw new ConfigError("--config lacks its value, expected a .json or .toml file", { path: "config" });
      }
      continue;
    }
    const meaning = flags.get(canonical(spelled));
    if (meaning === undefined) throw unknownFlag(spelled, [...flags.keys()]);
    const { setting, negated } = meaning;
    note(setting.path, spelled);
    if (negated) {
      if (attached !== undefined) {
        throw new ConfigError(`${spelled} takes no value, found ${attached}; give ${spelled} alone`, {
          path: setting.path,
        });
      }
      setPath(settings, setting.path, false);
    } else if (setting.isSwitch) {
      const next = attached ?? (/^(true|false)$/i.test(words[at] ?? "") ? words[at++] : "true");
      setPath(settings, setting.path, /^true$/i.test(next) ? true : /^false$/i.test(next) ? false : next);
    } else if (setting.arity === "many") {
      setPath(settings, setting.path, takeWords(Infinity).map((value) => toValue(value, setting)));
    } else {
      const values = takeWords(setting.arity).map((value) => toValue(value, setting));
      if (values.length === 0) {
        throw new ConfigError(`${spelled} lacks its value, expected ${setting.expected}`, { path: setting.path });
      }
      setPath(settings, setting.path, setting.arity === 1 ? values[0] : values);
    }
  }
  return { settings, given, configFile };
}

/** Stores a value at a dotted name. */
export function setPath(settings: RawSettings, path: string, value: unknown): void {
  const dot = path.indexOf(".");
  if (dot < 0) settings[path] = value;
  else setPath((settings[path.slice(0, dot)] ??= {}) as RawSettings, path.slice(dot + 1), value);
}

/** `--data.shard_root` and `--data.shardRoot` are `--data.shard-root`. */
function canonical(flag: string): string {
  return flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll("_", "-");
}

function toValue(word: string, setting: Setting): unknown {
  return setting.takesNumbers && NUMBER_PATTERN.test(word) ? Number(word) : word;
}

/** Every spelling of every flag; switches also by their negations and, inside a table, by their last name alone. */
function flagTable(): Map<string, Meaning> {
  const table = new Map<string, Meaning>();
  for (const setting of listSettings()) {
    table.set(setting.flag, { setting, negated: false });
    if (!setting.isSwitch) continue;
    const [name, ...tables] = setting.flag.slice(2).split(".").reverse();
    table.set(`--no-${setting.flag.slice(2)}`, { setting, negated: true });
    if (tables.length === 0) continue;
    table.set(`--${tables.join(".")}.no-${name}`, { setting, negated: true });
    table.set(`--${name}`, { setting, negated: false });
    table.set(`--no-${name}`, { setting, negated: true });
  }
  return table;
}

function unknownFlag(spelled: string, known: readonly string[]): ConfigError {
  const near = nearest(spelled, [...known, "--config", "--help", "--version"]);
  const hint = near === undefined ? "see --help" : `did you mean ${near}?`;
  return new ConfigError(`There is no flag ${spelled}; ${hint}`, { path: spelled.replace(/^-+/, "") });
}
