/**
 * The WebAssembly backend: SIMD kernels in workers over one shared memory, without any permission.
 *
 * @module
 */
import type { Backend, Fold, FoldPlan } from "../backend.ts";
import { checkSae } from "../check_plan.ts";
import type { LatentState } from "../latent_state.ts";
import type { Sae } from "../sae.ts";
import type { Tensor } from "../tensor.ts";
import { makeEncoder } from "./encode.ts";
import { type KernelModule, loadKernels, type Variant } from "./kernel_module.ts";
import { openPass } from "./open_pass.ts";
import { chooseScreen } from "./plan_memory.ts";
import { startAhead } from "./pool.ts";
import { NOTHING, probe, type ProbeResult } from "./probe.ts";

export type { Variant };

/** Settings of {@linkcode createWasmBackend}; the defaults are right for almost everybody. */
export interface WasmOptions {
  /** Build to use; `auto`, the default, takes relaxed SIMD where the engine has it. */
  readonly variant?: Variant | "auto";
  /**
   * Permissions of the compute workers, where the runtime has any. `inherit`, the default, works everywhere; the workers use
   * none of them.
   * `none` takes them away, and needs Deno to be run with `--unstable-worker-options` or the same in its `deno.json`:
   * without it Deno ends the process.
   */
  readonly workerPermissions?: "none" | "inherit";
  /** Multiply-adds of a job from which it is worth starting workers; smaller ones run in the calling thread. Default 2e8. */
  readonly workersAbove?: number;
  /** Multiply-adds of a job from which it is worth preparing to screen. Default 4e10; Infinity never screens. */
  readonly screenAbove?: number;
}

/** Multiply-adds of a job from which it is worth starting workers. */
const WORKERS_ABOVE = 2e8;

/** A build, and what it was found to do here. */
interface TriedKernels {
  readonly kernels: KernelModule;
  readonly probed: ProbeResult;
}

/** An engine does not change: what was tried once holds for every backend. */
const tried = new Map<Variant | "auto", Promise<TriedKernels>>();

function tryKernels(variant: Variant | "auto"): Promise<TriedKernels> {
  const found = tried.get(variant) ?? loadKernels(variant).then(async (kernels) => (
    { kernels, probed: kernels.variant === "relaxed" ? await probe(kernels.modules) : NOTHING }
  ));
  tried.set(variant, found);
  return found;
}

/** What is known of a job before its inputs are read. */
export interface ExpectedJob {
  /** Threads that it may use. */
  readonly threads: number;
  /** Multiply-adds, at least. */
  readonly work: number;
  /** As for {@linkcode WasmOptions}. */
  readonly workerPermissions?: "none" | "inherit" | undefined;
}

/**
 * Compiles and tries the kernels and starts a job's workers while its caller waits for something else; whoever creates the
 * backend and opens a pass then finds that done.
 *
 * @returns Disposing of it ends the workers that no pass has taken.
 */
export function loadAhead({ threads, work, workerPermissions = "inherit" }: ExpectedJob): Disposable {
  // Whoever creates the backend hears of a failure.
  tryKernels("auto").catch(() => undefined);
  return startAhead(work < WORKERS_ABOVE || threads < 2 ? 0 : threads, workerPermissions);
}

/**
 * Creates the backend.
 *
 * Rows, columns and threads only decide who computes what, never how: the state has the same bits for any number of
 * threads, any batch size and any cut of the data into batches. The two builds may differ from each other in the last
 * bits of an activation, because relaxed SIMD may fuse multiply and add; `details.variant` records which one ran.
 *
 * The arrays of a state are views on the pass's memory: they change when the pass goes on, and stay valid after it is
 * closed.
 *
 * @throws {BackendUnavailableError} If the engine takes none of the builds.
 *
 * @example
 * ```ts
 * import { createWasmBackend } from "./mod.ts";
 * const backend = await createWasmBackend();
 * const sae = {
 *   dVit: 2, dSae: 1, wEnc: new Float32Array([1, 2]), bEnc: new Float32Array([-1]), bPre: new Float32Array(2),
 *   activation: { kind: "relu" },
 * } as const;
 * const f = await backend.encode({ data: new Float32Array([3, 4]), shape: [1, 2] }, sae);
 * console.assert(f.data[0] === 10);
 * await backend.close();
 * ```
 */
export async function createWasmBackend(options: WasmOptions = {}): Promise<Backend> {
  const { variant = "auto", workersAbove = WORKERS_ABOVE, screenAbove = 4e10 } = options;
  const { workerPermissions: permissions = "inherit" } = options;
  const { kernels, probed } = await tryKernels(variant);
  const settings = { modules: kernels.modules, permissions, workersAbove, screenAbove, probed };
  const details: Record<string, unknown> = {
    variant: kernels.variant,
    ...probed,
    screening: chooseScreen(probed) ?? "none: the byte dot product is not exact here",
    memory: "one shared 32-bit memory, and a small one of each worker's screen",
    workerPermissions: permissions,
  };
  const encoders = new WeakMap<Sae, (x: Tensor) => Tensor>();
  const passes = new Set<Fold>();
  return {
    name: "wasm",
    details,
    async open(sae: Sae, plan: FoldPlan, from?: LatentState): Promise<Fold> {
      const pass = await openPass(sae, plan, from, settings);
      passes.add(pass);
      return pass;
    },
    // deno-lint-ignore require-await -- so that a wrong shape rejects
    async encode(x: Tensor, sae: Sae): Promise<Tensor> {
      checkSae(sae);
      let encode = encoders.get(sae);
      if (encode === undefined) {
        encode = makeEncoder(kernels.modules, sae);
        encoders.set(sae, encode);
      }
      return encode(x);
    },
    async close(): Promise<void> {
      await Promise.all([...passes].map((pass) => pass.close()));
      passes.clear();
    },
  };
}
