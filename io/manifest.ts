/**
 * What made a directory of artifacts, and whether another request would make the same.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { shown } from "../compute/printable.ts";
import type { Shards } from "./open_shards.ts";

/** Name of the manifest in its directory. It is written last: a directory without it is unfinished. */
export const MANIFEST_NAME = "manifest.json";

/** No manifest is larger: it lists shards. */
export const MAX_MANIFEST_BYTES = 64 << 20;

/** Version of the manifest's layout; another one is never reused. */
export const MANIFEST_FORMAT = 1;

/** Settings are tables within tables, and lists of numbers in these. */
const MAX_CONFIG_DEPTH = 8;

/** Settings that change the numbers; all others may differ between the run that made artifacts and one that reads them. */
const COMPARED_SETTINGS: readonly string[] = [
  "sortBy",
  "topK",
  "dedupe",
  "percentile",
  "nDistributions",
  "distributionsLimit",
  "nonFinite",
  "data.patches",
  "data.layer",
  "data.clamp",
  "data.scaleMean",
  "data.scaleNorm",
  "data.nRandomSamples",
];

/** The files a job read, by content. */
export interface ManifestInputs {
  /** The checkpoint: path as given, and SHA-256. */
  readonly checkpoint: { readonly path: string; readonly sha256: string };
  /** The shards' metadata.json: path as given, and SHA-256. */
  readonly metadata: { readonly path: string; readonly sha256: string };
  /** The shards in order: name and size. Their bytes are not hashed: they may be terabytes. */
  readonly shards: readonly { readonly name: string; readonly bytes: number }[];
}

/** A request: what would be computed. */
export interface ArtifactRequest {
  /** The settings, as plain data. */
  readonly config: object;
  /** The inputs. */
  readonly inputs: ManifestInputs;
}

/** The manifest, as it lies in manifest.json. */
export interface Manifest extends ArtifactRequest {
  /** {@linkcode MANIFEST_FORMAT}. */
  readonly format: number;
  /** When the job began, ISO 8601. */
  readonly startedAt: string;
  /** The backend that ran, why it was chosen, and what it said of itself. */
  readonly backend: {
    readonly name: string;
    readonly reason: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
  /** Rows folded in. */
  readonly rows: number;
  /** Rows left out for NaN or infinity. */
  readonly skippedRows: number;
  /** Versions of the tool and of what it ran on. */
  readonly versions: Readonly<Record<string, string>>;
  /** Seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
  /** What a reader should know, one line each. */
  readonly notes: readonly string[];
  /** Set when the artifacts were merged from parts: how many, and where the percentiles come from. */
  readonly merged?: {
    readonly parts: number;
    readonly percentiles: "sketch";
    readonly percentilesRelativeError: number;
  };
  /** Artifacts by name, with their size in bytes. */
  readonly files: Readonly<Record<string, number>>;
}

/**
 * Describes inputs that have been opened.
 *
 * @example
 * ```ts
 * import { loadSae } from "./load_sae.ts";
 * import { describeInputs } from "./manifest.ts";
 * import { openShards } from "./open_shards.ts";
 * const ckpt = "fixtures/golden/patch/sae.pt";
 * const shards = await openShards("fixtures/golden/patch/shards");
 * const { info } = await loadSae(ckpt);
 * console.assert(describeInputs(ckpt, info.sha256, shards).shards.length === 3);
 * ```
 */
export function describeInputs(checkpointPath: string, checkpointSha256: string, shards: Shards): ManifestInputs {
  return {
    checkpoint: { path: checkpointPath, sha256: checkpointSha256 },
    metadata: { path: `${shards.root}/metadata.json`, sha256: shards.metadataSha256 },
    shards: shards.files.map(({ path, bytes }) => ({ name: path.slice(path.lastIndexOf("/") + 1), bytes })),
  };
}

/**
 * The versions a manifest records: `tool` and those of the runtime.
 *
 * @example
 * ```ts
 * import { currentVersions } from "./manifest.ts";
 * console.assert(currentVersions("0.1.0").tool === "0.1.0");
 * ```
 */
export function currentVersions(tool: string): Record<string, string> {
  return { tool, deno: Deno.version.deno, v8: Deno.version.v8, typescript: Deno.version.typescript };
}

/**
 * What differs between the artifacts found and those requested, in words; empty when they may be reused.
 *
 * Compared are the inputs by content, and the settings that change the numbers. A backend counts only when one was asked
 * for by name: backends agree within rounding, not in every bit. Choice of latents and rendering never count.
 *
 * @example
 * ```ts
 * import { compareManifest, type Manifest } from "./manifest.ts";
 * const inputs = { checkpoint: { path: "a", sha256: "1" }, metadata: { path: "m", sha256: "2" }, shards: [] };
 * const found = { config: { topK: 8 }, inputs, backend: { name: "wasm" } } as unknown as Manifest;
 * const [difference] = compareManifest(found, { config: { topK: 16 }, inputs });
 * console.assert(difference === "topK was 8 and is now 16");
 * ```
 */
export function compareManifest(found: Manifest, request: ArtifactRequest): string[] {
  const differences: string[] = [];
  const { inputs } = request;
  if (found.inputs.checkpoint.sha256 !== inputs.checkpoint.sha256) {
    differences.push(
      `the checkpoint ${inputs.checkpoint.path} has other content than ${found.inputs.checkpoint.path} had`,
    );
  }
  if (found.inputs.metadata.sha256 !== inputs.metadata.sha256) {
    differences.push(`the shards' ${inputs.metadata.path} has other content than ${found.inputs.metadata.path} had`);
  } else if (JSON.stringify(found.inputs.shards) !== JSON.stringify(inputs.shards)) {
    differences.push("the shards have other names or sizes than they had");
  }
  for (const path of COMPARED_SETTINGS) {
    const [was, is] = [setting(found.config, path), setting(request.config, path)];
    if (was === is || (path === "data.nRandomSamples" && !isScaled(request.config))) continue;
    differences.push(`${path} was ${was ?? "not set"} and is now ${is ?? "not set"}`);
  }
  // Only the GPU computes in another precision than f32.
  const [stored, wanted] = [setting(found.config, "precision"), setting(request.config, "precision")];
  if (found.backend.name === "webgpu" && (stored ?? '"f32"') !== (wanted ?? '"f32"')) {
    differences.push(`precision was ${stored} and is now ${wanted}`);
  }
  const device = setting(request.config, "device");
  if (device !== undefined && device !== '"auto"' && device !== JSON.stringify(found.backend.name)) {
    differences.push(`the ${found.backend.name} backend computed them and ${device} is now asked for`);
  }
  return differences;
}

/**
 * Checks a parsed manifest.json.
 *
 * @throws {ArtifactError} If it is not a manifest of this format.
 *
 * @example
 * ```ts
 * import { parseManifest } from "./manifest.ts";
 * let message = "";
 * try {
 *   parseManifest({}, "manifest.json");
 * } catch (error) {
 *   message = (error as Error).message;
 * }
 * console.assert(message.includes("its format is undefined"));
 * ```
 */
export function parseManifest(value: unknown, path: string): Manifest {
  const fail = (what: string): never => {
    throw new ArtifactError(`Cannot use ${path}: ${what}; compute the artifacts again`, { path });
  };
  const manifest = value as Partial<Manifest> | null;
  if (typeof manifest !== "object" || manifest === null) return fail("it does not hold an object");
  if (manifest.format !== MANIFEST_FORMAT) {
    return fail(`its format is ${shown(manifest.format)}, expected ${MANIFEST_FORMAT}`);
  }
  const { inputs } = manifest;
  const checks: Record<string, boolean> = {
    config: isRecord(manifest.config) && depthOf(manifest.config) <= MAX_CONFIG_DEPTH,
    inputs: isRecord(inputs) &&
      [inputs.checkpoint, inputs.metadata].every((input) =>
        isRecord(input) && typeof input.sha256 === "string" && typeof input.path === "string"
      ) &&
      Array.isArray(inputs.shards) &&
      inputs.shards.every((shard) => isRecord(shard) && typeof shard.name === "string" && isCount(shard.bytes)),
    backend: isRecord(manifest.backend) && typeof manifest.backend.name === "string",
    // Plain names: a manifest from elsewhere must not choose what else is looked at.
    files: isRecord(manifest.files) &&
      Object.entries(manifest.files).every(([name, bytes]) => /^\w[\w.-]*$/.test(name) && isCount(bytes)),
    rows: isCount(manifest.rows) && isCount(manifest.skippedRows),
  };
  for (const [key, isRight] of Object.entries(checks)) if (!isRight) fail(`its ${key} is missing or wrong`);
  return manifest as Manifest;
}

/** A setting by its dotted name, as JSON, so that lists and text compare by content. */
function setting(config: object, path: string): string | undefined {
  const value = path.split(".").reduce<unknown>(
    (part, key) => isRecord(part) ? part[key] : undefined,
    config,
  );
  return JSON.stringify(value);
}

/** How deeply tables and lists nest; stops counting past what any config has. */
function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== "object" || value === null || depth > MAX_CONFIG_DEPTH) return depth;
  return Object.values(value).reduce((most: number, item) => Math.max(most, depthOf(item, depth + 1)), depth);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isScaled(config: object): boolean {
  return setting(config, "data.scaleMean") !== "false" || setting(config, "data.scaleNorm") !== "false";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
