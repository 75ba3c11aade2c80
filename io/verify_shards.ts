/**
 * Checks that a shard directory of the current layout has the name its metadata calls for.
 * @module
 */
import { createHash } from "node:crypto";
import type { Shards } from "./open_shards.ts";

/**
 * The name that the recorder gives a shard directory: the first 8 hexadecimal digits of SHA-256 over the metadata as JSON
 * with sorted keys, no spaces and ASCII only.
 *
 * Source: formats.md of this system's specification.
 *
 * @example
 * ```ts
 * import { shardsHash } from "./verify_shards.ts";
 * console.assert(shardsHash({ b: 1, a: [true, null] }) === shardsHash({ a: [true, null], b: 1 }));
 * ```
 */
export function shardsHash(metadata: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(canonicalJson(metadata)).digest("hex").slice(0, 8);
}

/**
 * A warning when the directory's name is not the hash of its metadata: one of them was changed after recording.
 *
 * @returns One line, or undefined when they fit or the layout (January 2025) has no hash.
 *
 * @example
 * ```ts
 * import { openShards } from "./open_shards.ts";
 * import { verifyShards } from "./verify_shards.ts";
 * const shards = await openShards("fixtures/demo/current-layout/saev/shards/feadabea");
 * console.assert(verifyShards(shards) === undefined);
 * ```
 */
export function verifyShards(shards: Pick<Shards, "layout" | "root" | "metadata">): string | undefined {
  if (shards.layout === "2025-01") return undefined;
  const expected = shardsHash(shards.metadata);
  const name = shards.root.replace(/\/+$/, "").split("/").at(-1);
  if (name === expected) return undefined;
  return `The shard directory is named ${name}, and its metadata.json hashes to ${expected}: one of them was changed`;
}

/** As Python's `json.dumps(value, sort_keys=True, separators=(",", ":"))` writes it. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
    return `{${entries.map(([key, item]) => `${canonicalJson(key)}:${canonicalJson(item)}`).join(",")}}`;
  }
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => unit === "\u007f" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
