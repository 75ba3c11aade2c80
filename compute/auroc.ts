/**
 * How well a latent tells the pictures of one class from all others: the area under the ROC curve, with its interval.
 * @module
 */

/** The 97.5 % point of the normal distribution: intervals are of 95 %. */
const Z = 1.959963984540054;

/** Values of a population, sorted once for all classes. */
export interface Population {
  /** Values that are 0. */
  readonly zeros: number;
  /** The others, ascending. */
  readonly positives: Float32Array;
  /** Both together. */
  readonly total: number;
}

/** An area and its interval. */
export interface Auroc {
  /** The chance that a member's value exceeds a non-member's, ties counting half. */
  readonly auroc: number;
  /** Lower end of the 95 % interval. */
  readonly low: number;
  /** Its upper end. */
  readonly high: number;
}

/**
 * Sorts the values of a population; NaN, for pictures of which nothing was counted, are left out.
 *
 * @param values `f32 [n]`, ≥ 0 or NaN; not changed.
 *
 * @example
 * ```ts
 * import { population } from "./auroc.ts";
 * console.assert(population(new Float32Array([3, 0, NaN, 1])).positives.join() === "1,3");
 * ```
 */
export function population(values: Float32Array): Population {
  const positives = values.filter((value) => value > 0).sort();
  const zeros = values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
  return { zeros, positives, total: zeros + positives.length };
}

/**
 * The area under the ROC curve of a class against the rest of its population, exact, with a 95 % interval.
 *
 * `A = P(member > other) + P(member = other)/2` over all pairs: zeros, which most pictures have, tie like any other value.
 * The interval is DeLong's variance, which counts ties as A does, on the logit scale, so that it stays within 0 … 1. Where
 * that variance is 0 or unknown (A is 0 or 1, or a side has a single picture) it is Newcombe's score interval instead. It is
 * the interval of one class, not of the best of many.
 *
 * O(n_class · log n).
 *
 * @param all The population, members included.
 * @param members `f32`: the members' values, NaN left out; sorted in place.
 * @returns NaN throughout when there are no members, or no others.
 *
 * Source: DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44; logit as in Pepe (2003); Newcombe (2006), Stat. Med. 25,
 * method 5.
 *
 * @example
 * ```ts
 * import { auroc, population } from "./auroc.ts";
 * const values = new Float32Array([0, 0, 2, 3]);
 * console.assert(auroc(population(values), new Float32Array([0, 3])).auroc === 0.625);
 * ```
 */
export function auroc(all: Population, members: Float32Array): Auroc {
  const n = members.length;
  const m = all.total - n;
  if (n === 0 || m <= 0) return { auroc: NaN, low: NaN, high: NaN };
  members.sort();
  const groups = tieGroups(all, members);
  let wins = 0;
  for (const { below, equal, ours, before } of groups) wins += ours * (below - before + (equal - ours) / 2);
  const area = wins / (n * m);
  const variance = deLong(groups, area, { n, m });
  const [low, high] = variance > 0 && area > 0 && area < 1
    ? logitInterval(area, variance)
    : newcombeInterval(area, n, m);
  return { auroc: area, low, high };
}

/** One value that members have. */
interface TieGroup {
  /** How many of the population are below it. */
  readonly below: number;
  /** How many have it. */
  readonly equal: number;
  /** How many of those are members. */
  readonly ours: number;
  /** How many members are below it. */
  readonly before: number;
}

/** The members' values, ascending. */
function tieGroups({ zeros, positives }: Population, members: Float32Array): TieGroup[] {
  const groups: TieGroup[] = [];
  for (let at = 0, from = 0; at < members.length;) {
    const value = members[at];
    let end = at + 1;
    while (end < members.length && members[end] === value) end += 1;
    const ours = end - at;
    if (value > 0) {
      const first = bound(positives, from, (other) => other >= value);
      const last = bound(positives, first, (other) => other > value);
      groups.push({ below: zeros + first, equal: last - first, ours, before: at });
      from = last;
    } else groups.push({ below: 0, equal: zeros, ours, before: at });
    at = end;
  }
  return groups;
}

/** The first place from `from` on where `isPast` holds. */
function bound(sorted: Float32Array, from: number, isPast: (value: number) => boolean): number {
  let [low, high] = [from, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPast(sorted[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** DeLong's variance; NaN when a side has one picture only. */
function deLong(groups: readonly TieGroup[], area: number, { n, m }: { n: number; m: number }): number {
  if (n < 2 || m < 2) return NaN;
  let [members, others, seen] = [0, 0, 0];
  for (const { below, equal, ours, before } of groups) {
    const beaten = (below - before + (equal - ours) / 2) / m;
    members += ours * (beaten - area) ** 2;
    // Others since the last group, all below this one: the same members exceed each.
    others += (below - before - seen) * ((n - before) / n - area) ** 2;
    others += (equal - ours) * ((n - before - ours / 2) / n - area) ** 2;
    seen = below - before + equal - ours;
  }
  others += (m - seen) * area ** 2;
  return members / (n - 1) / n + others / (m - 1) / m;
}

function logitInterval(area: number, variance: number): [number, number] {
  const half = Z * Math.sqrt(variance) / (area * (1 - area));
  const centre = Math.log(area / (1 - area));
  const back = (x: number): number => 1 / (1 + Math.exp(-x));
  return [back(centre - half), back(centre + half)];
}

/** All areas that the one found is within Z standard errors of, each with its own standard error. */
function newcombeInterval(area: number, n: number, m: number): [number, number] {
  const mean = (n + m) / 2 - 1;
  const isOutside = (theta: number): boolean => {
    const spread = 1 + mean * (1 - theta) / (2 - theta) + mean * theta / (1 + theta);
    return (area - theta) ** 2 > Z * Z * theta * (1 - theta) * spread / (n * m);
  };
  const edge = (outside: number): number => {
    let [out, inside] = [outside, area];
    if (out === area) return area;
    for (let i = 0; i < 60; i++) {
      const middle = (out + inside) / 2;
      if (isOutside(middle)) out = middle;
      else inside = middle;
    }
    return inside;
  };
  return [edge(0), edge(1)];
}
