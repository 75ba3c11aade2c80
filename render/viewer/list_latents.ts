/**
 * Which latents the overview lists, and in which order.
 * @module
 */
import type { RangeKey, ViewState } from "./state.ts";

/** Numbers of every latent under one name. */
export interface Column {
  /** Key in the state. */
  readonly key: RangeKey;
  /** Heading. */
  readonly name: string;
  /** What it is. */
  readonly about: string;
  /** Unit behind a value; empty for none. */
  readonly unit: string;
  /** Whether it is filtered by its log10. */
  readonly log: boolean;
  /** `[dSae]`; NaN for none. */
  readonly values: ArrayLike<number>;
}

/** What is known of every latent, as columns over latents. */
export interface LatentColumns {
  /** Latents. */
  readonly dSae: number;
  /** `u32`: latents with entries, in the order chosen. */
  readonly chosen: Uint32Array;
  /** What latents can be filtered and sorted by. */
  readonly columns: ReadonlyMap<RangeKey, Column>;
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

/** A latent's number in a column, as it is filtered: log10 where the column says so; NaN for none. */
export function boundedValue({ log, values }: Column, latent: number): number {
  const value = values[latent];
  return !log ? value : value > 0 ? Math.log10(value) : NaN;
}

/**
 * Latents that fit the state, in its order: ties by latent, latents without a number last. Columns that the run does not have
 * bound nothing.
 *
 * A search word fits a latent whose number starts with it, or with it in one of its labels or the note; all must fit.
 */
export function listLatents(columns: LatentColumns, notes: NoteLookup, state: ViewState): number[] {
  const words = state.q.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const bounds = Object.entries(state.ranges).flatMap(([key, range]) => {
    const column = columns.columns.get(key as RangeKey);
    return column === undefined ? [] : [{ column, range: range! }];
  });
  const fits = (latent: number): boolean => {
    if (state.only === "favourites" && !notes.isFavourite(latent)) return false;
    for (const { column, range: [low, high] } of bounds) {
      const value = boundedValue(column, latent);
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
  const column = columns.columns.get(state.sort);
  if (column === undefined) return found;
  const value = (latent: number): number => column.log ? boundedValue(column, latent) : column.values[latent];
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

/** An example of one part of a latent's range. */
export interface RangeExample {
  /** The part's bounds, as shares of the largest activation. */
  readonly low: number;
  readonly high: number;
  /** The entry, from 0, and the patch. */
  readonly rank: number;
  readonly patch: number;
  /** The patch's level, 1 … 255. */
  readonly level: number;
}

/**
 * One patch from each of `steps` equal parts of the range (0, largest activation], the strongest part first: the patch nearest
 * to the part's middle, of a picture that stands for no stronger part if there is one. Parts without a patch are left out.
 *
 * @param levels `u8 [ranks, patches]`: heatmaps of all entries.
 * @param options.ranks Entries to choose from.
 * @param options.scale What share of the range level 255 stands for; 1 when not given.
 */
export function rangeExamples(
  levels: Uint8Array,
  options: {
    readonly patches: number;
    readonly ranks: readonly number[];
    readonly steps: number;
    readonly scale?: number;
  },
): RangeExample[] {
  const { patches, ranks, steps, scale = 1 } = options;
  const used = new Set<number>();
  const found: RangeExample[] = [];
  for (let part = steps - 1; part >= 0; part--) {
    const [low, high] = [part / steps, (part + 1) / steps];
    const middle = 255 * (low + high) / 2;
    let best: { rank: number; patch: number; level: number; cost: number } | undefined;
    for (const rank of ranks) {
      const penalty = used.has(rank) ? 255 : 0;
      for (let patch = 0; patch < patches; patch++) {
        const level = levels[rank * patches + patch];
        const scaled = level * scale;
        if (level === 0 || scaled <= 255 * low || scaled > 255 * high) continue;
        const cost = Math.abs(scaled - middle) + penalty;
        if (best === undefined || cost < best.cost) best = { rank, patch, level, cost };
      }
    }
    if (best === undefined) continue;
    used.add(best.rank);
    found.push({ low, high, rank: best.rank, patch: best.patch, level: best.level });
  }
  return found;
}

/** Entries that are shown: all, or each picture at its best rank. */
export function shownRanks(images: ArrayLike<number>, repeats: boolean): number[] {
  const seen = new Set<number>();
  return Array.from(images, (image, rank) => ({ image, rank })).filter(({ image }) => {
    if (!repeats && seen.has(image)) return false;
    seen.add(image);
    return true;
  }).map(({ rank }) => rank);
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
