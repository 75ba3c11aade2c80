/**
 * What a job may touch, and no more.
 * @module
 */
import type { VisualsConfig } from "../config.ts";
import { outputRoot } from "../config/output_root.ts";
import { localPath } from "./local_path.ts";

/** Paths for Deno's permissions; a directory stands for all below it. */
export interface Grants {
  /** Paths to read. */
  readonly read: readonly string[];
  /** Paths to write. */
  readonly write: readonly string[];
  /**
   * The program's own folders from which a job run in place starts workers: Deno loads a worker's modules, also those that it
   * imports, with a read check. A job in a worker of its own does not read them, as the main thread lends it those workers.
   */
  readonly workers?: readonly string[];
}

/** Where the modules of workers that draw lie; those that compute come in `data:` URLs. Without them one thread draws. */
const WORKER_ROOMS = ["render", "compute"];

/**
 * The least that a job needs.
 *
 * Read: the checkpoint, shards, pictures (`visuals`, `render`, `study`, `activations`, and where their labels are exported), the
 * model when activations are recorded, and the output, whose manifest is compared. Write: the output. The workers are those of a
 * program that is local, where pictures are drawn.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { grantsFor } from "./grants.ts";
 * const { write } = grantsFor(parseConfig({ dumpTo: "out" }), { moduleUrl: "file:///opt/saev/cli.ts", command: "dump" });
 * if (write.join() !== "out") throw new Error();
 * ```
 */
export function grantsFor(
  config: VisualsConfig,
  { moduleUrl, command }: { readonly moduleUrl: string; readonly command: string },
): Grants {
  const output = outputRoot(config.dumpTo);
  const draws = command === "visuals" || command === "render";
  const read = [...inputsOf(config, command), output];
  const program = localPath(new URL("./", moduleUrl));
  const workers = draws && program !== undefined ? WORKER_ROOMS.map((name) => `${program}${name}`) : [];
  return { read: [...new Set(read)], write: [output], workers };
}

/** Whether pictures are looked at, or their labels. */
function showsPictures(config: VisualsConfig, command: string): boolean {
  return ["visuals", "render", "study", "activations"].includes(command) ||
    (command !== "measure" && config.export.includes("json"));
}

/**
 * The paths that a job reads.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { inputsOf } from "./grants.ts";
 * const config = parseConfig({ model: "vit.onnx", images: { kind: "image-folder", root: "cats" } });
 * if (!inputsOf(config, "activations").includes("cats")) throw new Error();
 * ```
 */
export function inputsOf(config: VisualsConfig, command: string): string[] {
  const { ckpt, data, images, model, preprocessor, fromPictures } = config;
  const records = command === "activations" || (command === "visuals" && fromPictures);
  return [
    // Weights lie in files of these names where they pass what one file holds.
    ...(records && model !== undefined ? [model, `${model}.data`, `${model}_data`] : []),
    ...(records && preprocessor !== undefined ? [preprocessor] : []),
    ...(command === "activations" ? [] : [ckpt, ...besideCheckpoint(ckpt), ...(records ? [] : [data.shardRoot])]),
    ...(showsPictures(config, command) ? [images.root] : []),
  ];
}

/**
 * The least that looking at a path needs; nothing is written.
 *
 * @example
 * ```ts
 * import { grantsToInspect } from "./grants.ts";
 * const { read, write } = grantsToInspect("sae.pt", "shards");
 * if (read.join() !== "sae.pt,shards" || write.length > 0) throw new Error(read.join());
 * ```
 */
export function grantsToInspect(path: string, shardRoot: string | undefined): Grants {
  const read = [path, ...besideCheckpoint(path), ...directoryOf(path)];
  return { read: [...new Set(shardRoot === undefined ? read : [...read, shardRoot])], write: [] };
}

/** The settings that some tools keep beside the weights. A directory is read as a whole, and saev's files have their own. */
function besideCheckpoint(path: string): string[] {
  const at = path.lastIndexOf("/");
  const name = path.slice(at + 1);
  if (!/\.(pt|pth|safetensors)$/.test(name) || name === "sae.pt") return [];
  return ["cfg.json", "config.json"].map((config) => path.slice(0, at + 1) + config);
}

/** Shards and artifacts may be named by a file in them. */
function directoryOf(path: string): string[] {
  const [, directory] = /^(.*?)\/*(?:metadata|manifest)\.json$/.exec(path) ?? [];
  return directory === undefined ? [] : [directory || (path.startsWith("/") ? "/" : ".")];
}

/**
 * The same and the real paths of what is reached through symlinks, as Deno checks where a link leads.
 *
 * What does not exist yet, such as a new output below a directory that is a link, is found from the nearest directory above.
 *
 * @param realPath Resolves links; a path that it refuses is left as it is.
 *
 * @example
 * ```ts
 * import { withRealPaths } from "./grants.ts";
 * const real = (path: string) => Promise.resolve(path === "link" ? "/data/link" : path === "." ? "/home" : `/home/${path}`);
 * const { read } = await withRealPaths({ read: ["link", "a/b.pt"], write: [] }, real);
 * if (read.join() !== "link,/data/link,a/b.pt") throw new Error(read.join());
 * ```
 */
export async function withRealPaths(grants: Grants, realPath: (path: string) => Promise<string>): Promise<Grants> {
  const here = await realPath(".").catch(() => undefined);
  const resolve = async (paths: readonly string[]): Promise<string[]> => {
    const lists = await Promise.all(paths.map(async (path) => {
      const real = await nearestRealPath(path, realPath);
      return real === undefined || real === plainPath(path, here) ? [path] : [path, real];
    }));
    return [...new Set(lists.flat())];
  };
  return { ...grants, read: await resolve(grants.read), write: await resolve(grants.write) };
}

async function nearestRealPath(path: string, realPath: (path: string) => Promise<string>): Promise<string | undefined> {
  try {
    return await realPath(path);
  } catch (error) {
    const [, above, name] = /^(.*?)\/*([^/]+)\/*$/.exec(path) ?? [];
    // `..` of a directory that is not there leads nowhere.
    const isNew = error instanceof Error && error.name === "NotFound" && name !== undefined && !/^\.{1,2}$/.test(name);
    if (!isNew) return undefined;
    const real = await nearestRealPath(above || (path.startsWith("/") ? "/" : "."), realPath);
    return real === undefined ? undefined : `${real.replace(/\/$/, "")}/${name}`;
  }
}

/** The absolute path that a path is as long as no part of it is a link. */
function plainPath(path: string, here: string | undefined): string | undefined {
  if (!path.startsWith("/") && here === undefined) return undefined;
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${here}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
