import { PNG_HEAD_BYTES, PNG_TAIL_BYTES, pngHead, pngTail } from "./_png_file.ts";
import type { PictureKernels } from "./wasm/picture_kernels.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Arrays that {@linkcode encodeInMemory} needs room for: the pixels, the filtered rows, the file. */
export function pngRoom({ width, height }: Size): number[] {
  const filtered = (3 * width + 1) * height;
  // No byte takes more than 15 bits, and a block of 32,768 tokens has a header of less than 1 KiB.
  const file = PNG_HEAD_BYTES + 2 * filtered + 1024 * (1 + (filtered >> 15)) + PNG_TAIL_BYTES;
  return [3 * width * height, filtered, file];
}

/** Encodes the RGB pixels that lie at the first of the addresses. */
export function encodeInMemory(
  size: Size,
  { kernels: { call, bytes }, addresses: [pixels, rows, file] }: { kernels: PictureKernels; addresses: number[] },
): Uint8Array<ArrayBuffer> {
  const pitch = 3 * size.width;
  call.filterRows(pixels, pitch, size.height, rows);
  const length = call.deflate(rows, (pitch + 1) * size.height, file + PNG_HEAD_BYTES);
  const memory = bytes();
  memory.set(pngHead(size), file);
  new DataView(memory.buffer).setUint32(file + PNG_HEAD_BYTES - 8, length);
  const end = file + PNG_HEAD_BYTES + length;
  memory.set(pngTail(call.crc32(file + PNG_HEAD_BYTES - 4, length + 4) >>> 0), end);
  return memory.slice(file, end + PNG_TAIL_BYTES);
}
