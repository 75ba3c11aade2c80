import { rejects, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ByteSource } from "../../io/byte_source.ts";
import { openFile, sha256 } from "../../io/open_file.ts";
import { inTemporary } from "./_temporary.ts";

const PIECE = 4 << 20;

/** Bytes that say where they are, so that pieces in another order have another digest. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  const words = Uint32Array.from({ length: Math.ceil(length / 4) }, (_, i) => Math.imul(i + 1, 2654435761));
  return new Uint8Array(words.buffer, 0, length);
}

const expected = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

Deno.test({
  name: "sha256() is that of all bytes, for lengths about those of its pieces",
  permissions: { read: ["tests/tmp"], write: ["tests/tmp"] },
  fn: () =>
    inTemporary(async (directory) => {
      for (const length of [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 5]) {
        const bytes = pattern(length);
        await Deno.writeFile(`${directory}/file`, bytes);
        const file = await openFile(`${directory}/file`);
        try {
          strictEqual(await sha256(file), expected(bytes), `${length} bytes`);
        } finally {
          file.close();
        }
      }
    }),
});

/** A source that answers late, at most `most` bytes at a time, and does what it likes with memory until it has answered. */
function slowly(bytes: Uint8Array, most: number, failsAt = Infinity): ByteSource {
  let isBusy = false;
  return {
    path: "slow",
    size: bytes.length,
    readInto: async (into, offset) => {
      strictEqual(isBusy, false, "a read was asked for before the last one was answered");
      isBusy = true;
      into.fill(0xee);
      await new Promise((resolve) => setTimeout(resolve, 0));
      isBusy = false;
      if (offset >= failsAt) throw new Deno.errors.UnexpectedEof("the disk is gone");
      const part = bytes.subarray(offset, offset + Math.min(most, into.length));
      into.set(part);
      return part.length;
    },
  };
}

Deno.test({
  name: "sha256() never hashes a piece that is being read into, and takes short reads as they come",
  permissions: "none",
  fn: async () => {
    const bytes = pattern(2 * PIECE + 77);
    for (const most of [PIECE, PIECE - 3, 1 << 19]) {
      strictEqual(await sha256(slowly(bytes, most)), expected(bytes), `${most} bytes at a time`);
    }
  },
});

Deno.test({
  name: "sha256() rejects with what a read failed of, wherever that is",
  permissions: "none",
  fn: async () => {
    const bytes = pattern(2 * PIECE + 77);
    for (const at of [0, PIECE, 2 * PIECE]) await rejects(sha256(slowly(bytes, PIECE, at)), /the disk is gone/);
  },
});
