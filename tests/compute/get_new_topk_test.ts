import assert from "node:assert/strict";
import { getNewTopk } from "../../compute/get_new_topk.ts";
import { type Tensor, tensor } from "../../compute/tensor.ts";
import { Random } from "./_cases.ts";

const row = (...values: number[]): Tensor => tensor(new Float32Array(values), [1, values.length]);
const ids = (...values: bigint[]): Tensor<BigInt64Array> => tensor(new BigInt64Array(values), [1, values.length]);

Deno.test({
  name: "`getNewTopk()` equals repeated selection of the maximum",
  permissions: "none",
  fn(): void {
    const random = new Random(5);
    const [dSae, k1, k2] = [6, 4, 7];
    // Small integers, so that there are ties.
    const draw = (n: number): Float32Array => Float32Array.from({ length: n }, () => random.below(6));
    for (let k = 0; k <= k1 + k2; k++) {
      const [a, b] = [draw(dSae * k1), draw(dSae * k2)];
      const i1 = Uint32Array.from(a.keys());
      const i2 = Uint32Array.from(b.keys(), (i) => 1000 + i);
      const got = getNewTopk(
        tensor(a, [dSae, k1]),
        tensor(i1, [dSae, k1]),
        tensor(b, [dSae, k2]),
        tensor(i2, [dSae, k2]),
        k,
      );
      for (let j = 0; j < dSae; j++) {
        const left = [
          ...Array.from({ length: k1 }, (_, e) => [a[j * k1 + e], i1[j * k1 + e]]),
          ...Array.from({ length: k2 }, (_, e) => [b[j * k2 + e], i2[j * k2 + e]]),
        ];
        for (let e = 0; e < k; e++) {
          const best = left.reduce((at, pair, i) => (pair[0] > left[at][0] ? i : at), 0);
          const [[value, index]] = left.splice(best, 1);
          assert.equal(got.values.data[j * k + e], value);
          assert.equal(got.indices.data[j * k + e], index);
        }
      }
    }
  },
});

Deno.test({
  name: "`getNewTopk()` puts NaN last, keeps ties in order and keeps the index type",
  permissions: "none",
  fn(): void {
    const { values, indices } = getNewTopk(row(NaN, 1, -Infinity), ids(1n, 2n, 3n), row(1, Infinity), ids(4n, 5n), 5);
    assert.deepEqual([...values.data], [Infinity, 1, 1, -Infinity, NaN]);
    assert.deepEqual([...indices.data], [5n, 2n, 4n, 3n, 1n]);
    assert(indices.data instanceof BigInt64Array);
  },
});

Deno.test({
  name: "`getNewTopk()` refuses k past both sets and shapes that do not fit",
  permissions: "none",
  fn(): void {
    assert.throws(() => getNewTopk(row(1), ids(1n), row(2), ids(2n), 3), RangeError);
    assert.throws(() => getNewTopk(row(1), ids(1n), row(2), ids(2n), -1), RangeError);
    assert.throws(() => getNewTopk(row(1, 2), ids(1n), row(2), ids(2n), 1), TypeError);
    const two = tensor(new Float32Array(2), [2, 1]);
    assert.throws(() => getNewTopk(row(1), ids(1n), two, tensor(new BigInt64Array(2), [2, 1]), 1), TypeError);
  },
});
