/**
 * Elements as values. Text is only ever set as text, never parsed, so labels may hold anything.
 * @module
 */
/// <reference lib="dom" />

/** What an element may hold. */
export type Child = Node | string | number | null | undefined | false;

/** Attributes; `on` adds listeners, `css` sets single properties (which the page's policy allows). */
export interface Props {
  readonly [attribute: string]: unknown;
  /** Listeners by event. */
  readonly on?: Readonly<Record<string, (event: never) => void>>;
  /** Style properties by name. */
  readonly css?: Readonly<Record<string, string>>;
}

function fill(node: Element, props: Props, children: readonly Child[]): void {
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "on") {
      for (const [event, listener] of Object.entries(props.on!)) {
        node.addEventListener(event, listener as unknown as EventListener);
      }
    } else if (key === "css") {
      for (const [name, text] of Object.entries(props.css!)) (node as HTMLElement).style.setProperty(name, text);
    } else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Makes an HTML element. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(name);
  fill(node, props, children);
  return node;
}

/** Makes an SVG element. */
export function s(name: string, props: Props = {}, ...children: Child[]): SVGElement {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  fill(node, props, children);
  return node;
}

/** Text of foreign direction or script, kept from disturbing its surroundings. */
export function foreign(text: string, props: Props = {}): HTMLElement {
  return h("bdi", props, text);
}

/** Saves bytes as a file. */
export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A number in at most four significant digits; a dash when there is none. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2).replace("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** A number in three significant digits, for columns of them; a dash when there is none. */
export function three(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size !== 0 && (size < 0.001 || size >= 1000)) return short(value);
  return value.toPrecision(3).replace("-", "−");
}

/** A share as a percentage that keeps three digits. */
export function percent(value: number): string {
  if (!(value > 0)) return "0 %";
  const number = value * 100;
  return `${number >= 0.001 ? number.toPrecision(3) : number.toExponential(1).replace("-", "−")} %`;
}

/** An integer with thin spaces between thousands. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}
