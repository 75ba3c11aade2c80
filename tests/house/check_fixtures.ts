/**
 * Compares every file under fixtures/ with fixtures/SHA256SUMS; `deno task fixtures` runs it, `deno task fixtures:update`
 * writes the list anew.
 * @module
 */

/** Returns what is missing, changed or not listed, as lines such as `changed: demo/vit.onnx`. */
export async function fixtureErrors(root: URL): Promise<{ errors: string[]; checked: number }> {
  const errors: string[] = [];
  const listed = new Map<string, string>();
  for (const line of (await Deno.readTextFile(new URL("SHA256SUMS", root))).trimEnd().split("\n")) {
    listed.set(line.slice(66), line.slice(0, 64));
  }
  const found = new Set(await list(root, ""));
  for (const path of found) if (!listed.has(path)) errors.push(`not listed: ${path}`);
  for (const [path, sum] of listed) {
    if (!found.has(path)) errors.push(`missing: ${path}`);
    else if (await sha256(await Deno.readFile(new URL(path, root))) !== sum) errors.push(`changed: ${path}`);
  }
  return { errors, checked: listed.size };
}

/** Returns the list for the files that are there now, as `sha256sum --check` reads it. */
export async function fixtureSums(root: URL): Promise<string> {
  const lines: string[] = [];
  for (const path of (await list(root, "")).sort()) {
    lines.push(`${await sha256(await Deno.readFile(new URL(path, root)))}  ${path}\n`);
  }
  return lines.join("");
}

async function list(root: URL, folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = folder + entry.name;
    if (entry.isDirectory) files.push(...await list(root, `${path}/`));
    else if (path !== "SHA256SUMS") files.push(path);
  }
  return files;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

if (import.meta.main) {
  const root = new URL("../../fixtures/", import.meta.url);
  if (Deno.args.includes("--update")) await Deno.writeTextFile(new URL("SHA256SUMS", root), await fixtureSums(root));
  const { errors, checked } = await fixtureErrors(root);
  // deno-lint-ignore no-console -- what this script is for
  console.log(errors.length > 0 ? errors.join("\n") : `${checked} fixtures match fixtures/SHA256SUMS`);
  if (errors.length > 0) Deno.exit(1);
}
