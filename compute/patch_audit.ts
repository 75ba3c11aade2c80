/**
 * Which latents answer to where a patch lies, or to its norm, rather than to what is on it.
 * @module
 */
import { SKETCH_BINS } from "./latent_state.ts";
import { sketchBin, sketchQuantile } from "./quantile_sketch.ts";

/** A latent tracks position when two firings in different pictures meet in a patch this many times as often as by chance. */
export const POSITION_CONCENTRATION = 4;
/** A latent tracks borders when its odds of firing on one are this many times those of a patch to be one. */
export const BORDER_ODDS = 8;
/** A latent tracks high norms when this share of its firings is on such patches, */
export const HIGH_NORM_SHARE = 0.5;
/** and that is this many times the share of such patches. */
export const HIGH_NORM_LIFT = 5;
/** Firings below which nothing is said of norms. */
const MIN_FIRINGS = 20;

/** Counts over rows, added up in any order: integers all of them. */
export interface AuditCounts {
  /** Latents. */
  readonly latents: number;
  /** Rows an image gives. */
  readonly patches: number;
  /** `u32 [2, latents, patches]`: firings at each place, of images with an even and with an odd number. */
  readonly firings: Uint32Array;
  /** `u32 [2, latents]`: images on which the latent fired at all, likewise. */
  readonly images: Uint32Array;
  /** `u32 [2048]`: all rows by the bin of their norm. */
  readonly norms: Uint32Array;
  /** `u32 [latents, 2048]`: those on which the latent fired. */
  readonly firedNorms: Uint32Array;
}

/** What was found of one latent; NaN where too little was seen to say. */
export interface PatchAudit {
  /**
   * `P · Σ_p a_p·b_p`, with a and b the shares of firings at each of the P places in even and in odd images: how often
   * firings of two different images meet in a place, over chance. 1 without any preference, P for a single place.
   */
  readonly positionConcentration: number;
  /** Odds of a firing to lie on the border over the odds of a patch to. Infinity if all do. */
  readonly borderOdds: number;
  /** Share of firings on patches of high norm. */
  readonly highNormShare: number;
  /** The same over the share of such patches among all. */
  readonly highNormLift: number;
  /** What it tracks. */
  readonly flags: readonly ("position" | "border" | "norm")[];
}

/**
 * Empty counts.
 *
 * @example
 * ```ts
 * import { auditCounts } from "./patch_audit.ts";
 * console.assert(auditCounts(2, 49).firings.length === 2 * 2 * 49);
 * ```
 */
export function auditCounts(latents: number, patches: number): AuditCounts {
  return {
    latents,
    patches,
    firings: new Uint32Array(2 * latents * patches),
    images: new Uint32Array(2 * latents),
    norms: new Uint32Array(SKETCH_BINS),
    firedNorms: new Uint32Array(latents * SKETCH_BINS),
  };
}

/**
 * Counts one image.
 *
 * @param counts Changed.
 * @param image Its number: even and odd ones are kept apart.
 * @param acts `f32 [patches, latents]`, zeros where a row was left out.
 * @param norms `f32 [patches]`: norms of the rows before they were centred; NaN for a row left out.
 *
 * @example
 * ```ts
 * import { auditCounts, countImage } from "./patch_audit.ts";
 * const counts = auditCounts(1, 2);
 * countImage(counts, 0, new Float32Array([0, 3]), new Float32Array([1, 1]));
 * console.assert(counts.firings.join() === "0,1,0,0");
 * ```
 */
export function countImage(counts: AuditCounts, image: number, acts: Float32Array, norms: Float32Array): void {
  const { latents, patches, firings, images, firedNorms } = counts;
  const half = (image % 2) * latents;
  const fired = new Uint8Array(latents);
  for (let p = 0; p < patches; p++) {
    if (Number.isNaN(norms[p])) continue;
    const bin = sketchBin(norms[p]);
    counts.norms[bin] += 1;
    for (let j = 0; j < latents; j++) {
      if (!(acts[p * latents + j] > 0)) continue;
      fired[j] = 1;
      firings[(half + j) * patches + p] += 1;
      firedNorms[j * SKETCH_BINS + bin] += 1;
    }
  }
  for (let j = 0; j < latents; j++) images[half + j] += fired[j];
}

/**
 * What the counts say of each latent.
 *
 * Position is judged only where each half holds at least `2·√P` images with firings: chance alone then meets in a place
 * about four times, and passes the threshold once in 10^5 latents. A patch's norm is high when it is above twice the median
 * and above the upper quartile by more than three interquartile ranges, to the bin of the norm (1/32).
 *
 * @param counts All images.
 * @param grid Rows and columns of patches; borders are not judged when undefined.
 *
 * Source: the meeting of two halves is Morisita's index of dispersion (1959) across them, free of the bias that few firings,
 * or firings side by side in one image, give an entropy. High norms: Darcet et al. (2024), "Vision transformers need
 * registers"; the fence is Tukey's "far out".
 *
 * @example
 * ```ts
 * import { auditCounts, auditPatches, countImage } from "./patch_audit.ts";
 * const counts = auditCounts(1, 4);
 * for (let i = 0; i < 40; i++) countImage(counts, i, new Float32Array([0, 0, 1, 0]), new Float32Array(4).fill(1));
 * const [latent] = auditPatches(counts, { rows: 2, cols: 2 });
 * console.assert(latent.positionConcentration === 4 && latent.flags.includes("position"));
 * ```
 */
export function auditPatches(
  counts: AuditCounts,
  grid: { readonly rows: number; readonly cols: number } | undefined,
): PatchAudit[] {
  const { latents, patches, firings, images } = counts;
  const border = grid === undefined ? undefined : borderOf(grid);
  const highest = highNormFrom(counts.norms);
  const least = 2 * Math.sqrt(patches);
  return Array.from({ length: latents }, (_, j) => {
    const even = firings.subarray(j * patches, (j + 1) * patches);
    const odd = firings.subarray((latents + j) * patches, (latents + j + 1) * patches);
    const isEnough = patches > 1 && images[j] >= least && images[latents + j] >= least;
    const positionConcentration = isEnough ? concentration(even, odd) : NaN;
    const borderOdds = isEnough && border !== undefined ? oddsOf(even, odd, border) : NaN;
    const { share: highNormShare, lift: highNormLift } = normOf(counts, j, highest);
    const flags: PatchAudit["flags"][number][] = [];
    if (positionConcentration >= POSITION_CONCENTRATION) flags.push("position");
    if (borderOdds >= BORDER_ODDS) flags.push("border");
    if (highNormShare >= HIGH_NORM_SHARE && highNormLift >= HIGH_NORM_LIFT) flags.push("norm");
    return { positionConcentration, borderOdds, highNormShare, highNormLift, flags };
  });
}

function total(counts: Uint32Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function concentration(even: Uint32Array, odd: Uint32Array): number {
  let meetings = 0;
  for (let p = 0; p < even.length; p++) meetings += even[p] * odd[p];
  return even.length * meetings / (total(even) * total(odd));
}

function borderOf({ rows, cols }: { readonly rows: number; readonly cols: number }): Uint8Array {
  return Uint8Array.from({ length: rows * cols }, (_, p) => {
    const [row, col] = [Math.floor(p / cols), p % cols];
    return row === 0 || row === rows - 1 || col === 0 || col === cols - 1 ? 1 : 0;
  });
}

function oddsOf(even: Uint32Array, odd: Uint32Array, border: Uint8Array): number {
  let [on, off, places] = [0, 0, 0];
  for (let p = 0; p < border.length; p++) {
    const fired = even[p] + odd[p];
    if (border[p] === 1) on += fired;
    else off += fired;
    places += border[p];
  }
  const inside = border.length - places;
  return inside === 0 ? NaN : (on / off) / (places / inside);
}

/** The first bin of high norms; past the last when there are none. */
function highNormFrom(norms: Uint32Array): number {
  const count = total(norms);
  const [low, median, high] = [0.25, 0.5, 0.75].map((q) => sketchQuantile(norms, 0, count, q, 0, Infinity));
  const fence = Math.max(2 * median, high + 3 * (high - low));
  return count === 0 || !Number.isFinite(fence) ? SKETCH_BINS : sketchBin(fence) + 1;
}

function normOf(counts: AuditCounts, latent: number, from: number): { share: number; lift: number } {
  const fired = counts.firedNorms.subarray(latent * SKETCH_BINS, (latent + 1) * SKETCH_BINS);
  const firings = total(fired);
  const base = total(counts.norms.subarray(from)) / total(counts.norms);
  if (firings < MIN_FIRINGS) return { share: NaN, lift: NaN };
  const share = total(fired.subarray(from)) / firings;
  return { share, lift: share / base };
}
