/**
 * How many images a lent buffer holds, how many buffers are lent, and whether they can be held for the case of a loss.
 * @module
 */
import type { FoldPlan } from "../backend.ts";
import { stateBytes } from "../empty_state.ts";
import { DeviceLimitError } from "../errors.ts";
import { imageStride, rowsPerImage } from "../rows.ts";
import type { Sae } from "../sae.ts";
import type { Tuning } from "./lane_request.ts";

/** Most bytes of lent buffers: fresh memory takes longer to come by than a device takes to compute what is in it. */
const MAX_LENT_BYTES = 2 ** 28;

/** See {@linkcode planLending}. */
export interface Lending {
  /** Images of a buffer. */
  readonly images: number;
  /** Buffers, at most. */
  readonly most: number;
  /** Whether there is memory for a snapshot of the state beside them. */
  readonly protects: boolean;
}

/**
 * Shares the host's memory between the state, a snapshot of it, and buffers that the caller reads rows into.
 *
 * @param tuning Bytes wanted in a buffer; whole strips where it holds several.
 * @throws {DeviceLimitError} If two buffers and the state are more than `plan.maxMemoryBytes`.
 */
export function planLending(sae: Sae, plan: FoldPlan, tuning: Tuning): Lending {
  const { layout, maxMemoryBytes, batchImages, nImages } = plan;
  const stride = imageStride(layout);
  const state = stateBytes(sae.dSae, plan);
  const room = maxMemoryBytes - state;
  const roomy = Math.floor(Math.min(tuning.lentBytes, room / 4) / (4 * stride));
  const strip = Math.max(1, Math.floor(tuning.stripRows / rowsPerImage(layout)));
  const images = Math.max(batchImages, Math.min(roomy > strip ? roomy - roomy % strip : roomy, nImages));
  const bytes = 4 * stride * images;
  const least = state + 2 * bytes;
  if (least > maxMemoryBytes) {
    throw new DeviceLimitError(
      `Found a pass that needs ${least} bytes on the host, expected at most ${maxMemoryBytes}: ` +
        "take fewer images per batch, a smaller k or fewer distributions, or raise --max-memory",
      { limit: "max-memory", requested: least, available: maxMemoryBytes },
    );
  }
  const protects = room - state >= 2 * bytes;
  const share = Math.min(MAX_LENT_BYTES, protects ? room - state : room);
  return { images, most: Math.max(2, Math.min(64, Math.floor(share / bytes))), protects };
}
