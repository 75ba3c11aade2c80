/**
 * A page of latents of two runs side by side. One static file that opens from disk and runs no script.
 * @module
 */
import { element, fragment, Markup } from "./svg.ts";
import { VIEWER_STYLE, VIEWER_STYLE_SHA256 } from "./viewer/_bundle.generated.ts";

/** One side of a pair. */
export interface ComparedLatent {
  /** The latent. */
  readonly latent: number;
  /** Numbers under its name, as name and value. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Its strongest pictures: path beside the page, and what is on it. */
  readonly pictures: readonly { readonly src: string; readonly alt: string }[];
}

/** A latent of the first run and its match. */
export interface ComparedPair {
  /** Of the first run. */
  readonly a: ComparedLatent;
  /** Of the second; undefined when nothing correlates. */
  readonly b: ComparedLatent | undefined;
  /** Their correlation. */
  readonly correlation: number;
  /** The next best, as latent and correlation. */
  readonly next: readonly (readonly [latent: number, correlation: number])[];
}

/** Everything on the page. Text may hold anything: it is escaped. */
export interface ComparePageData {
  /** Heading. */
  readonly title: string;
  /** What was compared, as name and value. */
  readonly summary: readonly (readonly [name: string, value: string])[];
  /** Pairs, in the order shown. */
  readonly pairs: readonly ComparedPair[];
}

/**
 * Renders the page: its policy lets in pictures from beside it and the viewer's style by hash, and nothing else.
 *
 * @throws {RangeError} If a picture's path has a scheme or a host.
 *
 * @example
 * ```ts
 * import { comparePage } from "./compare_page.ts";
 * const html = comparePage({ title: "A & B", summary: [], pairs: [] });
 * console.assert(html.startsWith("<!doctype html>") && html.includes("A &amp; B") && !html.includes("<script"));
 * ```
 */
export function comparePage({ title, summary, pairs }: ComparePageData): string {
  const policy = [
    "default-src 'none'",
    "img-src 'self' file:",
    `style-src 'sha256-${VIEWER_STYLE_SHA256}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const head = element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { "http-equiv": "Content-Security-Policy", content: policy }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "referrer", content: "no-referrer" }),
    element("meta", { name: "color-scheme", content: "light dark" }),
    element("title", {}, title),
    new Markup(`<style>${VIEWER_STYLE}</style>`),
  );
  const body = element(
    "body",
    {},
    element("header", { class: "top" }, element("h1", {}, title)),
    element(
      "main",
      {},
      element("section", { class: "card" }, facts(summary)),
      ...pairs.map(pairSection),
      pairs.length === 0 && element("p", { class: "empty" }, "No latent was compared."),
    ),
  );
  return `<!doctype html>\n${element("html", { lang: "en" }, head, body).text}\n`;
}

function pairSection({ a, b, correlation, next }: ComparedPair): Markup {
  const others = next.map(([latent, value]) => `${latent} (${value.toFixed(3)})`).join(", ");
  return element(
    "section",
    { class: "pictures", id: `a${a.latent}` },
    element(
      "h2",
      {},
      b === undefined ? `${a.latent}: nothing correlates` : `${a.latent} and ${b.latent}: ${correlation.toFixed(3)}`,
    ),
    element("div", { class: "card" }, side("First run", a)),
    b !== undefined && element("div", { class: "card" }, side("Second run", b)),
    others !== "" && element("p", { class: "muted small" }, `Next best of the second run: ${others}`),
  );
}

function side(name: string, { latent, facts: numbers, pictures }: ComparedLatent): Markup {
  return fragment(
    element(
      "p",
      { class: "muted small" },
      [`${name}, latent ${latent}`, ...numbers.map((pair) => pair.join(" "))].join(" · "),
    ),
    element("ol", { class: "grid small" }, ...pictures.map(({ src, alt }) => picture(src, alt))),
  );
}

function picture(src: string, alt: string): Markup {
  if (/^[a-z][a-z0-9+.-]*:|^[/\\]/i.test(src)) throw new RangeError(`Cannot show ${src}: its path must be relative`);
  return element(
    "li",
    {},
    element("div", { class: "pic" }, element("img", { src, alt, width: "100%", height: "100%", loading: "lazy" })),
  );
}

function facts(pairs: readonly (readonly [string, string])[]): Markup {
  return element(
    "dl",
    { class: "facts" },
    ...pairs.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, element("bdi", {}, value)))
    ),
  );
}
