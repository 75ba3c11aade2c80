/**
 * Timing tile shapes on the device at hand.
 * @module
 */
import type { FoldPlan } from "../backend.ts";
import { rowsPerImage } from "../rows.ts";
import type { Sae } from "../sae.ts";
import { type Tile, TILES } from "./encode.ts";
import { Lane } from "./lane.ts";
import type { DeviceOwner, LaneSetup } from "./pass.ts";
import { clearState } from "./state_transfer.ts";

/** Time spent on each shape. */
const SECONDS_PER_TILE = 0.06;

/** Choices made in this process, by adapter, widths and precision. */
const chosen = new Map<string, Tile>();

/**
 * The fastest tile shape for a job on a device; asked again, it remembers.
 *
 * @param owner Who owns the device.
 * @param sae The encoder.
 * @param plan The pass.
 * @param setup Padding (a multiple of every shape's) and precision.
 */
export async function chooseTile(owner: DeviceOwner, sae: Sae, plan: FoldPlan, setup: LaneSetup): Promise<Tile> {
  const key = [owner.gpu.facts.adapter, sae.dVit, sae.dSae, setup.half].join("|");
  const known = chosen.get(key);
  if (known !== undefined) return known;
  let best = setup.tile;
  let least = Infinity;
  for (const tile of TILES) {
    const { seconds } = await timeTile(owner, sae, plan, { ...setup, tile }, SECONDS_PER_TILE);
    if (seconds < least) {
      least = seconds;
      best = tile;
    }
  }
  chosen.set(key, best);
  return best;
}

/** Seconds of one repetition, and its floating-point operations. */
export interface Timed {
  /** Seconds. */
  readonly seconds: number;
  /** Operations of the product, 2 per multiply-add, padding left out. */
  readonly flops: number;
  /** Rows. */
  readonly rows: number;
}

/**
 * Times the product of one strip, over at least `seconds` of work after a warm-up.
 *
 * @param owner Who owns the device.
 * @param sae The encoder.
 * @param plan The pass; of its state only one entry a latent is allocated.
 * @param setup The tile and its padding.
 * @param seconds How long to measure.
 */
export async function timeTile(
  owner: DeviceOwner,
  sae: Sae,
  plan: FoldPlan,
  setup: LaneSetup,
  seconds: number,
): Promise<Timed> {
  const slim = { ...plan, k: 1, nDistributions: 0 };
  return await timeLane(owner, sae, slim, setup, (lane) => {
    const { stripRowsPad } = lane.geometry;
    return { rows: stripRowsPad, submit: (times) => lane.encodeOnly(times) };
  }, seconds);
}

/**
 * Times everything that is done with one strip once it is on the device: rows, product, statistics, ranking, heatmaps.
 *
 * @param owner Who owns the device.
 * @param sae The encoder.
 * @param plan The pass; rows must not need means.
 * @param setup The tile and its padding.
 * @param block `f32 [≥ strip images, tokens, dVit]`: what is folded again and again.
 * @param seconds How long to measure.
 */
export async function timeStrip(
  owner: DeviceOwner,
  sae: Sae,
  plan: FoldPlan,
  setup: LaneSetup,
  block: Float32Array<ArrayBuffer>,
  seconds: number,
): Promise<Timed> {
  return await timeLane(owner, sae, plan, setup, (lane) => {
    clearState(owner.gpu, lane);
    const rows = lane.geometry.stripImages * rowsPerImage(plan.layout);
    return { rows, submit: (times) => lane.stripOnly(block, times) };
  }, seconds);
}

async function timeLane(
  owner: DeviceOwner,
  sae: Sae,
  plan: FoldPlan,
  setup: LaneSetup,
  prepare: (lane: Lane) => { rows: number; submit: (times: number) => void },
  seconds: number,
): Promise<Timed> {
  const { gpu } = owner;
  const maxImages = Math.max(1, Math.floor(setup.tuning.stripRows / rowsPerImage(plan.layout)));
  const tuning = { ...setup.tuning, ring: 1 };
  const lane = await Lane.create(gpu, { ...setup, sae, plan, prepared: false, maxImages, tuning });
  try {
    const { rows, submit } = prepare(lane);
    // Recording does not count: in a pass it goes on while the device is at work.
    const measure = async (times: number): Promise<number> => {
      submit(times);
      const start = performance.now();
      await gpu.device.queue.onSubmittedWorkDone();
      return (performance.now() - start) / 1000;
    };
    await measure(1);
    let times = 1;
    let took = await measure(times);
    while (took < seconds && times < 4096) {
      times *= 2;
      took = await measure(times);
    }
    // Runtimes report late that work is done (Deno some 10 ms): twice the work is as late, so the difference is the work's.
    const twice = await measure(2 * times);
    await gpu.check();
    return { seconds: Math.max(twice - took, took / 1000) / times, flops: 2 * rows * sae.dVit * sae.dSae, rows };
  } finally {
    lane.free();
  }
}
