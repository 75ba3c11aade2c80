/**
 * JPEG files, for pictures that people look at; heatmaps that are compared stay PNG.
 * @module
 */
import { encodeMozjpeg } from "./_mozjpeg.js";
import type { Picture } from "./picture.ts";

/** Largest side that the format can state. */
const MAX_SIDE = 65_535;

/**
 * Encodes a picture as a baseline JPEG: 4:2:0 chroma, standard tables, optimised Huffman codes, no metadata.
 *
 * @param picture The picture.
 * @param options `quality` 1 … 100, default 82.
 * @returns The file.
 * @throws {RangeError} If the quality is no integer from 1 to 100, or a side passes 65,535 pixels.
 *
 * Source: ITU-T T.81, by MozJPEG.
 *
 * @example
 * ```ts
 * import { encodeJpeg } from "./encode_jpeg.ts";
 * import { picture } from "./picture.ts";
 * const file = await encodeJpeg(picture(16, 8));
 * console.assert(file[0] === 0xff && file[1] === 0xd8);
 * ```
 */
export async function encodeJpeg(picture: Picture, options: { readonly quality?: number } = {}): Promise<Uint8Array> {
  const { quality = 82 } = options;
  const { width, height, data } = picture;
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new RangeError(`Cannot encode a JPEG of quality ${quality}: expected an integer from 1 to 100`);
  }
  if (width > MAX_SIDE || height > MAX_SIDE) {
    throw new RangeError(`Cannot encode ${width} x ${height} pixels as JPEG: its sides end at ${MAX_SIDE}`);
  }
  const rgba = new Uint8Array(width * height * 4);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    rgba[to] = data[from];
    rgba[to + 1] = data[from + 1];
    rgba[to + 2] = data[from + 2];
    rgba[to + 3] = 255;
  }
  return (await encodeMozjpeg(rgba, width, height, {
    quality,
    baseline: true,
    arithmetic: false,
    progressive: false,
    optimize_coding: true,
    smoothing: 0,
    color_space: 3,
    quant_table: 0,
    // Trellis search halves the speed for a few percent.
    trellis_multipass: false,
    trellis_opt_zero: false,
    trellis_opt_table: false,
    trellis_loops: 1,
    auto_subsample: false,
    chroma_subsample: 2,
    separate_chroma_quality: false,
    chroma_quality: quality,
  })).slice();
}
