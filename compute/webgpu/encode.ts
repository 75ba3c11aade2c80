/**
 * CPU twin of `encode.wgsl`, and the shapes its tiles may have.
 * @module
 */
import type { Constants } from "./expand.ts";
import type { Params } from "./params.ts";

/** One way to cut the product into tiles. */
export interface Tile {
  /** Threads of a workgroup along latents. */
  readonly wx: number;
  /** Threads of a workgroup along rows. */
  readonly wy: number;
  /** Groups of four rows that a thread computes. */
  readonly rm: number;
  /** Groups of four latents that a thread computes. */
  readonly rn: number;
  /** Depth of a step through shared memory; 0 reads device memory directly. */
  readonly bk: number;
  /** Whether the next step's values are loaded while this one is computed. */
  readonly ahead: boolean;
}

/** Shapes to choose from on a GPU, likeliest first. All fit WebGPU's default limits. */
export const TILES: readonly Tile[] = [
  { wx: 16, wy: 16, rm: 2, rn: 2, bk: 16, ahead: true },
  { wx: 16, wy: 8, rm: 2, rn: 2, bk: 16, ahead: true },
  { wx: 8, wy: 16, rm: 2, rn: 2, bk: 16, ahead: true },
  { wx: 8, wy: 8, rm: 2, rn: 2, bk: 16, ahead: true },
  { wx: 16, wy: 8, rm: 2, rn: 1, bk: 16, ahead: true },
  { wx: 16, wy: 16, rm: 2, rn: 2, bk: 8, ahead: true },
  { wx: 16, wy: 16, rm: 1, rn: 1, bk: 16, ahead: false },
  { wx: 8, wy: 8, rm: 1, rn: 1, bk: 16, ahead: false },
];

/** For adapters that run on the CPU, where a barrier costs more than a cached load. */
export const SOFTWARE_TILE: Tile = { wx: 8, wy: 8, rm: 1, rn: 2, bk: 0, ahead: false };

/** Latents a workgroup computes. */
export const tileColumns = (tile: Tile): number => tile.wx * tile.rn * 4;

/** Rows a workgroup computes: a multiple of 32, whose bits make a word. */
export const tileRows = (tile: Tile): number => tile.wy * tile.rm * 4;

/**
 * A short name such as `128x128x16a/8x8`: rows, latents and depth of a workgroup's tile, `a` for loads ahead, a thread's share.
 *
 * @example
 * ```ts
 * import { SOFTWARE_TILE, tileName } from "./encode.ts";
 * console.assert(tileName(SOFTWARE_TILE) === "32x64x0/4x8");
 * ```
 */
export function tileName(tile: Tile): string {
  return `${tileRows(tile)}x${tileColumns(tile)}x${tile.bk}${tile.ahead ? "a" : ""}/${4 * tile.rm}x${4 * tile.rn}`;
}

/** What the product leaves: every activation, zeros included; or those that fire and a bit for each of them. */
export type Stores = "all" | "firing";

/**
 * The constants of the shader for a tile.
 *
 * @param tile The shape.
 * @param half Whether rows and weights are stored as 16-bit floats.
 * @param stores What is stored.
 * @throws {RangeError} If the threads cannot share the loads of a step evenly, rows are no whole words, or a thread has more
 *   bits than it can hand on.
 *
 * @example
 * ```ts
 * import { encodeConstants, TILES } from "./encode.ts";
 * console.assert(encodeConstants(TILES[0], false, "firing").THREADS === 256);
 * ```
 */
export function encodeConstants(tile: Tile, half: boolean, stores: Stores): Constants {
  const { wx, wy, rm, rn, bk, ahead } = tile;
  const threads = wx * wy;
  const bm4 = wy * rm;
  const bn4 = wx * rn;
  if ((bk * bm4) % threads !== 0 || (bk * bn4) % threads !== 0) {
    throw new RangeError(`Cannot use tile ${tileName(tile)}: ${threads} threads do not share its loads evenly`);
  }
  if (bm4 % 8 !== 0 || rm * rn > 5) {
    throw new RangeError(
      `Cannot use tile ${tileName(tile)}: expected multiples of 32 rows, at most 80 values a thread`,
    );
  }
  return {
    WX: wx,
    WY: wy,
    RM: rm,
    RN: rn,
    BK: bk,
    BM4: bm4,
    BN4: bn4,
    THREADS: threads,
    SHARED: bk > 0 ? 1 : 0,
    AHEAD: ahead ? 1 : 0,
    HALF: half ? 1 : 0,
    FIRING: stores === "firing" ? 1 : 0,
    PACKS: Math.ceil(threads / bm4),
    WX8: wx / 8,
    XLOADS: (bk * bm4) / threads,
    WLOADS: (bk * bn4) / threads,
  };
}

/** Bindings of the kernel, in order. */
export interface EncodeBindings {
  /** `f32 [kPad, rowsPad]`. */
  readonly x: Float32Array;
  /** `f32 [kPad, colsPad]`. */
  readonly w: Float32Array;
  /** `f32 [2, colsPad]`: bias, firing threshold. */
  readonly bias: Float32Array;
  /** `u32 [⌈rowsPad/32⌉]`: a bit per skipped row. */
  readonly skip: Uint32Array;
  /** `f32 [rowsPad, ldF]`, written. */
  readonly f: Float32Array;
  /** `u32 [rowsPad/32, ldF]`: a bit per row, written; only where activations that fire are stored. */
  readonly bits?: Uint32Array;
}

/**
 * `f = act(x'·W + b)` of a strip: 0 where the pre-activation is NaN or not above the threshold, in skipped rows, and from `rows` on.
 *
 * With `bits`, a bit says which activations fire, and f holds those; what it holds elsewhere means nothing.
 *
 * The twin sums in f64; the shader in f32, one fused multiply-add (or multiply and add) per k in order, so that
 * `|Δ| ≤ γ_{kPad+1}·(Σ|x'·w| + |b|)` with `γ_n = n·u/(1 − n·u)`, `u = 2^-24`.
 *
 * @param params Uses rows, rowsPad, colsPad, kPad, ldF, colOffset.
 * @param bindings The arrays.
 *
 * @example
 * ```ts
 * import { encode } from "./encode.ts";
 * import { makeParams } from "./params.ts";
 * const f = new Float32Array(1);
 * const x = new Float32Array([2]), w = new Float32Array([3]), bias = new Float32Array([1, 0]);
 * encode(makeParams({ rows: 1, rowsPad: 1, colsPad: 1, kPad: 1, ldF: 1 }), { x, w, bias, skip: new Uint32Array(1), f });
 * console.assert(f[0] === 7);
 * ```
 */
export function encode(params: Params, bindings: EncodeBindings): void {
  const { rows, rowsPad, colsPad, kPad, ldF, colOffset } = params;
  const { x, w, bias, skip, f, bits } = bindings;
  if (bits !== undefined) {
    for (let word = 0; word < rowsPad / 32; word++) {
      bits.fill(0, word * ldF + colOffset, word * ldF + colOffset + colsPad);
    }
  }
  for (let r = 0; r < rowsPad; r++) {
    const skipped = r >= rows || ((skip[r >> 5] >>> (r & 31)) & 1) !== 0;
    for (let j = 0; j < colsPad; j++) {
      let sum = 0;
      for (let k = 0; k < kPad; k++) sum += x[k * rowsPad + r] * w[k * colsPad + j];
      const pre = Math.fround(sum + bias[j]);
      const fires = !skipped && pre > bias[colsPad + j];
      const at = r * ldF + colOffset + j;
      if (bits === undefined || fires) f[at] = fires ? pre : 0;
      if (bits !== undefined && fires) bits[(r >> 5) * ldF + colOffset + j] |= 1 << (r & 31);
    }
  }
}
