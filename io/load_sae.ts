/**
 * Loads a sparse autoencoder's encoder from a checkpoint of any format that is recognised.
 * @module
 */
import { CheckpointError } from "../compute/errors.ts";
import { shown } from "../compute/printable.ts";
import type { Sae } from "../compute/sae.ts";
import type { ByteSource } from "./byte_source.ts";
import { saevCheckpoint } from "./checkpoint_saev.ts";
import { readHeader } from "./_checkpoint_parts.ts";
import { type FileSource, openFile, sha256 } from "./open_file.ts";
import { readTorch, type TorchValue } from "./torch_file.ts";

/** What a recogniser looks at. */
export interface Checkpoint {
  /** The file. */
  readonly path: string;
  /** The JSON object on its first line, undefined when it begins with the torch file. */
  readonly header: Readonly<Record<string, unknown>> | undefined;
  /** What the torch file holds. */
  readonly value: TorchValue;
}

/** What was read, for logs and the manifest. */
export interface SaeInfo {
  /** The source, for example `saev`. */
  readonly kind: string;
  /** Version of its schema; 0 for January 2025 files, which state none. */
  readonly schema: number;
  /** The activation in words. */
  readonly activation: string;
  /** The encoder's formula in words. */
  readonly convention: string;
  /** What a user should know, one line each. */
  readonly warnings: readonly string[];
  /** SHA-256 of the file in hexadecimal. */
  readonly sha256: string;
}

/** An encoder, and what was read. */
export interface LoadedSae {
  /** The encoder. */
  readonly sae: Sae;
  /** Where it comes from. */
  readonly info: SaeInfo;
}

/** One format: gives undefined for files that are not its own, throws for its own files that are wrong. */
export type Recogniser = (checkpoint: Checkpoint) => { sae: Sae; info: Omit<SaeInfo, "sha256"> } | undefined;

/** Tried in order. */
const RECOGNISERS: readonly Recogniser[] = [saevCheckpoint];

/**
 * Loads a checkpoint. The format is told by content, and nothing of the file is executed.
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
export async function loadSae(path: string): Promise<LoadedSae> {
  const file = await openCheckpoint(path);
  try {
    return await saeFrom(file);
  } finally {
    file.close();
  }
}

/** The same of an open source, which stays open. */
export async function saeFrom(file: ByteSource): Promise<LoadedSae> {
  const { path } = file;
  const { header, body } = await readHeader(file);
  const value = await readTorch(body);
  for (const recognise of RECOGNISERS) {
    const found = recognise({ path, header, value });
    if (found !== undefined) return { sae: found.sae, info: { ...found.info, sha256: await sha256(file) } };
  }
  const keys = value instanceof Map ? `the keys ${shown([...value.keys()])}` : "no dictionary";
  throw new CheckpointError(
    `Cannot recognise checkpoint ${path}: it holds ${keys}, and W_enc, b_enc, W_dec, b_dec were expected`,
    { path, key: "W_enc", found: keys, expected: "W_enc, b_enc, W_dec, b_dec" },
  );
}

async function openCheckpoint(path: string): Promise<FileSource> {
  try {
    return await openFile(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound) && !(cause instanceof Deno.errors.IsADirectory)) throw cause;
    throw new CheckpointError(
      `Cannot find checkpoint ${path}: give the path of a saved autoencoder with --ckpt`,
      { path, key: "ckpt", found: "no such file", expected: "a checkpoint" },
      { cause },
    );
  }
}
