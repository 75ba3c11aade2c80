import assert from "node:assert/strict";
import { inflateSync } from "node:zlib";
import { deflateRuns } from "../../render/_deflate_runs.ts";
import { codeLengths, reversedCodes } from "../../render/_huffman.ts";

const permissions = "none";

Deno.test({
  name: "`deflateRuns()` is undone by another implementation, for any length and any runs",
  permissions,
  fn: () => {
    for (const length of [0, 1, 2, 3, 4, 5, 257, 258, 259, 260, 261, 517, 40_000, 150_000]) {
      for (const mask of [0, 1, 3, 15, 255]) {
        const bytes = new Uint8Array(length);
        let state = length + mask;
        for (let i = 0; i < length; i++) {
          state = Math.imul(state, 1664525) + 1013904223 >>> 0;
          // Runs of random lengths as well as noise.
          bytes[i] = i > 0 && (state >>> 8 & 7) !== 0 ? bytes[i - 1] : state >>> 24 & mask;
        }
        const back = inflateSync(deflateRuns(bytes));
        assert.equal(Uint8Array.from(back).every((value, i) => value === bytes[i]) && back.length, length);
      }
    }
  },
});

Deno.test({
  name: "`codeLengths()` fills the code space, keeps the limit, and is Huffman's where that fits",
  permissions,
  fn: () => {
    // Fibonacci counts make the deepest tree there is.
    const fibonacci = new Uint32Array(30);
    fibonacci.forEach((_, i) => fibonacci[i] = i < 2 ? 1 : fibonacci[i - 1] + fibonacci[i - 2]);
    let state = 1;
    const next = (): number => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32;
    const steep = Array.from({ length: 3000 }, () => {
      const growth = 1 + next();
      return Uint32Array.from({ length: 2 + Math.floor(17 * next()) }, (_, i) => 1 + growth ** i * next());
    });
    for (const counts of [fibonacci, ...steep]) {
      for (const limit of [5, 7, 15]) {
        const lengths = codeLengths(counts, limit);
        assert.ok(lengths.every((length) => length >= 1 && length <= limit));
        // All of the code space: with a gap left, inflaters refuse the code.
        assert.equal(lengths.reduce((sum, length) => sum + 2 ** -length, 0), 1, `${limit} bits for ${counts}`);
        // A symbol that occurs more often never has the longer code.
        const order = [...counts.keys()].sort((a, b) => counts[a] - counts[b] || lengths[b] - lengths[a]);
        assert.ok(order.every((symbol, i) => i === 0 || lengths[symbol] <= lengths[order[i - 1]]), `${counts}`);
      }
    }
    const lengths = codeLengths(Uint32Array.of(5, 0, 9, 12, 13, 16, 45), 15);
    // The textbook's example: 224 bits in all.
    assert.deepEqual([...lengths], [4, 0, 4, 3, 3, 3, 1]);
    assert.deepEqual([...codeLengths(Uint32Array.of(0, 7), 15)], [0, 1]);
  },
});

Deno.test({
  name: "`reversedCodes()` gives RFC 1951's example, bits reversed",
  permissions,
  fn: () => {
    const codes = reversedCodes(Uint8Array.of(3, 3, 3, 3, 3, 2, 4, 4));
    const expected = ["010", "011", "100", "101", "110", "00", "1110", "1111"];
    const reversed = expected.map((code) => parseInt([...code].reverse().join(""), 2));
    assert.deepEqual([...codes], reversed);
  },
});
