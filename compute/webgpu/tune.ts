/**
 * Timing tile shapes on the device at hand.
 * @module
 */
import type { FoldPlan } from "../backend.ts";
import type { Sae } from "../sae.ts";
import { type Tile, TILES } from "./encode.ts";
import { Lane } from "./lane.ts";
import type { DeviceOwner, LaneSetup } from "./pass.ts";

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

/**
 * Seconds that the product of one strip takes, over at least `seconds` of work after a warm-up.
 *
 * @param owner Who owns the device.
 * @param sae The encoder.
 * @param plan The pass; its state is not allocated but for one entry a latent.
 * @param setup The tile and its padding.
 * @param seconds How long to measure.
 */
export async function timeTile(
  owner: DeviceOwner,
  sae: Sae,
  plan: FoldPlan,
  setup: LaneSetup,
  seconds: number,
): Promise<{ seconds: number; flops: number }> {
  const { gpu } = owner;
  const slim = { ...plan, k: 1, nDistributions: 0 };
  const tuning = { ...setup.tuning, pieceBytes: 0, ring: 1 };
  const lane = await Lane.create(gpu, { ...setup, sae, plan: slim, prepared: false, maxImages: 1 << 20, tuning });
  try {
    const measure = async (times: number): Promise<number> => {
      const start = performance.now();
      lane.encodeOnly(times);
      await gpu.device.queue.onSubmittedWorkDone();
      return (performance.now() - start) / 1000;
    };
    await measure(1);
    let times = 1;
    let took = await measure(times);
    while (took < seconds && times < 1 << 16) {
      times *= 2;
      took = await measure(times);
    }
    await gpu.check();
    const { kPad, stripRowsPad, chunks } = lane.geometry;
    return { seconds: took / times, flops: 2 * kPad * stripRowsPad * chunks[0].colsPad };
  } finally {
    lane.free();
  }
}
