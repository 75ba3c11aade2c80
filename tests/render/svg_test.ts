import assert from "node:assert/strict";
import { element, escapeText, formatCoordinate, fragment } from "../../render/svg.ts";
import { assertWellFormed } from "./_well_formed.ts";

Deno.test({
  name: "`element()` keeps hostile text as text, in content and in attributes",
  permissions: "none",
  fn: () => {
    const hostile = `</text><script>alert(1)</script>"' onload='x' &amp; \u0000\u001b ]]> <!-- \ud800`;
    const { text } = element("text", { class: hostile }, hostile);
    const tags = assertWellFormed(text);
    assert.deepEqual(tags.map((tag) => tag.name), ["text"]);
    assert.deepEqual(Array.from(tags[0].attributes.keys()), ["class"]);
    for (const forbidden of ["\u0000", "\u001b", "\ud800"]) assert.ok(!text.includes(forbidden));
  },
});

Deno.test({
  name: "`element()` refuses handlers, styles, malformed names and links with a scheme or a host",
  permissions: "none",
  fn: () => {
    for (const key of ["onclick", "OnLoad", "style", "a b", "x=y", ""]) {
      assert.throws(() => element("g", { [key]: "1" }), RangeError, key);
    }
    for (const name of ["", "a b", "1a", "script>"]) assert.throws(() => element(name), RangeError, name);
    for (
      const link of [
        "javascript:alert(1)",
        " JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "\u0001javascript:x",
        "data:text/html,x",
        "https://example.com/",
        "//example.com/x.png",
        "\\\\example.com\\x",
        "/\t/example.com",
      ]
    ) {
      assert.throws(() => element("a", { href: link }), RangeError, JSON.stringify(link));
      assert.throws(() => element("img", { src: link }), RangeError, JSON.stringify(link));
    }
    for (const link of ["neurons/1/0.png", "#latent-3", "./a:b.png", "../x?y=1:2"]) {
      assert.ok(element("a", { href: link }).text.includes(link));
    }
  },
});

Deno.test({
  name: "`formatCoordinate()` rounds, has no negative zero and refuses what is not finite",
  permissions: "none",
  fn: () => {
    assert.equal(formatCoordinate(-0.001), "0");
    assert.equal(formatCoordinate(12.3456), "12.35");
    assert.equal(formatCoordinate(-1.5), "-1.5");
    for (const value of [NaN, Infinity, -Infinity]) assert.throws(() => formatCoordinate(value), RangeError);
  },
});

Deno.test({
  name: "`fragment()` skips what is absent and writes zero",
  permissions: "none",
  fn: () => {
    assert.equal(fragment(null, undefined, false, 0, "<").text, "0&lt;");
    assert.equal(escapeText("a"), "a");
  },
});
