/**
 * The arithmetic of a JPEG: colours to planes, blocks to quantised frequencies.
 * @module
 */
import type { Picture } from "./picture.ts";

/** Numbers of a block in the order in which they are written: from low to high frequency. */
export const ZIGZAG: readonly number[] = [
  0,
  1,
  8,
  16,
  9,
  2,
  3,
  10,
  17,
  24,
  32,
  25,
  18,
  11,
  4,
  5,
  12,
  19,
  26,
  33,
  40,
  48,
  41,
  34,
  27,
  20,
  13,
  6,
  7,
  14,
  21,
  28,
  35,
  42,
  49,
  56,
  57,
  50,
  43,
  36,
  29,
  22,
  15,
  23,
  30,
  37,
  44,
  51,
  58,
  59,
  52,
  45,
  38,
  31,
  39,
  46,
  53,
  60,
  61,
  54,
  47,
  55,
  62,
  63,
];

/** Steps of brightness and of colour at quality 50, row by row. Source: T.81, annex K.1. */
const STEPS: readonly (readonly number[])[] = [
  [
    16,
    11,
    10,
    16,
    24,
    40,
    51,
    61,
    12,
    12,
    14,
    19,
    26,
    58,
    60,
    55,
    14,
    13,
    16,
    24,
    40,
    57,
    69,
    56,
    14,
    17,
    22,
    29,
    51,
    87,
    80,
    62,
    18,
    22,
    37,
    56,
    68,
    109,
    103,
    77,
    24,
    35,
    55,
    64,
    81,
    104,
    113,
    92,
    49,
    64,
    78,
    87,
    103,
    121,
    120,
    101,
    72,
    92,
    95,
    98,
    112,
    100,
    103,
    99,
  ],
  [
    17,
    18,
    24,
    47,
    99,
    99,
    99,
    99,
    18,
    21,
    26,
    66,
    99,
    99,
    99,
    99,
    24,
    26,
    56,
    99,
    99,
    99,
    99,
    99,
    47,
    66,
    99,
    99,
    99,
    99,
    99,
    99,
    ...new Array(32).fill(99),
  ],
];

/** The steps at a quality, as libjpeg scales them: `u8 [2, 64]`, row by row. */
export function quantSteps(quality: number): readonly Uint8Array[] {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return STEPS.map((steps) =>
    Uint8Array.from(steps, (step) => Math.min(255, Math.max(1, Math.floor((step * scale + 50) / 100))))
  );
}

/** A picture's planes, padded to whole macroblocks by their last pixels, centred on 0. */
export interface Planes {
  /** Macroblocks in a row, and rows of them. */
  readonly cols: number;
  readonly rows: number;
  /** `f32 [16·rows, 16·cols]`. */
  readonly y: Float32Array;
  /** `f32 [8·rows, 8·cols]`: means of two by two pixels. */
  readonly cb: Float32Array;
  readonly cr: Float32Array;
}

/** RGB to brightness and colour differences. Source: JFIF 1.02, ITU-R BT.601. */
export function toPlanes({ width, height, data }: Picture): Planes {
  const [cols, rows] = [Math.ceil(width / 16), Math.ceil(height / 16)];
  const [across, down] = [16 * cols, 16 * rows];
  const y = new Float32Array(across * down);
  const cb = new Float32Array(across * down / 4);
  const cr = new Float32Array(across * down / 4);
  for (let row = 0; row < down; row++) {
    const line = Math.min(row, height - 1) * width;
    const to = row * across;
    const half = (row >> 1) * (across >> 1);
    for (let col = 0; col < across; col++) {
      const at = 3 * (line + (col < width ? col : width - 1));
      const r = data[at], g = data[at + 1], b = data[at + 2];
      y[to + col] = 0.299 * r + 0.587 * g + 0.114 * b - 128;
      const small = half + (col >> 1);
      cb[small] += -0.0421839732 * r - 0.0828160268 * g + 0.125 * b;
      cr[small] += 0.125 * r - 0.1046718470 * g - 0.0203281530 * b;
    }
  }
  return { cols, rows, y, cb, cr };
}

/** What a step's number is divided by after {@linkcode transform}, which leaves factors out: reciprocals, row by row. */
export function reciprocals(steps: Uint8Array): Float32Array {
  const factor = Array.from({ length: 8 }, (_, k) => k === 0 ? 1 : Math.cos(k * Math.PI / 16) * Math.SQRT2);
  return Float32Array.from(steps, (step, i) => 1 / (step * factor[i >> 3] * factor[i & 7] * 8));
}

/**
 * The cosine transform of eight by eight numbers, in place, each result times factors that {@linkcode reciprocals} knows.
 *
 * Source: Y. Arai, T. Agui, M. Nakajima, "A fast DCT-SQ scheme for images", 1988.
 */
export function transform(block: Float32Array): void {
  for (let i = 0; i < 64; i += 8) pass(block, i, 1);
  for (let i = 0; i < 8; i++) pass(block, i, 8);
}

function pass(d: Float32Array, at: number, s: number): void {
  const a0 = d[at], a1 = d[at + s], a2 = d[at + 2 * s], a3 = d[at + 3 * s];
  const a4 = d[at + 4 * s], a5 = d[at + 5 * s], a6 = d[at + 6 * s], a7 = d[at + 7 * s];
  const s07 = a0 + a7, d07 = a0 - a7, s16 = a1 + a6, d16 = a1 - a6;
  const s25 = a2 + a5, d25 = a2 - a5, s34 = a3 + a4, d34 = a3 - a4;
  const e0 = s07 + s34, e3 = s07 - s34, e1 = s16 + s25, e2 = s16 - s25;
  d[at] = e0 + e1;
  d[at + 4 * s] = e0 - e1;
  const z1 = (e2 + e3) * 0.7071067811865476;
  d[at + 2 * s] = e3 + z1;
  d[at + 6 * s] = e3 - z1;
  const o0 = d34 + d25, o1 = d25 + d16, o2 = d16 + d07;
  const z5 = (o0 - o2) * 0.3826834323650898;
  const z2 = 0.5411961001461969 * o0 + z5;
  const z4 = 1.3065629648763766 * o2 + z5;
  const z3 = o1 * 0.7071067811865476;
  const z11 = d07 + z3, z13 = d07 - z3;
  d[at + 5 * s] = z13 + z2;
  d[at + 3 * s] = z13 - z2;
  d[at + s] = z11 + z4;
  d[at + 7 * s] = z11 - z4;
}
