import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
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

/** Runs `fn` and says how often handles were told to flush data, and how many were open at the end. */
async function countFlushes(fn: () => Promise<void>): Promise<{ flushes: number; open: number }> {
  const { syncData, close } = Deno.FsFile.prototype;
  const { openSync } = Deno;
  let [flushes, open] = [0, 0];
  const opened = new Set<Deno.FsFile>();
  Deno.openSync = (path, options): Deno.FsFile => {
    const file = openSync(path, options);
    open++;
    opened.add(file);
    return file;
  };
  Deno.FsFile.prototype.syncData = function (): Promise<void> {
    flushes++;
    return syncData.call(this);
  };
  Deno.FsFile.prototype.close = function (): void {
    if (opened.delete(this)) open--;
    close.call(this);
  };
  try {
    await fn();
  } finally {
    Object.assign(Deno.FsFile.prototype, { syncData, close });
    Object.assign(Deno, { openSync });
  }
  return { flushes, open };
}

/** Bytes that say where they are. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from({ length: length / 4 }, (_, i) => Math.imul(i, 2654435761)).buffer);
}

Deno.test({
  name: "atomicWrite() lets the disk take a large file meanwhile, and every byte is right, also those patched later",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const bytes = pattern(50 << 20);
      const { flushes, open } = await countFlushes(() =>
        atomicWrite(`${directory}/large`, async (output) => {
          for (let at = 0; at < bytes.length; at += 5 << 20) await output.write(bytes.subarray(at, at + (5 << 20)));
          output.patch(7, Uint8Array.of(1, 2, 3));
          await output.write(Uint8Array.of(4));
        })
      );
      ok(flushes >= 1, "nothing was flushed meanwhile");
      strictEqual(open, 0);
      bytes.set([1, 2, 3], 7);
      const back = Deno.readFileSync(`${directory}/large`);
      strictEqual(back.length, bytes.length + 1);
      strictEqual(Buffer.compare(back.subarray(0, -1), bytes), 0);
      strictEqual(back.at(-1), 4);
      deepStrictEqual([...Deno.readDirSync(directory)].map((entry) => entry.name), ["large"]);
    }),
});

Deno.test({
  name: "atomicWrite() flushes a small file once, at its end, however many writes it is made of",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const { flushes } = await countFlushes(() =>
        atomicWrite(`${directory}/small`, async (output) => {
          for (let i = 0; i < 100; i++) await output.write(Uint8Array.of(i));
        })
      );
      strictEqual(flushes, 0);
      deepStrictEqual([...Deno.readFileSync(`${directory}/small`)], Array.from({ length: 100 }, (_, i) => i));
    }),
});

Deno.test({
  name:
    "atomicWrite() whose content fails after a flush began leaves the old file, no temporary one and no open handle",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await atomicWrite(`${directory}/file`, "old");
      const { flushes, open } = await countFlushes(async () => {
        const failing = atomicWrite(`${directory}/file`, async (output) => {
          await output.write(new Uint8Array(40 << 20));
          throw new RangeError("after a flush");
        });
        await rejects(failing, /after a flush/);
      });
      strictEqual(flushes, 1);
      strictEqual(open, 0);
      strictEqual(Deno.readTextFileSync(`${directory}/file`), "old");
      deepStrictEqual([...Deno.readDirSync(directory)].map((entry) => entry.name), ["file"]);
    }),
});

Deno.test({
  name: "atomicWrite() does without a flush meanwhile that the system refuses: the last one decides",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const { syncData } = Deno.FsFile.prototype;
      Deno.FsFile.prototype.syncData = () => Promise.reject(new Deno.errors.NotSupported("no such thing here"));
      try {
        await atomicWrite(`${directory}/file`, new Uint8Array(40 << 20).fill(3));
      } finally {
        Object.assign(Deno.FsFile.prototype, { syncData });
      }
      const back = Deno.readFileSync(`${directory}/file`);
      ok(back.length === 40 << 20 && back.every((byte) => byte === 3));
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
