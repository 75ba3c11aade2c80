import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { ArtifactError } from "../../compute/errors.ts";
import { atomicWrite } from "../../io/atomic_write.ts";
import { inTemporary } from "./_temporary.ts";

const permissions = { read: ["tests/tmp"], write: ["tests/tmp"] };

Deno.test({
  name: "atomicWrite() makes directories and writes text, bytes and streams",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await atomicWrite(`${directory}/a/b/text`, "één");
      strictEqual(Deno.readTextFileSync(`${directory}/a/b/text`), "één");
      const shared = new Uint8Array(new SharedArrayBuffer(20 << 20)).fill(7);
      await atomicWrite(`${directory}/bytes`, shared);
      const back = Deno.readFileSync(`${directory}/bytes`);
      ok(back.length === shared.length && back.every((byte) => byte === 7));
      await atomicWrite(`${directory}/stream`, async (output) => {
        await output.write(Uint8Array.of(1, 2, 3));
        output.patch(1, Uint8Array.of(9));
        strictEqual(output.position, 3);
        await output.write(Uint8Array.of(4));
      });
      deepStrictEqual([...Deno.readFileSync(`${directory}/stream`)], [1, 9, 3, 4]);
    }),
});

Deno.test({
  name: "atomicWrite() leaves the old file, and nothing else, when writing fails half way",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await atomicWrite(`${directory}/file`, "old");
      const failing = atomicWrite(`${directory}/file`, async (output) => {
        await output.write(Uint8Array.of(1));
        throw new RangeError("half way");
      });
      await rejects(failing, /half way/);
      strictEqual(Deno.readTextFileSync(`${directory}/file`), "old");
      deepStrictEqual([...Deno.readDirSync(directory)].map((entry) => entry.name), ["file"]);
    }),
});

Deno.test({
  name: "atomicWrite() reports what the system refused as ArtifactError, with the path",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      Deno.mkdirSync(`${directory}/taken/full`, { recursive: true });
      await rejects(atomicWrite(`${directory}/taken`, "text"), (error: Error) => {
        ok(error instanceof ArtifactError, String(error));
        strictEqual(error.path, `${directory}/taken`);
        return true;
      });
      deepStrictEqual([...Deno.readDirSync(directory)].map((entry) => entry.name), ["taken"]);
    }),
});

Deno.test({
  name: "atomicWrite() passes a refused permission through",
  permissions: { read: ["tests/tmp"] },
  fn: async () => {
    await rejects(atomicWrite("tests/tmp/refused", "text"), Deno.errors.NotCapable);
  },
});
