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
  /**
   * Bits of the unsigned operand for which sums of two products are exact in 16 bits. Where these are 8, it is so up to
   * {@linkcode PAIR_TOP}, and where signed operands of one sign are at most {@linkcode MAX_PAIR} together: more could saturate.
   * Of unlike signs each may be any byte but −128.
   */
  readonly pairBits: 0 | 7 | 8;
}

/** What an engine without relaxed instructions gives. */
export const NOTHING: ProbeResult = { fused: false, dotBits: 0, pairBits: 0 };

/** Largest unsigned operand of a pair. Larger ones would leave less for the signed ones, which need more: see screening.md. */
export const PAIR_TOP = 199;
/** `MAX_PAIR · PAIR_TOP < 2^15`. */
export const MAX_PAIR = 164;

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
  const look = (): (0 | 7 | 8)[] => [
    exactBits((top) => dotIsExact(memory, kernels, top), 255),
    exactBits((top) => pairsAreExact(memory, kernels, top), PAIR_TOP),
  ];
  const cold = look();
  for (const warmUp of [kernels.probeDot, kernels.probePairs]) {
    warmUp(A, B, C, WARM_UP);
    await new Promise((resolve) => setTimeout(resolve, 0));
    warmUp(A, B, C, WARM_UP);
  }
  const warm = look();
  const [dotBits, pairBits] = cold.map((bits, i) => bits < warm[i] ? bits : warm[i]);
  return { fused, dotBits, pairBits };
}

function exactBits(isExact: (top: number) => boolean, top: number): 0 | 7 | 8 {
  if (!isExact(127)) return 0;
  return isExact(top) ? 8 : 7;
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

/** The same for pairs, whose signed bytes share {@linkcode MAX_PAIR} or have unlike signs; sums wrap around. */
function pairsAreExact(memory: WebAssembly.Memory, kernels: Kernels, top: number): boolean {
  const signed = new Int8Array(memory.buffer, A, 16);
  const unsigned = new Uint8Array(memory.buffer, B, 16);
  const sums = new Int16Array(memory.buffer, C, 8);
  for (let round = 0; round < 2 * (MAX_PAIR + 1); round++) {
    for (let lane = 0; lane < 8; lane++) {
      const first = (round + 17 * lane) % (MAX_PAIR + 1);
      const sign = lane & 1 ? -1 : 1;
      const unlike = (lane & 2) !== 0;
      // There is no +128 among bytes, and −128 is not used.
      signed[2 * lane] = sign * Math.min(127, first);
      signed[2 * lane + 1] = unlike ? -sign * (127 - round % 3) : sign * Math.min(127, MAX_PAIR - first);
    }
    for (let i = 0; i < 16; i++) unsigned[i] = round <= MAX_PAIR ? top : (i * 29 + round * 53) % (top + 1);
    sums.fill(32_000 - 400 * (round % (MAX_PAIR + 1)));
    const before = sums.slice();
    kernels.probePairs(A, B, C, 1);
    for (let lane = 0; lane < 8; lane++) {
      const sum = before[lane] + signed[2 * lane] * unsigned[2 * lane] + signed[2 * lane + 1] * unsigned[2 * lane + 1];
      if (sums[lane] !== sum << 16 >> 16) return false;
    }
  }
  return true;
}
