import assert from "node:assert/strict";
import { formatCount, formatTick, formatValue, linearScale, ticks } from "../../render/_axes.ts";

Deno.test({
  name: "`ticks()` are round, inside the domain and about as many as asked",
  permissions: "none",
  fn: () => {
    assert.deepEqual(ticks([0, 1], 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
    assert.deepEqual(ticks([-3, 3], 6), [-3, -2, -1, 0, 1, 2, 3]);
    for (let i = 1; i < 300; i++) {
      const low = Math.sin(i) * 10 ** (i % 9 - 4);
      const high = low + Math.abs(Math.cos(i * 3)) * 10 ** (i % 7 - 3) + 1e-6;
      for (const count of [1, 4, 10]) {
        const found = ticks([low, high], count);
        assert.ok(found.length <= count * 1.6 + 2, `${low} ${high} ${count}: ${found}`);
        const slack = (high - low) * 1e-6;
        assert.ok(found.every((tick) => tick >= low - slack && tick <= high + slack), `${low} ${high}: ${found}`);
      }
    }
    assert.deepEqual(ticks([2, 2], 5), [2]);
  },
});

Deno.test({
  name: "`linearScale()` maps ends to ends and widens a single value",
  permissions: "none",
  fn: () => {
    assert.equal(linearScale([2, 4], [0, 10]).at(3), 5);
    assert.equal(linearScale([2, 4], [10, 0]).at(2), 10);
    assert.equal(linearScale([2, 2], [0, 10]).at(2), 5);
  },
});

Deno.test({
  name: "numbers are written short, with a true minus sign",
  permissions: "none",
  fn: () => {
    assert.deepEqual([-1.5, 0, 12_345, 2_500_000, 1e-5, 999].map(formatTick), [
      "−1.5",
      "0",
      "12.35k",
      "2.5M",
      "1e−5",
      "999",
    ]);
    assert.deepEqual([0, 999, 1000, 1234567].map(formatCount), ["0", "999", "1,000", "1,234,567"]);
    assert.deepEqual(
      [1, 0.12345, 12.34, 1234.5, 2e-7, 0, null, undefined, NaN].map(formatValue),
      ["1.00", "0.123", "12.3", "1235", "2.00e−7", "0.00", "–", "–", "–"],
    );
  },
});
