/**
 * Runs one kernel on the device, for comparison with its twin.
 * @module
 */
import type { Gpu, KernelSource } from "../../../compute/webgpu/gpu.ts";
import { type Params, PARAMS_STRIDE_BYTES, writeParams } from "../../../compute/webgpu/params.ts";

/** Arrays that a kernel is bound to. */
export type Words = Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Pseudorandom numbers (mulberry32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }
  /** Of any exponent in [from, to) (biased), either sign. */
  float(from: number, to: number): number {
    const bits = ((from + this.below(to - from)) << 23) | this.below(2 ** 23) | (this.below(2) << 31);
    return new Float32Array(new Int32Array([bits]).buffer)[0];
  }
  floats(n: number, make: () => number): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: n }, make);
  }
}

/** Runs a kernel once on copies of the arrays and returns what the device holds then. */
export async function runKernel<A extends Words[]>(
  gpu: Gpu,
  source: KernelSource,
  params: Params,
  arrays: [...A],
  x: number,
  y = 1,
): Promise<A> {
  const kernel = await gpu.kernel(source);
  const buffers = arrays.map((array) => {
    const buffer = gpu.storage(source.name, array.byteLength);
    gpu.device.queue.writeBuffer(buffer, 0, array);
    return buffer;
  });
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const block = gpu.acquire("parameters", PARAMS_STRIDE_BYTES, usage);
  const bytes = new ArrayBuffer(PARAMS_STRIDE_BYTES);
  writeParams(bytes, 0, params);
  gpu.device.queue.writeBuffer(block, 0, bytes);
  gpu.submit(source.name, (encoder) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(kernel.pipeline);
    pass.setBindGroup(0, gpu.bindParams(block), [0]);
    pass.setBindGroup(1, gpu.bind(kernel, buffers));
    pass.dispatchWorkgroups(x, y);
    pass.end();
  });
  const out = [];
  for (const [i, array] of arrays.entries()) {
    if (source.bindings[i] === "read") {
      out.push(array);
      continue;
    }
    const copy = await gpu.read(buffers[i], 0, array.byteLength);
    out.push(new (array.constructor as new (b: ArrayBuffer) => Words)(copy));
  }
  for (const buffer of [...buffers, block]) gpu.release(buffer);
  return out as A;
}

/** Throws unless the arrays are equal; 0 equals −0, NaN equals NaN. */
export function same(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (actual.length !== expected.length) throw new Error(`${what}: ${actual.length} elements, not ${expected.length}`);
  for (let i = 0; i < actual.length; i++) {
    if (actual[i] !== expected[i] && !(Number.isNaN(actual[i]) && Number.isNaN(expected[i]))) {
      throw new Error(`${what}[${i}]: device has ${actual[i]}, twin has ${expected[i]}`);
    }
  }
}

/** The f32 values' bits. */
export const bitsOf = (f: Float32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => new Uint32Array(f.buffer.slice(0));
/** n rounded up to a multiple. */
export const ceil = (n: number, to: number): number => Math.ceil(n / to) * to;

/** A strip as the product leaves it: bits say what is positive, and where nothing is, f holds what must not be read. */
export function firedOf(
  f: Float32Array<ArrayBuffer>,
  ldF: number,
): { f: Uint32Array<ArrayBuffer>; bits: Uint32Array<ArrayBuffer> } {
  const words = bitsOf(f);
  const bits = new Uint32Array(Math.ceil(f.length / ldF / 32) * ldF);
  for (let i = 0; i < f.length; i++) {
    const r = Math.floor(i / ldF);
    if (f[i] > 0) bits[(r >> 5) * ldF + (i % ldF)] |= 1 << (r & 31);
    else words[i] = 0x7e800000 + i; // Larger than all the others.
  }
  return { f: words, bits };
}
