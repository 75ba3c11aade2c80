/**
 * Code blocks of a Markdown page, and what is to be done with each.
 * @module
 */

/** A fenced block. */
export interface Block {
  /** First word after the fence: `sh`, `python`, `ts`, …; empty when there is none. */
  readonly language: string;
  /** Second word: the file that the block is the content of; empty when there is none. */
  readonly file: string;
  /** Its lines. */
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** Why it is not run: the text of a comment `<!-- not run: … -->` on the line before. */
  readonly notRun: string | undefined;
}

/** The blocks of a page, in order. */
export function codeBlocks(markdown: string): Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^(\s*)```(\S*)\s*(\S*)/.exec(lines[i]);
    if (fence === null) continue;
    const [, indent, language, file] = fence;
    const end = lines.findIndex((line, at) => at > i && line.trim() === "```");
    if (end < 0) throw new SyntaxError(`line ${i + 1}: a code block that does not end`);
    const before = lines.slice(0, i).reverse().find((line) => line.trim() !== "") ?? "";
    blocks.push({
      language,
      file,
      text: lines.slice(i + 1, end).map((line) =>
        line.startsWith(indent) ? line.slice(indent.length) : line
      ).join("\n") +
        "\n",
      line: i + 1,
      notRun: /^\s*<!-- not run: (.+) -->$/.exec(before)?.[1],
    });
    i = end;
  }
  return blocks;
}
