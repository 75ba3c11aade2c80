/**
 * A heatmap and its JPEG: for readers who would rather have files of a sixth of the size than exact pixels.
 * @module
 */
import { encodeJpeg } from "./encode_jpeg.ts";
import { drawHeatmap, type HeatmapOptions } from "./heatmap.ts";
import type { Picture } from "./picture.ts";

/** Of the pictures: 4:2:0 at 90 keeps patch borders clean, where 75 rings. */
export const DRAWN_JPEG_QUALITY = 90;

/**
 * Draws values over a picture and encodes it as a JPEG of quality {@linkcode DRAWN_JPEG_QUALITY}.
 *
 * @param ground The picture; not changed.
 * @param values `f32 [rows, cols]`, row-major; an empty array draws nothing.
 * @param options The scale and the grid.
 * @returns The file's bytes.
 * @throws {RangeError} If the values do not fill the grid.
 *
 * @example
 * ```ts
 * import { decodePicture } from "./decode_picture.ts";
 * import { drawJpeg } from "./draw_jpeg.ts";
 * import { picture } from "./picture.ts";
 * const file = drawJpeg(picture(32, 32), new Float32Array([0, 0, 0, 1]), { upper: 1 });
 * const drawn = await decodePicture(file);
 * console.assert(drawn.data[0] < 16 && drawn.data.at(-3)! > 200);
 * ```
 */
export function drawJpeg(ground: Picture, values: Float32Array, options: HeatmapOptions): Uint8Array<ArrayBuffer> {
  return encodeJpeg(drawHeatmap(ground, values, options), { quality: DRAWN_JPEG_QUALITY });
}
