/**
 * How strongly one latent fires: a histogram over log10, with its quantiles marked.
 * @module
 */
/// <reference lib="dom" />
import { type Bars, lowerBound } from "./codec.ts";
import { h, s, short } from "./dom.ts";
import { MARKED_QUANTILES } from "./format.ts";
import type { Histogram } from "./store.ts";

const WIDTH = 320;
const TOP = 18;
const BASE = 108;
const HEIGHT = 128;
/** Room for a quantile's name. */
const NAME_WIDTH = 36;

/** Where values lie on the log axis; the first bar may also hold what lies below it. */
function logScale({ first, counts }: Bars, width: number): (value: number) => number {
  const [low, high] = [Math.log2(lowerBound(first)), Math.log2(lowerBound(first + counts.length))];
  return (value) => Math.min(width, Math.max(0, (Math.log2(value) - low) / Math.max(1e-9, high - low) * width));
}

/** The bars: of equal width on the log axis to within a third, heights are exact counts. */
function barsPath(bars: Bars, { width, top, base }: { width: number; top: number; base: number }): string {
  const { first, counts } = bars;
  const x = logScale(bars, width);
  const most = Math.max(...counts);
  return counts.map((count, i) => {
    if (count === 0) return "";
    const [left, right] = [x(lowerBound(first + i)), x(lowerBound(first + i + 1))];
    const y = base - Math.max(1, (base - top) * count / most);
    return `M${left.toFixed(1)} ${base}V${y.toFixed(1)}H${Math.max(left + 0.5, right - 0.7).toFixed(1)}V${base}Z`;
  }).join("");
}

/** The bars alone, for where there is little room. */
export function smallHistogram({ bars }: Histogram): SVGElement {
  return s(
    "svg",
    { class: "spark", viewBox: "0 0 120 60", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { class: "bars", d: barsPath(bars, { width: 120, top: 4, base: 59 }) }),
    s("path", { class: "axis", d: "M0 59.5H120" }),
  );
}

/** Middles of names beside each other, each as near to its own as the others allow. */
export function spreadNames(wanted: readonly number[], gap: number, width: number): number[] {
  const placed = wanted.map((at) => Math.min(width - gap / 2, Math.max(gap / 2, at)));
  for (let i = 1; i < placed.length; i++) placed[i] = Math.max(placed[i], placed[i - 1] + gap);
  placed[placed.length - 1] = Math.min(placed[placed.length - 1], width - gap / 2);
  for (let i = placed.length - 2; i >= 0; i--) placed[i] = Math.min(placed[i], placed[i + 1] - gap);
  return placed;
}

/** The histogram with its axis and quantiles. */
export function histogramView({ bars, quantiles }: Histogram): HTMLElement {
  const { first, counts } = bars;
  const x = logScale(bars, WIDTH);
  const marks = MARKED_QUANTILES.map((q, i) => ({ name: `p${q * 100}`, value: quantiles[i] }))
    .filter(({ value }) => value > 0);
  const names = spreadNames(marks.map(({ value }) => x(value)), NAME_WIDTH, WIDTH);
  const decades: number[] = [];
  const [low, high] = [Math.log10(lowerBound(first)), Math.log10(lowerBound(first + counts.length))];
  for (let e = Math.ceil(low); e <= high; e++) decades.push(e);
  const step = Math.ceil(decades.length / 6);
  // A narrow range may hold no power of ten.
  const ticks = decades.length > 1
    ? decades.filter((_, i) => i % step === 0).map((e) => 10 ** e)
    : [10 ** low, 10 ** ((low + high) / 2), 10 ** high];
  const words = marks.map(({ name, value }) => `${name} ${short(value)}`).join(", ");
  return h(
    "figure",
    { class: "hist" },
    s(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: "img",
        "aria-label": `Histogram of positive activations on a log axis: ${words}`,
      },
      s("path", { class: "bars", d: barsPath(bars, { width: WIDTH, top: TOP + 8, base: BASE }) }),
      ...marks.flatMap(({ name, value }, i) => [
        s("path", { class: "quantile", d: `M${x(value).toFixed(1)} ${TOP}V${BASE}` }),
        s("text", { class: "name", x: names[i].toFixed(1), y: 11, "text-anchor": "middle" }, name),
      ]),
      s("path", { class: "axis", d: `M0 ${BASE}H${WIDTH}` }),
      ...ticks.map((value) =>
        s(
          "text",
          { x: Math.min(WIDTH - 14, Math.max(14, x(value))).toFixed(1), y: HEIGHT - 5, "text-anchor": "middle" },
          tickText(value),
        )
      ),
    ),
    h(
      "figcaption",
      {},
      ...marks.map(({ name, value }) => h("span", {}, `${name} `, h("b", {}, short(value)))),
    ),
  );
}

function tickText(value: number): string {
  return value >= 0.01 && value <= 1000
    ? String(Number(value.toPrecision(2)))
    : value.toExponential(0).replace("e+", "e");
}
