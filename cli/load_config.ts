/**
 * One configuration from flags, a config file, the demo and the defaults.
 * @module
 */
import { checkConfig, flagName, parseConfig, type VisualsConfig, type VisualsConfigInput } from "../config.ts";
import { ConfigError } from "../compute/errors.ts";
import { fileSettings } from "./file_settings.ts";
import { parseFlags, type RawSettings } from "./parse_flags.ts";

/** A checked configuration and where it came from. */
export interface LoadedConfig {
  /** The configuration. */
  readonly config: VisualsConfig;
  /** Whether the inputs are the demo's. */
  readonly isDemo: boolean;
}

/** Settings that only say where output goes, in which form, or how much is printed: the demo stays the demo with them. */
const OUTPUT_SETTINGS: ReadonlySet<string> = new Set([
  "breakLock",
  "checkpointEvery",
  "dryRun",
  "dumpTo",
  "force",
  "fromPictures",
  "local",
  "part",
  "parts",
  "profile",
  "quiet",
  "render",
  "resume",
  "usr2",
  "vitBatchSize",
]);

/**
 * Reads settings from all their places; flags win over the file, the file over the demo, the demo over the defaults.
 *
 * @throws {ConfigError} If anything is unknown, wrong or contradictory, or the demo is asked for where it cannot be read.
 *
 * @example
 * ```ts
 * import { loadConfig } from "./load_config.ts";
 * const { config } = await loadConfig(["--top-k", "8"], { readFile: () => Promise.resolve({}), demoRoot: undefined });
 * if (config.topK !== 8) throw new Error("unexpected");
 * ```
 */
export async function loadConfig(
  words: readonly string[],
  sources: {
    /** Reads a config file into tables. */
    readonly readFile: (path: string) => Promise<Record<string, unknown>>;
    /** Directory of the demo's files; undefined when they are not on disk; `false` when the command has no demo. */
    readonly demoRoot: string | undefined | false;
  },
): Promise<LoadedConfig> {
  const flags = parseFlags(words);
  const file = flags.configFile;
  const fromFile = file === undefined ? undefined : fileSettings(await sources.readFile(file), file);
  const isDemo = sources.demoRoot !== false && fromFile === undefined &&
    [...flags.given.keys()].every((path) => OUTPUT_SETTINGS.has(path));
  const input = merge(
    isDemo ? demoSettings(sources.demoRoot as string | undefined) : {},
    fromFile?.settings,
    flags.settings,
  );
  const origin = (path: string): string => {
    const key = fromFile?.given.get(path);
    return flags.given.get(path) ?? (key === undefined ? flagName(path) : `${key} in ${file}`);
  };
  const config = parseConfig(input as VisualsConfigInput, origin);
  checkConfig(config);
  return { config, isDemo };
}

/** The embedded demo: 240 emoji pictures, a tiny transformer's activations and an autoencoder of 768 latents. */
function demoSettings(root: string | undefined): RawSettings {
  if (root === undefined) {
    throw new ConfigError(
      "The demo's files are not on disk, as this program was loaded from a URL; " +
        "give --ckpt, --data.shard-root and --images.root, or run it from a clone",
      { path: "ckpt" },
    );
  }
  return {
    ckpt: `${root}/sae.pt`,
    // The demo's autoencoder was trained on unscaled rows.
    data: { shardRoot: `${root}/shards`, scaleMean: false, scaleNorm: false },
    images: { kind: "image-folder", root: `${root}/images` },
    sortBy: "patch",
    topK: 8,
    logFreqRange: [-6, -1],
    logValueRange: [-3, 3],
    nLatents: 12,
    // For --from-pictures: the transformer that the demo's activations were recorded from, and how.
    model: `${root.replace(/\/[^/]+$/, "")}/vit.onnx`,
    modelFamily: "clip",
    modelCkpt: "tiny-emoji-vit",
    layout: "january",
    tokensPerShard: 6500,
    resize: [112, 112],
    mean: [0.5],
    std: [0.25],
    dumpTo: "./data/demo",
  } satisfies VisualsConfigInput as RawSettings;
}

/** Later settings win; tables are merged, anything else is replaced. */
function merge(...layers: readonly (RawSettings | undefined)[]): RawSettings {
  const merged: RawSettings = {};
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer ?? {})) {
      const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
      merged[key] = isTable ? { ...merged[key] as RawSettings, ...value } : value;
    }
  }
  return merged;
}
