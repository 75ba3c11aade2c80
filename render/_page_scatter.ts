/**
 * All latents of a run as one inline SVG: how often each fires against how strongly.
 * @module
 */
import { formatCount, formatTick, linearScale, ticks } from "./_axes.ts";
import { sharedRange } from "./_statistics.ts";
import { element, formatCoordinate as fc, fragment, type Markup } from "./svg.ts";

/** What the scatter shows; logarithms to base 10. */
export interface PageScatter {
  /** `f32 [dSae]`: log10 of the firing rate; not finite where a latent never fires. */
  readonly log10Freq: Float32Array;
  /** `f32 [dSae]`: log10 of the mean activation; not finite where a latent never fires. */
  readonly log10Value: Float32Array;
  /** Bounds of the selection by frequency. */
  readonly freqRange: readonly [number, number];
  /** Bounds of the selection by value. */
  readonly valueRange: readonly [number, number];
}

const WIDTH = 760;
const HEIGHT = 400;
const BOX = { left: 52, right: 748, top: 12, bottom: 356 };
/** Side of the cells that dots are gathered in, so that the size of the page does not grow with the number of latents. */
const CELL = 2;
/** Dots of a cell with one latent, up to 3, up to 10, and more. */
const LEVELS = [
  { upTo: 1, width: 2.6, opacity: "0.6" },
  { upTo: 3, width: 3, opacity: "0.75" },
  { upTo: 10, width: 3.2, opacity: "0.85" },
  { upTo: Infinity, width: 3.4, opacity: "1" },
];

/** The scatter with the selection range and the chosen latents, which link to their sections. */
export function pageScatter(scatter: PageScatter, chosen: readonly number[]): Markup {
  const { log10Freq, log10Value, freqRange, valueRange } = scatter;
  const alive: number[] = [];
  for (let i = 0; i < log10Freq.length; i++) {
    if (Number.isFinite(log10Freq[i]) && Number.isFinite(log10Value[i])) alive.push(i);
  }
  const range = (values: Float32Array): [number, number] => {
    const [low, high] = sharedRange([alive.map((i) => values[i])]);
    const margin = (high - low) * 0.04;
    return [low - margin, high + margin];
  };
  const x = linearScale(range(log10Freq), [BOX.left, BOX.right]);
  const y = linearScale(range(log10Value), [BOX.bottom, BOX.top]);

  const cells = new Map<number, number>();
  const across = Math.ceil(WIDTH / CELL);
  for (const i of alive) {
    const cell = Math.floor(y.at(log10Value[i]) / CELL) * across + Math.floor(x.at(log10Freq[i]) / CELL);
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
  }
  const paths = LEVELS.map(() => "");
  for (const [cell, count] of cells) {
    const level = LEVELS.findIndex(({ upTo }) => count <= upTo);
    paths[level] += `M${((cell % across) + 0.5) * CELL} ${(Math.floor(cell / across) + 0.5) * CELL}h0`;
  }
  const clip = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
  const left = clip(x.at(freqRange[0]), BOX.left, BOX.right);
  const right = clip(x.at(freqRange[1]), BOX.left, BOX.right);
  const top = clip(y.at(valueRange[1]), BOX.top, BOX.bottom);
  const bottom = clip(y.at(valueRange[0]), BOX.top, BOX.bottom);
  const xTicks = ticks(x.domain, 8);
  const yTicks = ticks(y.domain, 6);
  const label = `${formatCount(alive.length)} latents by firing rate and mean activation, ` +
    `${formatCount(chosen.length)} chosen`;
  return element(
    "svg",
    { class: "scatter", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    element("path", {
      class: "grid",
      d: xTicks.map((tick) => `M${fc(x.at(tick))} ${BOX.top}V${BOX.bottom}`).join("") +
        yTicks.map((tick) => `M${BOX.left} ${fc(y.at(tick))}H${BOX.right}`).join(""),
    }),
    element("rect", {
      class: "range",
      x: left,
      y: top,
      width: Math.max(0, right - left),
      height: Math.max(0, bottom - top),
    }),
    ...paths.map((d, i) =>
      d !== "" &&
      element("path", { class: "dot", d, "stroke-width": LEVELS[i].width, "stroke-opacity": LEVELS[i].opacity })
    ),
    ...chosen.filter((i) => Number.isFinite(log10Freq[i]) && Number.isFinite(log10Value[i])).map((i) =>
      element(
        "a",
        { href: `#latent-${i}`, tabindex: "-1" },
        element(
          "circle",
          { class: "chosen", cx: x.at(log10Freq[i]), cy: y.at(log10Value[i]), r: 4 },
          element("title", {}, `latent ${i}`),
        ),
      )
    ),
    element("path", { class: "axis", d: `M${BOX.left} ${BOX.top}V${BOX.bottom}H${BOX.right}` }),
    ...xTicks.map((tick) =>
      element("text", { x: x.at(tick), y: BOX.bottom + 17, "text-anchor": "middle" }, formatTick(tick))
    ),
    ...yTicks.map((tick) =>
      element("text", { x: BOX.left - 8, y: y.at(tick) + 4, "text-anchor": "end" }, formatTick(tick))
    ),
    logLabel("firing rate", { x: (BOX.left + BOX.right) / 2, y: HEIGHT - 8, "text-anchor": "middle" }),
    logLabel("mean activation", {
      transform: `translate(13 ${(BOX.top + BOX.bottom) / 2}) rotate(-90)`,
      "text-anchor": "middle",
    }),
  );
}

function logLabel(text: string, attributes: Record<string, string | number>): Markup {
  return element("text", attributes, fragment("log₁₀ ", text));
}
