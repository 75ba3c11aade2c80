import { ok, strictEqual } from "node:assert/strict";
import { cut } from "../../io/_cut_reads.ts";

const permissions = "none";
const MIB = 1 << 20;

Deno.test({
  name: "cut() gives large reads that touch, in order, aligned but for the first",
  permissions,
  fn(): void {
    const memory = new Uint8Array(200 * MIB);
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 0x7fffffff) % below;
    for (let round = 0; round < 2_000; round++) {
      const [length, byteOffset, readsAtOnce] = [random(memory.length), random(2 ** 30), 1 + random(16)];
      const pieces = cut({ path: "a", byteOffset, into: memory.subarray(0, length) }, readsAtOnce);
      let at = byteOffset;
      for (const [i, piece] of pieces.entries()) {
        strictEqual(piece.byteOffset, at);
        strictEqual(piece.into.byteOffset, at - byteOffset);
        ok(i === 0 || at % MIB === 0, `read ${i} begins at ${at}`);
        ok(piece.into.length < 65 * MIB);
        const isInside = i > 0 && i < pieces.length - 1;
        ok(!isInside || piece.into.length >= 4 * MIB, `read ${i} of ${pieces.length} has ${piece.into.length} bytes`);
        at += piece.into.length;
      }
      strictEqual(at, byteOffset + length);
      ok(pieces.length <= Math.max(readsAtOnce, Math.ceil(length / (64 * MIB))) + 1, `${pieces.length} reads`);
    }
  },
});
