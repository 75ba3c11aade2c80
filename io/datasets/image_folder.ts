/**
 * Pictures in one directory per class.
 * @module
 */
import { DatasetError, PictureError } from "../../compute/errors.ts";
import { checkWithin, listEntries, requireDirectory, walkPictures } from "./_walk_files.ts";
import { checkIndex, type PictureSource } from "./picture_source.ts";

/**
 * Opens `root/<class>/…/<file>`, in torchvision's `ImageFolder` order.
 *
 * Classes are the directories of the root in code-point order; a class's files are found at any depth, directories
 * and then files in code-point order. Files are told by extension (.jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp,
 * any case); others are passed over, and so is a class without pictures. The label is the class directory's name.
 * Only names are held in memory.
 *
 * @param root The directory of class directories.
 * @returns The pictures.
 * @throws {DatasetError} If there is no such directory, or no picture in it.
 *
 * Source: torchvision, `datasets/folder.py`, `make_dataset`.
 *
 * @example
 * ```ts
 * import { openImageFolder } from "./image_folder.ts";
 * const pictures = await openImageFolder("fixtures/demo/emoji/images");
 * console.assert(pictures.length === 240 && pictures.label(0) === pictures.name(0).split("/")[0]);
 * pictures.close();
 * ```
 */
export async function openImageFolder(root: string): Promise<PictureSource> {
  await requireDirectory(root, "the image folder");
  const { directories } = await listEntries(root, root);
  const names: string[] = [];
  const labels: string[] = [];
  for (const label of directories) {
    for (const file of await walkPictures(`${root}/${label}`, root)) {
      names.push(`${label}/${file}`);
      labels.push(label);
    }
  }
  if (names.length === 0) {
    throw new DatasetError(
      `Cannot find pictures in ${root}: expected files such as ${root}/<class>/<file>.jpg, found ${directories.length} directories and none`,
      { path: root },
    );
  }
  return fileSource(root, names, labels);
}

/** Pictures in files below a root, by name and label. */
export function fileSource(root: string, names: readonly string[], labels: readonly string[]): PictureSource {
  return {
    length: names.length,
    label: (i: number): string => labels[checkIndex(i, names.length)],
    name: (i: number): string => names[checkIndex(i, names.length)],
    bytes: async (i: number): Promise<Uint8Array> => {
      const path = `${root}/${names[checkIndex(i, names.length)]}`;
      // Again, as the link may be newer than the list.
      await checkWithin(root, path);
      try {
        return await Deno.readFile(path);
      } catch (cause) {
        // Permission errors pass: they name the flag to add, and concern every picture.
        if (cause instanceof Deno.errors.NotCapable) throw cause;
        const found = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
        throw new PictureError(`Cannot read picture ${path}: ${found}`, { path }, { cause });
      }
    },
    close: (): void => {},
  };
}
