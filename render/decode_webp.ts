/**
 * WebP pictures, decoded by libwebp: the same bits as Pillow.
 * @module
 */
import { asciiAt, checkSize, type DecodeContext, pictureError, viewOf } from "./_decode_context.ts";
import { decodeWebpRgba } from "./_webp.js";
import { type Picture, picture } from "./picture.ts";

/** A RIFF chunk: its name, and its body's place. */
interface Chunk {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Decodes a WebP, lossy or lossless; of an animation, the first frame on a black canvas. Alpha is dropped.
 *
 * @param bytes The file.
 * @param context Name and size limit.
 * @throws {PictureError} If the data is damaged or cut off, or the size passes the limit.
 *
 * Source: RFC 9649.
 */
export async function decodeWebp(bytes: Uint8Array, context: DecodeContext): Promise<Picture> {
  const chunks = readChunks(bytes, 12, bytes.length);
  const size = headerSize(bytes, chunks[0], context);
  checkSize(context, size.width, size.height);
  const frame = chunks.find(({ name }) => name === "ANMF");
  if (frame === undefined) return await decodeFrame(bytes, context);
  if (frame.end - frame.start < 16) throw pictureError(context, "its first frame is cut off");
  const left = 2 * uint24(bytes, frame.start), top = 2 * uint24(bytes, frame.start + 3);
  const stillBytes = stillOf(bytes, frame);
  // The frame states its own size once more, and the canvas's says nothing about it.
  const inner = readChunks(stillBytes, 12, stillBytes.length).find(({ name }) => name === "VP8 " || name === "VP8L");
  const frameSize = headerSize(stillBytes, inner, context);
  checkSize(context, frameSize.width, frameSize.height);
  const still = await decodeFrame(stillBytes, context);
  if (left + still.width > size.width || top + still.height > size.height) {
    throw pictureError(context, `its first frame leaves the canvas of ${size.width} x ${size.height} pixels`);
  }
  const out = picture(size.width, size.height);
  for (let y = 0; y < still.height; y++) {
    const row = still.data.subarray(3 * y * still.width, 3 * (y + 1) * still.width);
    out.data.set(row, 3 * ((top + y) * size.width + left));
  }
  return out;
}

async function decodeFrame(bytes: Uint8Array, context: DecodeContext): Promise<Picture> {
  let found: Awaited<ReturnType<typeof decodeWebpRgba>>;
  try {
    found = await decodeWebpRgba(bytes);
  } catch (cause) {
    throw pictureError(context, "its WebP data is damaged", cause);
  }
  if (found === undefined) throw pictureError(context, "its WebP data is damaged or cut off");
  const out = picture(found.width, found.height);
  for (let i = 0, o = 0; o < out.data.length; i += 4) {
    out.data[o++] = found.data[i];
    out.data[o++] = found.data[i + 1];
    out.data[o++] = found.data[i + 2];
  }
  return out;
}

/** The canvas's size, from the first chunk of any of the three kinds. */
function headerSize(
  bytes: Uint8Array,
  chunk: Chunk | undefined,
  context: DecodeContext,
): { width: number; height: number } {
  if (chunk !== undefined && chunk.start + 10 <= bytes.length) {
    const view = viewOf(bytes);
    const at = chunk.start;
    if (chunk.name === "VP8X") return { width: uint24(bytes, at + 4) + 1, height: uint24(bytes, at + 7) + 1 };
    if (chunk.name === "VP8 ") {
      return { width: view.getUint16(at + 6, true) & 0x3fff, height: view.getUint16(at + 8, true) & 0x3fff };
    }
    if (chunk.name === "VP8L") {
      const packed = view.getUint32(at + 1, true);
      return { width: (packed & 0x3fff) + 1, height: (packed >>> 14 & 0x3fff) + 1 };
    }
  }
  throw pictureError(context, `its first WebP chunk is ${chunk?.name ?? "missing"}, expected VP8, VP8L or VP8X`);
}

/** A still picture made of an animation's frame: its chunks under a header of their own. */
function stillOf(bytes: Uint8Array, frame: Chunk): Uint8Array {
  const body = bytes.subarray(frame.start + 16, frame.end);
  const extended = asciiAt(body, 0) === "ALPH";
  const out = new Uint8Array(12 + (extended ? 18 : 0) + body.length);
  const view = viewOf(out);
  const write = (text: string, at: number): void => out.set(new TextEncoder().encode(text), at);
  write("RIFF", 0);
  view.setUint32(4, out.length - 8, true);
  write("WEBP", 8);
  if (extended) {
    write("VP8X", 12);
    view.setUint32(16, 10, true);
    out[20] = 0x10;
    // The frame's width and height, each less one, in three bytes.
    out.set(bytes.subarray(frame.start + 6, frame.start + 12), 24);
  }
  out.set(body, out.length - body.length);
  return out;
}

/** The RIFF chunks in a range; a chunk that claims more than there is ends with the range. */
function readChunks(bytes: Uint8Array, from: number, to: number): Chunk[] {
  const chunks: Chunk[] = [];
  const view = viewOf(bytes);
  for (let at = from; at + 8 <= to;) {
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    chunks.push({ name: asciiAt(bytes, at), start, end: Math.min(to, start + length) });
    at = start + length + (length & 1);
  }
  return chunks;
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16;
}
