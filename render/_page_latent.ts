/**
 * One latent's section of the page: its numbers, its histogram and its pictures.
 * @module
 */
import { sketchQuantile } from "../compute/quantile_sketch.ts";
import { formatCount, formatTick, formatValue, linearScale, ticks } from "./_axes.ts";
import { rebinSketch, type Sketch } from "./_sketch_bins.ts";
import { element, formatCoordinate as fc, fragment, type Markup } from "./svg.ts";

/** One picture of a latent. */
export interface PagePicture {
  /** Relative path from the page, as in `neurons/12/0.png`. */
  readonly src: string;
  /** Index of the picture in the data set. */
  readonly image: number;
  /** Class label; any text. */
  readonly label: string;
  /** File name or name within a table; any text. */
  readonly name: string;
  /** The ranking value. */
  readonly value: number;
  /** Place among the latent's entries, from 1. */
  readonly rank: number;
  /** Why there is no picture; shown in its place. */
  readonly failed?: string;
}

/** One chosen latent. */
export interface PageLatent {
  /** The latent. */
  readonly latent: number;
  /** log10 of its firing rate; null when it never fires. */
  readonly log10Freq: number | null;
  /** log10 of its mean activation; null when it never fires. */
  readonly log10Value: number | null;
  /** Rows on which it fired. */
  readonly count: number;
  /** Its quantile sketch; no histogram without. */
  readonly sketch?: Sketch;
  /** Its pictures, best first. */
  readonly pictures: readonly PagePicture[];
}

const BINS = 60;
const HIST = { width: 300, height: 76, base: 58 };
const MARKS = [{ q: 0.5, label: "median" }, { q: 0.9, label: "90 %" }, { q: 0.99, label: "99 %" }];

/** The section. `range` is the histograms' shared log10 axis; `visible` pictures are shown, the rest on demand. */
export function pageLatent(data: PageLatent, range: readonly [number, number], visible: number): Markup {
  const { latent, log10Freq, log10Value, count, pictures, sketch } = data;
  const rest = pictures.slice(visible);
  return element(
    "article",
    {
      class: "latent card",
      id: `latent-${latent}`,
      "data-latent": String(latent),
      "data-freq": dataNumber(log10Freq),
      "data-value": dataNumber(log10Value),
      "data-max": sketch === undefined || count === 0 ? "" : dataNumber(sketch.max),
    },
    element(
      "div",
      { class: "top" },
      element(
        "div",
        {},
        element("h3", {}, element("a", { href: `#latent-${latent}` }, `Latent ${latent}`)),
        element(
          "dl",
          { class: "stats" },
          stat("fires on", `${formatCount(count)} ${count === 1 ? "row" : "rows"}`),
          stat("log₁₀ firing rate", formatFixed(log10Freq)),
          stat("log₁₀ mean activation", formatFixed(log10Value)),
        ),
      ),
      sketch !== undefined && count > 0 && histogram(sketch, count, range),
    ),
    pictures.length === 0
      ? element("p", { class: "muted" }, "No picture activates this latent.")
      : element("ol", { class: "pictures" }, ...pictures.slice(0, visible).map(picture)),
    rest.length > 0 && element(
      "details",
      {},
      element("summary", {}, `${rest.length} more`),
      element("ol", { class: "pictures", start: String(visible + 1) }, ...rest.map(picture)),
    ),
  );
}

function stat(name: string, value: string): Markup {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

function picture(item: PagePicture): Markup {
  const value = formatValue(item.value);
  const about = [`rank ${item.rank}`, item.label, item.name].filter((part) => part !== "").join(", ");
  return element(
    "li",
    {},
    element(
      "figure",
      {},
      item.failed === undefined
        ? element(
          "a",
          { href: item.src },
          element("img", {
            src: item.src,
            alt: about,
            loading: "lazy",
            decoding: "async",
            width: "448",
            height: "448",
          }),
        )
        : element("div", { class: "failed" }, `No picture: ${item.failed}`),
      element(
        "figcaption",
        { title: `${item.label}\n${item.name}\nimage ${item.image}, activation ${value}` },
        element(
          "span",
          { class: "line" },
          element("span", { class: "muted" }, `#${item.rank}`),
          element("b", {}, value),
        ),
        item.label !== "" && element("bdi", { class: "label" }, item.label),
        item.name !== "" && element("bdi", { class: "name" }, item.name),
      ),
    ),
  );
}

function histogram(sketch: Sketch, count: number, range: readonly [number, number]): Markup {
  const counts = rebinSketch(sketch, range, BINS);
  const x = linearScale(range, [1, HIST.width - 1]);
  const y = linearScale([0, Math.max(...counts)], [HIST.base, 3]);
  const step = (range[1] - range[0]) / BINS;
  let bars = "";
  counts.forEach((value, i) => {
    if (value <= 0) return;
    const left = x.at(range[0] + i * step);
    bars += `M${fc(left)} ${HIST.base}V${fc(y.at(value))}H${fc(x.at(range[0] + (i + 1) * step) - 0.6)}V${HIST.base}Z`;
  });
  const marks = [
    ...MARKS.map(({ q, label }) => ({
      label,
      value: sketchQuantile(sketch.histogram, sketch.offset, count, q, sketch.min, sketch.max),
    })),
    { label: "max", value: sketch.max },
  ];
  const drawn = marks.filter(({ value }) => value > 0 && value < Infinity)
    .map(({ value }) => `M${fc(x.at(Math.log10(value)))} 3V${HIST.base}`).join("");
  return element(
    "figure",
    { class: "hist" },
    element(
      "svg",
      {
        viewBox: `0 0 ${HIST.width} ${HIST.height}`,
        role: "img",
        "aria-label": "Histogram of log10 activation; lines at median, 90 %, 99 % and maximum",
      },
      element("path", { class: "bars", d: bars }),
      element("path", { class: "mark", d: drawn }),
      element("path", { class: "axis", d: `M0 ${HIST.base}H${HIST.width}` }),
      ...ticks(range, 4).filter((tick) => x.at(tick) > 8 && x.at(tick) < HIST.width - 8).map((tick) =>
        element("text", { x: x.at(tick), y: HIST.height - 4, "text-anchor": "middle" }, formatTick(tick))
      ),
    ),
    element(
      "figcaption",
      {},
      ...marks.map(({ label, value }) => fragment(element("span", {}, `${label} ${formatValue(value)}`), " ")),
    ),
  );
}

/** Two decimals with a true minus sign, or a dash. */
function formatFixed(value: number | null): string {
  return value === null || !Number.isFinite(value) ? "–" : value.toFixed(2).replace("-", "−");
}

/** A number the script can read; empty when there is none. */
function dataNumber(value: number | null): string {
  return value === null || !Number.isFinite(value) ? "" : String(value);
}
