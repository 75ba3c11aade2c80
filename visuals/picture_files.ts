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

/** The ending of a drawn picture's name; undefined when no pictures are drawn. */
export function pictureEnding({ render }: Pick<VisualsConfig, "render">): "png" | "jpg" | undefined {
  return render === "viewer-only" ? undefined : render === "jpeg" ? "jpg" : "png";
}

/** How a configuration wants its pictures drawn. */
export function drawSettings(config: VisualsConfig): DrawSettings {
  const { render, fit, gridScale: scale, maxPixels, exif: applyExif, grid, epsilon } = config;
  return {
    format: render === "jpeg" ? "jpeg" : "png",
    fit,
    scale,
    maxPixels,
    applyExif,
    grid: grid === undefined ? undefined : { rows: grid[0], cols: grid[1] },
    epsilon,
  };
}
