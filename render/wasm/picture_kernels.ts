/**
 * The compiled picture kernels and their memory, one per thread.
 * @module
 */
import { PICTURES_WASM } from "./build/pictures.generated.ts";
import { TABLES_END } from "./layout.ts";
import { base64Bytes } from "../_text_bytes.ts";

/** Exports of `kernels/*.as`; addresses and lengths are bytes. */
interface KernelExports {
  readonly memory: WebAssembly.Memory;
  makeCrcTables(): void;
  makeRunTables(): void;
  resizeRows(
    source: number,
    pitch: number,
    rows: number,
    out: number,
    columns: number,
    first: number,
    taps: number,
    weights: number,
    stride: number,
  ): void;
  resizeColumns(
    source: number,
    pitch: number,
    rows: number,
    out: number,
    first: number,
    taps: number,
    weights: number,
    stride: number,
  ): void;
  cover(at: number, pitch: number, bytes: number, rows: number, r: number, g: number, b: number, alpha: number): void;
  filterRows(source: number, pitch: number, rows: number, out: number): void;
  deflate(source: number, length: number, out: number): number;
  crc32(at: number, length: number): number;
}

/** Bytes that kernels may read or write past an array's end. */
const SLACK_BYTES = 64;

/** WebAssembly memory never shrinks: what needs more goes without the kernels. */
const MAX_MEMORY_BYTES = 512 * 2 ** 20;

const PAGE_BYTES = 65536;

/** Kernels ready to be called, with room for arrays. */
export interface PictureKernels {
  /** The kernels by name. */
  readonly call: KernelExports;
  /** The memory's bytes; stale after the next {@linkcode reserve}. */
  bytes(): Uint8Array<ArrayBuffer>;
}

let instance: KernelExports | null | undefined;

/**
 * Makes room for arrays of some lengths, behind each other, and gives the kernels and the arrays' addresses.
 *
 * The arrays of earlier calls are overwritten. Nothing has to be given back.
 *
 * @param lengths Bytes of each array; up to 64 bytes past each may be read and written as well.
 * @returns Undefined where the engine has no SIMD or the arrays are too large: the plain code gives the same bytes.
 */
export function reserve(lengths: readonly number[]): { kernels: PictureKernels; addresses: number[] } | undefined {
  let next = TABLES_END;
  const addresses = lengths.map((length) => {
    const at = next;
    next += Math.ceil((length + SLACK_BYTES) / 64) * 64;
    return at;
  });
  if (next > MAX_MEMORY_BYTES) return undefined;
  const call = instance ??= instantiate();
  if (call === null) return undefined;
  const missing = next - call.memory.buffer.byteLength;
  try {
    if (missing > 0) call.memory.grow(Math.ceil(missing / PAGE_BYTES));
  } catch {
    return undefined;
  }
  return { kernels: { call, bytes: () => new Uint8Array(call.memory.buffer as ArrayBuffer) }, addresses };
}

function instantiate(): KernelExports | null {
  try {
    // Small enough to compile at once, which browsers' main threads allow below 8 MB.
    const module = new WebAssembly.Module(base64Bytes(PICTURES_WASM));
    const exports = new WebAssembly.Instance(module).exports as unknown as KernelExports;
    exports.makeCrcTables();
    exports.makeRunTables();
    return exports;
  } catch {
    return null;
  }
}
