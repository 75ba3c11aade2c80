/**
 * The rooms of the project and which way their arrows may point.
 * @module
 */

/** Part of the project that a file belongs to. */
export type Room =
  | "compute"
  | "compute/reference"
  | "compute/wasm"
  | "compute/webgpu"
  | "io"
  | "render"
  | "config"
  | "visuals"
  | "cli"
  | "mod"
  | "deno.json"
  | "tests";

const COMPUTE: Room[] = ["compute", "compute/reference", "compute/wasm", "compute/webgpu"];

/** The rooms a room may import; `compute` reaches the accelerated ones by dynamic import only, see {@linkcode arrowError}. */
const ALLOWED: Record<Room, readonly Room[]> = {
  "compute": COMPUTE,
  "compute/reference": ["compute", "compute/reference"],
  "compute/wasm": ["compute", "compute/wasm"],
  "compute/webgpu": ["compute", "compute/webgpu"],
  "io": ["io", "compute"],
  "render": ["render", "compute"],
  "config": ["config", "compute"],
  "visuals": [...COMPUTE, "io", "render", "config", "visuals", "deno.json"],
  "cli": ["cli", "visuals", "config", "io", "compute", "deno.json"],
  "deno.json": [],
  "mod": [...COMPUTE, "io", "render", "config", "visuals", "mod"],
  "tests": [...COMPUTE, "io", "render", "config", "visuals", "cli", "mod", "deno.json", "tests"],
};

/** Returns the room of a path relative to the project root, or `undefined` when the path is in none. */
export function roomOf(path: string): Room | undefined {
  for (
    const room of ["compute/reference", "compute/wasm", "compute/webgpu", "compute", "io", "render", "tests"] as const
  ) {
    if (path.startsWith(`${room}/`)) return room;
  }
  for (const room of ["config", "visuals", "cli"] as const) {
    if (path === `${room}.ts` || path.startsWith(`${room}/`)) return room;
  }
  if (path === "deno.json") return path;
  return path === "mod.ts" ? "mod" : undefined;
}

/** Returns why an import may not be, or `undefined` when it may. */
export function arrowError(from: string, to: string, kind: "static" | "type" | "dynamic" | "url"): string | undefined {
  const [source, target] = [roomOf(from), roomOf(to)];
  if (!source || !target) return `${source ? to : from} is in no room`;
  if (!ALLOWED[source].includes(target)) return `${from} (${source}) imports ${to} (${target})`;
  if (source === "compute" && (target === "compute/wasm" || target === "compute/webgpu") && kind === "static") {
    return `${from} imports ${to} statically; an accelerated backend is loaded only when it is chosen`;
  }
  return undefined;
}

/** Returns the package of an `npm:` specifier that is pinned to one version as `npm:name@x.y.z[/path]`, else `undefined`. */
export function pinnedPackage(specifier: string): string | undefined {
  return /^npm:((?:@[\w.-]+\/)?[\w.-]+)@\d+\.\d+\.\d+(?:-[\w.]+)?(?:\/[\w./-]+)?$/.exec(specifier)?.[1];
}
