import { DatasetError } from "../../compute/errors.ts";
import { isDirectory } from "../open_file.ts";

/** Extensions of pictures, in lower case: torchvision's list. */
const PICTURE_EXTENSIONS = [".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"];

/** Whether a file's name ends like a picture's, in any case. */
export function isPictureName(name: string): boolean {
  const lower = name.toLowerCase();
  return PICTURE_EXTENSIONS.some((extension) => lower.endsWith(extension));
}

/** Orders strings by code point, as Python sorts; UTF-16 units, JavaScript's way, differ beyond U+D7FF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return order(x) - order(y);
  }
  return a.length - b.length;
}

/** A UTF-16 unit moved so that surrogates, which stand for the highest code points, sort last. */
function order(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x2000 : unit >= 0xe000 ? unit - 0x800 : unit;
}

/** A directory's entries, with symbolic links resolved to what they lead to. */
export interface DirectoryListing {
  readonly directories: string[];
  readonly files: string[];
}

/**
 * Names in one directory, each list sorted by code point.
 *
 * @throws {DatasetError} If a link leads to where the process may not read.
 */
export async function listEntries(path: string): Promise<DirectoryListing> {
  const directories: string[] = [];
  const files: string[] = [];
  for await (const entry of Deno.readDir(path)) {
    let { isFile, isDirectory } = entry;
    if (entry.isSymlink) {
      const target = await followLink(`${path}/${entry.name}`);
      [isFile, isDirectory] = [target?.isFile ?? false, target?.isDirectory ?? false];
    }
    if (isDirectory) directories.push(entry.name);
    else if (isFile) files.push(entry.name);
  }
  return { directories: directories.sort(compareCodePoints), files: files.sort(compareCodePoints) };
}

/** What a link leads to; undefined when it leads nowhere. Read permission is checked at the target, not the link. */
async function followLink(path: string): Promise<Deno.FileInfo | undefined> {
  let target: string;
  try {
    target = await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const { state } = await Deno.permissions.query({ name: "read", path: target });
  if (state !== "granted") {
    throw new DatasetError(
      `Cannot follow the link ${path}: it leads to ${target}, run again with --allow-read=${target}`,
      { path },
    );
  }
  return await Deno.stat(target);
}

/**
 * Pictures below a directory, as paths relative to it: directories in code-point order of their paths, and files in
 * code-point order within each, as Python's `sorted(os.walk(…, followlinks=True))`.
 *
 * @throws {DatasetError} If a link leads back to a directory above it.
 */
export async function walkPictures(root: string): Promise<string[]> {
  const found: { directory: string; files: string[] }[] = [];
  await walk(root, "", new Set(), found);
  found.sort((a, b) => compareCodePoints(a.directory, b.directory));
  return found.flatMap(({ directory, files }) => files.map((file) => directory === "" ? file : `${directory}/${file}`));
}

async function walk(
  root: string,
  below: string,
  above: ReadonlySet<string>,
  found: { directory: string; files: string[] }[],
): Promise<void> {
  const path = below === "" ? root : `${root}/${below}`;
  const real = await Deno.realPath(path);
  if (above.has(real)) {
    throw new DatasetError(`Cannot walk ${path}: the link leads back to ${real}, remove it`, { path });
  }
  const { directories, files } = await listEntries(path);
  found.push({ directory: below, files: files.filter(isPictureName) });
  for (const name of directories) {
    await walk(root, below === "" ? name : `${below}/${name}`, new Set([...above, real]), found);
  }
}

/**
 * Makes sure that a data set's directory is there.
 *
 * @throws {DatasetError} If it is not.
 */
export async function requireDirectory(path: string, what: string): Promise<void> {
  if (!await isDirectory(path)) {
    throw new DatasetError(`Cannot open ${what}: there is no directory ${path}`, { path });
  }
}
