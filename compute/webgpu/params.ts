/**
 * The one block of parameters that every kernel reads: field names, their order, and how they are written.
 * @module
 */

/** Fields in order, with their WGSL types. */
const FIELDS = {
  /** Rows in the strip. */
  rows: "u32",
  /** Rows rounded up to the tile: what buffers hold. */
  rowsPad: "u32",
  /** Data set row of the strip's first row; the first row of an image. */
  firstRow: "u32",
  /** Row of the piece (what was uploaded at once) that the strip begins at. */
  pieceRow: "u32",
  /** Rows in the piece. */
  pieceRows: "u32",
  /** Length of a row of F. */
  ldF: "u32",
  /** Column of F where the chunk's latents begin. */
  colOffset: "u32",
  /** Latents in the chunk. */
  cols: "u32",
  /** Rounded up to the tile. */
  colsPad: "u32",
  dVit: "u32",
  /** dVit rounded up to the tile. */
  kPad: "u32",
  /** Tokens stored per image. */
  tokens: "u32",
  /** First token that becomes a row. */
  firstToken: "u32",
  /** Rows per image. */
  perImage: "u32",
  /** Entries kept per latent. */
  k: "u32",
  /** k of a TopK encoder. */
  sparse: "u32",
  /** Rows in the whole job. */
  total: "u32",
  /** Latents of the chunk whose distributions are kept. */
  kept: "u32",
  /** Latents of all chunks whose distributions are kept, and how many of them lie in earlier chunks. */
  keptAll: "u32",
  keptFrom: "u32",
  clamp: "f32",
  scalar: "f32",
  /** lr / total. */
  stepScale: "f32",
  /** 2·percentile/100 − 1. */
  pull: "f32",
  /** 1: leave NaN and infinities as they are. */
  keepNonFinite: "u32",
} as const;

/** Values of all fields. */
export type Params = { -readonly [K in keyof typeof FIELDS]: number };

/** Bytes between the blocks of successive dispatches: the default `minUniformBufferOffsetAlignment`. */
export const PARAMS_STRIDE_BYTES = 256;

/** WGSL of the struct and its binding; every kernel begins with it. */
export const PARAMS_WGSL: string = `struct Params {\n${
  Object.entries(FIELDS).map(([name, type]) => `  ${name}: ${type},\n`).join("")
}}\n@group(0) @binding(0) var<uniform> P: Params;\n`;

/**
 * Parameters that are all zero but the given ones.
 *
 * @example
 * ```ts
 * import { makeParams } from "./params.ts";
 * console.assert(makeParams({ rows: 3 }).rows === 3);
 * ```
 */
export function makeParams(values: Partial<Params>): Params {
  const zero = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, 0])) as Params;
  return { ...zero, ...values };
}

/**
 * Writes one block.
 *
 * @param into `PARAMS_STRIDE_BYTES` bytes from `byteOffset` on are this block's.
 *
 * @example
 * ```ts
 * import { makeParams, writeParams } from "./params.ts";
 * const bytes = new ArrayBuffer(256);
 * writeParams(bytes, 0, makeParams({ rows: 3 }));
 * console.assert(new Uint32Array(bytes)[0] === 3);
 * ```
 */
export function writeParams(into: ArrayBuffer, byteOffset: number, params: Params): void {
  const view = new DataView(into, byteOffset);
  let at = 0;
  for (const [name, type] of Object.entries(FIELDS)) {
    const value = params[name as keyof Params];
    if (type === "u32") view.setUint32(at, value, true);
    else view.setFloat32(at, value, true);
    at += 4;
  }
}
