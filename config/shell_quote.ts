/**
 * Words and paths as they have to be typed.
 * @module
 */

/**
 * A word as a POSIX shell takes it: unchanged when nothing in it is special, else in single quotes.
 *
 * @example
 * ```ts
 * import { shellQuote } from "./shell_quote.ts";
 * if (shellQuote("it's") !== `'it'\\''s'`) throw new Error();
 * ```
 */
export function shellQuote(word: string): string {
  return /^[\w./:,=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * A path for a list in one of Deno's permission flags: they separate by commas and write a comma in a path as two.
 *
 * @example
 * ```ts
 * import { escapeCommas } from "./shell_quote.ts";
 * if (escapeCommas("a,b.pt") !== "a,,b.pt") throw new Error();
 * ```
 */
export function escapeCommas(path: string): string {
  return path.replaceAll(",", ",,");
}
