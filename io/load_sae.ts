/**
 * Loads a sparse autoencoder's encoder from a checkpoint of any format that is recognised.
 * @module
 */
import { CheckpointError } from "../compute/errors.ts";
import { shown } from "../compute/printable.ts";
import type { Decoder, Sae } from "../compute/sae.ts";
import { type ByteSource, memorySource } from "./byte_source.ts";
import type { Checkpoint, Recogniser, SaeInfo } from "./checkpoint.ts";
import { dictionaryLearningCheckpoint } from "./checkpoint_dictionary_learning.ts";
import { prismaCheckpoint } from "./checkpoint_prisma.ts";
import { saelensCheckpoint } from "./checkpoint_saelens.ts";
import { saevCheckpoint } from "./checkpoint_saev.ts";
import { type ConfigFile, findConfig, findWeights, joinedSource } from "./_checkpoint_files.ts";
import { readHeader } from "./_checkpoint_parts.ts";
import { type FileSource, openFile, sha256 } from "./open_file.ts";
import { isSafetensors, readSafetensors } from "./safetensors.ts";
import { readTorch, type TorchValue } from "./torch_file.ts";

/** An encoder, and what was read. */
export interface LoadedSae {
  /** The encoder. */
  readonly sae: Sae;
  /** Where it comes from. */
  readonly info: SaeInfo;
  /** The decoder, if it was asked for. */
  readonly decoder?: Decoder | undefined;
}

/** Tried in order; saev's comes last, as its January 2025 files may be told by the names of tensors only. */
const RECOGNISERS: readonly Recogniser[] = [
  saelensCheckpoint,
  dictionaryLearningCheckpoint,
  prismaCheckpoint,
  saevCheckpoint,
];

/**
 * Loads a checkpoint. The format is told by content, and nothing of the file is executed.
 *
 * A directory stands for the weights in it. The settings that SAELens, dictionary_learning and Prisma keep in a JSON file
 * beside the weights are read from there; a saev file has its own.
 *
 * Weights stored as f16, bf16 or f64 become f32; a NaN or infinity among them is an error.
 *
 * Source: formats.md of this system's specification.
 *
 * @throws {CheckpointError} If there is no such file, its format is not known, a tensor is missing, has a wrong shape or
 *   holds a NaN or infinity, or the activation is unknown.
 * @throws {TorchFileError} If the torch file within is damaged.
 * @throws {UnsafePickleError} If it asks for more than tensors.
 *
 * @example
 * ```ts
 * import { loadSae } from "./load_sae.ts";
 * const { sae, info } = await loadSae("fixtures/golden/patch/sae.pt");
 * console.assert(sae.dVit === 32 && sae.dSae === 128 && info.activation === "ReLU");
 * ```
 */
export async function loadSae(
  path: string,
  options: {
    /** Whether to read the decoder too; false if not given. */
    readonly decoder?: boolean;
  } = {},
): Promise<LoadedSae> {
  const file = await openCheckpoint(path);
  try {
    return await saeFrom(file, { ...options, config: (path) => findConfig(path) });
  } finally {
    file.close();
  }
}

/**
 * The same of an open source, which stays open.
 *
 * @param options.config Finds the settings beside a file; nothing is looked for if not given.
 * @throws {CheckpointError} As {@linkcode loadSae}.
 */
export async function saeFrom(
  file: ByteSource,
  options: {
    readonly decoder?: boolean;
    readonly config?: (path: string) => Promise<ConfigFile | undefined>;
  } = {},
): Promise<LoadedSae> {
  const configBeside = options.config ?? (() => Promise.resolve(undefined));
  const { checkpoint, config } = await readContent(file, configBeside, options.decoder ?? false);
  for (const recognise of RECOGNISERS) {
    const found = recognise(checkpoint);
    if (found === undefined) continue;
    const usesConfig = config !== undefined && found.info.kind !== "saev";
    const parts: ByteSource[] = usesConfig ? [file, memorySource(config.path, config.bytes)] : [file];
    const files = parts.map((part) => part.path);
    return {
      sae: found.sae,
      info: { ...found.info, files, sha256: await sha256(joinedSource(parts)) },
      ...(options.decoder ? { decoder: found.decoder() } : {}),
    };
  }
  const { value } = checkpoint;
  const keys = value instanceof Map ? `the keys ${shown([...value.keys()])}` : "no dictionary";
  throw new CheckpointError(
    `Cannot recognise checkpoint ${file.path}: it holds ${keys}, and W_enc, b_enc, W_dec, b_dec were expected`,
    { path: file.path, key: "W_enc", found: keys, expected: "W_enc, b_enc, W_dec, b_dec" },
  );
}

/** A saev file with a first line is complete; anything else may have settings beside it. */
async function readContent(
  file: ByteSource,
  configBeside: (path: string) => Promise<ConfigFile | undefined>,
  decoder: boolean,
): Promise<{ checkpoint: Checkpoint; config: ConfigFile | undefined }> {
  if (await isSafetensors(file)) {
    const config = await configBeside(file.path);
    const value: TorchValue = new Map(await readSafetensors(file));
    const checkpoint = { path: file.path, header: undefined, value, container: "safetensors" } as const;
    return { checkpoint: { ...checkpoint, config: config?.value }, config };
  }
  const { header, body } = await readHeader(file);
  // The decoder is half of the file. Other tools' encoders may depend on it; one with a first line does not.
  const wanted = header === undefined || decoder ? undefined : (key: string): boolean => key !== "W_dec";
  const value = await readTorch(body, { wanted });
  const config = header === undefined ? await configBeside(file.path) : undefined;
  return { checkpoint: { path: file.path, header, value, container: "torch", config: config?.value }, config };
}

async function openCheckpoint(path: string): Promise<FileSource> {
  try {
    return await openFile(await findWeights(path));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound) && !(cause instanceof Deno.errors.IsADirectory)) throw cause;
    throw new CheckpointError(
      `Cannot find checkpoint ${path}: give the path of a saved autoencoder with --ckpt`,
      { path, key: "ckpt", found: "no such file", expected: "a checkpoint" },
      { cause },
    );
  }
}
