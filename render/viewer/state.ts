/**
 * What the reader looks at, as the part of the address after `#`: every view can be sent to somebody.
 * @module
 */

import { COLUMN_KEY } from "./format.ts";

/** Colour maps on offer. */
export const COLOR_MAPS = ["plasma", "viridis", "magma", "turbo"] as const;
/** What latents can be sorted by; `given` is the order they were chosen in. */
export const SORT_KEYS = ["given", "latent", "frequency", "mean", "top", "distinct", "entropy"] as const;
/** What latents can be filtered by. */
export const RANGE_KEYS = ["frequency", "mean", "top", "distinct", "entropy"] as const;

/** A further column of the run, by its key: `c.percentile`. */
export type ColumnKey = `c.${string}`;
/** One of {@linkcode SORT_KEYS}, or a further column. */
export type SortKey = typeof SORT_KEYS[number] | ColumnKey;
/** One of {@linkcode RANGE_KEYS}, or a further column. */
export type RangeKey = typeof RANGE_KEYS[number] | ColumnKey;
/** One of {@linkcode COLOR_MAPS}. */
export type ColorMap = typeof COLOR_MAPS[number];

/** See {@linkcode DEFAULT_STATE}. Frequency, mean and top are bounded by their log10. */
export interface ViewState {
  /** The latent whose page is shown; null for the overview. */
  readonly latent: number | null;
  /** The open picture: rank (from 1) of an entry of the latent; −1, −2, … for its examples, weakest first; 0 for none. */
  readonly entry: number;
  /** The marked patch of the open picture; −1 for none. */
  readonly patch: number;
  /** How the overview lists latents. */
  readonly view: "grid" | "table";
  /** Which latents it lists. */
  readonly only: "chosen" | "all" | "favourites";
  /** Search words. */
  readonly q: string;
  /** Order. */
  readonly sort: SortKey;
  /** Largest first. */
  readonly down: boolean;
  /** Bounds; a missing key is unbounded. */
  readonly ranges: Readonly<Partial<Record<RangeKey, readonly [number, number]>>>;
  /** Opacity of a heatmap's strongest patch. */
  readonly opacity: number;
  /** Share of the largest activation below which patches are not coloured. */
  readonly threshold: number;
  /** Colours. */
  readonly map: ColorMap;
  /** Whether patch borders are drawn. */
  readonly lines: boolean;
  /** Whether whole pictures are shown, not only what the model saw. */
  readonly whole: boolean;
  /** Whether a picture is shown at each of its ranks, not only at the best. */
  readonly repeats: boolean;
  /** Whether examples across the range are shown. */
  readonly spread: boolean;
  /** Least width of a picture on a latent's page, in CSS pixels. */
  readonly size: number;
}

/** What an empty address means. */
export const DEFAULT_STATE: ViewState = {
  latent: null,
  entry: 0,
  patch: -1,
  view: "grid",
  only: "chosen",
  q: "",
  sort: "given",
  down: true,
  ranges: {},
  opacity: 0.9,
  threshold: 0,
  map: "plasma",
  lines: false,
  whole: false,
  repeats: false,
  spread: true,
  size: 150,
};

/**
 * Reads an address; whatever is not understood is left at its default.
 *
 * @example
 * ```ts
 * import { parseHash } from "./state.ts";
 * const state = parseHash("#latent=12&map=magma&frequency=-4,-2&opacity=9");
 * console.assert(state.latent === 12 && state.map === "magma" && state.opacity === 1);
 * ```
 */
export function parseHash(hash: string): ViewState {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const number = (key: string, fallback: number, low: number, high: number): number => {
    const text = values.get(key);
    const value = text === null || text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;
  };
  const integer = (key: string, fallback: number, low: number): number =>
    Math.round(number(key, fallback, low, 2 ** 32 - 1));
  const choice = <T extends string>(key: string, options: readonly T[], fallback: T): T =>
    options.find((option) => option === values.get(key)) ?? fallback;
  const flag = (key: string, fallback: boolean): boolean => values.has(key) ? values.get(key) === "1" : fallback;
  const ranges: Partial<Record<RangeKey, readonly [number, number]>> = {};
  const columns = [...new Set(values.keys())].filter(isColumnKey);
  for (const key of [...RANGE_KEYS, ...columns]) {
    const parts = values.get(key)?.split(",").map((part) => part.trim() === "" ? NaN : Number(part));
    if (parts?.length !== 2 || parts.every(Number.isNaN)) continue;
    ranges[key] = [Number.isNaN(parts[0]) ? -Infinity : parts[0], Number.isNaN(parts[1]) ? Infinity : parts[1]];
  }
  const latent = integer("latent", -1, -1);
  const d = DEFAULT_STATE;
  return {
    latent: latent < 0 ? null : latent,
    entry: integer("entry", d.entry, -65535),
    patch: integer("patch", d.patch, -1),
    view: choice("view", ["grid", "table"], d.view),
    only: choice("only", ["chosen", "all", "favourites"], d.only),
    q: (values.get("q") ?? "").slice(0, 200),
    sort: isColumnKey(values.get("sort") ?? "") ? values.get("sort") as ColumnKey : choice("sort", SORT_KEYS, d.sort),
    down: flag("down", d.down),
    ranges,
    opacity: number("opacity", d.opacity, 0, 1),
    threshold: number("threshold", d.threshold, 0, 1),
    map: choice("map", COLOR_MAPS, d.map),
    lines: flag("lines", d.lines),
    whole: flag("whole", d.whole),
    repeats: flag("repeats", d.repeats),
    spread: flag("spread", d.spread),
    size: integer("size", d.size, 80) > 400 ? 400 : integer("size", d.size, 80),
  };
}

/** Writes an address: only what differs from the default, so that links stay short. */
export function formatHash(state: ViewState): string {
  const values = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (key === "ranges" || value === null || value === DEFAULT_STATE[key as keyof ViewState]) continue;
    values.set(key, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  }
  for (const key of [...RANGE_KEYS, ...Object.keys(state.ranges).filter(isColumnKey)]) {
    const range = state.ranges[key];
    if (range === undefined) continue;
    values.set(key, range.map((bound) => Number.isFinite(bound) ? String(Number(bound.toFixed(4))) : "").join(","));
  }
  const text = values.toString().replaceAll("%2C", ",");
  return text === "" ? "#" : `#${text}`;
}

function isColumnKey(key: string): key is ColumnKey {
  return key.startsWith("c.") && COLUMN_KEY.test(key.slice(2));
}
