import assert from "node:assert/strict";
import { sizeOf, tensor } from "../../compute/tensor.ts";

Deno.test({
  name: "`tensor()` shares its data and refuses shapes of another size",
  permissions: "none",
  fn(): void {
    const data = new Float32Array(6);
    assert.equal(tensor(data, [2, 3]).data, data);
    assert.equal(tensor(new Uint8Array(1), []).shape.length, 0);
    for (const shape of [[], [5], [2, 4], [0]]) assert.throws(() => tensor(data, shape), TypeError);
    for (const shape of [[-6], [1.5, 4], [NaN]]) assert.throws(() => tensor(data, shape), RangeError);
  },
});

Deno.test({
  name: "`sizeOf()` multiplies the axes",
  permissions: "none",
  fn(): void {
    assert.deepEqual([sizeOf([]), sizeOf([7]), sizeOf([2, 3, 4]), sizeOf([5, 0])], [1, 7, 24, 0]);
    assert.throws(() => sizeOf([-1]), RangeError);
  },
});
