/**
 * Colour maps in 256 steps.
 * @module
 */
import {
  interpolateMagma,
  interpolatePlasma,
  interpolateTurbo,
  interpolateViridis,
} from "npm:d3-scale-chromatic@3.1.0";
import type { ColorMap } from "./state.ts";

const made = new Map<ColorMap, Uint8Array>();
const SOURCES: Readonly<Record<ColorMap, (t: number) => string>> = {
  plasma: interpolatePlasma,
  viridis: interpolateViridis,
  magma: interpolateMagma,
  turbo: interpolateTurbo,
};

/** `u8 [256, 3]`: red, green, blue. Source: matplotlib's maps (CC0) and Google's turbo, through d3. */
export function colorTable(map: ColorMap): Uint8Array {
  let table = made.get(map);
  if (table !== undefined) return table;
  table = new Uint8Array(256 * 3);
  for (let step = 0; step < 256; step++) table.set(parseColor(SOURCES[map](step / 255)), step * 3);
  made.set(map, table);
  return table;
}

function parseColor(text: string): number[] {
  return text.startsWith("#")
    ? [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16))
    : text.match(/\d+/g)!.map(Number);
}

/** A step's colour as CSS and SVG take it. */
export function colorAt(map: ColorMap, step: number): string {
  const table = colorTable(map);
  return `#${[0, 1, 2].map((c) => table[step * 3 + c].toString(16).padStart(2, "0")).join("")}`;
}
