/**
 * The ADE20K scene data set, as released for the 2016 challenge.
 * @module
 */
import { DatasetError } from "../../compute/errors.ts";
import { isDirectory, readSmallFile } from "../open_file.ts";
import { checkWithin, requireDirectory, walkPictures } from "./_walk_files.ts";
import { fileSource } from "./image_folder.ts";
import type { PictureSource } from "./picture_source.ts";

/** The real list of scenes holds 22,210 lines in under 1 MB. */
const MAX_SCENES_BYTES = 64 << 20;

/**
 * Opens `root/images/<split>/<image>.jpg`, with the scene of each picture from `root/sceneCategories.txt`.
 *
 * Pictures are in code-point order of their paths. Each line of the scene list is an image's name, without extension,
 * and its scene; labels are joined by that name, whatever the order of the lines. A picture that is not in the list
 * has the label `unknown`. Where there is `annotations/<split>/`, it holds each picture's labels of pixels as `<image>.png`.
 *
 * @param root The directory that holds `images/`, `annotations/` and `sceneCategories.txt`.
 * @param split `training` or `validation`.
 * @returns The pictures.
 * @throws {DatasetError} If a directory or the scene list is missing, a line of it is not two words, there is no
 *   picture, or no picture is in the list.
 *
 * Source: B. Zhou et al., "Scene Parsing through ADE20K Dataset", CVPR 2017 (the release's own README).
 */
export async function openAde20k(root: string, split: string): Promise<PictureSource> {
  await requireDirectory(root, "the ADE20K data set");
  const directory = `${root}/images/${split}`;
  await requireDirectory(directory, `the ${split} split of the ADE20K data set (expected training or validation)`);
  const scenes = await readScenes(`${root}/sceneCategories.txt`);
  const files = await walkPictures(directory, root);
  if (files.length === 0) throw new DatasetError(`Cannot find pictures in ${directory}`, { path: directory });
  const labels = files.map((file) => scenes.get(stem(file)));
  if (labels.every((label) => label === undefined)) {
    throw new DatasetError(
      `Cannot label the pictures of ${directory}: ${root}/sceneCategories.txt names none of them, for example not ${
        stem(files[0])
      }`,
      { path: `${root}/sceneCategories.txt` },
    );
  }
  const pictures = fileSource(
    root,
    files.map((file) => `images/${split}/${file}`),
    labels.map((label) => label ?? "unknown"),
  );
  if (!await isDirectory(`${root}/annotations/${split}`)) return pictures;
  const names = files.map((file) => `annotations/${split}/${file.replace(/\.\w+$/, ".png")}`);
  const annotations = fileSource(root, names, names);
  const annotation = async (i: number): Promise<{ name: string; bytes: Uint8Array }> => ({
    name: annotations.name(i),
    bytes: await annotations.bytes(i),
  });
  return { ...pictures, annotation };
}

/** A path's last part without its extension. */
function stem(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name.slice(0, name.lastIndexOf("."));
}

async function readScenes(path: string): Promise<Map<string, string>> {
  await checkWithin(path.slice(0, path.lastIndexOf("/")), path);
  const bytes = await readSmallFile(path, MAX_SCENES_BYTES, DatasetError);
  if (bytes === undefined) {
    throw new DatasetError(`Cannot label the ADE20K pictures: there is no file ${path}`, { path });
  }
  const scenes = new Map<string, string>();
  for (const [i, line] of new TextDecoder().decode(bytes).split("\n").entries()) {
    const words = line.trim();
    if (words === "") continue;
    const parts = /^(\S+)\s+(.+)$/.exec(words);
    if (parts === null) {
      throw new DatasetError(`Cannot read line ${i + 1} of ${path}: found "${words}", expected a name and a scene`, {
        path,
      });
    }
    scenes.set(parts[1], parts[2]);
  }
  return scenes;
}
