/**
 * What this engine's relaxed instructions do, tried out at start.
 * @module
 */
import { instantiateKernels, type KernelModules, type Kernels } from "./kernel_host.ts";

/** What was found. */
export interface ProbeResult {
  /** Whether multiply and add are fused (one rounding). */
  readonly fused: boolean;
  /** Bits of the unsigned operand for which the byte dot product is exact: 8, 7, or 0 for neither. */
  readonly dotBits: 0 | 7 | 8;
}

/** Addresses used: three vectors, past the control block. */
const A = 2048;
const B = 2064;
const C = 2080;
/** Calls enough for an engine to compile the loop anew with its optimising compiler. */
const WARM_UP = 200_000;

/**
 * Tries the instructions cold and after a warm-up, because tiers of an engine may differ.
 *
 * The specification leaves open whether `relaxed_madd` rounds once, and what `relaxed_dot_i8x16_i7x16` makes of an operand
 * of 8 bits; some engines saturate or read it as signed there.
 */
export async function probe(modules: KernelModules): Promise<ProbeResult> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const kernels = instantiateKernels(modules, memory);
  const tiny = 2 ** -12;
  // (1 + 2^-12)² − (1 + 2^-11) is 2^-24 exactly; a rounded square loses it.
  const fused = kernels.probeFma(1 + tiny, 1 + tiny, -(1 + 2 * tiny)) !== 0;
  let dotBits = dotBitsNow(memory, kernels);
  kernels.probeDot(A, B, C, WARM_UP);
  await new Promise((resolve) => setTimeout(resolve, 0));
  kernels.probeDot(A, B, C, WARM_UP);
  const warm = dotBitsNow(memory, kernels);
  if (warm < dotBits) dotBits = warm;
  return { fused, dotBits };
}

function dotBitsNow(memory: WebAssembly.Memory, kernels: Kernels): 0 | 7 | 8 {
  if (!dotIsExact(memory, kernels, 127)) return 0;
  return dotIsExact(memory, kernels, 255) ? 8 : 7;
}

/** Signed bytes of every kind against unsigned ones up to `top`, extremes included. */
function dotIsExact(memory: WebAssembly.Memory, kernels: Kernels, top: number): boolean {
  const signed = new Int8Array(memory.buffer, A, 16);
  const unsigned = new Uint8Array(memory.buffer, B, 16);
  const sums = new Int32Array(memory.buffer, C, 4);
  for (let round = 0; round < 64; round++) {
    for (let i = 0; i < 16; i++) {
      signed[i] = round < 2 ? (round === 0 ? 127 : -128) : (i * 37 + round * 101) % 256;
      unsigned[i] = round < 4 ? top : (i * 29 + round * 53) % (top + 1);
    }
    sums.fill(round - 7);
    kernels.probeDot(A, B, C, 1);
    for (let lane = 0; lane < 4; lane++) {
      let sum = round - 7;
      for (let i = 4 * lane; i < 4 * lane + 4; i++) sum += signed[i] * unsigned[i];
      if (sums[lane] !== sum) return false;
    }
  }
  return true;
}
