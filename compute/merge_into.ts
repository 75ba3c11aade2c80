/**
 * Adding what one pass learned to what another did, in place.
 * @module
 */
import type { LatentState } from "./latent_state.ts";
import { mergeSketch } from "./quantile_sketch.ts";

/**
 * Merges `from` into the arrays of `into`; the passes had the same plan and saw disjoint images.
 *
 * Everything but the online percentile is exact: the arrays end as those of one pass over all images, bit for bit, in
 * whatever order states are merged. The online estimate depends on every row before it: unless one side has seen no row,
 * `estimate` becomes NaN and `estimateRow` the number of rows.
 *
 * @param into A state; its arrays are changed.
 * @param from Another of the same lengths; not changed.
 * @returns `into` with the new numbers of rows, on the same arrays.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If together they counted more than 2^32 − 1 rows.
 *
 * @example
 * ```ts
 * import { emptyState } from "./empty_state.ts";
 * import { mergeInto } from "./merge_into.ts";
 * const layout = {
 *   kind: "cls", layers: 1, tokens: 5, firstToken: 1, dVit: 8, clamp: 1e5, mean: undefined, scalar: 1,
 * } as const;
 * const state = () => emptyState(1, { layout, nImages: 10, k: 3, sortBy: "img", nDistributions: 0 });
 * console.assert(mergeInto({ ...state(), rows: 5 }, { ...state(), rows: 4 }).rows === 9);
 * ```
 */
export function mergeInto(into: LatentState, from: LatentState): LatentState {
  for (const key of ["dSae", "k", "patches"] as const) {
    if (into[key] !== from[key]) throw new TypeError(`Cannot merge states with ${key} ${into[key]} and ${from[key]}`);
  }
  const kept = [into.distributions.length, from.distributions.length];
  if (kept[0] !== kept[1]) {
    throw new TypeError(`Cannot merge states with ${kept[0]} and ${kept[1]} kept activations`);
  }
  const rows = into.rows + from.rows;
  if (rows > 2 ** 32 - 1) throw new RangeError(`Cannot count ${rows} rows: expected at most 2^32 - 1`);
  for (let j = 0; j < into.dSae; j++) {
    into.count[j] += from.count[j];
    into.min[j] = Math.min(into.min[j], from.min[j]);
    into.max[j] = Math.max(into.max[j], from.max[j]);
    mergeRanking(into, from, j);
    if (into.rows > 0 && from.rows > 0) {
      into.estimate[j] = NaN;
      into.estimateRow[j] = rows;
    } else if (from.rows > 0) {
      into.estimate[j] = from.estimate[j];
      into.estimateRow[j] = from.estimateRow[j];
    }
  }
  addWide(into.sumBins, from.sumBins);
  mergeSketch(into.histogram, from.histogram);
  // A column that a pass did not reach is 0 there, and NaN (a skipped row) stays NaN.
  for (let i = 0; i < into.distributions.length; i++) into.distributions[i] += from.distributions[i];
  return { ...into, rows, skippedRows: into.skippedRows + from.skippedRows };
}

/**
 * Merges two sorted runs by value descending, image ascending.
 *
 * From the last place backward, so that no entry is overwritten before it has moved; an entry's heatmap is copied only if it
 * moves, and once both sides are long few do.
 */
function mergeRanking(into: LatentState, from: LatentState, j: number): void {
  const { k } = into;
  const start = j * k;
  const kept = Math.min(k, into.topCount[j] + from.topCount[j]);
  // How many of each side stay.
  let [ours, theirs] = [0, 0];
  while (ours + theirs < kept) {
    const takeOurs = theirs === from.topCount[j] ||
      (ours < into.topCount[j] && precedes(into, start + ours, from, start + theirs));
    if (takeOurs) ours++;
    else theirs++;
  }
  for (let to = kept; theirs > 0;) {
    to--;
    const isTheirs = ours === 0 || precedes(into, start + ours - 1, from, start + theirs - 1);
    const source = isTheirs ? from : into;
    copyEntry(source, start + (isTheirs ? --theirs : --ours), into, start + to);
  }
  into.topCount[j] = kept;
}

function copyEntry(source: LatentState, at: number, into: LatentState, to: number): void {
  const { patches } = into;
  into.topValue[to] = source.topValue[at];
  into.topImage[to] = source.topImage[at];
  into.topPatch[to] = source.topPatch[at];
  if (source === into) into.heatmap.copyWithin(to * patches, at * patches, (at + 1) * patches);
  else into.heatmap.set(source.heatmap.subarray(at * patches, (at + 1) * patches), to * patches);
}

/** The images are disjoint, so that patches never decide. */
function precedes(a: LatentState, x: number, b: LatentState, y: number): boolean {
  if (a.topValue[x] !== b.topValue[y]) return a.topValue[x] > b.topValue[y];
  return a.topImage[x] < b.topImage[y];
}

/** Adds u64 values as pairs of words: BigInt arithmetic takes thirty times as long. */
function addWide(into: BigUint64Array, from: BigUint64Array): void {
  const a = new Uint32Array(into.buffer, into.byteOffset, 2 * into.length);
  const b = new Uint32Array(from.buffer, from.byteOffset, 2 * from.length);
  for (let i = 0; i < a.length; i += 2) {
    const low = a[i] + b[i];
    a[i] = low;
    a[i + 1] += b[i + 1] + (low > 0xffffffff ? 1 : 0);
  }
}
