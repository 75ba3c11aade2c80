import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { TorchFileError, UnsafePickleError } from "../../compute/errors.ts";
import { PickleGlobal, type PickleHost, unpickle } from "../../io/unpickle.ts";

/** Knows one callable, `kept.Call`, which gives its arguments back, and one name, `kept.Name`. */
const host: PickleHost = {
  path: "made.pt",
  global(symbol: string): unknown {
    if (symbol === "kept.Call") return new PickleGlobal(symbol, (args) => ["called", ...args]);
    if (symbol === "kept.Name") return new PickleGlobal(symbol);
    throw new UnsafePickleError(symbol, { path: "made.pt", symbol });
  },
  persistent: (id) => ["persistent", id],
};

/** Bytes from numbers and ASCII text. */
function pickle(...parts: (number | string)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => typeof part === "number" ? [part] : Array.from(part, (c) => c.charCodeAt(0))),
  );
}

function read(...parts: (number | string)[]): unknown {
  return unpickle(pickle(0x80, 2, ...parts, "."), host).value;
}

const values: [string, unknown, (number | string)[]][] = [
  ["BININT", -2, ["J", 0xfe, 0xff, 0xff, 0xff]],
  ["BININT2", 513, ["M", 1, 2]],
  ["LONG1 as a number", -129, [0x8a, 2, 0x7f, 0xff]],
  ["LONG1 of no bytes", 0, [0x8a, 0]],
  ["LONG1 past 2^53 as a bigint", 2n ** 56n, [0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 1]],
  ["LONG4", 7, [0x8b, 1, 0, 0, 0, 7]],
  ["BINFLOAT", 1, ["G", 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]],
  ["SHORT_BINUNICODE", "é", [0x8c, 2, 0xc3, 0xa9]],
  ["BINUNICODE8", "a", [0x8d, 1, 0, 0, 0, 0, 0, 0, 0, "a"]],
  ["SHORT_BINBYTES", Uint8Array.of(9), ["C", 1, 9]],
  ["BINBYTES", Uint8Array.of(9), ["B", 1, 0, 0, 0, 9]],
  ["TUPLE3", [1, 2, 3], ["K", 1, "K", 2, "K", 3, 0x87]],
  ["APPEND", [1], ["]", "K", 1, "a"]],
  ["SETITEM", new Map([[1, true]]), ["}", "K", 1, 0x88, "s"]],
  ["POP", null, ["N", "K", 1, "0"]],
  ["LONG_BINPUT and LONG_BINGET", [[], []], ["]", "r", 0, 1, 0, 0, "j", 0, 1, 0, 0, 0x86]],
  ["MEMOIZE, FRAME and STACK_GLOBAL", ["called", 1], [
    ...[0x95, 9, 0, 0, 0, 0, 0, 0, 0, 0x8c, 4, "kept", 0x94, 0x8c, 4, "Call", 0x94, 0x93, "K", 1, 0x85, "R"],
  ]],
  ["GLOBAL and REDUCE", ["called", 5], ["ckept\nCall\n", "K", 5, 0x85, "R"]],
  ["BINPERSID", ["persistent", 3], ["K", 3, "Q"]],
  ["a state dict's BUILD, dropped", new Map([[1, 2]]), ["}", "K", 1, "K", 2, "s", "}", "b"]],
];
for (const [name, value, parts] of values) {
  Deno.test({
    name: `unpickle() reads ${name}`,
    permissions: "none",
    fn: () => deepStrictEqual(read(...parts), value),
  });
}

Deno.test({
  name: "unpickle() keeps identity through the memo and stops where the pickle does",
  permissions: "none",
  fn: () => {
    const [first, second] = read("]", "q", 0, "h", 0, 0x86) as unknown[][];
    strictEqual(first, second);
    strictEqual(unpickle(pickle(0x80, 2, "N.", 1, 2, 3), host).end, 4);
  },
});

const unsafe: [string, string, (number | string)[]][] = [
  ["a name that is not on the list", "posix.system", ["cposix\nsystem\n"]],
  ["a call of a name that may only be mentioned", "kept.Name", ["ckept\nName\n", ")R"]],
  ["a call of what is no global", "a plain value", ["]", ")R"]],
  ["attributes for an object", "BUILD", ["ckept\nCall\n", "}", "b"]],
  ["INST", "opcode 0x69", ["(", "iposix\nsystem\n"]],
  ["OBJ", "opcode 0x6f", ["(", "o"]],
  ["NEWOBJ", "opcode 0x81", ["ckept\nCall\n", ")", 0x81]],
  ["EXT1", "opcode 0x82", [0x82, 1]],
  ["protocol 0's text integers", "opcode 0x49", ["I1\n"]],
];
for (const [name, symbol, parts] of unsafe) {
  Deno.test({
    name: `unpickle() refuses ${name}`,
    permissions: "none",
    fn: () => {
      throws(() => read(...parts), (error: Error) => {
        ok(error instanceof UnsafePickleError, String(error));
        strictEqual(error.symbol, symbol);
        return true;
      });
    },
  });
}

const damaged: [string, RegExp, (number | string)[]][] = [
  ["an empty stack", /empty stack/, ["0"]],
  ["a mark that was never set", /mark that was never set/, ["t"]],
  ["a memo entry that was never kept", /recalls value 5/, ["h", 5]],
  ["appending to a number", /not a list/, ["K", 1, "K", 2, "a"]],
  ["items for a list", /not a dictionary/, ["]", "K", 1, "K", 2, "s"]],
  ["a key without a value", /key without a value/, ["}", "(", "K", 1, "u"]],
  ["an integer of 255 bytes", /integer of 255 bytes/, [0x8a, 255]],
  ["text of 4 GB", /4294967295 more bytes were expected/, ["X", 255, 255, 255, 255]],
  ["text of 2^63 bytes", /more bytes were expected/, [0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80]],
  ["a name without an end", /middle of a name/, ["cposix"]],
  ["another protocol", /protocol 9/, [0x80, 9]],
];
for (const [name, message, parts] of damaged) {
  Deno.test({
    name: `unpickle() reports ${name} as damage`,
    permissions: "none",
    fn: () => {
      throws(() => read(...parts), (error: Error) => {
        ok(error instanceof TorchFileError && message.test(error.message), String(error));
        return true;
      });
    },
  });
}

Deno.test({
  name: "unpickle() gives up after ten million steps",
  permissions: "none",
  fn: () => {
    const endless = new Uint8Array(20_000_004).fill(0x4e);
    for (let i = 1; i < endless.length; i += 2) endless[i] = 0x30;
    throws(() => unpickle(endless, host), /more than 10000000 steps/);
  },
});
