/**
 * Pictures laid out once, however many latents show them, in bounded memory.
 * @module
 */
import { PictureError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import { decodePicture } from "../render/decode_picture.ts";
import { fitGeometry } from "../render/fit.ts";
import { type Picture, placeholderPicture } from "../render/picture.ts";
import { resize } from "../render/resize.ts";

/** Memory for pictures that may be shown again. */
const MAX_CACHE_BYTES = 256 * 2 ** 20;

/** A picture ready for its heatmap, or the reason why there is none. */
export interface LaidOutPicture {
  /** The picture at its output size; a placeholder when it could not be read. */
  readonly picture: Picture;
  /** Why it is a placeholder. */
  readonly failed: string | undefined;
}

/** Decodes and lays out pictures on demand; the ones shown longest ago make room. */
export class PictureCache {
  #entries = new Map<number, LaidOutPicture>();
  #bytes = 0;

  /** Reads through `source`; geometry and limits come from the configuration. */
  constructor(
    private readonly source: PictureSource,
    private readonly config: Pick<VisualsConfig, "fit" | "gridScale" | "maxPixels" | "exif">,
  ) {}

  /** The picture of an image. A picture that cannot be read gives a placeholder: it is never fatal to a run. */
  async get(image: number): Promise<LaidOutPicture> {
    const found = this.#entries.get(image);
    if (found !== undefined) {
      this.#entries.delete(image);
      this.#entries.set(image, found);
      return found;
    }
    const entry = await this.#load(image);
    this.#entries.set(image, entry);
    this.#bytes += entry.picture.data.length;
    for (const [oldest, { picture }] of this.#entries) {
      if (this.#bytes <= MAX_CACHE_BYTES || oldest === image) break;
      this.#entries.delete(oldest);
      this.#bytes -= picture.data.length;
    }
    return entry;
  }

  async #load(image: number): Promise<LaidOutPicture> {
    const { fit, gridScale: scale, maxPixels, exif } = this.config;
    try {
      const bytes = await this.source.bytes(image);
      const decoded = await decodePicture(bytes, { name: this.source.name(image), maxPixels, applyExif: exif });
      const { resized, window } = fitGeometry(decoded.width, decoded.height, { fit, scale });
      return { picture: resize(decoded, resized, window), failed: undefined };
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      return { picture: placeholderPicture(224 * scale, 224 * scale), failed: error.message };
    }
  }
}
