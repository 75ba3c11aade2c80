/**
 * What a contact sheet or a figure shows of a latent, and where: examples across its range, then its top pictures.
 * @module
 */
import { short } from "./dom.ts";
import type { RunData } from "./format.ts";
import { shownRanks } from "./list_latents.ts";
import { partName, rangeRow, rangeValue, sampleName } from "./range_row.ts";
import type { Entries, Examples, Run } from "./store.ts";

/** A picture, and where it stands in its section. */
export interface SheetPicture {
  /** What it is one of: the ranking's entries, or the examples. */
  readonly from: Entries;
  /** Its position there, from 0. */
  readonly at: number;
  /** Patch to frame; −1 for none. */
  readonly patch: number;
  /** Its value, behind its rank if it is shown as ranked. */
  readonly caption: string;
  /** Whether it stands in for an example that there is none of. */
  readonly isRecorded: boolean;
  /** Column, from 0. */
  readonly column: number;
  /** Row, from 0. */
  readonly row: number;
}

/** Rows and columns under a heading. */
export interface SheetGrid {
  /** Heading; empty for none. */
  readonly title: string;
  /** Lines under the heading. */
  readonly about: readonly string[];
  readonly columns: number;
  readonly rows: number;
}

/** Pictures under a heading. */
export interface SheetSection extends SheetGrid {
  readonly pictures: readonly SheetPicture[];
}

/** Lengths of a sheet, in its own unit. */
export interface SheetMeasures {
  /** Side of a picture in the last section. */
  readonly cell: number;
  /** What is left for captions under a picture. */
  readonly caption: number;
  /** Between pictures. */
  readonly gap: number;
  /** What is left above the first section. */
  readonly head: number;
  /** What a heading takes. */
  readonly heading: number;
  /** What each line under it takes. */
  readonly line: number;
}

/** Heading of the ranking. */
export function rankingTitle({ sortBy }: Pick<RunData, "sortBy">): string {
  return sortBy === "sum" ? "By the sum over patches" : "Top pictures";
}

/**
 * The sections: where there are examples they come first, a column for each part of the range, from weak to strong.
 *
 * @param most Pictures of the ranking, each once, best first; in how many columns.
 */
export function sheetSections(
  entries: Entries,
  run: Pick<Run, "data" | "patches">,
  { columns, pictures }: { readonly columns: number; readonly pictures: number },
): SheetSection[] {
  const ranks = shownRanks(entries.image, false).slice(0, pictures);
  const { examples } = entries;
  const wide = examples === undefined ? Math.max(1, Math.min(columns, ranks.length)) : columns;
  const top = {
    title: examples === undefined ? "" : rankingTitle(run.data),
    about: [],
    columns: wide,
    rows: Math.ceil(ranks.length / wide),
    pictures: ranks.map((at, i) => ({
      from: entries,
      at,
      patch: -1,
      caption: `#${at + 1}  ${short(entries.value[at])}`,
      isRecorded: false,
      column: i % wide,
      row: Math.floor(i / wide),
    })),
  };
  return examples === undefined ? [top] : [rangeSection(entries, examples, run), top];
}

function rangeSection(
  entries: Entries,
  examples: Examples,
  { data, patches }: Pick<Run, "data" | "patches">,
): SheetSection {
  const { sampled, intervals: parts } = data.examples!;
  const items = rangeRow(entries, examples, { patches, parts });
  const filled = new Array<number>(parts).fill(0);
  const pictures = items.map((item): SheetPicture => {
    const { part, isRecorded, at, patch } = item;
    const value = rangeValue(item, patches);
    return {
      ...{ from: isRecorded ? entries : examples, at, patch, isRecorded },
      caption: isRecorded ? `${value}  from #${at + 1}` : value,
      column: part - 1,
      row: filled[part - 1]++,
    };
  });
  const what = patches > 0 ? "pictures by their strongest patch, framed" : "pictures by their value";
  const isMixed = items.some(({ isRecorded }) => isRecorded);
  const about = [
    `A column for each ${partName(parts)} of the range up to ${short(examples.upper)}: ${what}.`,
    `Chosen at random from ${sampleName(sampled, data.images)}${isMixed ? "; dashed: from the ranking" : ""}.`,
  ];
  return { title: "Across the range, from weak to strong", about, columns: parts, rows: Math.max(...filled), pictures };
}

/** A section that has its place. */
export interface PlacedSection<S extends SheetGrid> {
  readonly section: S;
  /** Upper edge of its heading. */
  readonly y: number;
  /** Side of its pictures. */
  readonly cell: number;
  /** Upper left corner of a picture. */
  corner(picture: Pick<SheetPicture, "column" | "row">): { readonly x: number; readonly y: number };
}

/** Stacks sections that are as wide as the last one, whatever columns they have. */
export function placeSections<S extends SheetGrid>(
  sections: readonly S[],
  { cell: side, caption, gap, head, heading, line }: SheetMeasures,
): { width: number; height: number; placed: PlacedSection<S>[] } {
  const width = (sections.at(-1)?.columns ?? 1) * (side + gap) - gap;
  let y = head;
  const placed = sections.map((section): PlacedSection<S> => {
    const cell = (width + gap) / section.columns - gap;
    const top = y + (section.title === "" ? 0 : heading) + section.about.length * line;
    const own = y;
    y = top + section.rows * (cell + caption + gap);
    return {
      section,
      y: own,
      cell,
      corner: ({ column, row }) => ({ x: column * (cell + gap), y: top + row * (cell + caption + gap) }),
    };
  });
  return { width, height: y, placed };
}

/** The text, or as much of its beginning as fits, with an ellipsis. */
export function shortened(text: string, fits: (text: string) => boolean): string {
  if (fits(text)) return text;
  const letters = Array.from(text).slice(0, 200);
  while (letters.length > 1 && !fits(`${letters.join("")}…`)) letters.pop();
  return `${letters.join("")}…`;
}
