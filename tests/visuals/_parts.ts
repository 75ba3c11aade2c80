/** Runs of parts beside a single run, and what their directories hold. */
import { createHash } from "node:crypto";
import { strictEqual } from "node:assert/strict";
import type { VisualsConfig } from "../../config.ts";
import { dumpActivations, dumpPart, mergeParts } from "../../visuals.ts";

/** Writes the shards of a January 2025 directory again, with fewer images in each. */
export async function reshard(from: string, to: string, imagesPerShard: number): Promise<void> {
  const metadata = JSON.parse(await Deno.readTextFile(`${from}/metadata.json`)) as Record<string, number> & {
    layers: number[];
    cls_token: boolean;
  };
  const tokens = metadata.n_patches_per_img + (metadata.cls_token ? 1 : 0);
  const imageBytes = metadata.layers.length * tokens * metadata.d_vit * 4;
  const names = [...Deno.readDirSync(from)].map(({ name }) => name).filter((name) => name.endsWith(".bin")).sort();
  const old = await Promise.all(names.map((name) => Deno.readFile(`${from}/${name}`)));
  const whole = new Uint8Array(old.reduce((sum, bytes) => sum + bytes.length, 0));
  old.reduce((at, bytes) => (whole.set(bytes, at), at + bytes.length), 0);
  await Deno.mkdir(to, { recursive: true });
  const n_patches_per_shard = imagesPerShard * tokens * metadata.layers.length;
  await Deno.writeTextFile(`${to}/metadata.json`, JSON.stringify({ ...metadata, n_patches_per_shard }));
  for (let shard = 0; shard * imagesPerShard < metadata.n_imgs; shard++) {
    const bytes = new Uint8Array(imagesPerShard * imageBytes);
    const end = Math.min(metadata.n_imgs, (shard + 1) * imagesPerShard) * imageBytes;
    bytes.set(whole.subarray(shard * imagesPerShard * imageBytes, end));
    await Deno.writeFile(`${to}/acts${String(shard).padStart(6, "0")}.bin`, bytes);
  }
}

/** Name → SHA-256 of every file of a directory that a merge has to reproduce: all but percentiles and manifest. */
export async function hashes(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, isFile } of [...Deno.readDirSync(directory)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (!isFile || name === "manifest.json" || name.startsWith("percentiles_")) continue;
    found[name] = createHash("sha256").update(await Deno.readFile(`${directory}/${name}`)).digest("hex");
  }
  strictEqual(Object.keys(found).length >= 10, true, "too few artifacts to compare");
  return found;
}

/** One run. */
export async function inOne(config: VisualsConfig): Promise<Record<string, string>> {
  await dumpActivations(config);
  return await hashes(`${config.dumpTo}/sort_by_${config.sortBy}`);
}

/** The same in parts, last part first, and merged. */
export async function inParts(config: VisualsConfig, count: number): Promise<Record<string, string>> {
  for (let index = count - 1; index >= 0; index--) await dumpPart({ ...config, part: `${index}/${count}` });
  await mergeParts(config);
  return await hashes(`${config.dumpTo}/sort_by_${config.sortBy}`);
}
