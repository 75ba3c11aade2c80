/**
 * The WebGPU backend: for GPU nodes and browsers; in tests also on software adapters.
 * @module
 */
import type { Backend, Fold, FoldPlan } from "../backend.ts";
import { checkPlan, checkSae } from "../check_plan.ts";
import { DeviceLostError } from "../errors.ts";
import type { LatentState } from "../latent_state.ts";
import type { Sae } from "../sae.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { requestDevice } from "./device.ts";
import { SOFTWARE_TILE, type Tile, tileColumns, tileName, tileRows, TILES } from "./encode.ts";
import { encodeRows, freeResident, makeResident, type ResidentEncoder } from "./encode_rows.ts";
import { Gpu, type GpuCounts } from "./gpu.ts";
import { FOLD_SHAPE, SOFTWARE_FOLD_SHAPE } from "./kernels.ts";
import type { Tuning } from "./lane_request.ts";
import { type LaneSetup, WebgpuFold } from "./pass.ts";
import { chooseTile, type Timed, timeStrip, timeTile } from "./tune.ts";

export type { GpuCounts } from "./gpu.ts";
export type { Tuning } from "./lane_request.ts";
export type { Timed } from "./tune.ts";

/** See {@linkcode createWebgpuBackend}. */
export interface WebgpuOptions {
  /** Whether an adapter that runs on the CPU will do; false if not given. */
  readonly allowSoftware?: boolean;
  /** `max` (if not given) asks for the adapter's largest buffers, `default` for what WebGPU guarantees everywhere. */
  readonly limits?: "default" | "max";
  /** Storage of weights and rows; sums are f32 either way. `f32` if not given. `f16` halves the traffic and rounds both to 11 bits. */
  readonly precision?: "f32" | "f16";
  /** Gets one line when a device is lost and replaced, or a tile shape is chosen. */
  readonly log?: (line: string) => void;
  /** `auto` times the tile shapes when a job is long enough to gain by it, `always` for every job; or a shape's name. */
  readonly tile?: "auto" | "always" | string;
  /** Sizes, for tests and measurements. */
  readonly tuning?: Partial<Tuning>;
}

/** A backend with what tests and measurements need besides. */
export interface WebgpuBackend extends Backend {
  /** What is alive on the device. */
  counts(): GpuCounts;
  /** Destroys the device as a driver failure would: passes under way go on with a new one. For tests. */
  loseDevice(): void;
  /** Times the product of a strip, and with `block` all that is done with a strip on the device. For measurements. */
  time(
    sae: Sae,
    plan: FoldPlan,
    request: { seconds: number; block?: Float32Array<ArrayBuffer> },
  ): Promise<{ product: Timed; strip: Timed | undefined; tile: string }>;
}

/** A second loss within this time ends the pass. */
const MIN_MS_BETWEEN_LOSSES = 60_000;

/** On a GPU a strip is some milliseconds of work, so that starting kernels costs little. */
const TUNING: Tuning = {
  stripRows: 8192,
  pieceBytes: 32 * 2 ** 20,
  capacity: 256,
  fold: FOLD_SHAPE,
  maxChunk: 32768,
  ring: 32,
  lentBytes: 64 * 2 ** 20,
};

/** On a CPU small strips cost nothing, and large workgroup arrays take OpenGL's compilers many seconds. */
const SOFTWARE_TUNING: Tuning = {
  ...TUNING,
  stripRows: 256,
  capacity: 64,
  fold: SOFTWARE_FOLD_SHAPE,
  ring: 3,
  lentBytes: 0,
};

/** `auto` times tile shapes for jobs of at least this many operations: seconds of work on a data-centre card. */
const MIN_FLOPS_TO_TUNE = 1e14;

/** Divides by every GPU tile's rows and columns, so that shapes can change without moving anything. */
const GPU_PAD = 128;

/**
 * Makes a backend on the best adapter of `navigator.gpu`.
 *
 * Pre-activations are summed in f32 in order of the dimension: within `γ_{n+1}·(Σ|x'·w| + |b|)` of the exact ones,
 * `γ_n = n·2^-24/(1 − n·2^-24)`, n the width rounded up to 16. Everything after is exact for the f32 activations, but the online
 * percentile, which is updated row by row in f32. Subnormal inputs and sums may be flushed to zero. With `precision: "f16"` rows and weights are first rounded to half
 * precision, 2^-11 relative each; values past 65504 then overflow.
 *
 * A lost device is replaced, and the pass goes on from its last snapshot with the batches since; a second loss within a
 * minute rejects with {@linkcode DeviceLostError}.
 *
 * @param options All optional.
 * @throws {BackendUnavailableError} If there is no WebGPU, no adapter, only a software adapter where none is allowed, or no `shader-f16` for `f16`.
 * @throws {RangeError} If `tile` is not a shape's name, or `tuning.capacity` is not an integer from 1 to 1024.
 *
 * @example
 * ```ts
 * import { BackendUnavailableError } from "../errors.ts";
 * import { createWebgpuBackend } from "./mod.ts";
 * try {
 *   const backend = await createWebgpuBackend({ allowSoftware: true });
 *   console.assert(backend.name === "webgpu");
 *   await backend.close();
 * } catch (error) {
 *   if (!(error instanceof BackendUnavailableError)) throw error; // No adapter here.
 * }
 * ```
 */
export async function createWebgpuBackend(options: WebgpuOptions = {}): Promise<WebgpuBackend> {
  const { allowSoftware = false, limits = "max", precision = "f32", log = () => {}, tile: tileOption = "auto" } =
    options;
  const half = precision === "f16";
  const { capacity = 1 } = options.tuning ?? {};
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= 1024)) {
    throw new RangeError(`Cannot keep ${capacity} candidates per latent: expected an integer from 1 to 1024`);
  }
  const request = { allowSoftware, limits, half };
  const make = async (): Promise<Gpu> => {
    const { device, facts } = await requestDevice(request);
    return new Gpu(device, facts);
  };
  const owner = { gpu: await make(), renew };
  const { facts } = owner.gpu;
  const named = [...TILES, SOFTWARE_TILE].find((shape) => tileName(shape) === tileOption);
  if (named === undefined && tileOption !== "auto" && tileOption !== "always") {
    owner.gpu.destroy();
    const names = [...TILES, SOFTWARE_TILE].map(tileName).join(", ");
    throw new RangeError(`Cannot use tile ${tileOption}: expected auto, always, or one of ${names}`);
  }
  let setup = setupFor(named ?? (facts.software ? SOFTWARE_TILE : TILES[0]));
  let lastLoss = -Infinity;
  let losses = 0;
  let closed = false;
  let resident: ResidentEncoder | undefined;
  let renewing: Promise<Gpu> | undefined;

  function setupFor(tile: Tile): LaneSetup {
    const own = tile === SOFTWARE_TILE;
    return {
      tile,
      rowPad: own ? tileRows(tile) : GPU_PAD,
      colPad: own ? tileColumns(tile) : GPU_PAD,
      half,
      tuning: { ...(facts.software ? SOFTWARE_TUNING : TUNING), ...options.tuning },
    };
  }

  /** Several passes may meet the same loss: one device is made for all. */
  function renew(): Promise<Gpu> {
    // Closing destroys the device, which is no loss to make good.
    if (closed) return Promise.reject(new TypeError("Cannot use a backend that was closed"));
    if (owner.gpu.lost === undefined) return Promise.resolve(owner.gpu);
    renewing ??= replace().finally(() => renewing = undefined);
    return renewing;
  }

  async function replace(): Promise<Gpu> {
    const reason = owner.gpu.lost;
    const now = performance.now();
    if (now - lastLoss < MIN_MS_BETWEEN_LOSSES) {
      throw new DeviceLostError(`Lost the GPU twice within a minute (${reason}): resume from the last checkpoint`);
    }
    lastLoss = now;
    losses += 1;
    resident = undefined;
    owner.gpu.destroy();
    owner.gpu = await make();
    log(`Lost the GPU (${reason}); went on with a new device`);
    return owner.gpu;
  }

  async function tuned(sae: Sae, plan: FoldPlan, rows: number): Promise<LaneSetup> {
    const flops = 2 * rows * sae.dVit * sae.dSae;
    const worthwhile = tileOption === "always" ||
      (tileOption === "auto" && !facts.software && flops >= MIN_FLOPS_TO_TUNE);
    if (!worthwhile || facts.software) return setup;
    const tile = await chooseTile(owner, sae, plan, setup);
    if (tile !== setup.tile) log(`Tile ${tileName(tile)} is the fastest here`);
    return setup = setupFor(tile);
  }

  return {
    name: "webgpu",
    get details(): Readonly<Record<string, unknown>> {
      const { adapter, software, maxBindingBytes } = owner.gpu.facts;
      const tile = tileName(setup.tile);
      return { path: "wgsl", adapter, software, limits, maxBindingBytes, tile, precision, deviceLosses: losses };
    },
    async open(sae: Sae, plan: FoldPlan, from?: LatentState): Promise<Fold> {
      refuseClosed();
      checkPlan(sae, plan, from);
      const rows = plan.nImages * (plan.layout.kind === "patches" ? plan.layout.tokens : 1);
      if (owner.gpu.lost !== undefined) await renew();
      return await WebgpuFold.open(owner, sae, plan, await tuned(sae, plan, rows), from);
    },
    async encode(x: Tensor, sae: Sae): Promise<Tensor> {
      refuseClosed();
      checkSae(sae);
      if (x.shape.length !== 2 || x.shape[1] !== sae.dVit) {
        throw new TypeError(`Cannot encode rows of shape [${x.shape.join(", ")}]: expected [n, ${sae.dVit}]`);
      }
      if (owner.gpu.lost !== undefined) await renew();
      const { gpu } = owner;
      if (resident?.sae !== sae) {
        if (resident !== undefined) freeResident(gpu, resident);
        resident = makeResident(gpu, sae, setup);
      }
      const n = x.shape[0];
      return tensor(await encodeRows(gpu, x.data, n, resident, setup), [n, sae.dSae]);
    },
    close(): Promise<void> {
      if (!closed) owner.gpu.destroy();
      closed = true;
      return Promise.resolve();
    },
    counts: () => owner.gpu.counts,
    loseDevice: () => owner.gpu.device.destroy(),
    async time(
      sae: Sae,
      plan: FoldPlan,
      { seconds, block }: { seconds: number; block?: Float32Array<ArrayBuffer> },
    ): Promise<{ product: Timed; strip: Timed | undefined; tile: string }> {
      const best = await tuned(sae, plan, 0);
      const product = await timeTile(owner, sae, plan, best, seconds);
      const strip = block && await timeStrip(owner, sae, plan, best, block, seconds);
      return { product, strip, tile: tileName(best.tile) };
    },
  };

  function refuseClosed(): void {
    if (closed) throw new TypeError("Cannot use a backend that was closed");
  }
}
