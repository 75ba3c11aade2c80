import assert from "node:assert/strict";
import { TorchFileError } from "../../compute/errors.ts";
import { printable, shown } from "../../compute/printable.ts";

Deno.test({
  name: "`printable()` leaves no control character, and keeps both ends of a long text",
  permissions: "none",
  fn(): void {
    assert.equal(printable("caf\u00e9 \u{1F600}"), "caf\u00e9 \u{1F600}");
    assert.equal(printable("a\r\nb\x1b[2J\u009b1m\u202ec"), "a\\x0d\\nb\\x1b[2J\\x9b1m\\u202ec");
    const long = printable("<" + "x".repeat(1 << 20) + ">");
    assert.ok(long.length <= 1000 && long.startsWith("<") && long.includes("> (1048578 characters)"));
    assert.ok(printable("\0".repeat(5000)).length <= 1000);
    assert.equal(new TorchFileError("a\nb", { path: "p" }).message, "a\\nb");
  },
});

Deno.test({
  name: "`shown()` takes bounded time for lists that share and hold each other, and never throws",
  permissions: "none",
  fn(): void {
    let shared: unknown[] = ["x"];
    for (let i = 0; i < 64; i++) shared = [shared, shared];
    const circle: unknown[] = [];
    circle.push(circle);
    const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
    for (const value of [shared, circle, deep, JSON.parse('{"toString":1,"valueOf":2}'), "x".repeat(1 << 20)]) {
      assert.ok(shown(value).length <= 81);
    }
    const plain: [unknown, string][] = [
      [[1, "a", null], '[1,"a",null]'],
      [undefined, "undefined"],
      [10n ** 20n, "100000000000000000000"],
      [new Map([[1, 2]]), "a dictionary of 1"],
      [new Uint8Array(3), "3 bytes"],
      [Symbol("s"), "a symbol"],
    ];
    for (const [value, text] of plain) assert.equal(shown(value), text);
  },
});
