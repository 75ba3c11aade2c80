import assert from "node:assert/strict";
import { batchedIdx } from "../../compute/batched_idx.ts";

Deno.test({
  name: "`batchedIdx()` covers the range without overlap",
  permissions: "none",
  fn(): void {
    for (let total = 0; total <= 40; total++) {
      for (let size = 1; size <= 45; size++) {
        const seen: number[] = [];
        for (const [start, end] of batchedIdx(total, size)) {
          assert(end - start >= 1 && end - start <= size);
          for (let i = start; i < end; i++) seen.push(i);
        }
        assert.deepEqual(seen, Array.from({ length: total }, (_, i) => i));
      }
    }
  },
});

Deno.test({
  name: "`batchedIdx()` refuses sizes below 1 at the call",
  permissions: "none",
  fn(): void {
    for (const size of [0, -1, 1.5, NaN]) assert.throws(() => batchedIdx(3, size), RangeError);
    for (const total of [-1, 0.5, NaN]) assert.throws(() => batchedIdx(total, 1), RangeError);
  },
});
