import { type AxisWeights, PRECISION_BITS } from "./_axis_weights.ts";
import type { Picture } from "./picture.ts";
import type { PixelRect, ResizePlan } from "./resize.ts";

/** The two passes in plain arithmetic: what the kernels are compared with, and what runs where there are none. */
export function resizePlain(source: Picture, plan: ResizePlan): Uint8Array {
  const narrow = resizeRows(source, plan);
  return plan.down === undefined ? narrow : resizeColumns(narrow, plan.top, plan.cut, plan.down);
}

/** Resizes the rows that are needed along x; returns `u8 [rows, columns, 3]`. */
function resizeRows(source: Picture, { top, rows, cut, across }: ResizePlan): Uint8Array {
  const { x, width: columns } = cut;
  const out = new Uint8Array(rows * columns * 3);
  const pitch = source.width * 3;
  const pixels = source.data;
  if (across === undefined) {
    for (let row = 0; row < rows; row++) {
      const start = (top + row) * pitch + 3 * x;
      out.set(pixels.subarray(start, start + 3 * columns), row * columns * 3);
    }
    return out;
  }
  const { first, count, weights, stride } = across;
  const half = 1 << (PRECISION_BITS - 1);
  for (let row = 0, o = 0; row < rows; row++) {
    const line = (top + row) * pitch;
    for (let column = 0; column < columns; column++, o += 3) {
      let r = half, g = half, b = half;
      let at = line + 3 * first[column];
      const begin = column * stride;
      const end = begin + count[column];
      for (let k = begin; k < end; k++, at += 3) {
        const weight = weights[k];
        r = (r + Math.imul(pixels[at], weight)) | 0;
        g = (g + Math.imul(pixels[at + 1], weight)) | 0;
        b = (b + Math.imul(pixels[at + 2], weight)) | 0;
      }
      out[o] = clip8(r);
      out[o + 1] = clip8(g);
      out[o + 2] = clip8(b);
    }
  }
  return out;
}

/** Resizes `u8 [rows from top, cut.width, 3]` along y. */
function resizeColumns(narrow: Uint8Array, top: number, cut: PixelRect, down: AxisWeights): Uint8Array {
  const pitch = cut.width * 3;
  const out = new Uint8Array(cut.height * pitch);
  const sums = new Int32Array(pitch);
  for (let row = 0; row < cut.height; row++) {
    sums.fill(1 << (PRECISION_BITS - 1));
    for (let k = 0; k < down.count[row]; k++) {
      const weight = down.weights[row * down.stride + k];
      const line = (down.first[row] - top + k) * pitch;
      for (let i = 0; i < pitch; i++) sums[i] += Math.imul(narrow[line + i], weight);
    }
    for (let i = 0, o = row * pitch; i < pitch; i++, o++) out[o] = clip8(sums[i]);
  }
  return out;
}

/** A fixed-point sum as a sample: shifted down, clipped to 0 … 255. */
function clip8(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
