/**
 * Opens a picture data set of any kind.
 * @module
 */
import { ConfigError } from "../../compute/errors.ts";
import { openAde20k } from "./ade20k.ts";
import { openImageFolder } from "./image_folder.ts";
import { openImagenet } from "./imagenet.ts";
import type { PictureSource } from "./picture_source.ts";

/** Which pictures to open. */
export interface PicturesSpec {
  /** `image-folder` (root/class/file), `ade20k`, or `imagenet` (Hugging Face tables on disk). */
  readonly kind: "image-folder" | "ade20k" | "imagenet";
  /** The data set's directory. */
  readonly root: string;
  /** `training` or `validation` for ade20k (default training); a split's name for imagenet (default train). */
  readonly split?: string;
}

/**
 * Opens a picture data set; pictures are read later, one at a time.
 *
 * @param spec Kind, root and split.
 * @returns The pictures; close them when done.
 * @throws {ConfigError} If the kind is unknown.
 * @throws {DatasetError} If the root, the split, or the pictures are missing, or a table cannot be read.
 *
 * @example
 * ```ts
 * import { openPictures } from "./open_pictures.ts";
 * const pictures = await openPictures({ kind: "image-folder", root: "fixtures/demo/emoji/images" });
 * console.assert((await pictures.bytes(0)).length > 0);
 * pictures.close();
 * ```
 */
export async function openPictures(spec: PicturesSpec): Promise<PictureSource> {
  const { kind, split } = spec;
  const root = spec.root.length > 1 ? spec.root.replace(/\/+$/, "") : spec.root;
  switch (kind) {
    case "image-folder":
      return await openImageFolder(root);
    case "ade20k":
      return await openAde20k(root, split ?? "training");
    case "imagenet":
      return await openImagenet(root, split ?? "train");
    default:
      throw new ConfigError(
        `Cannot open pictures of kind "${kind}", expected one of image-folder, ade20k, imagenet`,
        { path: "images.kind" },
      );
  }
}
