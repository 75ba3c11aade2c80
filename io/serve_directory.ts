/**
 * Serves an output directory to browsers on this computer.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import { isDirectory, realPath } from "./open_file.ts";

/** What the viewer and its neighbours are made of; any other file is offered as a download. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  txt: "text/plain; charset=utf-8",
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  svg: "image/svg+xml",
};

/** The one address that is listened on. */
const HOST = "127.0.0.1";

/** A running server. */
export interface ServedDirectory {
  /** Where browsers find it. */
  readonly url: string;
  /** Settles when it has stopped. */
  readonly finished: Promise<void>;
  /** Stops it. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves the files below a directory on 127.0.0.1, to GET and HEAD.
 *
 * Nothing outside is served: a path is decoded once and refused if it has `..`, an empty or hidden part, a backslash or a
 * NUL; then links are followed, and what lies outside of the directory's own real path is refused too. Requests that
 * name another host are refused, so that no page elsewhere reaches the files by rebinding its name. Directories are
 * not listed: a path that ends in `/` means its `index.html`.
 *
 * @param root The directory.
 * @param options `port`: 0 … 65535, where 0 takes a free one; `signal` stops the server.
 * @returns The server.
 * @throws {ConfigError} If the directory does not exist, or the port is taken.
 *
 * @example
 * ```ts ignore
 * import { serveDirectory } from "./serve_directory.ts";
 * const server = await serveDirectory("data/sort_by_patch", { port: 8017 });
 * await server.close();
 * ```
 */
export async function serveDirectory(
  root: string,
  options: { readonly port: number; readonly signal?: AbortSignal },
): Promise<ServedDirectory> {
  if (!await isDirectory(root)) {
    throw new ConfigError(`Cannot serve ${root}: there is no such directory`, { path: "" });
  }
  const real = await realPath(root);
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve(
      { hostname: HOST, port: options.port, onListen: () => {} },
      (request) => respond(request, real, server.addr.port),
    );
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    throw new ConfigError(`Cannot listen on port ${options.port}: it is taken; choose another with --port`, {
      path: "port",
    }, { cause });
  }
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= server.shutdown();
  if (options.signal?.aborted) close();
  else options.signal?.addEventListener("abort", close, { once: true });
  return { url: `http://${HOST}:${server.addr.port}/`, finished: server.finished, close };
}

async function respond(request: Request, root: string, port: number): Promise<Response> {
  const host = request.headers.get("host");
  if (host !== `${HOST}:${port}` && host !== `localhost:${port}`) return refusal(403, "Another host was asked for");
  if (request.method !== "GET" && request.method !== "HEAD") return refusal(405, "Only GET and HEAD are answered");
  const path = await servedPath(root, new URL(request.url).pathname);
  if (path === undefined) return refusal(404, "Not found");
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return refusal(404, "Not found");
    }
    throw error;
  }
  const headers = {
    ...HEADERS,
    "content-type": CONTENT_TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream",
    "content-length": String((await file.stat()).size),
  };
  if (request.method === "HEAD") {
    file.close();
    return new Response(null, { headers });
  }
  return new Response(file.readable, { headers });
}

/** Files change while a run goes on, so browsers ask again; no other page may embed them. */
const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
};

function refusal(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, "content-type": "text/plain; charset=utf-8" } });
}

/**
 * The real path of the file that a request's path means; undefined if there is none that may be served.
 *
 * @param root The served directory, already resolved.
 * @param pathname A URL's path, still percent-encoded.
 */
export async function servedPath(root: string, pathname: string): Promise<string | undefined> {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  const relative = (decoded.endsWith("/") ? `${decoded}index.html` : decoded).slice(1);
  const isPlain = relative.split("/").every((part) => part !== "" && !part.startsWith("."));
  if (!decoded.startsWith("/") || !isPlain || /[\\\0]/.test(relative)) return undefined;
  try {
    const path = await realPath(`${root}/${relative}`);
    if (!path.startsWith(root.endsWith("/") ? root : `${root}/`)) return undefined;
    return (await Deno.stat(path)).isFile ? path : undefined;
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.FilesystemLoop;
    if (isMissing || error instanceof Error && /ENAMETOOLONG|too long/i.test(error.message)) return undefined;
    throw error;
  }
}
