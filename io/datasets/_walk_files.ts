import { DatasetError } from "../../compute/errors.ts";
import { leadsOutside } from "../contained.ts";
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
 * @param root The data set's directory, which no link may leave.
 * @throws {DatasetError} If a link leads out of the root.
 */
export async function listEntries(path: string, root: string): Promise<DirectoryListing> {
  const directories: string[] = [];
  const files: string[] = [];
  await checkWithin(root, path);
  for await (const entry of Deno.readDir(path)) {
    let { isFile, isDirectory } = entry;
    if (entry.isSymlink) {
      const target = await followLink(`${path}/${entry.name}`, root);
      [isFile, isDirectory] = [target?.isFile ?? false, target?.isDirectory ?? false];
    }
    if (isDirectory) directories.push(entry.name);
    else if (isFile) files.push(entry.name);
  }
  return { directories: directories.sort(compareCodePoints), files: files.sort(compareCodePoints) };
}

/** What a link leads to; undefined when it leads nowhere. */
async function followLink(path: string, root: string): Promise<Deno.FileInfo | undefined> {
  await checkWithin(root, path);
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Refuses a path that a link takes out of the data set.
 *
 * @throws {DatasetError} If it does; names the link and where it leads.
 */
export async function checkWithin(root: string, path: string): Promise<void> {
  const target = await leadsOutside(root, path);
  if (target === undefined) return;
  throw new DatasetError(
    `Cannot follow the link ${path}: it leads to ${target}, outside of ${root}; copy the files into it`,
    { path },
  );
}

/**
 * Pictures below a directory, as paths relative to it: directories in code-point order of their paths, and files in
 * code-point order within each, as Python's `sorted(os.walk(…, followlinks=True))`.
 *
 * @param within The data set's directory, which no link may leave.
 * @throws {DatasetError} If a link leads out of it, or back to a directory above itself.
 */
export async function walkPictures(root: string, within: string): Promise<string[]> {
  const found: { directory: string; files: string[] }[] = [];
  await walk({ root, within }, "", new Set(), found);
  found.sort((a, b) => compareCodePoints(a.directory, b.directory));
  return found.flatMap(({ directory, files }) => files.map((file) => directory === "" ? file : `${directory}/${file}`));
}

async function walk(
  place: { readonly root: string; readonly within: string },
  below: string,
  above: ReadonlySet<string>,
  found: { directory: string; files: string[] }[],
): Promise<void> {
  const { root, within } = place;
  const path = below === "" ? root : `${root}/${below}`;
  const real = await Deno.realPath(path);
  if (above.has(real)) {
    throw new DatasetError(`Cannot walk ${path}: the link leads back to ${real}, remove it`, { path });
  }
  const { directories, files } = await listEntries(path, within);
  found.push({ directory: below, files: files.filter(isPictureName) });
  for (const name of directories) {
    await walk(place, below === "" ? name : `${below}/${name}`, new Set([...above, real]), found);
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
