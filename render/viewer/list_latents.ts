/**
 * Which latents the overview lists, and in which order.
 * @module
 */
import { RANGE_KEYS, type RangeKey, type ViewState } from "./state.ts";

/** What is known of every latent, as columns over latents. */
export interface LatentColumns {
  /** Latents. */
  readonly dSae: number;
  /** `u32`: latents with entries, in the order chosen. */
  readonly chosen: Uint32Array;
  /** `f32 [dSae]`. */
  readonly frequency: ArrayLike<number>;
  /** `f32 [dSae]`. */
  readonly mean: ArrayLike<number>;
  /** `f32 [dSae]`. */
  readonly top: ArrayLike<number>;
  /** `[dSae]`. */
  readonly distinct: ArrayLike<number>;
  /** `[dSae]`, bits. */
  readonly entropy: ArrayLike<number>;
  /** The latent's most common labels. */
  labelsOf(latent: number): readonly string[];
}

/** What the reader wrote down. */
export interface NoteLookup {
  /** The note on a latent; empty for none. */
  note(latent: number): string;
  /** Whether it is a favourite. */
  isFavourite(latent: number): boolean;
}

/** Keys that are shown and bounded by their log10. */
export const LOG_KEYS: ReadonlySet<string> = new Set<RangeKey>(["frequency", "mean", "top"]);

/** A latent's number under a key, as it is filtered: log10 where {@linkcode LOG_KEYS} says so; NaN for none. */
export function keyOf(columns: LatentColumns, key: RangeKey, latent: number): number {
  const value = columns[key][latent];
  if (!LOG_KEYS.has(key)) return value;
  return value > 0 ? Math.log10(value) : NaN;
}

/**
 * Latents that fit the state, in its order: ties by latent, latents without a number last.
 *
 * A search word fits a latent whose number starts with it, or with it in one of its labels or the note; all must fit.
 */
export function listLatents(columns: LatentColumns, notes: NoteLookup, state: ViewState): number[] {
  const words = state.q.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const bounded = RANGE_KEYS.filter((key) => state.ranges[key] !== undefined);
  const fits = (latent: number): boolean => {
    if (state.only === "favourites" && !notes.isFavourite(latent)) return false;
    for (const key of bounded) {
      const [low, high] = state.ranges[key]!;
      const value = keyOf(columns, key, latent);
      if (!(value >= low && value <= high)) return false;
    }
    if (words.length === 0) return true;
    let text: string | undefined;
    return words.every((word) => {
      if (/^\d+$/.test(word) && String(latent).startsWith(word)) return true;
      text ??= [...columns.labelsOf(latent), notes.note(latent)].join("\n").toLowerCase();
      return text.includes(word);
    });
  };
  const found: number[] = [];
  if (state.only === "chosen") {
    for (let i = 0; i < columns.chosen.length; i++) if (fits(columns.chosen[i])) found.push(columns.chosen[i]);
  } else {
    for (let latent = 0; latent < columns.dSae; latent++) if (fits(latent)) found.push(latent);
  }
  if (state.sort === "given") return found;
  const sign = state.down ? -1 : 1;
  if (state.sort === "latent") return found.sort((a, b) => sign * (a - b));
  const key = state.sort;
  const value = (latent: number): number => {
    const number = columns[key][latent];
    return LOG_KEYS.has(key) && !(number > 0) ? NaN : number;
  };
  return found.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
    return sign * (x - y) || a - b;
  });
}

/**
 * Ranks spread evenly over the recorded values, from the largest to the least: for each of `steps` even values the
 * nearest entry, each entry once.
 *
 * @param values Decreasing.
 */
export function spreadOver(values: ArrayLike<number>, steps: number): number[] {
  const last = values.length - 1;
  if (last < 0) return [];
  const found = new Set<number>();
  let at = 0;
  for (let i = 0; i < steps; i++) {
    const target = values[0] + (values[last] - values[0]) * (i / Math.max(1, steps - 1));
    while (at < last && Math.abs(values[at + 1] - target) <= Math.abs(values[at] - target)) at += 1;
    found.add(at);
  }
  return [...found];
}

/** A label among a latent's distinct pictures. */
export interface LabelShare {
  /** Index of the label. */
  readonly label: number;
  /** Distinct pictures with it. */
  readonly count: number;
  /** Its share here over its share in the data set: 1 means as often as by chance. */
  readonly lift: number;
}

/** Counts labels over distinct pictures, most common first (ties by lift, then label). */
export function labelShares(
  labels: readonly number[],
  totals: ArrayLike<number>,
  images: number,
): LabelShare[] {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => ({
    label,
    count,
    lift: totals[label] > 0 ? (count / labels.length) / (totals[label] / images) : NaN,
  })).sort((a, b) => b.count - a.count || b.lift - a.lift || a.label - b.label);
}
