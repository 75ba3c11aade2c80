/**
 * What every backend checks before its first row.
 * @module
 */
import type { FoldPlan } from "./backend.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "./latent_state.ts";
import { rowsPerImage } from "./rows.ts";
import type { Sae } from "./sae.ts";

/**
 * Refuses an encoder, a plan or a state to resume from that do not fit each other.
 *
 * @param sae The encoder.
 * @param plan The pass.
 * @param from A state to go on from, if any.
 * @throws {TypeError} If an array has the wrong length, or widths differ.
 * @throws {RangeError} If a number is out of range, or `sortBy` and `layout.kind` exclude each other.
 *
 * @example
 * ```ts
 * import { checkSae } from "./check_plan.ts";
 * const one = new Float32Array(1);
 * checkSae({ dVit: 1, dSae: 1, wEnc: one, bEnc: one, bPre: one, activation: { kind: "relu" } });
 * ```
 */
export function checkPlan(sae: Sae, plan: FoldPlan, from?: LatentState): void {
  checkSae(sae);
  const { layout, sortBy, k, nImages, batchImages, percentile, percentileLr, nDistributions, dedupe } = plan;
  if (layout.dVit !== sae.dVit) {
    throw new TypeError(`Cannot encode rows of ${layout.dVit} dimensions with an encoder of ${sae.dVit}`);
  }
  if (layout.mean !== undefined && layout.mean.length !== layout.dVit) {
    throw new TypeError(`Cannot subtract a mean of ${layout.mean.length} values from rows of ${layout.dVit}`);
  }
  if ((layout.kind === "patches") === (sortBy === "img")) {
    const wanted = sortBy === "img" ? "cls or meanpool" : "patches";
    throw new RangeError(`Cannot sort by ${sortBy} with rows of kind ${layout.kind}: expected ${wanted}`);
  }
  if (dedupe !== "none" && dedupe !== "image") {
    throw new RangeError(`Cannot dedupe by ${dedupe}: expected none or image`);
  }
  atLeast("layers", layout.layers, 1);
  atLeast("rows per image", rowsPerImage(layout), 1);
  if (layout.kind === "meanpool") atLeast("patch tokens", layout.tokens - layout.firstToken, 1);
  atLeast("k", k, 1);
  atLeast("batchImages", batchImages, 1);
  atLeast("nImages", nImages, 0);
  atLeast("nDistributions", nDistributions, 0);
  if (nImages * rowsPerImage(layout) > 2 ** 32 - 1) {
    throw new RangeError(`Cannot fold ${nImages * rowsPerImage(layout)} rows: expected at most 2^32 - 1`);
  }
  if (!(percentile >= 0 && percentile <= 100) || !(percentileLr > 0 && percentileLr < Infinity)) {
    throw new RangeError(
      `Cannot estimate percentile ${percentile} at learning rate ${percentileLr}: expected 0 to 100 and a rate above 0`,
    );
  }
  if (!(layout.scalar > 0) || !(layout.clamp >= 0)) {
    throw new RangeError(`Cannot scale by ${layout.scalar} and clamp to ${layout.clamp}: expected > 0 and >= 0`);
  }
  if (from !== undefined) checkState(sae.dSae, plan, from);
}

/**
 * Refuses an encoder whose arrays do not have the lengths it states.
 *
 * @throws {TypeError} If an array has the wrong length, or the encoder normalises its input: no backend does that itself.
 * @throws {RangeError} If TopK's k is not an integer of at least 1.
 *
 * @example
 * ```ts
 * import { checkSae } from "./check_plan.ts";
 * const one = new Float32Array(1);
 * checkSae({ dVit: 1, dSae: 1, wEnc: one, bEnc: one, bPre: one, activation: { kind: "relu" } });
 * ```
 */
export function checkSae(sae: Sae): void {
  const { dVit, dSae, wEnc, bEnc, bPre, activation, inputNorm } = sae;
  if (inputNorm !== undefined) {
    throw new TypeError(`Cannot apply ${inputNorm.kind} within a backend: wrap the backend in withInputNorm()`);
  }
  hasLength("wEnc", wEnc.length, dVit * dSae);
  hasLength("bEnc", bEnc.length, dSae);
  hasLength("bPre", bPre.length, dVit);
  if (activation.kind === "jumprelu") hasLength("activation.threshold", activation.threshold.length, dSae);
  if (activation.kind === "topk") atLeast("activation.k", activation.k, 1);
}

function checkState(dSae: number, plan: FoldPlan, from: LatentState): void {
  const { k, nImages, nDistributions, sortBy } = plan;
  const patches = sortBy === "img" ? 0 : rowsPerImage(plan.layout);
  if (from.dSae !== dSae || from.k !== k || from.patches !== patches) {
    throw new TypeError(
      `Cannot resume from a state of ${from.dSae} latents, k ${from.k}, ${from.patches} patches: ` +
        `the plan has ${dSae}, ${k}, ${patches}`,
    );
  }
  const totalRows = nImages * rowsPerImage(plan.layout);
  hasLength("state.distributions", from.distributions.length, Math.min(nDistributions, dSae) * totalRows);
  if (from.rows + from.skippedRows > totalRows) {
    throw new RangeError(`Cannot resume after ${from.rows + from.skippedRows} rows of a job of ${totalRows}`);
  }
  for (const key of ["count", "min", "max", "topCount", "estimate", "estimateRow"] as const) {
    hasLength(`state.${key}`, from[key].length, dSae);
  }
  for (const key of ["topValue", "topImage", "topPatch"] as const) {
    hasLength(`state.${key}`, from[key].length, dSae * k);
  }
  hasLength("state.sumBins", from.sumBins.length, dSae * SUM_BINS);
  hasLength("state.histogram", from.histogram.length, dSae * SKETCH_BINS);
  hasLength("state.heatmap", from.heatmap.length, dSae * k * patches);
}

function hasLength(name: string, found: number, expected: number): void {
  if (found !== expected) throw new TypeError(`Cannot use ${name} with ${found} elements: expected ${expected}`);
}

function atLeast(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`Cannot use ${name} = ${value}: expected an integer of at least ${least}`);
  }
}
