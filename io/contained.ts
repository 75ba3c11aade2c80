/**
 * Keeps reading within the directory that was named.
 *
 * Deno checks permissions at a link, not where it leads, and a granted directory may be writable by others: a link in it
 * to `/etc/shadow` or to another user's data must not make that a shard or a picture.
 * @module
 */
import { realPath } from "./open_file.ts";

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
