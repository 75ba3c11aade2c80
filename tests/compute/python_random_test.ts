import assert from "node:assert/strict";
import { PythonRandom } from "../../compute/python_random.ts";

const GOLDEN = new URL("../../fixtures/golden/random_and_colour.json", import.meta.url);

Deno.test({
  name: "`PythonRandom.shuffle()` is Python's random.shuffle",
  permissions: { read: [GOLDEN] },
  async fn(): Promise<void> {
    const golden = JSON.parse(Deno.readTextFileSync(GOLDEN)).python_random_shuffle;
    assert(golden.length > 0);
    for (const { seed, n, first, sha256_of_json } of golden) {
      const list = Array.from({ length: n }, (_, i) => i);
      new PythonRandom(seed).shuffle(list);
      assert.deepEqual(list.slice(0, first.length), first);
      const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(list)));
      assert.equal(new Uint8Array(hash).toHex(), sha256_of_json);
    }
  },
});

Deno.test({
  name: "`PythonRandom` draws Python's bits for negative and wide seeds",
  permissions: "none",
  fn(): void {
    // Python: random.seed(s); [random.getrandbits(b) for b in (32, 1, 7, 31)]
    for (const [seed, expected] of EXPECTED) {
      const random = new PythonRandom(seed);
      assert.deepEqual([32, 1, 7, 31].map((bits) => random.getrandbits(bits)), expected, `seed ${seed}`);
    }
  },
});

const EXPECTED: readonly [number, number[]][] = [
  [0, [3626764237, 0, 97, 1911784257]],
  [42, [2746317213, 0, 3, 1592467581]],
  [-42, [2746317213, 0, 3, 1592467581]],
  [4294967296, [485306839, 0, 53, 2007298665]],
  [9007199254740991, [404802386, 1, 28, 1616160807]],
  [-1099511627779, [943978446, 0, 70, 1790490924]],
];

Deno.test({
  name: "`PythonRandom` refuses what is out of range",
  permissions: "none",
  fn(): void {
    for (const seed of [0.5, NaN, 2 ** 53]) assert.throws(() => new PythonRandom(seed), RangeError);
    const random = new PythonRandom(0);
    for (const bits of [0, 33, 1.5]) assert.throws(() => random.getrandbits(bits), RangeError);
    for (const n of [0, -1, 2 ** 32, 1.5]) assert.throws(() => random.randbelow(n), RangeError);
    assert.equal(random.randbelow(1), 0);
    const none: number[] = [];
    random.shuffle(none);
    assert.deepEqual(none, []);
  },
});
