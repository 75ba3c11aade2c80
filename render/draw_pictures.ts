/**
 * All heatmaps of one picture, the picture decoded and laid out once.
 * @module
 */
import { PictureError } from "../compute/errors.ts";
import { decodePicture } from "./decode_picture.ts";
import { drawPng } from "./draw_png.ts";
import { type Fit, fitGeometry, type PatchGrid } from "./fit.ts";
import { type Picture, placeholderPicture } from "./picture.ts";
import { resize } from "./resize.ts";

/** How every picture of a job is laid out and drawn. */
export interface DrawSettings {
  /** The files' format. */
  readonly format: "png" | "jpeg";
  /** The way to make it square. */
  readonly fit: Fit;
  /** The output is 224·scale pixels a side. */
  readonly scale: number;
  /** Largest width · height to decode, in pixels. */
  readonly maxPixels: number;
  /** Whether to turn the picture as its EXIF orientation says. */
  readonly applyExif: boolean;
  /** Rows and columns of patches; a square grid when undefined. */
  readonly grid: PatchGrid | undefined;
  /** Added to the scale's upper end. */
  readonly epsilon: number;
}

/** What is drawn over a picture for one file. */
export interface Heatmap {
  /** `f32 [P]`, row-major; empty to draw nothing. */
  readonly values: Float32Array;
  /** The value that is drawn strongest. */
  readonly upper: number;
}

/** A picture's file, or why there is none. */
export interface PictureFile {
  /** Named in messages. */
  readonly name: string;
  /** The file; undefined when it could not be read. */
  readonly bytes: Uint8Array | undefined;
  /** Why it could not be read. */
  readonly failed?: string;
}

/** A picture at its output size. */
export interface LaidOut {
  /** The picture, or a placeholder. */
  readonly picture: Picture;
  /** The source's size, in pixels; undefined for a placeholder. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** Why it is a placeholder. */
  readonly failed: string | undefined;
}

/**
 * Decodes a picture and fits it to the square.
 *
 * @returns The picture; a placeholder and the reason when it cannot be decoded, which is never fatal to a job.
 */
export async function layOut(file: PictureFile, settings: DrawSettings): Promise<LaidOut> {
  const { fit, scale, maxPixels, applyExif } = settings;
  let failed = file.failed;
  if (file.bytes !== undefined) {
    try {
      const decoded = await decodePicture(file.bytes, { name: file.name, maxPixels, applyExif });
      const { width, height } = decoded;
      const { resized, window } = fitGeometry(width, height, { fit, scale });
      return { picture: resize(decoded, resized, window), size: { width, height }, failed: undefined };
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      failed = error.message;
    }
  }
  const side = Math.max(1, Math.round(224 * scale));
  return {
    picture: placeholderPicture(side, side),
    size: undefined,
    failed: failed ?? `Cannot read picture ${file.name}`,
  };
}

/**
 * Draws heatmaps over a picture, each to a file of its own; a placeholder gets none.
 *
 * @param laid As {@linkcode layOut} gives it.
 * @param heatmaps What to draw.
 * @returns The files, in the same order.
 * @throws {RangeError} If values do not fill the grid.
 */
export async function drawHeatmaps(
  { picture, failed }: LaidOut,
  heatmaps: readonly Heatmap[],
  { format, grid, epsilon }: DrawSettings,
): Promise<Uint8Array<ArrayBuffer>[]> {
  // Loaded when needed: most jobs draw PNG files.
  const draw = format === "png" ? drawPng : (await import("./draw_jpeg.ts")).drawJpeg;
  if (failed !== undefined && heatmaps.length > 0) {
    const file = await draw(picture, new Float32Array(0), { upper: 1 });
    return heatmaps.map((_, i) => i === 0 ? file : file.slice());
  }
  const files: Uint8Array<ArrayBuffer>[] = [];
  for (const { values, upper } of heatmaps) files.push(await draw(picture, values, { upper, grid, epsilon }));
  return files;
}
