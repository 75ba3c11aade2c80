/**
 * Pictures on their way from a data set to the threads that draw them.
 * @module
 */
import { PictureError } from "../compute/errors.ts";
import type { VisualsConfig } from "../config/types.ts";
import type { PictureSource } from "../io/datasets/picture_source.ts";
import type { DrawSettings, PictureFile } from "../render/draw_pictures.ts";

/** Reads a picture's file. One that cannot be read is shown as a placeholder: it is never fatal to a job. */
export async function readPicture(pictures: PictureSource, image: number): Promise<PictureFile> {
  const name = pictures.name(image);
  try {
    return { name, bytes: await pictures.bytes(image) };
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    return { name, bytes: undefined, failed: error.message };
  }
}

/** How a configuration wants its pictures drawn. */
export function drawSettings(config: VisualsConfig): DrawSettings {
  const { fit, gridScale: scale, maxPixels, exif: applyExif, grid, epsilon } = config;
  return {
    fit,
    scale,
    maxPixels,
    applyExif,
    grid: grid === undefined ? undefined : { rows: grid[0], cols: grid[1] },
    epsilon,
  };
}
