/**
 * Serves the project's modules on loopback, as a code host would.
 * @module
 */
import { ROOT } from "./_deno.ts";

const TYPES: Readonly<Record<string, string>> = {
  ts: "application/typescript",
  js: "text/javascript",
  json: "application/json",
  wasm: "application/wasm",
  wgsl: "text/plain",
};

/** A server and what it was asked for. */
export interface Served {
  readonly origin: string;
  readonly host: string;
  /** Paths that were asked for, in order. */
  readonly requests: string[];
}

/** Runs `body` while modules (and nothing else) are served from the project root. */
export async function withServer<T>(body: (served: Served) => Promise<T>): Promise<T> {
  const requests: string[] = [];
  // Deno keeps what it has loaded by address, and a port may come again.
  const prefix = `/${crypto.randomUUID()}`;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname: asked } = new URL(request.url);
    if (!asked.startsWith(`${prefix}/`)) return new Response("not found", { status: 404 });
    const pathname = asked.slice(prefix.length);
    requests.push(pathname);
    const type = TYPES[pathname.slice(pathname.lastIndexOf(".") + 1)];
    const file = await Deno.readFile(new URL(`.${pathname}`, ROOT)).catch(() => undefined);
    if (!type || !file) return new Response("not found", { status: 404 });
    return new Response(file, { headers: { "content-type": type } });
  });
  const host = `127.0.0.1:${server.addr.port}`;
  try {
    return await body({ origin: `http://${host}${prefix}`, host, requests });
  } finally {
    await server.shutdown();
  }
}
