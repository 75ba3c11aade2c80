/**
 * The product against its twin, and the bits of what fires against the values.
 * @module
 */
import { encode, type Tile, tileColumns, tileName, tileRows } from "../../../compute/webgpu/encode.ts";
import { toFloat16 } from "../../../compute/webgpu/float16.ts";
import type { Gpu } from "../../../compute/webgpu/gpu.ts";
import * as kernels from "../../../compute/webgpu/kernels.ts";
import { makeParams, type Params } from "../../../compute/webgpu/params.ts";
import type { KernelCase } from "./_kernel_cases.ts";
import { Random, runKernel, same, type Words } from "./_run_kernel.ts";

/** Activations within the bound of the twin's; and stored where they fire, with bits, the same ones. */
export function encodeCase(tile: Tile, half: boolean): KernelCase["run"] {
  return async (gpu: Gpu) => {
    const random = new Random(3);
    for (const [gx, gy, kPad, offset] of [[1, 1, 16, 0], [2, 1, 32, 4], [1, 2, 48, 8]]) {
      const colsPad = gx * tileColumns(tile);
      const rowsPad = gy * tileRows(tile);
      const ldF = colsPad + offset + 4;
      const rows = rowsPad - gx;
      const params = makeParams({ rows, rowsPad, colsPad, kPad, ldF, colOffset: offset });
      const make = (): number => half ? random.below(64) / 16 - 2 : random.float(118, 128);
      const x = random.floats(kPad * rowsPad, make);
      const w = random.floats(kPad * colsPad, make);
      const bias = random.floats(2 * colsPad, () => random.uniform() * 2 - 1);
      for (let j = 0; j < colsPad; j++) bias[colsPad + j] = j % 3 === 0 ? 0 : random.uniform();
      if (!half) {
        x[5] = NaN;
        x[6] = Infinity;
        x[7] = -0;
        x[8] = 1e-40;
        bias.fill(0, 0, 4);
      }
      const skip = new Uint32Array(Math.ceil(rowsPad / 32));
      skip[0] = 2 | (1 << 15);
      const f = new Uint32Array(rowsPad * ldF).fill(7);
      const store = (a: Float32Array<ArrayBuffer>): Words => half ? toFloat16(a) : a;
      const source = kernels.encodeKernel(tile, half, "all");
      const arrays = [store(x), store(w), bias, skip, f];
      const out = await runKernel(gpu, source, params, arrays, gx, gy);
      const got = new Float32Array(out[4].buffer);
      const expected = new Float32Array(f.buffer.slice(0));
      encode(params, { x, w, bias, skip, f: expected });
      checkEncoded(tileName(tile), params, { x, w, bias, got, expected });
      const bits = new Uint32Array((rowsPad / 32) * ldF).fill(5);
      const firing = kernels.encodeKernel(tile, half, "firing");
      const marked = await runKernel(gpu, firing, params, [...arrays, bits], gx, gy);
      checkMarked(tileName(tile), params, out[4], marked[4], marked[5]);
    }
  };
}

/** Values within gamma·(Σ|x·w| + |b|); where the threshold lies within that of the truth, firing or not is right too. */
function checkEncoded(
  name: string,
  params: Params,
  arrays: { x: Float32Array; w: Float32Array; bias: Float32Array; got: Float32Array; expected: Float32Array },
): void {
  const { rowsPad, colsPad, kPad, ldF, colOffset } = params;
  const { x, w, bias, got, expected } = arrays;
  const u = 2 ** -24;
  const gamma = ((kPad + 2) * u) / (1 - (kPad + 2) * u);
  for (let r = 0; r < rowsPad; r++) {
    for (let j = 0; j < ldF; j++) {
      const at = r * ldF + j;
      const a = got[at];
      const b = expected[at];
      const col = j - colOffset;
      if (Object.is(a, b) || a === b) continue;
      if (col < 0 || col >= colsPad) throw new Error(`encode ${name}: wrote outside its columns at ${r}, ${j}`);
      let sum = Math.abs(bias[col]);
      for (let k = 0; k < kPad; k++) sum += Math.abs(x[k * rowsPad + r] * w[k * colsPad + col]);
      const slack = gamma * sum + 2 ** -120;
      const threshold = bias[colsPad + col];
      const near = (a === 0 && b - threshold <= slack) || (b === 0 && a - threshold <= slack);
      if (!near && !(Math.abs(a - b) <= slack)) {
        throw new Error(`encode ${name} at ${r}, ${col}: device has ${a}, twin has ${b}, bound ${slack}`);
      }
    }
  }
}

/** Bits must say which of all activations are positive, f must hold those, and nothing else may have changed. */
function checkMarked(name: string, params: Params, all: Words, firing: Words, bits: Words): void {
  const { rowsPad, colsPad, ldF, colOffset } = params;
  for (let r = 0; r < rowsPad; r++) {
    for (let j = 0; j < ldF; j++) {
      const at = r * ldF + j;
      const where = `encode ${name} at ${r}, ${j - colOffset}`;
      const bit = (bits[(r >> 5) * ldF + j] >>> (r & 31)) & 1;
      if (j < colOffset || j >= colOffset + colsPad) {
        if (firing[at] !== 7 || bits[(r >> 5) * ldF + j] !== 5) throw new Error(`${where}: wrote outside its columns`);
      } else {
        if (bit !== Number(all[at] !== 0)) throw new Error(`${where}: bit ${bit}, activation's bits ${all[at]}`);
        if (bit === 1 && firing[at] !== all[at]) throw new Error(`${where}: stored ${firing[at]}, not ${all[at]}`);
        if (bit === 0 && firing[at] !== 7 && firing[at] !== 0) throw new Error(`${where}: stored ${firing[at]}`);
      }
    }
  }
}

/**
 * Pre-activations that are known to the bit, around every decision: zeros of either sign, NaN, infinities, thresholds and their
 * neighbours, skipped rows, rows past the strip's end, latents that only pad.
 */
export function markedCase(tile: Tile): KernelCase["run"] {
  return async (gpu: Gpu) => {
    const next = 1 + 2 ** -23;
    const values = [NaN, -NaN, Infinity, -Infinity, 0, -0, 1, next, 1 - 2 ** -24, -1, 2 ** -126, -(2 ** -126), 3e38];
    const thresholds = [0, 1, next, 2 ** -126, Infinity, 3e38];
    const colsPad = 2 * tileColumns(tile);
    const rowsPad = 2 * tileRows(tile);
    const kPad = 16;
    const ldF = colsPad + 4;
    // Of the last latents none is real: as uploadWeights() pads them, bias −1 and no weights.
    const cols = colsPad - 5;
    const x = new Float32Array(kPad * rowsPad);
    const w = new Float32Array(kPad * colsPad);
    const bias = new Float32Array(2 * colsPad);
    for (let r = 0; r < rowsPad; r++) x[r] = values[r % values.length];
    for (let j = 0; j < cols; j++) {
      w[j] = 1;
      bias[j] = -0; // Adding 0 would lose the sign of −0.
      bias[colsPad + j] = thresholds[(j >> 1) % thresholds.length];
    }
    bias.fill(-1, cols, colsPad);
    const skip = new Uint32Array(rowsPad / 32).map((_, i) => 0x80000001 | (0x10 << i));
    for (const rows of [1, 31, 32, 33, rowsPad - 1, rowsPad]) {
      const params = makeParams({ rows, rowsPad, colsPad, cols, kPad, ldF, colOffset: 4 });
      const f = new Uint32Array(rowsPad * ldF).fill(7);
      const bits = new Uint32Array((rowsPad / 32) * ldF).fill(5);
      const expected = bits.slice();
      const stored = f.slice();
      for (let r = 0; r < rowsPad; r++) {
        for (let j = 0; j < colsPad; j++) {
          if (r % 32 === 0) expected[(r >> 5) * ldF + 4 + j] = 0;
          const skipped = r >= rows || ((skip[r >> 5] >>> (r & 31)) & 1) === 1;
          if (skipped || j >= cols || !(x[r] > bias[colsPad + j])) continue;
          expected[(r >> 5) * ldF + 4 + j] |= 1 << (r & 31);
          stored[r * ldF + 4 + j] = new Uint32Array(x.buffer, 4 * r, 1)[0];
        }
      }
      const source = kernels.encodeKernel(tile, false, "firing");
      const out = await runKernel(gpu, source, params, [x, w, bias, skip, f, bits], 2, 2);
      same(`bits of ${tileName(tile)}, ${rows} rows`, out[5], expected);
      for (let i = 0; i < f.length; i++) {
        const [r, j] = [Math.floor(i / ldF), i % ldF];
        if (((expected[(r >> 5) * ldF + j] >>> (r & 31)) & 1) === 0 || j < 4) continue;
        if (out[4][i] !== stored[i]) throw new Error(`f at ${r}, ${j - 4}: ${out[4][i]}, expected ${stored[i]}`);
      }
      const twin = bits.slice();
      encode(params, { x, w, bias, skip, f: new Float32Array(f.length), bits: twin });
      same(`the twin's bits, ${rows} rows`, twin, expected);
    }
  };
}
