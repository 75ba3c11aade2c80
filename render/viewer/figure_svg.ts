/**
 * A figure for a paper: pictures embedded, heatmaps as vector rectangles, labels as text.
 * @module
 */
import { element, type Markup, Markup as Raw } from "../svg.ts";
import type { Box } from "./place.ts";

/** A picture in the figure. */
export interface FigureItem {
  /** The picture as a `data:` address; empty for none. */
  readonly href: string;
  /** Where it and its patches lie. */
  readonly boxes: { readonly picture: Box; readonly patches: Box };
  /** Patches with a colour. */
  readonly patches: readonly { readonly patch: number; readonly alpha: number; readonly fill: string }[];
  /** Its value, in words. */
  readonly value: string;
  /** Its label. */
  readonly label: string;
}

const CELL = 120;
const GAP = 6;
const CAPTION = 30;
const COLUMNS = 8;

/** Draws the figure. Text is escaped; only `data:image/…;base64,` addresses are taken. */
export function figureSvg(
  title: string,
  items: readonly FigureItem[],
  grid: { readonly rows: number; readonly cols: number } | null,
): string {
  const columns = Math.max(1, Math.min(COLUMNS, items.length));
  const width = columns * (CELL + GAP) - GAP;
  const height = 24 + Math.ceil(items.length / columns) * (CELL + CAPTION + GAP);
  const cells = items.map((item, i) => {
    const x = (i % columns) * (CELL + GAP);
    const y = 24 + Math.floor(i / columns) * (CELL + CAPTION + GAP);
    const scaled = (box: Box): Record<string, string> => ({
      x: digits(box.x * CELL),
      y: digits(box.y * CELL),
      width: digits(box.width * CELL),
      height: digits(box.height * CELL),
    });
    return element(
      "g",
      { transform: `translate(${x} ${y})` },
      element(
        "svg",
        { width: String(CELL), height: String(CELL), viewBox: `0 0 ${CELL} ${CELL}` },
        element("rect", { width: String(CELL), height: String(CELL), fill: "#e8ebef" }),
        image(item.href, scaled(item.boxes.picture)),
        ...(grid === null ? [] : item.patches.map(({ patch, alpha, fill }) => {
          const window = item.boxes.patches;
          const [w, h] = [window.width / grid.cols, window.height / grid.rows];
          const box = {
            x: window.x + (patch % grid.cols) * w,
            y: window.y + Math.floor(patch / grid.cols) * h,
            width: w,
            height: h,
          };
          return element("rect", { ...scaled(box), fill, "fill-opacity": alpha.toFixed(3) });
        })),
      ),
      element("text", { y: String(CELL + 12), "font-weight": "bold" }, item.value),
      element("text", { y: String(CELL + 25) }, item.label.length > 22 ? `${item.label.slice(0, 21)}…` : item.label),
    );
  });
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
    ...cells,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.text}\n`;
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
