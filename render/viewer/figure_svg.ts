/**
 * A figure for a paper: pictures embedded, heatmaps as vector rectangles, labels as text.
 * @module
 */
import { element, type Markup, Markup as Raw } from "../svg.ts";
import { type Box, patchBox, withinSquare } from "./place.ts";
import { placeSections, type SheetGrid, type SheetMeasures } from "./sheet_sections.ts";

/** A picture in the figure. */
export interface FigureItem {
  /** The picture as a `data:` address; empty for none. */
  readonly href: string;
  /** Where it and its patches lie. */
  readonly boxes: { readonly picture: Box; readonly patches: Box };
  /** Patches with a colour. */
  readonly patches: readonly { readonly patch: number; readonly alpha: number; readonly fill: string }[];
  /** Patch to frame; −1 for none. */
  readonly mark: number;
  /** Whether the picture has a dashed border. */
  readonly isDashed: boolean;
  /** Column, from 0. */
  readonly column: number;
  /** Row, from 0. */
  readonly row: number;
  /** Its value, in words. */
  readonly value: string;
  /** Its label. */
  readonly label: string;
}

/** Pictures under a heading. */
export interface FigureSection extends SheetGrid {
  readonly items: readonly FigureItem[];
}

const MEASURES: SheetMeasures = { cell: 120, caption: 30, gap: 6, head: 24, heading: 24, line: 14 };
/** Characters of a label that fit under a picture. */
const LABEL_LENGTH = 20;

/** Draws the figure. Text is escaped; only `data:image/…;base64,` addresses are taken. */
export function figureSvg(
  title: string,
  sections: readonly FigureSection[],
  grid: { readonly rows: number; readonly cols: number } | null,
): string {
  const { width, height, placed } = placeSections(sections, MEASURES);
  const parts = placed.flatMap(({ section, y, cell, corner }) => [
    section.title !== "" &&
    element("text", { y: String(y + 15), "font-size": "12", "font-weight": "bold" }, section.title),
    ...section.about.map((line, i) =>
      element("text", { y: String(y + 29 + i * MEASURES.line), fill: "#566170" }, line)
    ),
    ...section.items.map((item) => {
      const { x, y } = corner(item);
      return element("g", { transform: `translate(${digits(x)} ${digits(y)})` }, ...figureItem(item, cell, grid));
    }),
  ]);
  const svg = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: String(width),
      height: String(height),
      viewBox: `0 0 ${width} ${height}`,
      "font-family": "Helvetica, Arial, sans-serif",
      "font-size": "11",
    },
    element("title", {}, title),
    element("text", { y: "14", "font-size": "14", "font-weight": "bold" }, title),
    ...parts,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.text}\n`;
}

function figureItem(
  { href, boxes, patches, mark, isDashed, value, label }: FigureItem,
  cell: number,
  grid: { readonly rows: number; readonly cols: number } | null,
): Markup[] {
  const scaled = (box: Box): Record<string, string> => ({
    x: digits(box.x * cell),
    y: digits(box.y * cell),
    width: digits(box.width * cell),
    height: digits(box.height * cell),
  });
  const side = digits(cell);
  const frame = grid === null || mark < 0
    ? undefined
    : scaled(withinSquare(patchBox(mark, boxes.patches, grid), 2 / cell));
  return [
    element(
      "svg",
      { width: side, height: side, viewBox: `0 0 ${side} ${side}` },
      element("rect", { width: side, height: side, fill: "#e8ebef" }),
      image(href, scaled(boxes.picture)),
      ...(grid === null
        ? []
        : patches.map(({ patch, alpha, fill }) =>
          element("rect", { ...scaled(patchBox(patch, boxes.patches, grid)), fill, "fill-opacity": alpha.toFixed(3) })
        )),
      frame &&
        element("rect", { ...frame, fill: "none", stroke: "#000", "stroke-opacity": "0.67", "stroke-width": "4" }),
      frame && element("rect", { ...frame, fill: "none", stroke: "#fff", "stroke-width": "2" }),
      isDashed && element("rect", {
        ...{ x: "1", y: "1", width: digits(cell - 2), height: digits(cell - 2), fill: "none" },
        ...{ stroke: "#566170", "stroke-width": "2", "stroke-dasharray": "6 4" },
      }),
    ),
    element("text", { y: digits(cell + 12), "font-weight": "bold" }, value),
    element(
      "text",
      { y: digits(cell + 25) },
      label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 1)}…` : label,
    ),
  ];
}

/** `element` refuses addresses with a scheme; this one is checked whole, and holds no character that needs escaping. */
function image(href: string, box: Readonly<Record<string, string>>): Markup | undefined {
  if (!/^data:image\/(?:jpeg|png|webp);base64,[A-Za-z0-9+/=]+$/.test(href)) return undefined;
  const attributes = Object.entries(box).map(([name, value]) => ` ${name}="${value}"`).join("");
  return new Raw(`<image${attributes} preserveAspectRatio="none" href="${href}"/>`);
}

function digits(value: number): string {
  return String(Number(value.toFixed(3)));
}
