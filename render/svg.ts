/**
 * Markup (SVG, and the page's HTML) built as values: whatever a label holds, it ends up as text.
 * @module
 */

/** Finished markup. Only {@linkcode element} and {@linkcode fragment} make it, so a plain string is always escaped. */
export class Markup {
  /** The markup's text, ready to be written. */
  readonly text: string;
  /** Not for labels: the text is taken as it is. */
  constructor(text: string) {
    this.text = text;
  }
  /** The markup's text. */
  toString(): string {
    return this.text;
  }
}

/** What an element may hold: markup as it is, text escaped, `false`, `null` and `undefined` skipped. */
export type Child = Markup | string | number | false | null | undefined;

/** An element's attributes; `true` is an attribute without a value, `false`, `null` and `undefined` leave it out. */
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

const EMPTY_ELEMENTS = new Set(
  ["path", "rect", "line", "circle", "polyline", "stop", "img", "meta", "input", "br"],
);
const LINK_ATTRIBUTES = new Set(["href", "src"]);

/**
 * Escapes text for element content and double-quoted attributes of XML and HTML.
 *
 * `& < > " '` become entities; what XML cannot hold (control characters, lone surrogates) becomes U+FFFD.
 *
 * @example
 * ```ts
 * import { escapeText } from "./svg.ts";
 * console.assert(escapeText("<b>&") === "&lt;b&gt;&amp;");
 * ```
 */
export function escapeText(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex -- exactly the characters that XML 1.0 forbids
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/**
 * A coordinate as short text: at most two decimals, never `-0`.
 *
 * @throws {RangeError} If `value` is not finite.
 *
 * @example
 * ```ts
 * import { formatCoordinate } from "./svg.ts";
 * console.assert(formatCoordinate(1 / 3) === "0.33");
 * ```
 */
export function formatCoordinate(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`Cannot draw at ${value}: every coordinate must be finite`);
  return String(Math.round(value * 100) / 100 + 0);
}

/**
 * Builds one element. Text and attribute values are escaped; numbers are written as coordinates.
 *
 * @param name Element name, letters, digits and `-`.
 * @param attributes Attribute values; handlers (`on…`) and `style` are refused, links must be relative or a fragment.
 * @param children Content, in order.
 * @throws {RangeError} If a name is malformed, an attribute could run code, or a number is not finite.
 *
 * @example
 * ```ts
 * import { element } from "./svg.ts";
 * const text = element("text", { x: 1.005, class: "a\"b" }, "1 < 2").text;
 * console.assert(text === '<text x="1" class="a&quot;b">1 &lt; 2</text>');
 * ```
 */
export function element(name: string, attributes: Attributes = {}, ...children: Child[]): Markup {
  if (!/^[a-zA-Z][a-zA-Z0-9-]*$/.test(name)) throw new RangeError(`Cannot build an element named "${name}"`);
  let open = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (!/^[a-zA-Z][a-zA-Z0-9:-]*$/.test(key) || /^(on|style$)/i.test(key)) {
      throw new RangeError(`Cannot set attribute "${key}": it is malformed or could run code`);
    }
    if (value === true) open += ` ${key}`;
    else {
      const text = typeof value === "number" ? formatCoordinate(value) : value;
      if (LINK_ATTRIBUTES.has(key.toLowerCase())) assertRelativeLink(text);
      open += ` ${key}="${escapeText(text)}"`;
    }
  }
  if (children.length === 0 && EMPTY_ELEMENTS.has(name)) return new Markup(`${open}/>`);
  return new Markup(`${open}>${fragment(...children).text}</${name}>`);
}

/**
 * Joins children without an element around them.
 *
 * @example
 * ```ts
 * import { element, fragment } from "./svg.ts";
 * console.assert(fragment("a&", element("b", {}, "c")).text === "a&amp;<b>c</b>");
 * ```
 */
export function fragment(...children: Child[]): Markup {
  let text = "";
  for (const child of children) {
    if (child === undefined || child === null || child === false) continue;
    text += child instanceof Markup ? child.text : escapeText(String(child));
  }
  return new Markup(text);
}

/** A scheme or a leading `//` could reach the network or run code; the output directory never needs either. */
function assertRelativeLink(link: string): void {
  // deno-lint-ignore no-control-regex -- browsers drop these before they look for a scheme
  const seen = link.replace(/[\u0000-\u0020]/g, "").replaceAll("\\", "/");
  if (/^[^/?#]*:/.test(seen) || seen.startsWith("//")) {
    throw new RangeError(`Cannot link to "${link}": links must be relative, with no scheme and no host`);
  }
}
