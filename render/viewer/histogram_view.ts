/**
 * How strongly one latent fires: a histogram over log10, with its quantiles marked.
 * @module
 */
/// <reference lib="dom" />
import { lowerBound } from "./codec.ts";
import { h, s, short } from "./dom.ts";
import { MARKED_QUANTILES } from "./format.ts";
import type { Histogram } from "./store.ts";

const WIDTH = 320;
const BASE = 96;
const HEIGHT = 116;

/** Draws it; bars are of equal width on the log axis to within a third, heights are exact counts. */
export function histogramView({ bars, quantiles }: Histogram): HTMLElement {
  const { first, counts } = bars;
  // The first bar may also hold what lies below it; its edge is drawn where the bar would begin.
  const low = Math.log2(lowerBound(first));
  const high = Math.log2(lowerBound(first + counts.length));
  const x = (value: number): number =>
    Math.min(WIDTH, Math.max(0, (Math.log2(value) - low) / Math.max(1e-9, high - low) * WIDTH));
  const most = Math.max(...counts);
  const path = counts.map((count, i) => {
    if (count === 0) return "";
    const [left, right] = [x(lowerBound(first + i)), x(lowerBound(first + i + 1))];
    const top = BASE - Math.max(1, (BASE - 14) * count / most);
    return `M${left.toFixed(1)} ${BASE}V${top.toFixed(1)}H${Math.max(left + 0.5, right - 0.7).toFixed(1)}V${BASE}Z`;
  }).join("");
  const marks = MARKED_QUANTILES.map((q, i) => ({ name: q === 0.5 ? "median" : `${q * 100} %`, value: quantiles[i] }))
    .filter(({ value }) => value > 0);
  const decades: number[] = [];
  for (let e = Math.ceil(low * Math.LOG10E / Math.LOG2E); e <= high * Math.LOG10E / Math.LOG2E; e++) decades.push(e);
  const step = Math.ceil(decades.length / 6);
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
      s("path", { class: "bars", d: path }),
      ...marks.map(({ value }) => s("path", { class: "quantile", d: `M${x(value).toFixed(1)} 4V${BASE}` })),
      s("path", { class: "axis", d: `M0 ${BASE}H${WIDTH}` }),
      ...decades.filter((_, i) => i % step === 0).map((e) => {
        const at = x(10 ** e);
        return s(
          "text",
          { x: Math.min(WIDTH - 12, Math.max(12, at)), y: HEIGHT - 5, "text-anchor": "middle" },
          Math.abs(e) <= 2 ? String(Number((10 ** e).toFixed(2))) : `1e${e}`,
        );
      }),
    ),
    h(
      "figcaption",
      {},
      ...marks.map(({ name, value }) =>
        h("span", {}, h("i", { class: "swatch" }), `${name} `, h("b", {}, short(value)))
      ),
    ),
  );
}
