/**
 * Text for messages, made of what hostile files may hold.
 * @module
 */

/** Longer messages keep their two ends: names in files may be megabytes long. */
const MAX_MESSAGE_LENGTH = 1000;

/**
 * Text that is safe to show on a terminal: one line, no control characters, at most 1000 characters.
 *
 * Names come from files that may be hostile; an escape sequence among them could rewrite what the user sees. Line breaks
 * and other control characters become `\n` and `\x1b`, characters that turn the direction of text `\u202e`.
 *
 * @example
 * ```ts
 * import { printable } from "./printable.ts";
 * console.assert(printable("a\nb") === "a\\nb");
 * ```
 */
export function printable(text: string): string {
  return clipped(
    clipped(text).replace(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (unit) => {
      if (unit === "\n") return "\\n";
      const code = unit.charCodeAt(0).toString(16);
      return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code}`;
    }),
  );
}

function clipped(text: string): string {
  if (text.length <= MAX_MESSAGE_LENGTH) return text;
  const half = MAX_MESSAGE_LENGTH / 2 - 30;
  return `${text.slice(0, half)} … ${text.slice(-half)} (${text.length} characters)`;
}

/**
 * A value out of a file for a message: JSON cut to 80 characters, whatever it holds and however deeply.
 *
 * Unlike `String()` and `JSON.stringify()` it takes bounded time and never throws: a few kilobytes of shared or nested
 * lists can stand for a text of terabytes, and a JSON object may carry its own `toString`.
 *
 * @example
 * ```ts
 * import { shown } from "./printable.ts";
 * console.assert(shown([1, { toString: null }]) === '[1,{"toString":null}]');
 * ```
 */
export function shown(value: unknown): string {
  const text = pieces(value, 0);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text;
}

const MAX_SHOWN_LENGTH = 80;
const MAX_SHOWN_DEPTH = 4;
const MAX_SHOWN_ITEMS = 8;

function pieces(value: unknown, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, MAX_SHOWN_LENGTH));
  if (typeof value === "bigint" || typeof value === "number") return `${value}`;
  if (typeof value !== "object" || value === null) return typeof value === "symbol" ? "a symbol" : `${value}`;
  if (depth === MAX_SHOWN_DEPTH) return "…";
  if (value instanceof Map) return `a dictionary of ${value.size}`;
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  const isList = Array.isArray(value);
  const parts: string[] = [];
  for (const key in value) {
    if (parts.length === MAX_SHOWN_ITEMS) {
      parts.push("…");
      break;
    }
    const item = pieces((value as Record<string, unknown>)[key], depth + 1);
    parts.push(isList ? item : `${JSON.stringify(key.slice(0, MAX_SHOWN_LENGTH))}:${item}`);
  }
  return isList ? `[${parts.join(",")}]` : `{${parts.join(",")}}`;
}
