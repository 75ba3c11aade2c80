/**
 * "Did you mean": the known name nearest to a mistyped one.
 * @module
 */

/**
 * The known name with the smallest edit distance to `word`, or undefined when none is near enough to be meant.
 *
 * Distance: Levenshtein with transpositions of neighbours (optimal string alignment), letter case, `_` and `-` ignored.
 * Near enough: at most a third of the longer name, rounded up; a dotted name is also compared by its last part, at one
 * extra. Ties go to the earlier name.
 *
 * Source: Damerau, "A technique for computer detection and correction of spelling errors", CACM 7(3), 1964.
 *
 * @example
 * ```ts
 * import { nearest } from "./nearest.ts";
 * if (nearest("--topk", ["--seed", "--top-k"]) !== "--top-k") throw new Error("unexpected");
 * ```
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, "");
  const wanted = plain(word);
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const name of known) {
    const whole = plain(name);
    const last = whole.slice(whole.lastIndexOf(".") + 1);
    const candidates: [string, number][] = last === whole ? [[whole, 0]] : [[whole, 0], [last, 1]];
    for (const [candidate, extra] of candidates) {
      const edits = editDistance(wanted, candidate);
      if (edits > Math.ceil(Math.max(wanted.length, candidate.length) / 3)) continue;
      if (edits + extra < bestDistance) [best, bestDistance] = [name, edits + extra];
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replace, last[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
      }
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length];
}
