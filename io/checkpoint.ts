/**
 * What a recogniser of checkpoints is given, and what it answers.
 * @module
 */
import type { Decoder, Sae } from "../compute/sae.ts";
import type { TorchValue } from "./torch_file.ts";

/** What a recogniser looks at. */
export interface Checkpoint {
  /** The file. */
  readonly path: string;
  /** The JSON object on its first line, undefined when it begins with the torch file. */
  readonly header: Readonly<Record<string, unknown>> | undefined;
  /** What the file holds; of a safetensors file, its tensors by name. */
  readonly value: TorchValue;
  /** What the weights are stored in; a torch file if not given. */
  readonly container?: "torch" | "safetensors" | undefined;
  /** `cfg.json` or `config.json` beside the file. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

/** What was read, for logs and the manifest. */
export interface SaeInfo {
  /** The source: `saev`, `saelens`, `dictionary_learning` or `prisma`. */
  readonly kind: string;
  /** Version of its schema (of SAELens: its major version); 0 where none is stated, as in January 2025 files. */
  readonly schema: number;
  /** The activation in words. */
  readonly activation: string;
  /** The encoder's formula in words. */
  readonly convention: string;
  /** What a user should know, one line each. */
  readonly warnings: readonly string[];
  /** Where in which model its training data was recorded, in the tool's words, if it says. */
  readonly trainedOn?: string | undefined;
  /** The files it was read from: the weights, then the config if one was needed. */
  readonly files: readonly string[];
  /** SHA-256 of those files in hexadecimal, as `cat FILES | sha256sum` gives. */
  readonly sha256: string;
}

/** What a recogniser gives. */
export interface Recognised {
  /** The encoder. */
  readonly sae: Sae;
  /** Reads the decoder, which ranking never needs. */
  readonly decoder: () => Decoder;
  /** Where it comes from. */
  readonly info: Omit<SaeInfo, "sha256" | "files">;
}

/** One format: gives undefined for files that are not its own, throws for its own files that are wrong. */
export type Recogniser = (checkpoint: Checkpoint) => Recognised | undefined;
