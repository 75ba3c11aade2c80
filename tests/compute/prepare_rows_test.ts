import assert from "node:assert/strict";
import { NonFiniteError } from "../../compute/errors.ts";
import { prepareRows } from "../../compute/prepare_rows.ts";
import { rowsPerImage } from "../../compute/rows.ts";
import { type Case, makeCase } from "./_cases.ts";

/** Rows by the definition, element by element. */
function naive({ layout, nImages, block }: Case): number[] {
  const { kind, layers, tokens, firstToken, dVit, clamp, mean, scalar } = layout;
  const at = (i: number, l: number, t: number, d: number): number => block[((i * layers + l) * tokens + t) * dVit + d];
  const out: number[] = [];
  for (let i = 0; i < nImages; i++) {
    for (let p = 0; p < rowsPerImage(layout); p++) {
      for (let d = 0; d < dVit; d++) {
        const used = kind === "cls"
          ? [0]
          : kind === "patches"
          ? [firstToken + p]
          : Array.from({ length: tokens - firstToken }, (_, t) => firstToken + t);
        const perLayer = Array.from(
          { length: layers },
          (_, l) => used.reduce((sum, t) => sum + at(i, l, t, d), 0) / used.length,
        );
        let x = Math.fround(perLayer.reduce((a, b) => a + b, 0) / layers);
        x = Math.min(Math.max(x, -clamp), clamp);
        if (mean !== undefined) x = Math.fround(x - mean[d]);
        out.push(Math.fround(x / scalar));
      }
    }
  }
  return out;
}

Deno.test({
  name: "`prepareRows()` follows the definition for every kind, layers, CLS or none, clamp and scaling",
  permissions: "none",
  fn(): void {
    for (const kind of ["patches", "cls", "meanpool"] as const) {
      for (const layers of [1, 3]) {
        for (const cls of [true, false]) {
          for (const scale of [true, false]) {
            const given = makeCase({ kind, layers, cls, scale, clamp: 1.5, nImages: 4, patches: 5, dVit: 7 });
            const { rows, skipped } = prepareRows(given.block, 4, 0, given.layout, "error");
            assert.deepEqual([...rows], naive(given));
            assert.equal(skipped, undefined);
          }
        }
      }
    }
  },
});

Deno.test({
  name: "`prepareRows()` names the first bad element in row-major order",
  permissions: "none",
  fn(): void {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const { layout, block } = makeCase({ nImages: 3, patches: 4, dVit: 6 });
      // Token 0 is CLS, so patch 2 is token 3; the later one must not be named.
      block[(1 * 5 + 3) * 6 + 5] = bad;
      block[(1 * 5 + 4) * 6 + 0] = bad;
      assert.throws(() => prepareRows(block, 3, 10, layout, "error"), (error) => {
        assert(error instanceof NonFiniteError);
        assert.deepEqual([error.image, error.patch, error.dimension, error.value], [11, 2, 5, bad]);
        assert(error.message.includes("image 11, patch 2, dimension 5"));
        return true;
      });
    }
  },
});

Deno.test({
  name: "`prepareRows()` ignores bad values in tokens that make no row, and infinities that cancel are still bad",
  permissions: "none",
  fn(): void {
    const { layout, block } = makeCase({ nImages: 2, patches: 2, dVit: 3 });
    block[1] = NaN;
    assert.equal(prepareRows(block, 2, 0, layout, "error").skipped, undefined);
    const pooled = makeCase({ kind: "meanpool", nImages: 1, patches: 2, dVit: 2 });
    pooled.block[2] = Infinity;
    pooled.block[4] = -Infinity;
    assert.throws(() => prepareRows(pooled.block, 1, 0, pooled.layout, "error"), NonFiniteError);
  },
});

Deno.test({
  name: "`prepareRows()` marks bad rows when told to skip",
  permissions: "none",
  fn(): void {
    const given = makeCase({ nImages: 2, patches: 3, dVit: 4 });
    const expected = naive(given);
    given.block[(0 * 4 + 2) * 4 + 1] = NaN;
    given.block[(1 * 4 + 3) * 4 + 0] = -Infinity;
    const { rows, skipped } = prepareRows(given.block, 2, 0, given.layout, "skip");
    assert.deepEqual([...skipped!], [0, 1, 0, 0, 0, 1]);
    skipped!.forEach((skip, r) => {
      assert.deepEqual([...rows.subarray(r * 4, r * 4 + 4)], skip ? [0, 0, 0, 0] : expected.slice(r * 4, r * 4 + 4));
    });
  },
});

Deno.test({
  name: "`prepareRows()` writes where it is told and refuses arrays that are too short",
  permissions: "none",
  fn(): void {
    const given = makeCase({ nImages: 2 });
    const out = new Float32Array(1000);
    const { rows } = prepareRows(given.block, 2, 0, given.layout, "error", out);
    assert.equal(rows.buffer, out.buffer);
    assert.throws(() => prepareRows(given.block, 3, 0, given.layout, "error"), TypeError);
    assert.throws(() => prepareRows(given.block, 2, 0, given.layout, "error", new Float32Array(3)), TypeError);
    assert.equal(prepareRows(given.block, 0, 0, given.layout, "error").rows.length, 0);
  },
});
