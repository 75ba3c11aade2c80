/**
 * The viewer's `index.html`: a shell around the bundle, with a policy that lets in nothing else.
 * @module
 */
import { element, Markup } from "./svg.ts";
import { VIEWER_SCRIPT, VIEWER_SCRIPT_SHA256, VIEWER_STYLE, VIEWER_STYLE_SHA256 } from "./viewer/_bundle.generated.ts";

/**
 * The page. Its script and style are let in by hash; data scripts and pictures only from beside it; made scripts
 * addresses only through the bundle's own trusted-types policy.
 */
export function viewerPage(title: string, plots: readonly { src: string; caption: string }[]): string {
  const policy = [
    "default-src 'none'",
    "img-src 'self' file: data: blob:",
    "connect-src 'self'",
    `style-src 'sha256-${VIEWER_STYLE_SHA256}'`,
    `script-src 'self' file: 'sha256-${VIEWER_SCRIPT_SHA256}'`,
    "require-trusted-types-for 'script'",
    "trusted-types saev-viewer",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const html = element(
    "html",
    { lang: "en" },
    element(
      "head",
      {},
      element("meta", { charset: "utf-8" }),
      element("meta", { "http-equiv": "Content-Security-Policy", content: policy }),
      element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      element("meta", { name: "referrer", content: "no-referrer" }),
      element("meta", { name: "color-scheme", content: "light dark" }),
      element("title", {}, title),
      // Without it browsers ask servers for /favicon.ico.
      new Markup('<link rel="icon" href="data:,"/>'),
      new Markup(`<style>${VIEWER_STYLE}</style>`),
    ),
    element(
      "body",
      {},
      element(
        "noscript",
        {},
        element("h1", {}, title),
        element("p", {}, "This page draws its data with a script, which is switched off in this browser."),
        ...plots.map(({ src, caption }) => element("p", {}, element("img", { src, alt: caption }))),
      ),
      element("div", { id: "app" }),
      // Constants of the generated bundle, let in by hash: the only text that is not escaped.
      new Markup(`<script>${VIEWER_SCRIPT}</script>`),
    ),
  );
  return `<!doctype html>\n${html.text}\n`;
}
