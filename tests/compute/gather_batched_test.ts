import assert from "node:assert/strict";
import { gatherBatched } from "../../compute/gather_batched.ts";
import { tensor } from "../../compute/tensor.ts";
import { Random } from "./_cases.ts";

Deno.test({
  name: "`gatherBatched()` picks value[b, i[b, k], :]",
  permissions: "none",
  fn(): void {
    const random = new Random(3);
    const [b, n, d, k] = [3, 5, 4, 7];
    const value = tensor(random.normals(b * n * d), [b, n, d]);
    const index = BigInt64Array.from({ length: b * k }, () => BigInt(random.below(n)));
    const out = gatherBatched(value, tensor(index, [b, k]));
    assert.deepEqual(out.shape, [b, k, d]);
    out.data.forEach((got, at) => {
      const [row, entry, dim] = [Math.floor(at / (k * d)), Math.floor(at / d) % k, at % d];
      assert.equal(got, value.data[row * n * d + Number(index[row * k + entry]) * d + dim]);
    });
  },
});

Deno.test({
  name: "`gatherBatched()` refuses indices out of range and shapes that do not fit",
  permissions: "none",
  fn(): void {
    const value = tensor(new Float32Array(6), [1, 3, 2]);
    for (const bad of [-1, 3, 0.5, NaN]) {
      assert.throws(() => gatherBatched(value, tensor(new Float64Array([bad]), [1, 1])), RangeError);
    }
    assert.throws(() => gatherBatched(value, tensor(new Uint32Array(2), [2, 1])), TypeError);
    assert.throws(() => gatherBatched(value, tensor(new Uint32Array(2), [2])), TypeError);
    assert.equal(gatherBatched(value, tensor(new Uint32Array(0), [1, 0])).data.length, 0);
  },
});
