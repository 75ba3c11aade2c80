import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { type ByteSource, memorySource } from "../../io/byte_source.ts";
import { isSafetensors, readSafetensors } from "../../io/safetensors.ts";

function file(header: unknown, body: ArrayLike<number> = [], claimed?: bigint): ByteSource {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return memorySource("made.safetensors", bytes);
}

const entry = (dtype: string, shape: number[], begin: number, end: number): Record<string, unknown> => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

Deno.test({
  name: "readSafetensors() reads every type, scalars and empty tensors, wherever they lie",
  permissions: "none",
  fn: async () => {
    const body = new Uint8Array(30);
    const view = new DataView(body.buffer);
    view.setFloat32(0, 1.5, true);
    view.setFloat32(4, -2, true);
    view.setFloat64(8, 0.1, true);
    view.setUint16(16, 0x3f80, true);
    view.setUint16(18, 0x3c00, true);
    view.setBigInt64(20, -7n, true);
    body.set([1, 0], 28);
    const tensors = await readSafetensors(file({
      flags: entry("BOOL", [2], 28, 30),
      "__metadata__": { format: "pt" },
      pair: entry("F32", [2, 1], 0, 8),
      scalar: entry("F64", [], 8, 16),
      brain: entry("BF16", [1], 16, 18),
      half: entry("F16", [1], 18, 20),
      long: entry("I64", [1], 20, 28),
      empty: entry("F32", [0, 3], 30, 30),
    }, body));
    deepStrictEqual([...tensors].map(([name, { dtype, shape, data }]) => [name, dtype, shape, [...data]]), [
      ["flags", "bool", [2], [1, 0]],
      ["pair", "float32", [2, 1], [1.5, -2]],
      ["scalar", "float64", [], [0.1]],
      ["brain", "bfloat16", [1], [1]],
      ["half", "float16", [1], [1]],
      ["long", "int64", [1], [-7n]],
      ["empty", "float32", [0, 3], []],
    ]);
  },
});

const DAMAGED: readonly (readonly [what: string, source: ByteSource, message: RegExp])[] = [
  ["too short a file", memorySource("made.safetensors", new Uint8Array(5)), /claims no bytes of a file of 5/],
  ["a header past its end", file({}, [], 99n), /claims 99 bytes/],
  ["a header past 2^63", file({}, [], 2n ** 63n), /claims 9223372036854775808 bytes/],
  ["a header that is no JSON", file("{nope"), /not JSON/],
  ["a header that is a list", file("[]"), /no object/],
  ["an unknown type", file({ a: entry("F8_E4M3", [1], 0, 1) }, [0]), /F8_E4M3/],
  ["a type that is a property of every object", file({ a: entry("toString", [1], 0, 1) }, [0]), /toString/],
  ["no shape", file({ a: { dtype: "F32", data_offsets: [0, 4] } }, [0, 0, 0, 0]), /no shape/],
  ["a negative axis", file({ a: entry("F32", [-1], 0, 4) }, [0, 0, 0, 0]), /no shape/],
  ["a null entry", file({ a: null }), /a is of type undefined/],
  ["bytes past the end", file({ a: entry("F32", [2], 0, 8) }, [0, 0, 0, 0]), /bytes 0 to 8 of 4; it is truncated/],
  ["too few bytes for its shape", file({ a: entry("F32", [2], 0, 4) }, [0, 0, 0, 0]), /takes 4 bytes, and 8/],
  ["an end before its begin", file({ a: entry("F32", [1], 4, 0) }, [0, 0, 0, 0]), /bytes 4 to 0/],
  [
    "overlapping tensors",
    file({ a: entry("U8", [3], 0, 3), b: entry("U8", [2], 2, 4) }, [0, 0, 0, 0]),
    /the bytes of a and b overlap/,
  ],
];
for (const [what, source, message] of DAMAGED) {
  Deno.test({
    name: `readSafetensors() refuses ${what}`,
    permissions: "none",
    fn: () => rejects(readSafetensors(source), message),
  });
}

Deno.test({
  name: "isSafetensors() tells a header's length from a first line of JSON",
  permissions: "none",
  fn: async () => {
    ok(await isSafetensors(file({ a: entry("U8", [1], 0, 1) }, [0])));
    // A length of 0x7b = 123 begins with the character {.
    ok(await isSafetensors(file(`{${" ".repeat(121)}}`)));
    const line = new TextEncoder().encode('{"schema": {"a": 1}}\n');
    strictEqual(await isSafetensors(memorySource("line", line)), false);
    strictEqual(await isSafetensors(memorySource("zip", new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0]))), false);
  },
});
