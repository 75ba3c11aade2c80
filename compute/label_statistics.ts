/**
 * What the classes of pictures say about a latent.
 * @module
 */
import { type Auroc, auroc, population } from "./auroc.ts";

/** Classes that are listed for a latent beside those among its ranked pictures: those with the largest areas. */
export const LISTED_LABELS = 32;

/** The classes of a data set. */
export interface Labels {
  /** How many classes. */
  readonly count: number;
  /** `u32 [images]`: class of each image. */
  readonly of: Uint32Array;
  /** `u32 [count + 1]`: where a class's images begin in `images`. */
  readonly offsets: Uint32Array;
  /** `u32 [images]`: images class by class, ascending. */
  readonly images: Uint32Array;
}

/** One class, of one latent. */
export interface LabelStatistic extends Auroc {
  /** The class. */
  readonly label: number;
  /** Images of it in the data set. */
  readonly images: number;
  /** Distinct ranked images of it. */
  readonly ranked: number;
  /** Its share among the distinct ranked images over its share in the data set; NaN when nothing is ranked. */
  readonly lift: number;
}

/** What was found of one latent. */
export interface LatentLabels {
  /** Entropy of classes over the distinct ranked images, in bits; 0 when all are of one. */
  readonly entropy: number;
  /** Classes, largest area first, then by number: those of ranked images, and up to {@linkcode LISTED_LABELS} others. */
  readonly labels: readonly LabelStatistic[];
}

/**
 * Sorts images by class.
 *
 * @param of `u32 [images]`: class of each image.
 * @param count Number of classes.
 *
 * @example
 * ```ts
 * import { groupLabels } from "./label_statistics.ts";
 * console.assert(groupLabels(new Uint32Array([1, 0, 1]), 2).images.join() === "1,0,2");
 * ```
 */
export function groupLabels(of: Uint32Array, count: number): Labels {
  const offsets = new Uint32Array(count + 1);
  for (const label of of) offsets[label + 1] += 1;
  for (let label = 0; label < count; label++) offsets[label + 1] += offsets[label];
  const next = offsets.slice();
  const images = new Uint32Array(of.length);
  for (let image = 0; image < of.length; image++) images[next[of[image]]++] = image;
  return { count, of, offsets, images };
}

/**
 * Statistics of a latent's classes: area under the ROC curve over all images, lift and entropy over its ranked ones.
 *
 * @param values `f32 [images]`: the latent's value on each image; NaN where there is none.
 * @param ranked The distinct images of its ranking.
 *
 * @example
 * ```ts
 * import { groupLabels, labelStatistics } from "./label_statistics.ts";
 * const labels = groupLabels(new Uint32Array([0, 1, 1, 0]), 2);
 * const { labels: [best] } = labelStatistics(new Float32Array([0, 2, 3, 0]), labels, [2, 1]);
 * console.assert(best.label === 1 && best.auroc === 1 && best.lift === 2);
 * ```
 */
export function labelStatistics(values: Float32Array, labels: Labels, ranked: readonly number[]): LatentLabels {
  const counts = new Map<number, number>();
  for (const image of ranked) counts.set(labels.of[image], (counts.get(labels.of[image]) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) entropy -= count / ranked.length * Math.log2(count / ranked.length);
  const all = population(values);
  const found: LabelStatistic[] = [];
  for (let label = 0; label < labels.count; label++) {
    const [from, to] = [labels.offsets[label], labels.offsets[label + 1]];
    const members = Float32Array.from(labels.images.subarray(from, to), (image) => values[image])
      .filter((value) => !Number.isNaN(value));
    const count = counts.get(label) ?? 0;
    const lift = to > from ? (count / ranked.length) / ((to - from) / labels.of.length) : NaN;
    found.push({ label, images: to - from, ranked: count, lift, ...auroc(all, members) });
  }
  const area = ({ auroc }: LabelStatistic): number => Number.isNaN(auroc) ? -1 : auroc;
  found.sort((a, b) => area(b) - area(a) || a.label - b.label);
  let others = 0;
  return { entropy: entropy + 0, labels: found.filter(({ ranked }) => ranked > 0 || others++ < LISTED_LABELS) };
}
