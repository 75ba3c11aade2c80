/**
 * Text in columns for `--help`.
 * @module
 */

/**
 * Breaks text at spaces into lines of at most `width` characters; a longer word gets a line of its own.
 *
 * @example
 * ```ts
 * import { wrapText } from "./wrap_text.ts";
 * if (wrapText("one two three", 7).join("|") !== "one two|three") throw new Error();
 * ```
 */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/**
 * Lines of two columns; a left cell that is too wide gets a line of its own.
 *
 * @param left Width of the left column, its indentation of two included.
 *
 * @example
 * ```ts
 * import { twoColumns } from "./wrap_text.ts";
 * const lines = twoColumns([["-h", "print this"]], { left: 8, width: 100 });
 * if (lines[0] !== "  -h    print this") throw new Error(lines[0]);
 * ```
 */
export function twoColumns(
  rows: readonly (readonly [string, string])[],
  { left, width }: { readonly left: number; readonly width: number },
): string[] {
  return rows.flatMap(([name, text]) => {
    const wrapped = wrapText(text, width - left).map((line) => " ".repeat(left) + line);
    const head = `  ${name}`;
    if (head.length + 2 > left) return [head, ...wrapped];
    return [head.padEnd(left) + wrapped[0].trimStart(), ...wrapped.slice(1)];
  });
}
