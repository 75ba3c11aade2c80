/**
 * A strict reading of markup: every tag closed in order, attributes quoted and unique, no bare `<`, `>` or `&`.
 * @module
 */
import assert from "node:assert/strict";

/** A start tag as read. */
export interface Tag {
  /** Element name. */
  readonly name: string;
  /** Attributes as written, still escaped. */
  readonly attributes: ReadonlyMap<string, string>;
}

const VOID = new Set(["meta", "img", "input", "br"]);

/** Reads `markup` (after an optional doctype), asserts that it is well formed, and returns its start tags in order. */
export function assertWellFormed(markup: string): Tag[] {
  const tags: Tag[] = [];
  const open: string[] = [];
  const text = markup.replace(/^<!doctype html>\n/, "").trim();
  let at = 0;
  while (at < text.length) {
    if (text[at] !== "<") {
      const end = text.indexOf("<", at);
      const content = text.slice(at, end < 0 ? undefined : end);
      const raw = open.at(-1) === "script" || open.at(-1) === "style";
      if (!raw) {
        assert.match(content, /^(?:[^<>&]|&(?:amp|lt|gt|quot|#39);)*$/, `bare sign in "${content.slice(0, 80)}"`);
      }
      at += content.length;
      continue;
    }
    if (open.at(-1) === "script" || open.at(-1) === "style") {
      const end = text.indexOf(`</${open.at(-1)}>`, at);
      assert.ok(end >= 0);
      at = Math.max(end, at);
    }
    const match = /^<(?:\/([a-zA-Z0-9-]+)>|([a-zA-Z][a-zA-Z0-9-]*)((?: [a-zA-Z][a-zA-Z0-9:-]*(?:="[^"<>]*")?)*)(\/?)>)/
      .exec(text.slice(at));
    assert.ok(match, `malformed tag at "${text.slice(at, at + 80)}"`);
    const [whole, close, name, list, empty] = match;
    if (close !== undefined) assert.equal(open.pop(), close);
    else {
      const attributes = new Map<string, string>();
      for (const [, key, value] of list.matchAll(/ ([a-zA-Z][a-zA-Z0-9:-]*)(?:="([^"<>]*)")?/g)) {
        assert.ok(!attributes.has(key), `${key} twice`);
        attributes.set(key, value ?? "");
      }
      tags.push({ name, attributes });
      if (empty === "" && !VOID.has(name)) open.push(name);
    }
    at += whole.length;
  }
  assert.deepEqual(open, []);
  return tags;
}
