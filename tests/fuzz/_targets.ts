/**
 * What is fuzzed: every reader of bytes that a user did not write, with the good files that cases are made from.
 * @module
 */
import { parseConfig } from "../../config.ts";
import { type FileSource } from "../../io/open_file.ts";
import { memorySource } from "../../io/byte_source.ts";
import { parseConfigText } from "../../io/config_file.ts";
import { saeFrom } from "../../io/load_sae.ts";
import { torchHost } from "../../io/_torch_globals.ts";
import { unpickle } from "../../io/unpickle.ts";
import { pickleSoup, repairPng, stripToPickle } from "./_shape.ts";
import { parseMetadata } from "../../io/_shard_metadata.ts";
import { compareManifest, parseManifest } from "../../io/manifest.ts";
import { openShards } from "../../io/open_shards.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { openBlocks } from "../../io/read_blocks.ts";
import { openTensor, readTorch } from "../../io/torch_file.ts";
import { verifyShards } from "../../io/verify_shards.ts";
import { readArrowTable } from "../../io/datasets/_arrow_table.ts";
import { readParquetTable } from "../../io/datasets/_parquet_table.ts";
import { imageBytes, type PictureTable } from "../../io/datasets/_picture_table.ts";
import { loadConfig } from "../../cli/load_config.ts";
import { GOLDEN_TARGET } from "./_golden_target.ts";
import { OWN_TARGETS } from "./_own_targets.ts";
import type { Random } from "./_random.ts";
import { decodePicture } from "../../render/decode_picture.ts";

/** Pictures are refused past this: large enough for every fixture, small enough that a case takes no time. */
const MAX_PIXELS = 1 << 16;

/** One reader. */
export interface Target {
  /** Names it in reports and on the command line. */
  readonly name: string;
  /** Share of all cases, relative to the others'. */
  readonly weight: number;
  /** Directories and files with good inputs; files among them that are too large are passed over. */
  readonly seeds: readonly string[];
  /** What of a good file is fuzzed; all of it if not given. */
  readonly prepare?: (bytes: Uint8Array) => Uint8Array;
  /** Changes a hostile input so that it is not refused at the door. */
  readonly shape?: (bytes: Uint8Array, random: Random) => Uint8Array;
  /** Whether it needs a directory of its own. */
  readonly onDisk?: boolean;
  /** Larger good files are passed over; 40 KiB if not given. */
  readonly maxSeedBytes?: number;
  /** Reads one hostile input to its end; throws what the reader throws. `seed` is the good file it was made from. */
  readonly run: (bytes: Uint8Array, place: { readonly seed: string; readonly directory: string }) => Promise<void>;
}

/** All readers. */
export const TARGETS: readonly Target[] = [
  {
    name: "torch",
    weight: 20,
    seeds: ["golden/torch-files/*.pt", "golden/torch-files/hostile/*.pt"],
    run: async (bytes): Promise<void> => void await readTorch(memorySource("case.pt", bytes)),
  },
  {
    name: "pickle",
    weight: 20,
    seeds: ["golden/torch-files/*.pt", "golden/torch-files/hostile/*.pt"],
    prepare: stripToPickle,
    shape: pickleSoup,
    // deno-lint-ignore require-await -- so that what is thrown rejects
    async run(bytes): Promise<void> {
      unpickle(bytes, torchHost("case.pkl", (ref) => ({ shape: ref.shape })));
    },
  },
  {
    name: "tensor",
    weight: 8,
    seeds: ["golden/torch-files/*.pt", "fuzz/seeds/artifacts/sort_by_patch/*.pt"],
    async run(bytes): Promise<void> {
      const tensor = await openTensor(memorySource("case.pt", bytes));
      if (tensor.shape.length > 0 && tensor.shape[0] > 0) await tensor.readRows(tensor.shape[0] - 1, tensor.shape[0]);
      await tensor.read();
    },
  },
  {
    name: "checkpoint",
    weight: 12,
    seeds: [
      "golden/patch/sae.pt",
      "fuzz/seeds/checkpoints/*.pt",
      "checkpoints/dictionary_learning/*/*.pt",
      "checkpoints/prisma/*/*.pt",
      "checkpoints/saelens/*/*.safetensors",
    ],
    run: async (bytes, { seed }): Promise<void> =>
      void await saeFrom(memorySource("case.pt", bytes), { decoder: true, config: () => settingsBeside(seed) }),
  },
  {
    name: "settings",
    weight: 6,
    seeds: [
      "checkpoints/dictionary_learning/*/config.json",
      "checkpoints/prisma/state-dict/config.json",
      "checkpoints/saelens/*/cfg.json",
    ],
    async run(bytes, { seed }): Promise<void> {
      // The good weights, with hostile settings beside them.
      const value = parseJson(bytes);
      if (typeof value !== "object" || value === null || Array.isArray(value)) return;
      const config = { path: "config.json", bytes, value: value as Record<string, unknown> };
      const weights = memorySource("weights", weightsBeside(seed));
      await saeFrom(weights, { decoder: true, config: () => Promise.resolve(config) });
    },
  },
  {
    name: "picture",
    weight: 40,
    seeds: ["golden/pictures/*.*", "pictures/*.*"],
    shape: repairPng,
    run: async (bytes): Promise<void> =>
      void await decodePicture(bytes, { name: "case", maxPixels: MAX_PIXELS, applyExif: (bytes[0] & 1) === 1 }),
  },
  {
    name: "metadata",
    weight: 6,
    seeds: ["golden/*/shards/metadata.json", "fuzz/seeds/shards/*/metadata.json"],
    // deno-lint-ignore require-await -- so that what is thrown rejects
    async run(bytes): Promise<void> {
      const value = parseJson(bytes);
      parseMetadata(value, "metadata.json");
      verifyShards({ layout: "current", root: "x", metadata: value as Record<string, unknown> });
    },
  },
  {
    name: "manifest",
    weight: 6,
    seeds: ["fuzz/seeds/artifacts/*/manifest.json"],
    // deno-lint-ignore require-await -- so that what is thrown rejects
    async run(bytes): Promise<void> {
      const manifest = parseManifest(parseJson(bytes), "manifest.json");
      compareManifest(manifest, { config: parseConfig({ device: "wasm" }), inputs: manifest.inputs });
    },
  },
  {
    name: "config",
    weight: 6,
    seeds: ["../tests/cli/run.json", "../tests/cli/run.toml"],
    async run(bytes, { seed }): Promise<void> {
      const format = seed.endsWith(".toml") ? "toml" : "json";
      const tables = parseConfigText(new TextDecoder().decode(bytes), { path: `case.${format}`, format });
      await loadConfig(["--config", "case"], { readFile: () => Promise.resolve(tables), demoRoot: undefined });
    },
  },
  {
    name: "arrow",
    weight: 3,
    seeds: ["fuzz/seeds/tables/*.arrow"],
    run: async (bytes): Promise<void> => await readTable(await readArrowTable(closable(bytes))),
  },
  {
    name: "parquet",
    weight: 3,
    seeds: ["fuzz/seeds/tables/*.parquet"],
    run: async (bytes): Promise<void> => await readTable(await readParquetTable(closable(bytes))),
  },
  {
    name: "artifacts",
    weight: 1,
    onDisk: true,
    seeds: ["fuzz/seeds/artifacts/sort_by_img/*", "fuzz/seeds/artifacts/sort_by_patch/*"],
    async run(bytes, { seed, directory }): Promise<void> {
      // The manifest states the new size: what is in the file has to be looked at.
      const name = seed.slice(seed.lastIndexOf("/") + 1);
      const manifest = JSON.parse(await Deno.readTextFile(`${directory}/manifest.json`));
      if (name in manifest.files) {
        manifest.files[name] = bytes.length;
        await Deno.writeTextFile(`${directory}/manifest.json`, JSON.stringify(manifest));
      }
      await Deno.writeFile(`${directory}/${name}`, bytes);
      const artifacts = await readArtifacts(directory);
      try {
        for (let latent = 0; latent < Math.min(artifacts.dSae, 4); latent++) {
          await artifacts.readTopValues(latent);
          await artifacts.readSketch(latent);
          if (latent < artifacts.distributionsShape[0]) await artifacts.readDistribution(latent);
        }
        await artifacts.readAll();
      } finally {
        artifacts.close();
      }
    },
  },
  {
    name: "shards",
    weight: 1,
    onDisk: true,
    seeds: ["fuzz/seeds/shards/2025-01/*", "fuzz/seeds/shards/current/*"],
    async run(bytes, { seed, directory }): Promise<void> {
      await Deno.writeFile(`${directory}/${seed.slice(seed.lastIndexOf("/") + 1)}`, bytes);
      const shards = await openShards(directory);
      const reader = openBlocks(shards, 0);
      try {
        await reader.read(new Float32Array(reader.imageStride), shards.nImages - 1, 1);
      } finally {
        reader.close();
      }
    },
  },
  ...OWN_TARGETS,
  GOLDEN_TARGET,
];

/** The readers of metadata and manifests parse JSON before they are asked; what is not JSON is their callers' matter. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Small files beside seeds, each read once. */
const beside = new Map<string, Uint8Array | undefined>();

function readOnce(path: string): Uint8Array | undefined {
  if (!beside.has(path)) {
    try {
      beside.set(path, Deno.readFileSync(path));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      beside.set(path, undefined);
    }
  }
  return beside.get(path);
}

/** The first of some files in a seed's directory that is there. */
function firstBeside(seed: string, names: readonly string[]): { path: string; bytes: Uint8Array } | undefined {
  const directory = seed.slice(0, seed.lastIndexOf("/"));
  for (const name of names) {
    const bytes = readOnce(`${directory}/${name}`);
    if (bytes !== undefined) return { path: name, bytes };
  }
  return undefined;
}

function settingsBeside(
  seed: string,
): Promise<{ path: string; bytes: Uint8Array; value: Record<string, unknown> } | undefined> {
  const found = firstBeside(seed, ["cfg.json", "config.json"]);
  return Promise.resolve(found && { ...found, value: parseJson(found.bytes) as Record<string, unknown> });
}

function weightsBeside(seed: string): Uint8Array {
  return firstBeside(seed, ["ae.pt", "weights.pt", "sae_weights.safetensors"])!.bytes;
}

function closable(bytes: Uint8Array): FileSource {
  return { ...memorySource("case", bytes), close: () => {} };
}

async function readTable(table: PictureTable): Promise<void> {
  try {
    for (let row = 0; row < Math.min(table.labels.length, 12); row++) {
      const cell = await table.image(row);
      // A row without a picture says so and ends nothing.
      if (cell !== null && cell !== undefined) imageBytes(cell, `case#${row}`);
    }
  } finally {
    table.close();
  }
}
