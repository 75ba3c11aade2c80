/**
 * A small generator for shaders: constants, repeated lines and alternatives, so that unrolled tiles are written once.
 * @module
 */

/** Values by name; a flag is 0 or 1. */
export type Constants = Readonly<Record<string, number | string>>;

/**
 * Expands a template.
 *
 * `{{NAME}}` becomes the constant's value. Lines between `// @for i N` and `// @end` are repeated with `{{i}}` = 0 … N − 1,
 * N a constant or an integer. Lines between `// @if NAME` (or `// @if !NAME`) and `// @end` stay if the constant is not 0;
 * `// @else` may stand between. Blocks nest. Everything else is left as it is.
 *
 * @param source The template.
 * @param constants Values of its names.
 * @throws {SyntaxError} If a name is unknown or a block is not closed.
 *
 * @example
 * ```ts
 * import { expand } from "./expand.ts";
 * console.assert(expand("// @for i N\nlet a{{i}} = {{i}}u;\n// @end", { N: 2 }) === "let a0 = 0u;\nlet a1 = 1u;\n");
 * ```
 */
export function expand(source: string, constants: Constants): string {
  const lines = source.split("\n");
  const { text, next } = block(lines, 0, constants);
  if (next !== lines.length) throw new SyntaxError(`Cannot expand a template: line ${next + 1} closes no block`);
  return text;
}

/** Expands lines from `start` to the end or to the `@end` or `@else` of the enclosing block. */
function block(lines: readonly string[], start: number, constants: Constants): { text: string; next: number } {
  let text = "";
  let at = start;
  while (at < lines.length) {
    const [command, first, second] = directive(lines[at]);
    if (command === "end" || command === "else") return { text, next: at };
    if (command === "for") {
      const times = /^\d+$/.test(second) ? Number(second) : Number(valueOf(second, constants));
      let next = skip(lines, at + 1);
      for (let i = 0; i < times; i++) {
        const body = block(lines, at + 1, { ...constants, [first]: i });
        text += body.text;
        next = body.next;
      }
      at = next + 1;
    } else if (command === "if") {
      const negated = first.startsWith("!");
      const yes = (Number(valueOf(negated ? first.slice(1) : first, constants)) !== 0) !== negated;
      const middle = skip(lines, at + 1);
      const hasElse = directive(lines[middle])[0] === "else";
      const end = hasElse ? skip(lines, middle + 1) : middle;
      if (yes) text += block(lines, at + 1, constants).text;
      else if (hasElse) text += block(lines, middle + 1, constants).text;
      at = end + 1;
    } else {
      const line = lines[at].replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(valueOf(name, constants)));
      text += line === "" ? "" : line + "\n";
      at += 1;
    }
  }
  return { text, next: at };
}

/** The line that closes or divides the block whose body begins at `start`. */
function skip(lines: readonly string[], start: number): number {
  let depth = 0;
  for (let at = start; at < lines.length; at++) {
    const [command] = directive(lines[at]);
    if (command === "for" || command === "if") depth += 1;
    else if (depth === 0 && (command === "end" || command === "else")) return at;
    else if (command === "end") depth -= 1;
  }
  throw new SyntaxError(`Cannot expand a template: the block before line ${start + 1} has no end`);
}

function directive(line: string): string[] {
  const match = /^\s*\/\/ @(for|if|else|end)\b\s*(\S*)\s*(\S*)/.exec(line);
  return match === null ? ["", "", ""] : match.slice(1);
}

function valueOf(name: string, constants: Constants): number | string {
  if (!(name in constants)) throw new SyntaxError(`Cannot expand a template: ${name} is not among its constants`);
  return constants[name];
}
