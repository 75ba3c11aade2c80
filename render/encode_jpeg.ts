/**
 * JPEG files, for pictures that people look at; heatmaps that are compared stay PNG.
 * @module
 */
import { type Planes, quantSteps, reciprocals, toPlanes, transform, ZIGZAG } from "./_jpeg_blocks.ts";
import { BitWriter, type Codes, makeCodes } from "./_jpeg_codes.ts";
import type { Picture } from "./picture.ts";

/** Largest side that the format can state. */
const MAX_SIDE = 65_535;
/** Blocks of a macroblock: four of brightness, then one of each colour difference; the component of each. */
const COMPONENTS = [0, 0, 0, 0, 1, 2];
/** Symbols: sixteen zeros, and the rest of a block is zero. */
const ZEROS = 0xf0;
const END = 0;

/**
 * Encodes a picture as a baseline JPEG: 4:2:0 chroma, standard tables, optimised Huffman codes, no metadata.
 *
 * @param picture The picture.
 * @param options `quality` 1 … 100, default 82.
 * @returns The file.
 * @throws {RangeError} If the quality is no integer from 1 to 100, or a side passes 65,535 pixels.
 *
 * Source: ITU-T T.81.
 *
 * @example
 * ```ts
 * import { encodeJpeg } from "./encode_jpeg.ts";
 * import { picture } from "./picture.ts";
 * const file = encodeJpeg(picture(16, 8));
 * console.assert(file[0] === 0xff && file[1] === 0xd8);
 * ```
 */
export function encodeJpeg(picture: Picture, options: { readonly quality?: number } = {}): Uint8Array<ArrayBuffer> {
  const { quality = 82 } = options;
  const { width, height } = picture;
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new RangeError(`Cannot encode a JPEG of quality ${quality}: expected an integer from 1 to 100`);
  }
  if (width > MAX_SIDE || height > MAX_SIDE) {
    throw new RangeError(`Cannot encode ${width} x ${height} pixels as JPEG: its sides end at ${MAX_SIDE}`);
  }
  const steps = quantSteps(quality);
  const planes = toPlanes(picture);
  const blocks = quantise(planes, steps);
  // Brightness and colour have tables of their own, for a block's mean and for its other numbers.
  const counts = Array.from({ length: 4 }, () => new Uint32Array(256));
  forSymbols(blocks, (table, symbol) => counts[table][symbol]++);
  const codes = counts.map(makeCodes);
  const bits = new BitWriter((width * height >> 2) + 1024);
  forSymbols(blocks, (table, symbol, value, size) => {
    bits.write(codes[table].code[symbol], codes[table].bits[symbol]);
    if (size > 0) bits.write(value, size);
  }, () => bits.reserve());
  return joined([header(width, height, steps, codes), bits.finish(), Uint8Array.of(0xff, 0xd9)]);
}

/** Quantised numbers of every block, in the order in which they are written: `i16 [macroblocks, 6, 64]`. */
function quantise({ cols, rows, y, cb, cr }: Planes, steps: readonly Uint8Array[]): Int16Array {
  const out = new Int16Array(cols * rows * 6 * 64);
  const inverse = steps.map(reciprocals);
  const block = new Float32Array(64);
  let to = 0;
  const add = (plane: Float32Array, from: number, stride: number, scale: Float32Array): void => {
    for (let row = 0, at = 0; row < 8; row++, from += stride) {
      for (let col = 0; col < 8; col++) block[at++] = plane[from + col];
    }
    transform(block);
    for (let k = 0; k < 64; k++) {
      const value = block[ZIGZAG[k]] * scale[ZIGZAG[k]];
      out[to++] = value < 0 ? value - 0.5 : value + 0.5;
    }
  };
  const across = 16 * cols;
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const at = row * 16 * across + col * 16;
      add(y, at, across, inverse[0]);
      add(y, at + 8, across, inverse[0]);
      add(y, at + 8 * across, across, inverse[0]);
      add(y, at + 8 * across + 8, across, inverse[0]);
      const small = row * 8 * (across >> 1) + col * 8;
      add(cb, small, across >> 1, inverse[1]);
      add(cr, small, across >> 1, inverse[1]);
    }
  }
  return out;
}

/**
 * Every symbol in order, with its table (0 and 1: means of brightness and colour, 2 and 3: their other numbers), and the bits
 * that follow it. `next` is called ahead of each block.
 */
function forSymbols(
  blocks: Int16Array,
  each: (table: number, symbol: number, value: number, size: number) => void,
  next?: () => void,
): void {
  const before = [0, 0, 0];
  for (let start = 0, n = 0; start < blocks.length; start += 64, n = n === 5 ? 0 : n + 1) {
    next?.();
    const component = COMPONENTS[n];
    const colour = component === 0 ? 0 : 1;
    const difference = blocks[start] - before[component];
    before[component] = blocks[start];
    const size = sizeOf(difference);
    each(colour, size, difference < 0 ? difference + (1 << size) - 1 : difference, size);
    let zeros = 0;
    for (let k = start + 1; k < start + 64; k++) {
      const value = blocks[k];
      if (value === 0) {
        zeros++;
        continue;
      }
      for (; zeros > 15; zeros -= 16) each(2 + colour, ZEROS, 0, 0);
      const size = sizeOf(value);
      each(2 + colour, zeros << 4 | size, value < 0 ? value + (1 << size) - 1 : value, size);
      zeros = 0;
    }
    if (zeros > 0) each(2 + colour, END, 0, 0);
  }
}

/** Bits of a number's magnitude. */
function sizeOf(value: number): number {
  return 32 - Math.clz32(value < 0 ? -value : value);
}

function header(width: number, height: number, steps: readonly Uint8Array[], codes: readonly Codes[]): Uint8Array {
  const word = (value: number): [number, number] => [value >> 8, value & 255];
  const segment = (marker: number, body: readonly number[]): Uint8Array =>
    Uint8Array.of(0xff, marker, ...word(body.length + 2), ...body);
  const inOrder = (table: Uint8Array): number[] => ZIGZAG.map((at) => table[at]);
  return joined([
    Uint8Array.of(0xff, 0xd8),
    // JFIF 1.01, no unit, square pixels, no thumbnail.
    segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xdb, [0, ...inOrder(steps[0]), 1, ...inOrder(steps[1])]),
    segment(0xc0, [8, ...word(height), ...word(width), 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]),
    segment(0xc4, [0x00, 0x01, 0x10, 0x11].flatMap((id, table) => [id, ...codes[table].stated])),
    segment(0xda, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]),
  ]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
