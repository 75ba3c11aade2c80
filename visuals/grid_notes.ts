/**
 * What the number of tokens says about how activations were recorded.
 * @module
 */
import type { Shards } from "../io/open_shards.ts";

/** Models with more registers than this are unknown. */
const MAX_REGISTERS = 16;

/**
 * One line if the patches of an image make no square grid; it names the tokens that were probably recorded as patches.
 *
 * @example
 * ```ts
 * import { gridNotes } from "./grid_notes.ts";
 * const [note] = gridNotes({ patches: 260, clsToken: true });
 * console.assert(note.includes("4 register tokens"));
 * ```
 */
export function gridNotes({ patches, clsToken }: Pick<Shards, "patches" | "clsToken">): string[] {
  if (isSquare(patches)) return [];
  const start = `An image has ${patches} patches, which make no square grid`;
  for (let extra = 1; extra <= MAX_REGISTERS; extra++) {
    if (patches - extra < 4 || !isSquare(patches - extra)) continue;
    const side = Math.sqrt(patches - extra);
    const registers = `${extra - (clsToken ? 0 : 1)} register tokens`;
    const extras = clsToken ? registers : extra === 1 ? "a CLS token" : `a CLS token and ${registers}`;
    return [
      `${start}; ${patches - extra} would make ${side} x ${side}, so ${extras} may have been recorded as patches: ` +
      "their heatmap would be shifted",
    ];
  }
  return [`${start}; give its rows and columns with --grid`];
}

function isSquare(count: number): boolean {
  return Number.isInteger(Math.sqrt(count));
}
