import { deepStrictEqual, throws } from "node:assert/strict";
import { TorchFileError, UnsafePickleError } from "../../compute/errors.ts";
import { torchHost } from "../../io/_torch_globals.ts";
import { unpickle } from "../../io/unpickle.ts";

const CONFIG = "cvit_prisma.sae.config\nVisionModelSAERunnerConfig\n";

/** A pickle of protocol 2, written as Latin-1 text. */
function read(opcodes: string): unknown {
  const bytes = Uint8Array.from(`\x80\x02${opcodes}.`, (character) => character.charCodeAt(0));
  return unpickle(bytes, torchHost("made.pt", () => ({}))).value;
}

Deno.test({
  name: "a settings object is read as its fields",
  permissions: "none",
  fn: () => {
    const value = read(`${CONFIG})\x81}X\x04\x00\x00\x00d_inK\x08sb`);
    deepStrictEqual([...value as Map<string, number>], [["d_in", 8]]);
  },
});

const REFUSED: readonly (readonly [what: string, opcodes: string, error: unknown])[] = [
  ["an object of a class that is no record", "ccollections\nOrderedDict\n)\x81", UnsafePickleError],
  ["an object of a class that is not listed", "cposix\nsystem\n)\x81", UnsafePickleError],
  ["an object made with arguments", `${CONFIG}K\x01\x85\x81`, UnsafePickleError],
  ["an object of a plain value", "K\x01)\x81", UnsafePickleError],
  ["a call of a record's class", `${CONFIG})R`, UnsafePickleError],
  ["fields that are no dictionary", `${CONFIG})\x81K\x01b`, UnsafePickleError],
  [
    "a record's class for a storage type",
    `(X\x07\x00\x00\x00storage${CONFIG}X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ`,
    TorchFileError,
  ],
];
for (const [what, opcodes, error] of REFUSED) {
  Deno.test({
    name: `a torch file with ${what} is refused`,
    permissions: "none",
    fn: () => throws(() => read(opcodes), error as ErrorConstructor),
  });
}
