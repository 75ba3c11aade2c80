/**
 * How the online percentile estimate approaches the truth: one line over the updates.
 * @module
 */
import { formatTick, linearScale, ticks } from "./_axes.ts";
import { sharedRange } from "./_statistics.ts";
import { element, formatCoordinate as fc, fragment } from "./svg.ts";

/** A simulation's course, in numbers. */
export interface OnlineQuantileInput {
  /** Number of updates seen at each point, increasing. */
  readonly steps: ArrayLike<number>;
  /** The estimate at each point. */
  readonly estimates: ArrayLike<number>;
  /** The percentile that is estimated, 0 … 100. */
  readonly percentile: number;
  /** The distribution's (or sample's) own quantile. */
  readonly trueQuantile: number;
  /** The same quantile of the numbers that were drawn, when it is known. */
  readonly sampleQuantile?: number;
  /** The quantile sketch's answer after the last update, when there is one. */
  readonly sketchEstimate?: number;
}

const WIDTH = 820;
const HEIGHT = 430;
const BOX = { left: 68, right: 20, top: 70, bottom: 54 };
const LEGEND_STEP = 184;
const COLOURS = { estimate: "#2b6cb0", truth: "#d9480f", sample: "#7048e8", sketch: "#2f9e44" };

/**
 * Draws the online estimate against the number of updates, with lines at the true quantile and the sketch's answer.
 *
 * Long courses are thinned to the least and largest estimate per unit of width, so nothing visible is lost.
 *
 * @param input `steps` and `estimates` of one length; non-finite points are left out.
 * @returns An SVG document.
 * @throws {TypeError} If `steps` and `estimates` differ in length.
 *
 * Source: upstream's `test_online_quantile_estimation`.
 *
 * @example
 * ```ts
 * import { plotOnlineQuantile } from "./plot_online_quantile.ts";
 * const svg = plotOnlineQuantile({ steps: [1, 2], estimates: [0, 0.5], percentile: 50, trueQuantile: 0.4 });
 * console.assert(svg.startsWith("<svg"));
 * ```
 */
export function plotOnlineQuantile(input: OnlineQuantileInput): string {
  const { steps, estimates, percentile, trueQuantile, sampleQuantile, sketchEstimate } = input;
  if (steps.length !== estimates.length) {
    throw new TypeError(`Cannot plot ${estimates.length} estimates at ${steps.length} steps`);
  }
  const lines = [
    { label: "online estimate", value: estimates[estimates.length - 1], colour: COLOURS.estimate, dash: undefined },
    { label: "true quantile", value: trueQuantile, colour: COLOURS.truth, dash: undefined },
    { label: "sample quantile", value: sampleQuantile, colour: COLOURS.sample, dash: "2 3" },
    { label: "quantile sketch", value: sketchEstimate, colour: COLOURS.sketch, dash: "7 4" },
  ].filter((line): line is typeof line & { value: number } => Number.isFinite(line.value));
  const range = sharedRange([estimates, lines.map((line) => line.value)].map(finite));
  const margin = (range[1] - range[0]) * 0.06;
  const right = WIDTH - BOX.right;
  const bottom = HEIGHT - BOX.bottom;
  const x = linearScale([0, steps.length === 0 ? 1 : steps[steps.length - 1]], [BOX.left, right]);
  const y = linearScale([range[0] - margin, range[1] + margin], [bottom, BOX.top]);
  const xTicks = ticks(x.domain, 7);
  const yTicks = ticks(y.domain, 6);
  const grid = xTicks.map((tick) => `M${fc(x.at(tick))} ${BOX.top}V${bottom}`).join("") +
    yTicks.map((tick) => `M${BOX.left} ${fc(y.at(tick))}H${right}`).join("");
  const muted = "#66727f";
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: WIDTH,
      height: HEIGHT,
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "font-family": "Inter, Helvetica, Arial, sans-serif",
      "font-size": 12,
      fill: "#1f2933",
    },
    element("title", {}, `Online estimate of percentile ${percentile}`),
    element("rect", { width: WIDTH, height: HEIGHT, fill: "#ffffff" }),
    element("text", { x: BOX.left, y: 26, "font-size": 15 }, `Online estimate of percentile ${percentile}`),
    ...lines.map(({ label, value, colour, dash }, i) =>
      fragment(
        element("path", {
          d: `M${BOX.left + i * LEGEND_STEP} 46h22`,
          stroke: colour,
          "stroke-width": 2,
          "stroke-dasharray": dash,
        }),
        element(
          "text",
          { x: BOX.left + i * LEGEND_STEP + 29, y: 50 },
          `${label}, ${formatTick(Number(value.toPrecision(4)))}`,
        ),
      )
    ),
    element("path", { d: grid, stroke: "#e4e8ec", fill: "none" }),
    ...lines.filter((line) => line.colour !== COLOURS.estimate).map(({ value, colour, dash }) =>
      element("path", {
        d: `M${BOX.left} ${fc(y.at(value))}H${right}`,
        stroke: colour,
        "stroke-width": 2,
        "stroke-dasharray": dash,
      })
    ),
    element("path", {
      d: course(steps, estimates, x.at, y.at),
      fill: "none",
      stroke: COLOURS.estimate,
      "stroke-width": 1.6,
      "stroke-linejoin": "round",
    }),
    element("path", { d: `M${BOX.left} ${BOX.top}V${bottom}H${right}`, stroke: muted, fill: "none" }),
    ...xTicks.map((tick) =>
      element("text", { x: x.at(tick), y: bottom + 18, "text-anchor": "middle", fill: muted }, formatTick(tick))
    ),
    ...yTicks.map((tick) =>
      element("text", { x: BOX.left - 8, y: y.at(tick) + 4, "text-anchor": "end", fill: muted }, formatTick(tick))
    ),
    element("text", { x: (BOX.left + right) / 2, y: HEIGHT - 12, "text-anchor": "middle", "font-size": 13 }, "updates"),
    element("text", {
      transform: `translate(18 ${(BOX.top + bottom) / 2}) rotate(-90)`,
      "text-anchor": "middle",
      "font-size": 13,
    }, "estimate"),
  ).text + "\n";
}

function finite(values: ArrayLike<number>): number[] {
  return Array.from(values).filter(Number.isFinite);
}

/** The estimate's path; per half unit of width, points between its first, least, largest and last are left out. */
function course(
  steps: ArrayLike<number>,
  estimates: ArrayLike<number>,
  atX: (step: number) => number,
  atY: (estimate: number) => number,
): string {
  const kept = new Set<number>();
  let column = NaN;
  let [first, least, largest, last] = [-1, -1, -1, -1];
  const close = (): void => {
    for (const i of [first, least, largest, last].sort((a, b) => a - b)) if (i >= 0) kept.add(i);
  };
  for (let i = 0; i < steps.length; i++) {
    if (!Number.isFinite(estimates[i])) continue;
    const here = Math.round(atX(steps[i]) * 2);
    if (here !== column) {
      close();
      column = here;
      first = least = largest = i;
    }
    if (estimates[i] < estimates[least]) least = i;
    if (estimates[i] > estimates[largest]) largest = i;
    last = i;
  }
  close();
  return Array.from(kept, (i, at) => `${at === 0 ? "M" : "L"}${fc(atX(steps[i]))} ${fc(atY(estimates[i]))}`).join("");
}
