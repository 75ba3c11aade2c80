/**
 * Every setting, once: one schema gives defaults, validation, command-line flags, `--help`, config files and
 * `docs/settings.md`.
 *
 * Needs no permission and reads nothing. The names are upstream's in camelCase; flags are the same names dotted and in
 * kebab-case (`data.shardRoot` is `--data.shard-root`).
 * @module
 */
import { ConfigError } from "./compute/errors.ts";
import { schemaGroups, type SchemaIssue, validate } from "./config/schema.ts";
import { nearest } from "./config/nearest.ts";
import { flagName, type Setting, toSettings } from "./config/settings.ts";
import type { VisualsConfig, VisualsConfigInput } from "./config/types.ts";

export { checkConfig } from "./config/check.ts";
export { resolveDumpTo } from "./config/output_root.ts";
export { flagName, type Setting } from "./config/settings.ts";
export type {
  DataConfig,
  ImagesConfig,
  RecordingConfig,
  SizeSetting,
  SlurmConfig,
  VisualsConfig,
  VisualsConfigInput,
} from "./config/types.ts";

const USUAL_SPLITS = { "imagenet": "train", "ade20k": "training", "image-folder": "" } as const;

/**
 * Validates settings and fills in the rest.
 *
 * Sizes become bytes, `nWorkers: 0` the number of cores, an empty `images.split` the kind's usual one. With `run`, what is
 * not given of `ckpt`, `data.shardRoot` and `dumpTo` is filled from that directory. The result is accepted again as input
 * and then stays the same.
 *
 * @param origin Names a setting in messages, by its dotted name; the flag by default.
 * @throws {ConfigError} If a setting is unknown or not what the schema expects.
 *
 * Source: this system; defaults are those of saev, January 2025.
 *
 * @example
 * ```ts
 * import { parseConfig } from "./config.ts";
 * const config = parseConfig({ topK: 16, maxMemory: "512MiB" });
 * if (config.data.layer !== -2 || config.maxMemory !== 2 ** 29) throw new Error("unexpected");
 * ```
 */
export function parseConfig(
  input: VisualsConfigInput = {},
  origin: (path: string) => string = flagName,
): VisualsConfig {
  const given = input.run === undefined ? input : fillFromRun(input);
  const result = validate(given);
  if ("issue" in result) throw issueToError(result.issue, given, origin);
  const { images, nWorkers, ...rest } = result.config;
  return {
    ...rest,
    images: { ...images, split: images.split || USUAL_SPLITS[images.kind] },
    nWorkers: nWorkers || navigator.hardwareConcurrency,
  };
}

/** Layout `runs/<id>/{checkpoint, links, inference/<shards>}`. */
function fillFromRun(input: VisualsConfigInput): VisualsConfigInput {
  return {
    ckpt: `${input.run}/checkpoint/sae.pt`,
    dumpTo: `${input.run}/inference/{shards}`,
    ...input,
    data: { shardRoot: `${input.run}/links/train-shards`, ...input.data },
  };
}

let settings: readonly Setting[] | undefined;

/**
 * Every setting in the order of the documentation, derived from the schema.
 *
 * @example
 * ```ts
 * import { listSettings } from "./config.ts";
 * const topK = listSettings().find((setting) => setting.path === "topK");
 * if (topK?.expected !== "an integer of at least 1") throw new Error(topK?.expected);
 * ```
 */
export function listSettings(): readonly Setting[] {
  return settings ??= schemaGroups().flatMap(([heading, schema]) => toSettings(schema, heading));
}

/** One line for the first thing that is wrong: what was found, what was expected, where to look. */
function issueToError(issue: SchemaIssue, input: unknown, origin: (path: string) => string): ConfigError {
  const { keys, unknownKey } = issue;
  if (unknownKey !== undefined) {
    const path = [...keys, unknownKey].join(".");
    const near = nearest(path, listSettings().map((setting) => setting.path));
    const hint = near === undefined ? "docs/settings.md lists them all" : `did you mean ${near}?`;
    return new ConfigError(`There is no setting ${path}; ${hint}`, { path });
  }
  const path = keys.join(".");
  const found = keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], input);
  const expected = listSettings().find((setting) => setting.path === path)?.expected ?? "a table of settings";
  return new ConfigError(`${origin(path)} is ${showValue(found)}, expected ${expected}`, { path });
}

/** A value as the user would write it. */
function showValue(value: unknown): string {
  if (typeof value === "string") return value === "" ? "empty" : value;
  if (Array.isArray(value)) return value.length === 0 ? "empty" : value.map(showValue).join(" ");
  return typeof value === "number" ? String(value) : JSON.stringify(value) ?? "missing";
}
