/**
 * Both layouts' metadata, checked and brought to one form.
 * @module
 */
import { ShardFormatError } from "../compute/errors.ts";
import { shown } from "../compute/printable.ts";

/** What metadata.json says, in this system's words. */
export interface ShardMetadata {
  /** `2025-01` for the January 2025 release's files, `current` for protocol 1 and 2. */
  readonly layout: "2025-01" | "current";
  /** Images in the data set, ≥ 1. */
  readonly nImages: number;
  /** Patches per image, CLS excluded. */
  readonly patches: number;
  /** Whether token 0 is CLS. */
  readonly clsToken: boolean;
  /** Layers stored, in order. */
  readonly layers: readonly number[];
  /** Width of an activation vector. */
  readonly dVit: number;
  /** Images a full file holds. */
  readonly imagesPerShard: number;
}

/**
 * Reads metadata of either layout; which one is told by its keys.
 *
 * @param value Parsed metadata.json.
 * @throws {ShardFormatError} If a key is missing or has a value that no shard can have.
 */
export function parseMetadata(value: unknown, path: string): ShardMetadata {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fail(path, `it holds ${value === null ? "null" : typeof value}, and an object was expected`);
  }
  const record = value as Record<string, unknown>;
  const current = "n_examples" in record || "protocol" in record;
  if (!current && !("n_imgs" in record)) {
    fail(path, "it has neither n_imgs (January 2025 layout) nor n_examples (current layout)");
  }
  if (current) checkCurrent(record, path);
  const layers = record.layers;
  if (!Array.isArray(layers) || layers.length === 0 || !layers.every(Number.isSafeInteger)) {
    return fail(path, `layers is ${shown(layers)}, and a list of at least one integer was expected`);
  }
  if (new Set(layers).size !== layers.length) fail(path, `layers is ${shown(layers)}, which names one twice`);
  if (typeof record.cls_token !== "boolean") {
    return fail(path, `cls_token is ${shown(record.cls_token)}, and true or false was expected`);
  }
  const count = (...keys: string[]): number => positive(record, keys, path);
  const patches = current ? count("content_tokens_per_example", "patches_per_ex") : count("n_patches_per_img");
  const perShard = current ? count("max_tokens_per_shard", "patches_per_shard") : count("n_patches_per_shard");
  const tokens = patches + (record.cls_token ? 1 : 0);
  const imagesPerShard = current
    ? Math.floor(perShard / (tokens * layers.length))
    : Math.floor(Math.floor(perShard / layers.length) / tokens);
  const dVit = current ? count("d_model") : count("d_vit");
  if (imagesPerShard < 1) {
    fail(path, `a shard of ${perShard} vectors holds not one image of ${tokens} tokens and ${layers.length} layers`);
  }
  if (!Number.isSafeInteger(imagesPerShard * layers.length * tokens * dVit * 4)) {
    fail(path, "a shard passes 2^53 bytes");
  }
  const nImages = current ? count("n_examples") : count("n_imgs");
  if (nImages > 0xffffffff) fail(path, `it counts ${nImages} images, and at most 2^32 - 1 can be ranked`);
  return {
    layout: current ? "current" : "2025-01",
    nImages,
    patches,
    clsToken: record.cls_token,
    layers,
    dVit,
    imagesPerShard,
  };
}

function checkCurrent(record: Record<string, unknown>, path: string): void {
  const { protocol, dtype } = record;
  if (typeof protocol !== "string" || !/^[12](\.|$)/.test(protocol)) {
    fail(path, `protocol is ${shown(protocol)}, and "1.0.0", "1.1" or "2.1" was expected`);
  }
  if (dtype !== undefined && dtype !== "float32") {
    fail(path, `dtype is ${shown(dtype)}, and only "float32" shards are read`);
  }
}

/** The first of `keys` that is present, as an integer ≥ 1. */
function positive(record: Record<string, unknown>, keys: readonly string[], path: string): number {
  const key = keys.find((name) => name in record) ?? keys[0];
  const value = record[key];
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    const found = value === undefined ? "missing" : shown(value);
    return fail(path, `${key} is ${found}, and an integer of at least 1 was expected`);
  }
  return value as number;
}

function fail(path: string, what: string): never {
  throw new ShardFormatError(`Cannot read ${path}: ${what}`, { path });
}
