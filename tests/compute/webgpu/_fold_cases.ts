/**
 * The kernels that fold and rank against their twins.
 * @module
 */
import { fold, type FoldUse } from "../../../compute/webgpu/fold.ts";
import type { Gpu } from "../../../compute/webgpu/gpu.ts";
import * as kernels from "../../../compute/webgpu/kernels.ts";
import { LATENT, LATENT_WORDS } from "../../../compute/webgpu/latents.ts";
import { merge } from "../../../compute/webgpu/merge.ts";
import { makeParams } from "../../../compute/webgpu/params.ts";
import type { KernelCase } from "./_kernel_cases.ts";
import { bitsOf, ceil, firedOf, Random, runKernel, same } from "./_run_kernel.ts";

/** Latent words of a pass under way, with rankings to match. */
export function someState(
  random: Random,
  cols: number,
  k: number,
): { latents: Uint32Array<ArrayBuffer>; top: Uint32Array<ArrayBuffer> } {
  const latents = new Uint32Array(LATENT_WORDS * cols);
  const top = new Uint32Array(cols * 3 * k);
  for (let j = 0; j < cols; j++) {
    const ranked = [0, k, random.below(k + 1)][j % 3];
    const values = random.floats(ranked, () => 1 + random.below(6)).sort().reverse();
    top.set(bitsOf(values), 3 * j * k);
    for (let i = 0; i < ranked; i++) {
      top[(3 * j + 1) * k + i] = i;
      top[(3 * j + 2) * k + i] = ranked - 1 - i;
    }
    latents[LATENT.least * cols + j] = 0x7f800000;
    latents[LATENT.t * cols + j] = 3;
    latents[LATENT.stopped * cols + j] = 0xffffffff;
    latents[LATENT.ranked * cols + j] = ranked;
    if (ranked === k) latents[LATENT.tau * cols + j] = bitsOf(values)[k - 1];
  }
  return { latents, top };
}

/** Workgroups of `merge` and `heatmap`. */
export const groupsFor = (cols: number): number => Math.ceil(cols / kernels.LATENTS_PER_GROUP);

/** The fold, by row, image or sum, on tame or arbitrary floats. */
export function foldCase(by: FoldUse["by"], floats: "tame" | "wild", shape: kernels.FoldShape): KernelCase["run"] {
  return async (gpu: Gpu) => {
    const random = new Random(5);
    const capacity = 4;
    // Latents, rows of an image, images, k: around workgroups of 8, 16 and 32 latents, words of 32 rows and counts of 256 and 512.
    const sizes = [
      ...[[1, 1, 1, 1], [5, 1, 0, 2], [31, 3, 1, 3], [32, 7, 5, 5], [33, 5, 13, 200], [67, 20, 2, 8]],
      ...[[7, 31, 1, 3], [8, 32, 1, 3], [9, 33, 1, 3], [15, 3, 2, 3], [16, 9, 3, 2], [17, 9, 7, 3], [19, 64, 1, 2], [
        3,
        1,
        131,
        150,
      ]],
      ...[[2, 8, 32, 3], [9, 257, 1, 2], [3, 27, 19, 4], [2, 1, 1031, 9]],
    ];
    for (const [i, [cols, perImage, images, k]] of sizes.entries()) {
      const rows = perImage * images;
      const rowsPad = Math.max(32, ceil(rows, 32));
      const ldF = ceil(cols, 4) + 4;
      const f = new Float32Array(rowsPad * ldF);
      for (let r = 0; r < rows; r++) {
        for (let j = 0; j < cols; j++) {
          const dense = j % 2 === 0 || random.below(4) === 0;
          const value = floats === "tame" ? 1 + random.below(6) : Math.abs(random.float(0, 255));
          f[r * ldF + 4 + j] = dense && j % 11 !== 10 ? value : 0;
        }
      }
      if (floats === "wild" && i > 1) f[4] = Infinity;
      const skip = new Uint32Array(Math.ceil(rowsPad / 32));
      for (let r = 0; r < rowsPad; r++) {
        if (r >= rows || random.below(9) === 0) {
          skip[r >> 5] |= 1 << (r & 31);
          f.fill(0, r * ldF, (r + 1) * ldF);
        }
      }
      const firstRow = 4_000_000_000 - (4_000_000_000 % perImage);
      const facts = { rows, rowsPad, firstRow, ldF, colOffset: 4, cols, perImage, k, total: Math.max(200, rows + 3) };
      // Steps whose products and sums round: were one fused with the other, estimates would differ.
      const params = makeParams({ ...facts, stepScale: [2 ** -7, 0.0013][i % 2], pull: [0.5, 0.98, -0.3][i % 3] });
      const { latents, top } = someState(random, cols, k);
      const empty = new Uint32Array(2 * capacity * cols);
      const strip = firedOf(f, ldF);
      let device = [
        ...[strip.f, strip.bits, skip, latents, empty],
        ...[new Uint32Array(2048 * cols), new Uint32Array(64 * cols)],
      ];
      const twin = device.map((a) => a.slice());
      const twinTop = top.slice();
      const bindings = {
        f: twin[0],
        bits: twin[1],
        skip: twin[2],
        latents: twin[3],
        candidates: twin[4],
        histogram: twin[5],
        halves: twin[6],
      };
      const use = { by, capacity };
      device = await runKernel(
        gpu,
        kernels.foldKernel(use, shape),
        params,
        device,
        ...kernels.foldGroups(shape, cols, rows),
      );
      fold(params, use, bindings);
      const label = `fold by ${by}, ${cols} latents, ${rows} rows`;
      for (const [b, name] of ["f", "bits", "skip", "latents", "candidates", "histogram", "halves"].entries()) {
        same(`${label} ${name}`, device[b], twin[b]);
      }
      const [f_, bits, , words, lists] = device;
      const arrays = [words, lists, top, f_, bits];
      const merged = await runKernel(gpu, kernels.mergeKernel(use), params, arrays, groupsFor(cols));
      merge(params, use, { latents: twin[3], candidates: twin[4], top: twinTop, f: twin[0], bits: twin[1] });
      same(`${label} merged latents`, merged[0], twin[3]);
      same(`${label} ranking`, merged[2], twinTop);
    }
  };
}

/** Sums whose f64 rounding decides the f32 result: ties, sticky bits, carries, every shift, subnormals, overflow. */
export function sumCase(shape: kernels.FoldShape): KernelCase["run"] {
  return async (gpu: Gpu) => {
    const p = (e: number): number => 2 ** e;
    const sums = [
      [1, p(-24), p(-53), 0],
      [1, p(-24), p(-53) + p(-60), 0],
      [1, p(-24) - p(-30), p(-30) + p(-53), 0],
      [1, p(-24), p(-52), p(-53)],
      [p(-24), 1, p(-53), p(-53)],
      [2 - p(-23), p(-24), p(-53), p(-52)],
      [p(60), p(36), p(7), p(-40)],
      [p(100), p(-100), 1, p(76)],
      [p(-149), p(-149), p(-149), p(-149)],
      [p(-126), p(-127), p(-149), p(-150)],
      [p(127), p(127), 1, 1],
      [p(127), p(127) - p(103), p(102), p(73)],
      [Infinity, 1, 0, 1],
    ];
    for (let shift = 0; shift < 70; shift++) {
      sums.push([1, p(-24), p(-shift), p(-shift - 1) + p(-shift - 20)]);
      sums.push([p(-shift) * (1 + p(-23)), 1 + p(-23), p(-24), p(-53) * (1 + (shift % 2) * p(-23))]);
    }
    const perImage = 4;
    const cols = sums.length;
    const ldF = ceil(cols, 4);
    const f = new Float32Array(16 * ldF);
    sums.forEach((sum, j) => sum.forEach((value, r) => f[r * ldF + j] = value));
    const params = makeParams({ rows: perImage, rowsPad: 16, ldF, cols, perImage, k: 1, total: 4, stepScale: 0.5 });
    const { latents } = someState(new Random(10), cols, 1);
    latents.fill(0, LATENT.tau * cols, (LATENT.tau + 1) * cols);
    const lists = new Uint32Array(2 * cols);
    const use = { by: "sum", capacity: 1 } as const;
    const strip = firedOf(f, ldF);
    const arrays = [
      strip.f,
      strip.bits,
      new Uint32Array(1),
      latents,
      lists,
      new Uint32Array(2048 * cols),
      new Uint32Array(64 * cols),
    ];
    const [, , , , got] = await runKernel(
      gpu,
      kernels.foldKernel(use, shape),
      params,
      arrays,
      ...kernels.foldGroups(shape, cols, perImage),
    );
    const [words, bits, skip, changed, candidates, histogram, halves] = arrays;
    fold(params, use, { f: words, bits, skip, latents: changed, candidates, histogram, halves });
    for (let j = 0; j < cols; j++) {
      same(`sum of ${sums[j]}`, got.subarray(2 * j, 2 * j + 2), candidates.subarray(2 * j, 2 * j + 2));
    }
  };
}

export function mergeCase(most: number): KernelCase["run"] {
  return async (gpu: Gpu) => {
    const random = new Random(6);
    const sizes = [[1, 1], [5, 5], [64, 16], [65, 64], [3, 63], [65, 65], [65, 128], [200, 256], [3, 1024]];
    for (const [k, capacity] of sizes.filter((size) => size[1] <= most)) {
      const cols = 19;
      const { latents, top } = someState(random, cols, k);
      const candidates = new Uint32Array(2 * capacity * cols);
      for (let j = 0; j < cols; j++) {
        const filled = [0, capacity, random.below(capacity + 1)][random.below(3)];
        latents[LATENT.filled * cols + j] = filled;
        candidates.set(bitsOf(random.floats(filled, () => 1 + random.below(9))), 2 * j * capacity);
        for (let i = 0; i < filled; i++) candidates[(2 * j + 1) * capacity + i] = 1000 + i;
      }
      const params = makeParams({ cols, k });
      const use = { by: "row", capacity } as const;
      const [f, bits] = [new Uint32Array(4), new Uint32Array(4)];
      const [words, , got] = await runKernel(
        gpu,
        kernels.mergeKernel(use),
        params,
        [latents, candidates, top, f, bits],
        groupsFor(cols),
      );
      merge(params, use, { latents, candidates, top, f, bits });
      same(`merge k = ${k} latents`, words, latents);
      same(`merge k = ${k} ranking`, got, top);
    }
  };
}
