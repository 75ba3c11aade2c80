/**
 * The state before the first row.
 * @module
 */
import type { FoldPlan } from "./backend.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "./latent_state.ts";
import { rowsPerImage } from "./rows.ts";

/** What decides the arrays' lengths. */
export type StateFacts = Pick<FoldPlan, "layout" | "nImages" | "k" | "sortBy" | "nDistributions">;

/** The lengths of a state's arrays, and what decides them. */
export interface StateLengths {
  /** Latents. */
  readonly dSae: number;
  /** Entries per latent. */
  readonly k: number;
  /** Heatmap values per entry; 0 when images are ranked. */
  readonly patches: number;
  /** Values in the kept distributions, all latents together. */
  readonly distributionWords: number;
}

/**
 * The lengths of the arrays of a state of this plan.
 *
 * @param dSae Number of latents.
 * @param facts The parts of the plan that decide lengths; more distributions than latents means all latents.
 *
 * @example
 * ```ts
 * import { stateLengths } from "./empty_state.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const { patches } = stateLengths(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 2 });
 * console.assert(patches === 0);
 * ```
 */
export function stateLengths(dSae: number, facts: StateFacts): StateLengths {
  const { layout, nImages, k, sortBy, nDistributions } = facts;
  const perImage = rowsPerImage(layout);
  return {
    dSae,
    k,
    patches: sortBy === "img" ? 0 : perImage,
    distributionWords: Math.min(nDistributions, dSae) * nImages * perImage,
  };
}

/**
 * A state that has seen nothing: counts 0, `min` +Infinity, entries −1, distributions 0.
 *
 * @param dSae Number of latents.
 * @param facts The parts of the plan that decide lengths; more distributions than latents means all latents.
 * @throws {RangeError} If dSae is negative or fractional or k is below 1.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = emptyState(4, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 2 });
 * console.assert(state.topValue.length === 12 && state.distributions.length === 20);
 * ```
 */
export function emptyState(dSae: number, facts: StateFacts): LatentState {
  const { k } = facts;
  if (!Number.isSafeInteger(dSae) || dSae < 0) {
    throw new RangeError(`Cannot make a state for ${dSae} latents: expected a non-negative integer`);
  }
  if (!Number.isSafeInteger(k) || k < 1) {
    throw new RangeError(`Cannot keep ${k} entries per latent: expected an integer of at least 1`);
  }
  const { patches, distributionWords } = stateLengths(dSae, facts);
  return {
    dSae,
    k,
    patches,
    rows: 0,
    skippedRows: 0,
    count: new Uint32Array(dSae),
    sumBins: new BigUint64Array(dSae * SUM_BINS),
    histogram: new Uint32Array(dSae * SKETCH_BINS),
    min: new Float32Array(dSae).fill(Infinity),
    max: new Float32Array(dSae),
    topCount: new Uint32Array(dSae),
    topValue: new Float32Array(dSae * k).fill(-1),
    topImage: new Uint32Array(dSae * k),
    topPatch: new Uint32Array(dSae * k),
    heatmap: new Float32Array(dSae * k * patches).fill(-1),
    estimate: new Float64Array(dSae),
    estimateRow: new Float64Array(dSae),
    distributions: new Float32Array(distributionWords),
  };
}

/**
 * Bytes that a state of these lengths takes.
 *
 * @param dSae Number of latents.
 * @param facts The parts of the plan that decide lengths.
 *
 * @example
 * ```ts
 * import { stateBytes } from "./empty_state.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * console.assert(stateBytes(0, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 2 }) === 0);
 * ```
 */
export function stateBytes(dSae: number, facts: StateFacts): number {
  const { k, patches, distributionWords } = stateLengths(dSae, facts);
  const perLatent = 8 * SUM_BINS + 4 * SKETCH_BINS + 4 * 4 + 4 * k * (3 + patches) + 2 * 8;
  return dSae * perLatent + 4 * distributionWords;
}
