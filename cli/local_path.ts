/**
 * URLs of local modules as paths.
 * @module
 */

/**
 * The path of a `file:` URL; undefined for any other, whose files are not on disk.
 *
 * @example
 * ```ts
 * import { localPath } from "./local_path.ts";
 * if (localPath("file:///a%20b/cli.ts") !== "/a b/cli.ts") throw new Error();
 * if (localPath("https://example.org/cli.ts") !== undefined) throw new Error();
 * ```
 */
export function localPath(url: string | URL): string | undefined {
  const { protocol, pathname } = new URL(url);
  // Windows: /C:/… is C:/…
  return protocol === "file:" ? decodeURIComponent(pathname).replace(/^\/(?=[A-Za-z]:)/, "") : undefined;
}
