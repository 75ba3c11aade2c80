/**
 * The grid of small histograms that the distribution plots share: one row of axes, one legend, m panels.
 * @module
 */
import { formatTick, linearScale, type Scale, ticks } from "./_axes.ts";
import { sharedRange } from "./_statistics.ts";
import { element, formatCoordinate as fc, fragment, type Markup } from "./svg.ts";

/** A vertical line. */
export interface Mark {
  /** Where, in the units of the x axis. */
  readonly x: number;
  /** CSS colour. */
  readonly colour: string;
  /** Drawn with dashes: the online estimates. */
  readonly dashed: boolean;
  /** Its length from the base line up, as a share of the panel's height. */
  readonly length: number;
}

/** One histogram. */
export interface Panel {
  /** Above the panel, left. */
  readonly title: string;
  /** Above the panel, right. */
  readonly note: string;
  /** Height of each bin; empty when there is nothing to show. */
  readonly counts: ArrayLike<number>;
  /** Lines over the histogram. */
  readonly marks: readonly Mark[];
}

/** The whole figure. */
export interface PanelFigure {
  /** Accessible name, not drawn. */
  readonly title: string;
  /** All panels, in reading order. */
  readonly panels: readonly Panel[];
  /** What the bins span together. */
  readonly range: readonly [number, number];
  /** Legend entries, in order. */
  readonly legend: readonly { readonly label: string; readonly colour: string; readonly dashed: boolean }[];
}

const INK = "#1f2933";
const MUTED = "#66727f";
const GRID = "#e4e8ec";
const BARS = "#8aa9cc";
const LEFT = 62;
const RIGHT = 18;
const GAP_X = 16;
const GAP_Y = 34;
const FONT = "Inter, Helvetica, Arial, sans-serif";

/** Draws the figure as an SVG document. */
export function panelFigure(figure: PanelFigure): string {
  const { panels } = figure;
  const columns = Math.max(1, Math.ceil(Math.sqrt(panels.length)));
  const rows = Math.ceil(panels.length / columns);
  const width = Math.min(440, Math.max(170, 1120 / columns - GAP_X));
  const height = Math.round(width * 0.62);
  const totalWidth = LEFT + columns * (width + GAP_X) - GAP_X + RIGHT;
  const legend = drawLegend(figure.legend, LEFT, totalWidth - RIGHT);
  const top = legend.height + 36;
  const totalHeight = panels.length === 0 ? 120 : top + rows * (height + GAP_Y) - GAP_Y + 52;

  const [low, high] = sharedRange([figure.range, ...panels.map((panel) => panel.marks.map((mark) => mark.x))]);
  const margin = (high - low) * 0.02;
  const x = linearScale([low - margin, high + margin], [0, width]);
  let tallest = 1;
  for (const { counts } of panels) for (let i = 0; i < counts.length; i++) tallest = Math.max(tallest, counts[i]);
  const y = countScale(tallest, height);

  const drawn = panels.map((panel, i) => {
    const column = i % columns;
    const row = Math.floor(i / columns);
    const left = LEFT + column * (width + GAP_X);
    const up = top + row * (height + GAP_Y);
    return element(
      "g",
      { transform: `translate(${fc(left)} ${fc(up)})` },
      drawPanel(panel, {
        x,
        y,
        width,
        height,
        range: figure.range,
        yLabels: column === 0,
        xLabels: i + columns >= panels.length,
      }),
    );
  });
  const middle = LEFT + (totalWidth - LEFT - RIGHT) / 2;
  const labels = panels.length === 0
    ? element("text", { x: middle, y: 76, "text-anchor": "middle", fill: MUTED }, "No latents to show")
    : fragment(
      element(
        "text",
        { x: middle, y: totalHeight - 12, "text-anchor": "middle", "font-size": 13 },
        "log",
        element("tspan", { dy: 3, "font-size": 9 }, "10"),
        element("tspan", { dy: -3, dx: 3 }, "activation (rows where the latent fires)"),
      ),
      element(
        "text",
        {
          transform: `translate(16 ${fc(top + (totalHeight - 52 - top) / 2)}) rotate(-90)`,
          "text-anchor": "middle",
          "font-size": 13,
        },
        "rows in a bin, log scale",
      ),
    );
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: totalWidth,
      height: totalHeight,
      viewBox: `0 0 ${fc(totalWidth)} ${fc(totalHeight)}`,
      role: "img",
      "font-family": FONT,
      "font-size": 11,
      fill: INK,
    },
    element("title", {}, figure.title),
    element("rect", { width: totalWidth, height: totalHeight, fill: "#ffffff" }),
    legend.markup,
    ...drawn,
    labels,
  ).text + "\n";
}

/**
 * A scale of counts that shows one row beside thousands: `log(1 + n)`, zero at the bottom. On a linear one, shared by all
 * panels, a latent that fires seldom is an empty panel beside one that fires often.
 */
function countScale(tallest: number, height: number): Scale {
  const top = Math.log1p(tallest) * 1.08;
  return { domain: [0, Math.expm1(top)], at: (count) => height * (1 - Math.log1p(count) / top) };
}

/** Ticks of that scale: zero and powers of ten; between few rows 1, 2 and 5 too. */
function countTicks([, most]: Scale["domain"]): number[] {
  const found = [0];
  for (let power = 1; power <= most; power *= 10) {
    found.push(power, ...(most < 20 ? [2 * power, 5 * power].filter((tick) => tick <= most) : []));
  }
  return found;
}

/** Draws one histogram with its grid, marks and, on the outside, its tick labels. */
function drawPanel(
  panel: Panel,
  at: {
    x: Scale;
    y: Scale;
    width: number;
    height: number;
    range: readonly [number, number];
    yLabels: boolean;
    xLabels: boolean;
  },
): Markup {
  const { x, y, width, height } = at;
  const xTicks = ticks(x.domain, width / 52);
  const yTicks = countTicks(y.domain);
  const grid = xTicks.map((tick) => `M${fc(x.at(tick))} 0V${fc(height)}`).join("") +
    yTicks.map((tick) => `M0 ${fc(y.at(tick))}H${fc(width)}`).join("");
  return fragment(
    element("path", { d: grid, stroke: GRID, "stroke-width": 1, fill: "none" }),
    panel.counts.length > 0 && element("path", { d: outline(panel.counts, at.range, x, y), fill: BARS }),
    // The longest first: where lines meet, each still shows above the next. A dark casing keeps gold and lime readable on white.
    ...panel.marks.toSorted((a, b) => b.length - a.length).map(({ x: value, colour, dashed, length }) => {
      const d = `M${fc(x.at(value))} ${fc(height)}V${fc(height * (1 - length))}`;
      const dash = dashed ? "4 3" : undefined;
      return fragment(
        element("path", { d, stroke: INK, "stroke-opacity": "0.4", "stroke-width": 2.2, "stroke-dasharray": dash }),
        element("path", { d, stroke: colour, "stroke-width": 1.4, "stroke-dasharray": dash }),
      );
    }),
    panel.counts.length === 0 &&
      element("text", { x: width / 2, y: height / 2 + 4, "text-anchor": "middle", fill: MUTED }, "never fires"),
    element("path", { d: `M0 0V${fc(height)}H${fc(width)}`, stroke: MUTED, "stroke-width": 1, fill: "none" }),
    element("text", { x: 0, y: -7, "font-size": 12 }, panel.title),
    element("text", { x: width, y: -7, "text-anchor": "end", fill: MUTED, "font-size": 10 }, panel.note),
    ...(at.yLabels
      ? yTicks.map((tick) =>
        element("text", { x: -7, y: y.at(tick) + 3.6, "text-anchor": "end", fill: MUTED }, formatTick(tick))
      )
      : []),
    ...(at.xLabels
      ? xTicks.map((tick) =>
        element("text", { x: x.at(tick), y: height + 15, "text-anchor": "middle", fill: MUTED }, formatTick(tick))
      )
      : []),
  );
}

/** The histogram's outline, closed along the base line; runs of empty bins are skipped. */
function outline(counts: ArrayLike<number>, range: readonly [number, number], x: Scale, y: Scale): string {
  const step = (range[1] - range[0]) / counts.length;
  const base = fc(y.at(0));
  let d = "";
  let open = false;
  for (let i = 0; i <= counts.length; i++) {
    const count = i < counts.length ? counts[i] : 0;
    if (count > 0) {
      if (!open) d += `M${fc(x.at(range[0] + i * step))} ${base}`;
      d += `V${fc(y.at(count))}H${fc(x.at(range[0] + (i + 1) * step))}`;
      open = true;
    } else if (open) {
      d += `V${base}Z`;
      open = false;
    }
  }
  return d;
}

/** The legend in lines that fit between `left` and `right`. Text widths are estimated: SVG has no layout. */
function drawLegend(
  entries: PanelFigure["legend"],
  left: number,
  right: number,
): { markup: Markup; height: number } {
  let x = left;
  let y = 24;
  const parts = entries.map(({ label, colour, dashed }) => {
    const width = 30 + label.length * 6.3 + 18;
    if (x > left && x + width - 18 > right) {
      x = left;
      y += 20;
    }
    const d = `M${fc(x)} ${fc(y - 4)}h22`;
    const dash = dashed ? "5 3.5" : undefined;
    const markup = fragment(
      element("path", { d, stroke: INK, "stroke-opacity": "0.45", "stroke-width": 3, "stroke-dasharray": dash }),
      element("path", { d, stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }),
      element("text", { x: x + 29, y, "font-size": 12 }, label),
    );
    x += width;
    return markup;
  });
  return { markup: fragment(...parts), height: entries.length === 0 ? 0 : y };
}
