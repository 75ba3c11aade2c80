/**
 * A heatmap and its PNG in one go: the pixels stay in the kernels' memory.
 * @module
 */
import { encodeInMemory, pngRoom } from "./_encode_png_simd.ts";
import { encodePng } from "./encode_png.ts";
import { drawHeatmap, type HeatmapOptions, patchCovers } from "./heatmap.ts";
import type { Picture } from "./picture.ts";
import { reserve } from "./wasm/picture_kernels.ts";

/**
 * Draws values over a picture and encodes it: the bytes of `encodePng(drawHeatmap(ground, values, options))`.
 *
 * @param ground The picture; not changed.
 * @param values `f32 [rows, cols]`, row-major; an empty array draws nothing.
 * @param options The scale and the grid.
 * @returns The file's bytes.
 * @throws {RangeError} If the values do not fill the grid.
 *
 * @example
 * ```ts
 * import { drawPng } from "./draw_png.ts";
 * import { encodePng } from "./encode_png.ts";
 * import { drawHeatmap } from "./heatmap.ts";
 * import { picture } from "./picture.ts";
 * const [ground, values] = [picture(4, 4), new Float32Array([0, 0, 0, 1])];
 * const apart = encodePng(drawHeatmap(ground, values, { upper: 1 }));
 * console.assert(drawPng(ground, values, { upper: 1 }).every((byte, i) => byte === apart[i]));
 * ```
 */
export function drawPng(ground: Picture, values: Float32Array, options: HeatmapOptions): Uint8Array<ArrayBuffer> {
  return drawBySimd(ground, values, options) ?? encodePng(drawHeatmap(ground, values, options));
}

function drawBySimd(
  ground: Picture,
  values: Float32Array,
  options: HeatmapOptions,
): Uint8Array<ArrayBuffer> | undefined {
  const covers = values.length === 0 ? [] : patchCovers(values, ground, options);
  const room = reserve(pngRoom(ground));
  if (room === undefined) return undefined;
  const { kernels, addresses } = room;
  const pitch = 3 * ground.width;
  kernels.bytes().set(ground.data, addresses[0]);
  for (const { rect, color, alpha } of covers) {
    const at = addresses[0] + rect.y * pitch + 3 * rect.x;
    kernels.call.cover(at, pitch, 3 * rect.width, rect.height, ...color, alpha);
  }
  return encodeInMemory(ground, room);
}
