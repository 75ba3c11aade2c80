/**
 * Bundles `compute/` and `render/` into one module each, for Node and for pages: `compute.mjs`, `render.mjs`, in `dist/` or the
 * directory that is given.
 *
 * `deno bundle` does not read `import source`, which is how decoders and the plotter bring their WebAssembly; in a copy of the sources
 * those imports become modules that hold the bytes. Needs `--unstable-raw-imports` to get at them.
 * @module
 */
const ROOT = new URL("../../", import.meta.url);
const DIST = new URL(`${Deno.args[0] ?? "dist"}/`, ROOT);
const COPY = new URL("copy/", DIST);
const SOURCE_IMPORT = /^import source (\w+) from "(npm:[^"]+\.wasm)";$/m;

/** Files of a room that are modules or parts of them. */
async function copyRoom(room: string): Promise<void> {
  const from = new URL(`${room}/`, ROOT);
  const to = new URL(`${room}/`, COPY);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyRoom(`${room}/${name}`);
    else if (name.endsWith(".js")) await Deno.writeTextFile(new URL(name, to), await embedded(name, from, to));
    else await Deno.copyFile(new URL(name, from), new URL(name, to));
  }
}

/** The source with its source import replaced by one of a module that holds the bytes. */
async function embedded(name: string, from: URL, to: URL): Promise<string> {
  const source = await Deno.readTextFile(new URL(name, from));
  const match = SOURCE_IMPORT.exec(source);
  if (match === null) return source;
  const [line, variable, specifier] = match;
  const { default: bytes } = await import(specifier, { with: { type: "bytes" } }) as { default: Uint8Array };
  const holder = `${name}.wasm.js`;
  const text = `const text = atob("${bytes.toBase64()}");
export default new WebAssembly.Module(Uint8Array.from(text, (unit) => unit.charCodeAt(0)));
`;
  await Deno.writeTextFile(new URL(holder, to), text);
  return source.replace(line, `import ${variable} from "./${holder}";`);
}

async function bundle(room: string): Promise<void> {
  const path = (url: URL): string => decodeURIComponent(url.pathname);
  const args = ["bundle", "--quiet", "--platform", "browser", "-o", path(new URL(`${room}.mjs`, DIST))];
  const { code, stderr } = await new Deno.Command("deno", {
    args: [...args, path(new URL(`${room}/mod.ts`, COPY))],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
}

for (const room of ["compute", "render"]) await copyRoom(room);
for (const room of ["compute", "render"]) await bundle(room);
await Deno.remove(COPY, { recursive: true });
