/**
 * Every kernel against its CPU twin: plain functions that throw, so that they run under Deno and in a browser.
 * @module
 */
import { carry } from "../../../compute/webgpu/carry.ts";
import { distribution } from "../../../compute/webgpu/distribution.ts";
import { SOFTWARE_TILE, type Tile, tileName, TILES } from "../../../compute/webgpu/encode.ts";
import type { Gpu } from "../../../compute/webgpu/gpu.ts";
import { heatmap } from "../../../compute/webgpu/heatmap.ts";
import * as kernels from "../../../compute/webgpu/kernels.ts";
import { FRESH, LATENT } from "../../../compute/webgpu/latents.ts";
import { mark } from "../../../compute/webgpu/mark.ts";
import { makeParams } from "../../../compute/webgpu/params.ts";
import { prepare } from "../../../compute/webgpu/prepare.ts";
import { topk } from "../../../compute/webgpu/topk.ts";
import { encodeCase, markedCase } from "./_encode_cases.ts";
import { foldCase, groupsFor, mergeCase, someState, sumCase } from "./_fold_cases.ts";
import { ceil, firedOf, Random, runKernel, same } from "./_run_kernel.ts";

/** A case; `run` throws when kernel and twin differ. */
export interface KernelCase {
  name: string;
  /** Whether it needs the feature shader-f16. */
  half?: boolean;
  run(gpu: Gpu): Promise<void>;
}

const SIZES = [1, 15, 16, 17, 35];

async function prepareCase(gpu: Gpu): Promise<void> {
  const random = new Random(1);
  for (const [i, rows] of SIZES.entries()) {
    const dVit = [1, 4, 7, 16, 33][(i * 2) % 5];
    const perImage = [1, 1, 4, 17, 7][i];
    const tokens = perImage + (i % 2);
    const pieceRow = i % 3 === 0 ? perImage : 0;
    const kPad = ceil(dVit, 16);
    const rowsPad = ceil(rows, 16);
    const images = Math.ceil((rows + pieceRow) / perImage);
    const raw = random.floats(images * tokens * dVit, () => random.float(100, 140));
    for (const bad of [NaN, Infinity, -Infinity, -0, 1e30]) if (i > 1) raw[random.below(raw.length)] = bad;
    const use = { CENTRE: i % 2, SCALE: Number(i !== 2) };
    const params = makeParams({
      rows,
      rowsPad,
      pieceRow,
      dVit,
      kPad,
      tokens,
      firstToken: i % 2,
      perImage,
      clamp: 1e5,
      scalar: Math.fround([1.37, 3, 0.1, 7.25e-3, 1e10][i]),
      keepNonFinite: 0,
    });
    const arrays = {
      raw,
      centre: random.floats(2 * kPad, () => random.float(120, 130)),
      x: new Float32Array(kPad * rowsPad).fill(99),
      skip: new Uint32Array(Math.ceil(rowsPad / 32)),
      found: new Uint32Array([0xffffffff, 0, 0xffffffff, 0xffffffff]),
    };
    const source = kernels.prepareKernel({ centre: use.CENTRE === 1, scale: use.SCALE === 1, half: false });
    const list: [typeof raw, typeof raw, typeof raw, typeof arrays.skip, typeof arrays.found] = [
      arrays.raw,
      arrays.centre,
      arrays.x,
      arrays.skip,
      arrays.found,
    ];
    const [, , x, skip, found] = await runKernel(
      gpu,
      source,
      params,
      list,
      Math.ceil(kPad / 32),
      Math.ceil(rowsPad / 32),
    );
    prepare(params, use, arrays);
    const label = `prepare ${rows} x ${dVit}`;
    same(`${label} x`, x, arrays.x);
    same(`${label} skip`, skip, arrays.skip);
    same(`${label} found`, found, arrays.found);
  }
}

/** The shader's own division must round as IEEE division does. */
async function quotientCase(gpu: Gpu): Promise<void> {
  const random = new Random(2);
  const n = 4096;
  const source = kernels.prepareKernel({ centre: false, scale: true, half: false });
  for (const scalar of [1.37, 3, 0.1, 1 + 2 ** -23, 2 - 2 ** -23, 1, 2 ** 20, 1e-12].map(Math.fround)) {
    // Exponents whose quotients stay normal or overflow: subnormal results are flushed, which is allowed.
    const raw = random.floats(n, () => random.float(60, 255));
    for (let i = 0; i < 64; i++) raw[i] = Math.fround(scalar * Math.fround(1 + random.uniform()) * 2 ** (i - 32));
    const params = makeParams({ rows: n, rowsPad: n, dVit: 1, kPad: 16, tokens: 1, perImage: 1, scalar });
    const x = new Float32Array(16 * n);
    const words = (k: number): Uint32Array<ArrayBuffer> => new Uint32Array(k);
    const centre = new Float32Array(32);
    const [, , got] = await runKernel(gpu, source, params, [raw, centre, x, words(n / 32), words(4)], 1, n / 32);
    same(`quotient by ${scalar}`, got.subarray(0, n), raw.map((v) => Math.fround(v / scalar)));
  }
}

async function topkCase(gpu: Gpu): Promise<void> {
  const random = new Random(4);
  for (const ldF of [1, 4, 63, 255, 256, 257, 515]) {
    const rows = 6;
    const f = random.floats(rows * ldF, () => Math.max(0, random.float(110, 140)));
    for (let c = 0; c < ldF; c++) {
      f[c] = random.below(3); // Ties.
      f[ldF + c] = 0;
      f[2 * ldF + c] = 5;
      f[3 * ldF + c] = c % 7 === 0 ? Infinity : c % 2;
    }
    for (const sparse of [1, 2, Math.ceil(ldF / 3), ldF, ldF + 5]) {
      const params = makeParams({ rows, ldF, sparse });
      const [got] = await runKernel(gpu, kernels.topkKernel(), params, [f], rows);
      const expected = f.slice();
      topk(params, expected);
      same(`topk ${ldF}, ${sparse}`, got, expected);
    }
  }
}

async function markCase(gpu: Gpu): Promise<void> {
  const random = new Random(11);
  for (const [rows, ldF] of [[1, 1], [31, 64], [32, 65], [33, 63], [131, 4]]) {
    const f = new Uint32Array(ceil(rows, 32) * ldF).fill(9); // Past the last row too.
    for (let i = 0; i < rows * ldF; i++) f[i] = random.below(3) === 0 ? 1 + random.below(0x7f800000) : 0;
    const bits = new Uint32Array(Math.ceil(rows / 32) * ldF).fill(7);
    const params = makeParams({ rows, ldF });
    const groups = [Math.ceil(ldF / 64), Math.ceil(rows / 32)] as const;
    const [, got] = await runKernel(gpu, kernels.markKernel(), params, [f, bits], ...groups);
    mark(params, f, bits);
    same(`mark ${rows} x ${ldF}`, got, bits);
  }
}

async function heatmapCase(gpu: Gpu): Promise<void> {
  const random = new Random(7);
  for (const [k, perImage] of [[1, 1], [5, 4], [64, 49], [65, 63], [130, 67]]) {
    const cols = 11;
    const images = 6;
    const ldF = 20;
    const { latents, top } = someState(random, cols, k);
    const firstRow = 50 * perImage;
    for (let j = 0; j < cols; j++) {
      for (let i = 0; i < latents[LATENT.ranked * cols + j]; i++) {
        if (random.below(2) === 0 || j === 5) continue;
        latents[LATENT.merged * cols + j] = 1;
        top[(3 * j + 1) * k + i] = firstRow + random.below(images * perImage);
        top[(3 * j + 2) * k + i] += FRESH;
      }
    }
    const strip = firedOf(random.floats(images * perImage * ldF, () => Math.max(0, random.uniform() - 0.4)), ldF);
    const maps = new Uint32Array(cols * k * perImage).fill(3);
    const params = makeParams({ cols, k, perImage, firstRow, ldF, colOffset: 4 });
    const [, words, , , got] = await runKernel(
      gpu,
      kernels.heatmapKernel(),
      params,
      [latents, top, strip.f, strip.bits, maps],
      groupsFor(cols),
    );
    heatmap(params, latents, top, strip, maps);
    same(`heatmap k = ${k} ranking`, words, top);
    same(`heatmap k = ${k}`, got, maps);
  }
}

async function carryCase(gpu: Gpu): Promise<void> {
  const random = new Random(8);
  for (const cols of [1, 2, 3, 67]) {
    const word = (): number => random.below(4) === 0 ? 0xffffffff : random.below(2 ** 32);
    const halves = Uint32Array.from({ length: 64 * cols }, word);
    const totals = Uint32Array.from({ length: 64 * cols }, (_, i) => i % 2 === 0 ? word() : random.below(2 ** 20));
    const params = makeParams({ cols });
    const [rest, got] = await runKernel(gpu, kernels.carryKernel(), params, [halves, totals], Math.ceil(cols / 2));
    carry(halves, totals);
    same(`carry ${cols} halves`, rest, halves);
    same(`carry ${cols} totals`, got, totals);
  }
}

async function distributionCase(gpu: Gpu): Promise<void> {
  const random = new Random(9);
  for (const [rows, kept] of [[1, 1], [15, 17], [35, 3]]) {
    const ldF = 24;
    const params = makeParams({ rows, pieceRow: 2, ldF, colOffset: 4, kept, keptAll: kept + 1, keptFrom: 1 });
    const { f, bits } = firedOf(random.floats(rows * ldF, () => Math.max(0, random.uniform() - 0.4)), ldF);
    const skip = new Uint32Array([5, 1]);
    const out = new Uint32Array((rows + 2) * (kept + 1));
    const source = kernels.distributionKernel();
    const groups = [Math.ceil(kept / 16), Math.ceil(rows / 16)] as const;
    const [, , , got] = await runKernel(gpu, source, params, [f, bits, skip, out], ...groups);
    distribution(params, { f, bits }, skip, out);
    same(`distribution ${rows} x ${kept}`, got, out);
  }
}

/** What the cases are to cover. */
export interface Coverage {
  /** Shapes of the product. */
  readonly tiles: readonly Tile[];
  /** Shapes of the fold. */
  readonly folds: readonly kernels.FoldShape[];
  /** Longest list of candidates. */
  readonly capacity: number;
}

/** All there is. */
export const EVERYTHING: Coverage = {
  tiles: [SOFTWARE_TILE, ...TILES],
  folds: [kernels.SOFTWARE_FOLD_SHAPE, kernels.FOLD_SHAPE],
  capacity: 1024,
};

/** What a compiler that is slow with large tiles and much workgroup memory gets through: the shapes of software adapters, and the smallest of a card's. */
export const QUICK: Coverage = {
  tiles: EVERYTHING.tiles.filter((tile) => tile.bk * tile.wx * tile.rn * tile.rm <= 128),
  folds: [kernels.SOFTWARE_FOLD_SHAPE],
  capacity: 64,
};

/** All cases. */
export function kernelCases({ tiles, folds, capacity }: Coverage): KernelCase[] {
  const folding = folds.flatMap((shape) => {
    const name = `${shape.latents} latents, ${shape.rows} rows, ${shape.ahead} ahead`;
    return [
      { name: `fold by row, with merge, ${name}`, run: foldCase("row", "tame", shape) },
      { name: `fold by row, any exponent, ${name}`, run: foldCase("row", "wild", shape) },
      { name: `fold by image, with merge, ${name}`, run: foldCase("image", "tame", shape) },
      { name: `fold by sum, any exponent, with merge, ${name}`, run: foldCase("sum", "wild", shape) },
      { name: `fold by sum rounds as f64 addition does, ${name}`, run: sumCase(shape) },
    ];
  });
  return [
    { name: "prepare", run: prepareCase },
    { name: "prepare divides as IEEE does", run: quotientCase },
    ...tiles.map((tile) => ({ name: `encode ${tileName(tile)}`, run: encodeCase(tile, false) })),
    { name: "encode with f16 storage", half: true, run: encodeCase(SOFTWARE_TILE, true) },
    ...tiles.map((tile) => ({ name: `encode ${tileName(tile)} marks what fires`, run: markedCase(tile) })),
    { name: "topk", run: topkCase },
    { name: "mark", run: markCase },
    ...folding,
    { name: "merge", run: mergeCase(capacity) },
    { name: "heatmap", run: heatmapCase },
    { name: "carry", run: carryCase },
    { name: "distribution", run: distributionCase },
  ];
}
