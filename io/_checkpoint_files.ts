/**
 * Which files a checkpoint is made of, given any one of them or their directory.
 * @module
 */
import { CheckpointError, TorchFileError } from "../compute/errors.ts";
import type { ByteSource } from "./byte_source.ts";
import { isDirectory, listDirectory, readSmallFile } from "./open_file.ts";

/** A config is a few kilobytes. */
const MAX_CONFIG_BYTES = 16 << 20;

/** Names under which tools save weights, the likelier first. */
const WEIGHTS_NAMES = ["sae_weights.safetensors", "ae.pt", "sae.pt", "weights.pt", "model.safetensors"];

/** Names of the config beside them. */
const CONFIG_NAMES = ["cfg.json", "config.json"];

/**
 * The weights file of a checkpoint: the path itself, or what a directory holds under a usual name or as its only `.pt` or
 * `.safetensors` file. A run directory's `checkpoint` folder is looked into.
 *
 * @throws {CheckpointError} If a directory holds none, or several and none of a usual name.
 */
export async function findWeights(path: string): Promise<string> {
  if (!await isDirectory(path)) return path;
  const root = path.replace(/\/+$/, "") || "/";
  const names = await listDirectory(root);
  const usual = WEIGHTS_NAMES.find((name) => names.includes(name));
  if (usual !== undefined) return `${root}/${usual}`;
  const all = names.filter((name) => /\.(pt|pth|safetensors)$/.test(name) && !name.startsWith("sparsity."));
  if (all.length === 1) return `${root}/${all[0]}`;
  if (all.length === 0 && names.includes("checkpoint") && await isDirectory(`${root}/checkpoint`)) {
    return await findWeights(`${root}/checkpoint`);
  }
  const found = all.length === 0 ? "no weights" : `${all.length} files of weights (${all.slice(0, 4).join(", ")})`;
  throw new CheckpointError(
    `Cannot tell the checkpoint in ${path}: it holds ${found}; give the file itself with --ckpt`,
    { path, key: "ckpt", found, expected: WEIGHTS_NAMES.join(", ") },
  );
}

/** A config beside the weights. */
export interface ConfigFile {
  /** The file. */
  readonly path: string;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** The JSON object it holds. */
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * The config beside a weights file; undefined when there is none, or it may not be read.
 *
 * @throws {CheckpointError} If it is not a JSON object.
 */
export async function findConfig(weights: string): Promise<ConfigFile | undefined> {
  const at = weights.lastIndexOf("/");
  for (const name of CONFIG_NAMES) {
    const path = at < 0 ? name : `${weights.slice(0, at)}/${name}`;
    const bytes = await readIfAllowed(path);
    if (bytes !== undefined) return { path, bytes, value: parseConfig(path, bytes) };
  }
  return undefined;
}

/** A job that was given the file alone may not look beside it, and then there is nothing beside it. */
async function readIfAllowed(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readSmallFile(path, MAX_CONFIG_BYTES, TorchFileError);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

function parseConfig(path: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const wrong = (found: string, cause?: unknown): never => {
    throw new CheckpointError(
      `Cannot read ${path}: ${found}, and one JSON object was expected`,
      { path, key: "config", found, expected: "one JSON object" },
      { cause },
    );
  };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    return wrong((cause as Error).message, cause);
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : wrong("it holds no object");
}

/** Several sources one after the other, as `cat` would. */
export function joinedSource(parts: readonly ByteSource[]): ByteSource {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return {
    path: parts[0].path,
    size,
    async readInto(into: Uint8Array, offset: number): Promise<number> {
      let [done, start] = [0, 0];
      for (const part of parts) {
        const from = Math.max(0, offset + done - start);
        if (done < into.length && from < part.size) {
          const room = into.subarray(done, done + Math.min(into.length - done, part.size - from));
          done += await part.readInto(room, from);
        }
        start += part.size;
      }
      return done;
    },
  };
}
