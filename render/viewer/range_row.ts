/**
 * What is shown of a latent's range, from weak to strong: sampled examples, and recorded pictures where the sample has none.
 * @module
 */
import { intervalOf } from "../../compute/interval_examples.ts";
import { count, short } from "./dom.ts";
import { rangeExamples, shownRanks } from "./list_latents.ts";

/** One picture of the row. */
export interface RangeItem {
  /** Part of the range, from 1. */
  readonly part: number;
  /** Whether it is an entry of the ranking, as the sample has no picture of this part. */
  readonly isRecorded: boolean;
  /** Position among the examples or the entries, from 0. */
  readonly at: number;
  /** The patch in that part; −1 without heatmaps. */
  readonly patch: number;
  /** Its value; that of a recorded patch is read off 255 levels. */
  readonly value: number;
}

/** Pictures that are chosen from: values, and heatmaps as levels of `upper`. */
export interface RangePictures {
  readonly upper: number;
  readonly image: ArrayLike<number>;
  readonly patch: ArrayLike<number>;
  readonly value: ArrayLike<number>;
  /** `u8 [n, patches]`. */
  readonly levels: Uint8Array;
}

/**
 * All examples, each in its part of the range; of a part without any the recorded patch that `rangeExamples` takes, or without
 * heatmaps the recorded picture nearest to the part's middle.
 *
 * @param entries The ranking's, best first.
 * @param examples Ascending by value, with the part of each, from 1.
 * @param options Patches of a picture, 0 without heatmaps, and the number of parts.
 */
export function rangeRow(
  entries: RangePictures,
  examples: RangePictures & { readonly interval: ArrayLike<number> },
  { patches, parts }: { readonly patches: number; readonly parts: number },
): RangeItem[] {
  const ranks = shownRanks(entries.image, false);
  const recorded = patches > 0 ? recordedPatches(entries, examples.upper, { patches, parts, ranks }) : [];
  return Array.from({ length: parts }, (_, i) => i + 1).flatMap((part): RangeItem[] => {
    const own = Array.from(examples.interval, (interval, at) => ({ interval, at }))
      .filter(({ interval }) => interval === part);
    if (own.length > 0) {
      return own.map(({ at }) => ({
        part,
        isRecorded: false,
        at,
        patch: patches > 0 ? examples.patch[at] : -1,
        value: examples.value[at],
      }));
    }
    if (patches > 0) return recorded.filter((item) => item.part === part);
    const middle = examples.upper * (part - 0.5) / parts;
    const inPart = ranks.filter((at) => intervalOf(entries.value[at], examples.upper, parts) === part);
    const distance = (at: number): number => Math.abs(entries.value[at] - middle);
    return inPart.sort((a, b) => distance(a) - distance(b)).slice(0, 1)
      .map((at) => ({ part, isRecorded: true, at, patch: -1, value: entries.value[at] }));
  });
}

/** An item's value in words: exact, or read off the levels of a recorded heatmap. */
export function rangeValue({ isRecorded, value }: RangeItem, patches: number): string {
  return isRecorded && patches > 0 ? `≈ ${Number(value.toPrecision(3))}` : short(value);
}

/** What a part of the range is, in words. */
export function partName(parts: number): string {
  return parts === 8 ? "eighth" : `of ${parts} equal parts`;
}

/** Which images examples are taken from, in words. */
export function sampleName(sampled: number, images: number): string {
  return sampled < images ? `a sample of ${count(sampled)} of ${count(images)} images` : `all ${count(sampled)} images`;
}

function recordedPatches(
  { levels, upper: own }: RangePictures,
  upper: number,
  { patches, parts, ranks }: { readonly patches: number; readonly parts: number; readonly ranks: readonly number[] },
): RangeItem[] {
  // In a ranking by sums the recorded pictures need not have the latent's largest activation.
  return rangeExamples(levels, { patches, ranks, steps: parts, scale: own / upper })
    .map(({ high, rank, patch, level }) => ({
      part: Math.round(high * parts),
      isRecorded: true,
      at: rank,
      patch,
      value: own * level / 255,
    }));
}
