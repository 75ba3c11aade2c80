/**
 * Lists the project's own files for the house checks.
 * @module
 */

/** Root of the project. */
export const ROOT: URL = new URL("../../", import.meta.url);

/** Returns whether a folder holds the project's own text: not data, nor hidden, but for those of the code host and CI. */
function isOwn(name: string): boolean {
  if (name.startsWith(".")) return name === ".ci" || name === ".github";
  return !["node_modules", "data", "coverage", "dist", "fixtures", "tmp"].includes(name);
}

/** Returns every file of the project, relative to its root, sorted; data folders and fixtures are left out. */
export function projectFiles(folder = ""): string[] {
  const files: string[] = [];
  for (const entry of Deno.readDirSync(new URL(folder, ROOT))) {
    if (entry.isDirectory && isOwn(entry.name)) files.push(...projectFiles(`${folder}${entry.name}/`));
    if (entry.isFile) files.push(folder + entry.name);
  }
  return files.sort();
}

/** Returns whether a path is a module. */
export function isModule(path: string): boolean {
  return /\.(?:ts|mts|js|mjs)$/.test(path);
}

/** Reads a file of the project. */
export function readProject(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** Returns whether a file was written by a tool: a line near its top starts with "Generated", or it lies in a build folder. */
export function isGenerated(path: string, text: string): boolean {
  return path.includes("/build/") || /^\W*Generated\b/m.test(text.slice(0, 1000));
}

/** Resolves a relative specifier of a project file to a path relative to the root. */
export function resolvePath(from: string, specifier: string): string {
  return new URL(specifier, new URL(from, "file:///")).pathname.slice(1);
}
