/**
 * The output directory's `index.html`: one static file that opens from disk, with no network and nothing to install.
 * @module
 */
import { formatCount } from "./_axes.ts";
import { PAGE_SCRIPT, PAGE_SCRIPT_SHA256, PAGE_STYLE, PAGE_STYLE_SHA256 } from "./_page_assets.ts";
import { type PageLatent, pageLatent } from "./_page_latent.ts";
import { type PageScatter, pageScatter } from "./_page_scatter.ts";
import { sketchRange } from "./_sketch_bins.ts";
import { sharedRange } from "./_statistics.ts";
import { element, fragment, Markup } from "./svg.ts";

export type { PageLatent, PagePicture } from "./_page_latent.ts";
export type { PageScatter } from "./_page_scatter.ts";
export type { Sketch } from "./_sketch_bins.ts";

/** Pictures of a latent that are shown at once unless told; the others open on a click. */
export const VISIBLE_PICTURES = 16;

/** Everything on the page. Text may hold anything: it is escaped. */
export interface IndexPageData {
  /** Heading and document title. */
  readonly title: string;
  /** Facts under the heading, as name and value: run, rows, images, top k, backend, settings. */
  readonly summary: readonly (readonly [name: string, value: string])[];
  /** The chosen latents, in the order they were chosen. */
  readonly latents: readonly PageLatent[];
  /** All latents of the run; left out when undefined. */
  readonly scatter?: PageScatter;
  /** Plots to show: relative path and caption. */
  readonly plots?: readonly { readonly src: string; readonly caption: string }[];
  /** Pictures shown at once per latent; {@linkcode VISIBLE_PICTURES} unless told. */
  readonly visiblePictures?: number;
}

/**
 * Renders the page: a summary, all latents as a scatter, and each chosen latent with its numbers and pictures.
 *
 * The page's policy (CSP) allows pictures from beside it and its own style and script by hash, and nothing else. It
 * follows the reader's light or dark setting and works without scripts; the script only filters and sorts.
 *
 * @param data What to show. Picture paths must be relative.
 * @returns A whole HTML document.
 * @throws {RangeError} If a path has a scheme or a host.
 *
 * Source: this system's own.
 *
 * @example
 * ```ts
 * import { renderIndexPage } from "./page.ts";
 * const html = renderIndexPage({ title: "<run>", summary: [["rows", "10"]], latents: [] });
 * console.assert(html.startsWith("<!doctype html>") && html.includes("&lt;run&gt;"));
 * ```
 */
export function renderIndexPage(data: IndexPageData): string {
  const { latents, scatter, plots = [] } = data;
  const range = sharedRange(
    latents.map(({ sketch, count }) => (sketch !== undefined && count > 0 ? sketchRange(sketch) ?? [] : [])),
  );
  const visible = data.visiblePictures ?? VISIBLE_PICTURES;
  const html = element(
    "html",
    { lang: "en" },
    head(data.title),
    element(
      "body",
      {},
      element("a", { class: "skip", href: "#latents" }, "Skip to the latents"),
      element(
        "header",
        {},
        element("h1", {}, data.title),
        data.summary.length > 0 && element(
          "dl",
          { class: "facts" },
          ...data.summary.map(([name, value]) =>
            element("div", {}, element("dt", {}, name), element("dd", {}, element("bdi", {}, value)))
          ),
        ),
      ),
      element(
        "main",
        {},
        scatter !== undefined && overview(scatter, latents.map(({ latent }) => latent)),
        plots.length > 0 && fragment(
          element("h2", {}, "Plots"),
          element("div", { class: "plots" }, ...plots.map(plot)),
        ),
        element("h2", {}, "Chosen latents"),
        latents.length === 0 ? element("p", { class: "muted", id: "latents" }, "No latent was chosen.") : fragment(
          legend(),
          toolbar(),
          element("div", { id: "latents" }, ...latents.map((latent) => pageLatent(latent, range, visible))),
        ),
        element("footer", {}, "Made with saev-visuals."),
      ),
      // Constants of this module, let in by hash: the only text that is not escaped.
      new Markup(`<script>${PAGE_SCRIPT}</script>`),
    ),
  );
  return `<!doctype html>\n${html.text}\n`;
}

function head(title: string): Markup {
  const policy = [
    "default-src 'none'",
    "img-src 'self' file:",
    `style-src 'sha256-${PAGE_STYLE_SHA256}'`,
    `script-src 'sha256-${PAGE_SCRIPT_SHA256}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { "http-equiv": "Content-Security-Policy", content: policy }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "referrer", content: "no-referrer" }),
    element("title", {}, title),
    new Markup(`<style>${PAGE_STYLE}</style>`),
  );
}

function overview(scatter: PageScatter, chosen: readonly number[]): Markup {
  const total = scatter.log10Freq.length;
  let silent = 0;
  for (const value of scatter.log10Freq) if (!Number.isFinite(value)) silent += 1;
  return fragment(
    element("h2", {}, "All latents"),
    element(
      "p",
      { class: "muted" },
      `${formatCount(total)} latents, of which ${
        formatCount(silent)
      } never fire and are not drawn. The dashed frame is the range latents were ` +
        `chosen from; the ${chosen.length} chosen ones lead to their pictures.`,
    ),
    element("div", { class: "card scroll" }, pageScatter(scatter, chosen)),
  );
}

function plot(item: { src: string; caption: string }): Markup {
  return element(
    "figure",
    { class: "card" },
    element("a", { href: item.src }, element("img", { src: item.src, alt: item.caption, loading: "lazy" })),
    element("figcaption", { class: "muted" }, item.caption),
  );
}

/** What the heatmap's colours mean: matplotlib's plasma, fading in. */
function legend(): Markup {
  const colours = ["#0d0887", "#7e03a8", "#cc4778", "#f89540", "#f0f921"];
  return element(
    "p",
    { class: "muted" },
    "Colour on a picture shows where the latent fires, from ",
    element(
      "svg",
      {
        class: "bar",
        width: "92",
        height: "12",
        viewBox: "0 0 92 12",
        role: "img",
        "aria-label": "dark violet to yellow",
      },
      element(
        "linearGradient",
        { id: "plasma" },
        ...colours.map((colour, i) =>
          element("stop", { offset: i / 4, "stop-color": colour, "stop-opacity": 0.15 + 0.2125 * i })
        ),
      ),
      element("rect", { width: 92, height: 12, fill: "url(#plasma)" }),
    ),
    " weak to the strongest among the latent's own top pictures.",
  );
}

/** Hidden until the script runs: without it the controls would do nothing. */
function toolbar(): Markup {
  const orders = [["given", "as chosen"], ["latent", "number"], ["freq", "firing rate"], ["value", "mean activation"], [
    "max",
    "largest activation",
  ]];
  return element(
    "div",
    { class: "tools", id: "tools", hidden: true },
    element(
      "label",
      {},
      "Filter",
      element("input", { id: "filter", type: "search", placeholder: "number, label or file", autocomplete: "off" }),
    ),
    element(
      "label",
      {},
      "Order",
      element(
        "select",
        { id: "sort", autocomplete: "off" },
        ...orders.map(([value, text]) => element("option", { value }, text)),
      ),
    ),
    element("output", { id: "shown", for: "filter" }),
  );
}
