/**
 * Sets a pass up: memory, threads, weights, state.
 * @module
 */
import type { FoldPlan } from "../backend.ts";
import { checkPlan } from "../check_plan.ts";
import type { LatentState } from "../latent_state.ts";
import { rowsPerImage } from "../rows.ts";
import { firingThreshold, type Sae } from "../sae.ts";
import { type F64Field, fieldAddress, type U32Field } from "./fields.ts";
import { WasmFold } from "./fold.ts";
import type { KernelModules } from "./kernel_host.ts";
import { chooseScreen, type MemoryPlan, planMemory } from "./plan_memory.ts";
import { openPool, type Pool } from "./pool.ts";
import type { ProbeResult } from "./probe.ts";
import { prepareScreening, SAMPLE_ROWS } from "./screening.ts";
import { writeState } from "./state_views.ts";

/** What the backend decided once. */
export interface PassSettings {
  /** The compiled kernels. */
  readonly modules: KernelModules;
  /** See {@linkcode PoolOptions.permissions}. */
  readonly permissions: "none" | "inherit";
  /** Multiply-adds of a job from which it is worth starting workers. */
  readonly workersAbove: number;
  /** Multiply-adds of a job from which it is worth preparing to screen; Infinity never does. */
  readonly screenAbove: number;
  /** What the relaxed instructions do here. */
  readonly probed: ProbeResult;
}

/**
 * Opens a pass.
 *
 * @throws {DeviceLimitError} If it does not fit.
 * @throws {TypeError} If an array has the wrong length.
 * @throws {RangeError} If a number of the plan is out of range.
 */
export async function openPass(
  sae: Sae,
  plan: FoldPlan,
  from: LatentState | undefined,
  settings: PassSettings,
): Promise<WasmFold> {
  const started = performance.now();
  checkPlan(sae, plan, from);
  const wanted = threadsFor(sae, plan, settings.workersAbove);
  const memoryPlan = planMemory(sae, plan, wanted, {
    screen: worthScreening(sae, plan, settings) ? chooseScreen(settings.probed) : undefined,
  });
  const memory = makeMemory(memoryPlan.bytes);
  const pool = await openPool({ ...settings, memory, threads: wanted });
  try {
    writeParameters(memory, sae, plan, { ...memoryPlan.fields, threads: pool.threads });
    // Read while weights are brought into place.
    const sample = memoryPlan.canScreen ? plan.sample?.(SAMPLE_ROWS) : undefined;
    sample?.catch(() => undefined);
    await writeWeights(memory, sae, memoryPlan, pool);
    writeState(plan, memoryPlan, memory, from);
    const rows = await sample;
    if (rows !== undefined && rows.length > 0) await prepareScreening({ memoryPlan, memory, pool, from: rows });
  } catch (error) {
    pool.close();
    throw error;
  }
  return new WasmFold({ plan, memoryPlan, memory, pool }, (performance.now() - started) / 1000);
}

function threadsFor(sae: Sae, plan: FoldPlan, workersAbove: number): number {
  const work = plan.nImages * rowsPerImage(plan.layout) * sae.dVit * sae.dSae;
  return work < workersAbove ? 1 : Math.max(1, Math.min(64, Math.floor(plan.threads)));
}

function worthScreening(sae: Sae, plan: FoldPlan, { screenAbove }: PassSettings): boolean {
  return plan.nImages * rowsPerImage(plan.layout) * sae.dVit * sae.dSae >= screenAbove;
}

/** A shared memory of at least so many bytes, all zero. */
export function makeMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / 65536);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** 1 + 2·gamma: makes a norm computed in f32 an upper bound of the true one. */
function inflation(dVit: number): number {
  const n = (Math.ceil(dVit / 64) * 64) / 4 + 8;
  const u = 2 ** -24;
  return 1 + (2 * n * u) / (1 - n * u) + 2 * u;
}

/** Writes the parameter block. */
export function writeParameters(
  memory: WebAssembly.Memory,
  sae: Sae,
  plan: FoldPlan,
  sized: MemoryPlan["fields"],
): void {
  const { layout } = plan;
  const u32: Partial<Record<U32Field, number>> = {
    ...sized,
    layers: layout.layers,
    tokens: layout.tokens,
    fromToken: layout.kind === "cls" ? 0 : layout.firstToken,
    poolTokens: layout.kind === "meanpool" ? layout.tokens - layout.firstToken : 1,
    skipNonFinite: plan.nonFinite === "skip" ? 1 : 0,
    sumMode: plan.sortBy === "sum" ? 1 : 0,
    dedupe: plan.dedupe === "image" ? 1 : 0,
  };
  const total = plan.nImages * rowsPerImage(layout);
  const f64: Record<F64Field, number> = {
    clamp: Math.fround(layout.clamp),
    scalar: layout.scalar,
    rate: plan.percentileLr,
    total,
    pull: (2 * plan.percentile) / 100 - 1,
    rowShare: 1 / total,
    rowsPerStep: total / plan.percentileLr,
    inflate: inflation(sae.dVit),
    skew: 0,
  };
  const view = new DataView(memory.buffer);
  for (const [name, value] of Object.entries(u32)) view.setUint32(fieldAddress(name as U32Field), value, true);
  for (const [name, value] of Object.entries(f64)) view.setFloat64(fieldAddress(name as F64Field), value, true);
  const floats = (at: number, n: number): Float32Array => new Float32Array(memory.buffer, at, n);
  const at = sized as Record<U32Field, number>;
  floats(at.bias, sae.dSae).set(sae.bEnc);
  floats(at.bPre, sae.dVit).set(sae.bPre);
  if (layout.mean !== undefined) floats(at.mean, sae.dVit).set(layout.mean);
  const threshold = floats(at.threshold, at.nPad).fill(NaN);
  for (let j = 0; j < sae.dSae; j++) threshold[j] = firingThreshold(sae.activation, j);
}

/** Transposes the weights into the memory, a slab of wEnc's rows at a time through the raw buffers. */
async function writeWeights(memory: WebAssembly.Memory, sae: Sae, { raw }: MemoryPlan, pool: Pool): Promise<void> {
  const { dVit, dSae, wEnc } = sae;
  const slabRows = Math.max(1, Math.floor((raw.length * (raw[1] - raw[0])) / (dSae * 4)));
  for (let from = 0; from < dVit; from += slabRows) {
    const to = Math.min(dVit, from + slabRows);
    new Float32Array(memory.buffer, raw[0], (to - from) * dSae).set(wEnc.subarray(from * dSae, to * dSae));
    await pool.run("transposeSlab", raw[0], from, to);
  }
}
