/**
 * Finds activation shards and checks every file's size before anything is read.
 * @module
 */
import { createHash } from "node:crypto";
import { ConfigError, ShardFormatError } from "../compute/errors.ts";
import { parseMetadata, type ShardMetadata } from "./_shard_metadata.ts";
import { shown } from "../compute/printable.ts";
import { leadsOutside } from "./contained.ts";
import { fileSize, readSmallFile } from "./open_file.ts";

/** metadata.json and shards.json are a few kilobytes; the list of a million shards still fits. */
const MAX_JSON_BYTES = 128 << 20;

/** Files looked at together: a server answers one after the other in a millisecond each, and there may be tens of thousands. */
const LOOKED_AT_ONCE = 32;

/** One shard: `f32 [nImages, layers, tokens, dVit]`, little-endian, then padding in some layouts. */
export interface ShardFile {
  /** Where it is. */
  readonly path: string;
  /** Index of its first image in the data set. */
  readonly firstImage: number;
  /** Images it holds, padding excluded; ≥ 1. */
  readonly nImages: number;
  /** Its size in bytes, padding included. */
  readonly bytes: number;
}

/** A data set of activations on disk. */
export interface Shards {
  /** `2025-01` for the January 2025 release's files, `current` for protocol 1 and 2. */
  readonly layout: "2025-01" | "current";
  /** The directory. */
  readonly root: string;
  /** Images, ≥ 1. */
  readonly nImages: number;
  /** Patches per image, CLS excluded. */
  readonly patches: number;
  /** Tokens per image: patches, and CLS where there is one. */
  readonly tokens: number;
  /** Whether token 0 is CLS. */
  readonly clsToken: boolean;
  /** Layers stored, in order. */
  readonly layers: readonly number[];
  /** Width of an activation vector. */
  readonly dVit: number;
  /** The files, in image order, without gaps. */
  readonly files: readonly ShardFile[];
  /** metadata.json as it is. Its `data` may be a pickle in base64: it is never decoded. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** SHA-256 of metadata.json's bytes in hexadecimal. */
  readonly metadataSha256: string;
}

/**
 * Opens a shard directory of either layout; which one is told by metadata.json.
 *
 * Only the files that the metadata calls for are looked at: the directory is not listed. In the January 2025 layout every
 * file must be full, as the last one is padded with zeros; in the current one the last may be full or just long enough.
 * A data set without images is an error: there is nothing to rank.
 *
 * Source: formats.md of this system's specification.
 *
 * @throws {ShardFormatError} If metadata is missing or wrong, or a file is missing or of another size than it must be.
 *
 * @example
 * ```ts
 * import { openShards } from "./open_shards.ts";
 * const shards = await openShards("fixtures/golden/patch/shards");
 * console.assert(shards.nImages === 96 && shards.tokens === 17 && shards.files.length === 3);
 * ```
 */
export async function openShards(root: string): Promise<Shards> {
  const metadataPath = `${root}/metadata.json`;
  const bytes = await readJson(root, metadataPath);
  if (bytes === undefined) {
    throw new ShardFormatError(
      `Cannot find ${metadataPath}: the shard root must hold the file the recorder wrote there`,
      {
        path: metadataPath,
      },
    );
  }
  const metadata = parseJson(bytes, metadataPath);
  const facts = parseMetadata(metadata, metadataPath);
  const tokens = facts.patches + (facts.clsToken ? 1 : 0);
  const imageBytes = facts.layers.length * tokens * facts.dVit * 4;
  const files = facts.layout === "current" ? await listCurrent(root, facts) : list2025(root, facts);
  const check = async (file: Omit<ShardFile, "bytes">): Promise<ShardFile> => {
    const isLast = file.firstImage + file.nImages === facts.nImages;
    const short = file.nImages * imageBytes;
    const full = facts.imagesPerShard * imageBytes;
    const allowed = facts.layout === "2025-01" ? [full] : isLast ? [short, full] : [short];
    return { ...file, bytes: await checkedSize(root, file.path, allowed) };
  };
  const checked: ShardFile[] = [];
  // A few at a time: metadata may count 2^32 shards, and the first that is missing ends it.
  for (const group of groups(files, LOOKED_AT_ONCE)) {
    for (const result of await Promise.allSettled(group.map(check))) {
      if (result.status === "rejected") throw result.reason;
      checked.push(result.value);
    }
  }
  return {
    layout: facts.layout,
    root,
    nImages: facts.nImages,
    patches: facts.patches,
    tokens,
    clsToken: facts.clsToken,
    layers: facts.layers,
    dVit: facts.dVit,
    files: checked,
    metadata: metadata as Record<string, unknown>,
    metadataSha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

/**
 * The position of a layer in the shards, or `all` for the mean over them.
 *
 * @param layer A layer's number as the metadata lists it, `meanpool`, or `all`.
 * @returns Index into `shards.layers`, or `"all"`.
 * @throws {ConfigError} If the shards do not hold the layer (the message lists those they hold), or it is `all`.
 *
 * @example
 * ```ts
 * import { openShards, resolveLayer } from "./open_shards.ts";
 * const shards = await openShards("fixtures/golden/patch/shards"); // layers -3, -2, -1
 * console.assert(resolveLayer(shards, -2) === 1);
 * ```
 */
export function resolveLayer(shards: Pick<Shards, "layers" | "root">, layer: number | string): number | "all" {
  if (layer === "meanpool") return "all";
  const held = shards.layers.join(", ");
  if (layer === "all") {
    throw new ConfigError(
      `Cannot rank all layers at once: a row is one vector; set data.layer to one of ${held}, or to meanpool for their mean`,
      { path: "data.layer" },
    );
  }
  const index = shards.layers.indexOf(Number(layer));
  if (index < 0) {
    throw new ConfigError(`Cannot find layer ${layer} in ${shards.root}: it holds ${held}; choose one, or meanpool`, {
      path: "data.layer",
    });
  }
  return index;
}

function* list2025(root: string, facts: ShardMetadata): Generator<Omit<ShardFile, "bytes">> {
  for (let i = 0, firstImage = 0; firstImage < facts.nImages; i++, firstImage += facts.imagesPerShard) {
    const nImages = Math.min(facts.imagesPerShard, facts.nImages - firstImage);
    yield { path: `${root}/acts${String(i).padStart(6, "0")}.bin`, firstImage, nImages };
  }
}

async function listCurrent(root: string, facts: ShardMetadata): Promise<Omit<ShardFile, "bytes">[]> {
  const path = `${root}/shards.json`;
  const fail = (what: string): never => {
    throw new ShardFormatError(`Cannot read ${path}: ${what}`, { path });
  };
  const bytes = await readJson(root, path);
  if (bytes === undefined) return fail("there is no such file, and the current layout lists its shards there");
  const entries = parseJson(bytes, path);
  if (!Array.isArray(entries)) return fail("it does not hold a list");
  const files = [];
  const names = new Set<string>();
  let firstImage = 0;
  for (const entry of entries as Record<string, unknown>[]) {
    const { name, n_examples: nImages } = entry ?? {};
    // A plain file name: a list that points elsewhere must not choose what is read.
    if (typeof name !== "string" || !/^[\w.-]+$/.test(name) || /^\.+$/.test(name) || names.has(name)) {
      return fail(`it names a shard ${shown(name)}, and distinct plain file names were expected`);
    }
    names.add(name);
    if (!Number.isSafeInteger(nImages) || (nImages as number) < 0 || (nImages as number) > facts.imagesPerShard) {
      return fail(`${name} has n_examples ${shown(nImages)}, and 0 to ${facts.imagesPerShard} were expected`);
    }
    if (nImages === 0) continue;
    files.push({ path: `${root}/${name}`, firstImage, nImages: nImages as number });
    firstImage += nImages as number;
  }
  if (firstImage !== facts.nImages) {
    fail(`its shards hold ${firstImage} images, and metadata.json counts ${facts.nImages}`);
  }
  return files;
}

function* groups<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Refuses a file that is only a link to somewhere else. */
async function checkPlace(root: string, path: string): Promise<void> {
  const target = await leadsOutside(root, path);
  if (target === undefined) return;
  throw new ShardFormatError(
    `Cannot follow the link ${path}: it leads to ${target}, outside of the shard root; copy the file into ${root}`,
    { path },
  );
}

async function readJson(root: string, path: string): Promise<Uint8Array | undefined> {
  await checkPlace(root, path);
  return await readSmallFile(path, MAX_JSON_BYTES, ShardFormatError);
}

async function checkedSize(root: string, path: string, allowed: readonly number[]): Promise<number> {
  await checkPlace(root, path);
  const size = await fileSize(path);
  if (size !== undefined && allowed.includes(size)) return size;
  const expected = [...new Set(allowed)].join(" or ");
  const found = size === undefined ? "there is no such file" : `it holds ${size} bytes`;
  throw new ShardFormatError(
    `Cannot use shard ${path}: ${found}, and ${expected} bytes were expected; record it again`,
    {
      path,
    },
  );
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ShardFormatError(`Cannot read ${path}: it is not JSON (${(cause as Error).message})`, { path }, {
      cause,
    });
  }
}
