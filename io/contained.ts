/**
 * Keeps reading within the directory that was named.
 *
 * Deno checks permissions at a link, not where it leads, and a granted directory may be writable by others: a link in it
 * to `/etc/shadow` or to another user's data must not make that a shard or a picture.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { isDirectory, realPath } from "./open_file.ts";

/**
 * Where a path leads if that is outside of `root`; undefined if it is within it, or there is nothing.
 *
 * When the root itself is a link, what it leads to counts as the root.
 *
 * @example
 * ```ts
 * import { leadsOutside } from "./contained.ts";
 * console.assert(await leadsOutside("fixtures", "fixtures/README.md") === undefined);
 * console.assert((await leadsOutside("fixtures/demo", "fixtures/README.md"))?.endsWith("/README.md"));
 * ```
 */
export async function leadsOutside(root: string, path: string): Promise<string | undefined> {
  let target: string;
  try {
    target = await realPath(path);
  } catch (error) {
    // A link that leads nowhere is reported by whoever needs the file.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const real = await realPath(root);
  return target === real || target.startsWith(real.endsWith("/") ? real : `${real}/`) ? undefined : target;
}

/**
 * Refuses an output directory that is reached by a link out of `root`, or holds one: what a job writes, moves and removes there
 * would lie elsewhere. Looks at the directory itself and at what lies directly in it.
 *
 * @param root The directory that was named; it may be a link itself.
 * @param directory `root`, or a directory below it, which need not exist yet.
 * @throws {ArtifactError} That names the link and where it leads.
 *
 * @example
 * ```ts
 * import { refuseLinksOut } from "./contained.ts";
 * await refuseLinksOut("fixtures", "fixtures/demo/emoji");
 * ```
 */
export async function refuseLinksOut(root: string, directory: string): Promise<void> {
  const refuse = async (path: string): Promise<void> => {
    const target = await leadsOutside(root, path);
    if (target === undefined) return;
    const what = `Cannot follow the link ${path}: it leads to ${target}, outside of ${root}`;
    throw new ArtifactError(`${what}; remove the link, or name the directory that it leads to`, { path });
  };
  // What is not there yet is made below the nearest that is.
  for (let path = directory; path.length > root.length; path = path.slice(0, Math.max(0, path.lastIndexOf("/")))) {
    await refuse(path);
  }
  if (!await isDirectory(directory)) return;
  for await (const { name, isSymlink } of Deno.readDir(directory)) if (isSymlink) await refuse(`${directory}/${name}`);
}
