/**
 * GIF pictures: the first frame.
 * @module
 */
import { checkSize, type DecodeContext, pictureError, viewOf } from "./_decode_context.ts";
import { expandLzw, MAX_LZW_RATIO } from "./_lzw.ts";
import { type Picture, picture } from "./picture.ts";

/** First rows and steps of an interlaced frame's four passes. */
const INTERLACE = [[0, 8], [4, 8], [2, 4], [1, 2]];

/**
 * Decodes a GIF's first frame as Pillow's `convert("RGB")`: transparency is dropped, and what the frame does not cover
 * of the screen has the colour of the transparent index, or of index 0.
 *
 * @param bytes The file.
 * @param context Name and size limit.
 * @throws {PictureError} If there is no frame, it is damaged or cut off, or the size passes the limit.
 *
 * Source: GIF89a specification; Pillow 9.4, `GifImagePlugin.py`.
 */
export function decodeGif(bytes: Uint8Array, context: DecodeContext): Picture {
  if (bytes.length < 13) throw pictureError(context, `it is cut off after ${bytes.length} bytes`);
  const view = viewOf(bytes);
  const screen = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  checkSize(context, screen.width, screen.height);
  let palette = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  let at = 13;
  const readPalette = (flags: number): void => {
    if ((flags & 0x80) === 0) return;
    const size = 3 * (2 << (flags & 7));
    palette = new Uint8Array(768);
    palette.set(bytes.subarray(at, at + size));
    at += size;
  };
  readPalette(bytes[10]);
  let transparent = 0;
  while (bytes[at] === 0x21) {
    // A graphic control extension names the transparent index in its fifth byte.
    if (bytes[at + 1] === 0xf9 && (bytes[at + 3] & 1) !== 0) transparent = bytes[at + 6];
    at = skipBlocks(bytes, at + 2);
  }
  if (bytes[at] !== 0x2c || at + 11 > bytes.length) {
    throw pictureError(context, `it has no frame: found ${bytes[at] ?? "the end"} at byte ${at}, expected 44`);
  }
  const [left, top, width, height] = [1, 3, 5, 7].map((offset) => view.getUint16(at + offset, true));
  const flags = bytes[at + 9];
  checkSize(context, Math.max(screen.width, left + width), Math.max(screen.height, top + height));
  at += 10;
  readPalette(flags);
  const literalBits = bytes[at++];
  if (!(literalBits >= 1 && literalBits <= 8)) {
    throw pictureError(context, `its frame says ${literalBits} bits a pixel, expected 1 to 8`);
  }
  const packed = joinBlocks(bytes, at);
  if (width * height > MAX_LZW_RATIO * packed.length) {
    throw pictureError(context, `its frame holds ${packed.length} bytes, too few for ${width * height} pixels`);
  }
  const indices = expandLzw(packed, width * height, { literalBits, tiff: false });
  if (indices.length < width * height) {
    throw pictureError(context, `its frame holds ${indices.length} pixels, expected ${width * height}`);
  }
  const out = picture(Math.max(screen.width, left + width), Math.max(screen.height, top + height));
  for (let i = 0; i < out.data.length; i++) out.data[i] = palette[3 * transparent + i % 3];
  const passes = (flags & 0x40) !== 0 ? INTERLACE : [[0, 1]];
  let source = 0;
  for (const [first, step] of passes) {
    for (let y = first; y < height; y += step) {
      let o = 3 * ((top + y) * out.width + left);
      for (let x = 0; x < width; x++) {
        const entry = 3 * indices[source++];
        out.data[o++] = palette[entry];
        out.data[o++] = palette[entry + 1];
        out.data[o++] = palette[entry + 2];
      }
    }
  }
  return out;
}

/** The contents of sub-blocks from `at` on, joined. */
function joinBlocks(bytes: Uint8Array, at: number): Uint8Array {
  const data = new Uint8Array(bytes.length - Math.min(at, bytes.length));
  let length = 0;
  while (at < bytes.length && bytes[at] !== 0) {
    const block = bytes.subarray(at + 1, at + 1 + bytes[at]);
    data.set(block, length);
    length += block.length;
    at += 1 + bytes[at];
  }
  return data.subarray(0, length);
}

/** Where sub-blocks from `at` on end. Nothing is copied: a file may have an extension for every three bytes. */
function skipBlocks(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && bytes[at] !== 0) at += 1 + bytes[at];
  return at + 1;
}
