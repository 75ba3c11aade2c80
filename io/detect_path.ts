/**
 * Tells what lies at a path by looking, not by asking.
 * @module
 */
import { DatasetError } from "../compute/errors.ts";
import type { PicturesSpec } from "./datasets/open_pictures.ts";
import { fileSize, isDirectory, listDirectory } from "./open_file.ts";

/** What a path leads to. */
export type Detected =
  | { readonly what: "checkpoint"; readonly path: string }
  | { readonly what: "shards"; readonly root: string }
  | { readonly what: "artifacts"; readonly directory: string }
  | { readonly what: "pictures"; readonly spec: PicturesSpec };

/**
 * Tells checkpoints, shards, artifacts and picture data sets apart by the names of the files they are made of.
 *
 * A file is a checkpoint, unless it is the `metadata.json` of shards or the `manifest.json` of artifacts. A directory is
 * what it holds; an output directory stands for the one ranking in it, a run directory for its checkpoint.
 *
 * @throws {DatasetError} If there is nothing at the path.
 *
 * @example
 * ```ts
 * import { detectPath } from "./detect_path.ts";
 * const found = await detectPath("fixtures/demo/emoji/shards");
 * console.assert(found.what === "shards");
 * ```
 */
export async function detectPath(path: string): Promise<Detected> {
  if (!await isDirectory(path)) {
    if (await fileSize(path) === undefined) {
      throw new DatasetError(`Cannot find ${path}: there is no such file or directory`, { path });
    }
    const at = path.lastIndexOf("/");
    const directory = at < 0 ? "." : path.slice(0, at) || "/";
    const name = path.slice(at + 1);
    if (name === "metadata.json") return { what: "shards", root: directory };
    if (name === "manifest.json") return { what: "artifacts", directory };
    return { what: "checkpoint", path };
  }
  const root = path.replace(/\/+$/, "") || "/";
  const names = await listDirectory(root);
  const has = (name: string): boolean => names.includes(name);
  if (has("metadata.json") && names.some((name) => /^acts\d+\.bin$/.test(name) || name === "shards.json")) {
    return { what: "shards", root };
  }
  if (has("manifest.json") || (has("top_values.pt") && has("sparsity.pt"))) {
    return { what: "artifacts", directory: root };
  }
  const rankings = names.filter((name) => /^sort_by_\w+$/.test(name));
  if (rankings.length === 1) return { what: "artifacts", directory: `${root}/${rankings[0]}` };
  if (names.some((name) => /\.(pt|pth|safetensors)$/.test(name)) || has("checkpoint")) {
    return { what: "checkpoint", path: root };
  }
  const isAde20k = has("sceneCategories.txt") || (has("images") && has("annotations"));
  if (isAde20k) return { what: "pictures", spec: { kind: "ade20k", root } };
  if (await holdsTables(root, names)) return { what: "pictures", spec: { kind: "imagenet", root } };
  return { what: "pictures", spec: { kind: "image-folder", root } };
}

/** Tables lie in the directory, or in `data` within it. */
async function holdsTables(root: string, names: readonly string[]): Promise<boolean> {
  const isTable = (name: string): boolean => /\.(parquet|arrow)$/.test(name);
  if (names.some(isTable)) return true;
  for (const folder of names.filter((name) => ["data", "train", "validation", "test"].includes(name))) {
    if (await isDirectory(`${root}/${folder}`) && (await listDirectory(`${root}/${folder}`)).some(isTable)) return true;
  }
  return false;
}
