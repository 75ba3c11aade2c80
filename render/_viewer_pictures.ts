/**
 * Which pictures are stored, in a few bytes each: a data set may have millions.
 * @module
 */
import { fitGeometry } from "./fit.ts";
import { affineOf } from "./_viewer_files.ts";
import type { ViewerPicture, ViewerRun } from "./viewer_data.ts";
import { type PictureData, picturePath } from "./viewer/format.ts";

/** Endings of stored files; an image's code is its ending's place here plus one, 0 stands for none yet. */
const ENDINGS = ["", "jpg", "png", "webp"] as const;

/** Sizes and endings of the pictures of a run. */
export class PictureShelf {
  readonly #run: ViewerRun;
  readonly #labelOf: (image: number) => number;
  readonly #width: Uint32Array;
  readonly #height: Uint32Array;
  readonly #code: Uint8Array;
  readonly #failed = new Map<number, string>();

  /** An empty one; `labelOf` gives the index of an image's label. */
  constructor(run: ViewerRun, labelOf: (image: number) => number) {
    this.#run = run;
    this.#labelOf = labelOf;
    this.#width = new Uint32Array(run.images);
    this.#height = new Uint32Array(run.images);
    this.#code = new Uint8Array(run.images);
  }

  /** Whether it is known already. */
  has(image: number): boolean {
    return this.#code[image] > 0;
  }

  /** Takes over what is to be known of a picture; gives its path below the page, empty when it failed. */
  put(image: number, picture: ViewerPicture): string {
    if ("failed" in picture) {
      this.#failed.set(image, picture.failed);
      this.#code[image] = 1;
      return "";
    }
    const ending = picture.type === "jpeg" ? "jpg" : picture.type;
    this.#width[image] = picture.width;
    this.#height[image] = picture.height;
    this.#code[image] = ENDINGS.indexOf(ending) + 1;
    return picturePath(image, ending);
  }

  /** What a file of entries says of it. */
  data(image: number): PictureData {
    const [label, name] = [this.#labelOf(image), this.#run.name(image)];
    const failed = this.#failed.get(image);
    if (failed !== undefined) return [image, label, name, 1, 1, "", [1, 1, 0, 0], failed];
    const [width, height] = [this.#width[image], this.#height[image]];
    const affine = affineOf(fitGeometry(width, height, { fit: this.#run.fit }));
    return [image, label, name, width, height, ENDINGS[this.#code[image] - 1], affine];
  }
}
