/**
 * Dense activations of a few rows, by the same kernels in the calling thread.
 * @module
 */
import { type Sae } from "../sae.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { makeMemory, writeParameters } from "./open_pass.ts";
import { type MemoryPlan, planMemory } from "./plan_memory.ts";
import { instantiateKernels, type KernelModules, type Kernels } from "./kernel_host.ts";

/** Rows encoded at a time. */
const ROWS = 64;

/** An encoder set up in its own memory. */
interface Encoder {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  readonly fields: Record<string, number>;
}

/**
 * Makes an encoder for an SAE: `encode(x)` gives `f32 [n, dSae]` for `x: f32 [n, dVit]`.
 *
 * @throws {TypeError} If `x` is not `[n, dVit]`.
 */
export function makeEncoder(modules: KernelModules, sae: Sae): (x: Tensor) => Tensor {
  const { memory, kernels, fields } = setUp(modules, sae);
  const { dVit, dSae } = sae;
  const { dPad, nPad, rowK, listCapacity } = fields;
  return (x) => {
    const n = x.shape[0];
    if (x.shape.length !== 2 || x.shape[1] !== dVit) {
      throw new TypeError(`Cannot encode a tensor of shape [${x.shape.join(", ")}], expected [n, ${dVit}]`);
    }
    const out = new Float32Array(n * dSae);
    for (let from = 0; from < n; from += ROWS) {
      const rows = Math.min(ROWS, n - from);
      const input = new Float32Array(memory.buffer, fields.x, rows * dPad);
      for (let r = 0; r < rows; r++) {
        for (let d = 0; d < dVit; d++) input[r * dPad + d] = x.data[(from + r) * dVit + d] - sae.bPre[d];
      }
      kernels.encodeRows(rows);
      const pre = new Float32Array(memory.buffer, fields.pre, rows * nPad);
      const threshold = new Float32Array(memory.buffer, fields.threshold, dSae);
      const cut = new Float32Array(memory.buffer, fields.rowCut, rows);
      const last = new Uint32Array(memory.buffer, fields.rowCut + 4 * listCapacity, rows);
      for (let r = 0; r < rows; r++) {
        for (let j = 0; j < dSae; j++) {
          const v = pre[r * nPad + j];
          const fires = rowK === 0 ? v > threshold[j] : v > 0 && (v > cut[r] || (v === cut[r] && j < last[r]));
          out[(from + r) * dSae + j] = fires ? v : 0;
        }
      }
    }
    return tensor(out, [n, dSae]);
  };
}

function setUp(modules: KernelModules, sae: Sae): Encoder {
  const { dVit, dSae, wEnc } = sae;
  const layout = {
    kind: "cls",
    layers: 1,
    tokens: 1,
    firstToken: 0,
    dVit,
    clamp: Infinity,
    mean: undefined,
    scalar: 1,
  } as const;
  const plan = {
    layout,
    nImages: ROWS,
    batchImages: ROWS,
    k: 1,
    sortBy: "img",
    dedupe: "none",
    percentile: 50,
    percentileLr: 1,
    nDistributions: 0,
    nonFinite: "error",
    maxMemoryBytes: Infinity,
    threads: 1,
  } as const;
  const memoryPlan: MemoryPlan = planMemory(sae, plan, 1, { encodeOnly: true });
  const memory = makeMemory(memoryPlan.bytes);
  writeParameters(memory, sae, plan, memoryPlan.fields);
  const fields = memoryPlan.fields as Record<string, number>;
  const wt = new Float32Array(memory.buffer, fields.wt, dSae * fields.dPad);
  for (let d = 0; d < dVit; d++) for (let j = 0; j < dSae; j++) wt[j * fields.dPad + d] = wEnc[d * dSae + j];
  return { memory, kernels: instantiateKernels(modules, memory), fields };
}
