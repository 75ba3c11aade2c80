import { match, strictEqual } from "node:assert/strict";
import { apiText } from "./list_api.ts";

const word = (name: string): unknown => ({ kind: "keyword", repr: name, value: name });
const fn = (name: string, type: string): Parameters<typeof apiText>[0]["nodes"][string]["symbols"][number] => ({
  name,
  declarations: [{
    kind: "function",
    def: {
      params: [{ kind: "identifier", name: "x", optional: true, tsType: { kind: "array", value: word(type) } }],
      returnType: {
        kind: "union",
        value: [word("number"), { kind: "literal", value: { kind: "string", string: "a" } }],
      },
    },
  }],
});

Deno.test({
  name: "apiText() shows a change of a parameter's type, and names in rooms what mod.ts has",
  permissions: "none",
  fn(): void {
    const text = (type: string): string =>
      apiText({
        nodes: {
          "file:///p/compute/mod.ts": { symbols: [fn("f", type), fn("own", "string")] },
          "file:///p/mod.ts": { symbols: [fn("f", type)] },
        },
      });
    strictEqual(
      text("number"),
      '# mod.ts\nfunction f(x?: number[]): number | "a"\n\n' +
        '# compute/mod.ts\nfunction own(x?: string[]): number | "a"\nas in mod.ts: f\n',
    );
    match(text("string"), /function f\(x\?: string\[\]\)/);
  },
});
