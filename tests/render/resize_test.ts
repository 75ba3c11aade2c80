import assert from "node:assert/strict";
import { type Picture, picture, placeholderPicture } from "../../render/picture.ts";
import { resize } from "../../render/resize.ts";

const permissions = "none";

function noise(width: number, height: number): Picture {
  const out = picture(width, height);
  let state = width * 7 + height;
  for (let i = 0; i < out.data.length; i++) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    out.data[i] = state >>> 24;
  }
  return out;
}

/** The same filter in f64, without intermediate rounding: an oracle for the shape, within 1.5 levels. */
function exactResize(source: Picture, width: number, height: number): Float64Array {
  const weights = (inSize: number, outSize: number): number[][] =>
    Array.from({ length: outSize }, (_, i) => {
      const stretch = Math.max(1, inSize / outSize);
      const row = Array.from({ length: inSize }, (_, x) => {
        const d = Math.abs((x + 0.5 - (i + 0.5) * inSize / outSize) / stretch);
        return d < 1 ? 1.5 * d ** 3 - 2.5 * d ** 2 + 1 : d < 2 ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2 : 0;
      });
      const sum = row.reduce((a, b) => a + b);
      return row.map((weight) => weight / sum);
    });
  const [across, down] = [weights(source.width, width), weights(source.height, height)];
  const clip = (value: number): number => Math.max(0, Math.min(255, value));
  const out = new Float64Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let v = 0; v < source.height; v++) {
          if (down[y][v] === 0) continue;
          let row = 0;
          for (let u = 0; u < source.width; u++) row += across[x][u] * source.data[3 * (v * source.width + u) + c];
          sum += down[y][v] * clip(row);
        }
        out[3 * (y * width + x) + c] = clip(sum);
      }
    }
  }
  return out;
}

Deno.test({
  name: "`resize()` follows the real-valued filter within its two roundings",
  permissions,
  fn: () => {
    for (
      const [w, h, width, height] of [[9, 7, 23, 30], [40, 31, 13, 8], [12, 30, 12, 11], [5, 6, 17, 6], [1, 1, 4, 3]]
    ) {
      const source = noise(w, h);
      const expected = exactResize(source, width, height);
      const found = resize(source, { width, height });
      // Half a level from each pass; the second weighs the first by sum |w| < 1.4, and coefficients by 2^-22.
      found.data.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1.25, `${w}x${h} byte ${i}`));
    }
  },
});

Deno.test({
  name: "`resize()` computes the same pixels for a window as for the whole",
  permissions,
  fn: () => {
    const source = noise(50, 37);
    for (
      const size of [{ width: 31, height: 64 }, { width: 50, height: 20 }, { width: 80, height: 37 }, {
        width: 50,
        height: 37,
      }]
    ) {
      const whole = resize(source, size);
      const window = { x: 5, y: 7, width: 20, height: 11 };
      const part = resize(source, size, window);
      for (let y = 0; y < window.height; y++) {
        const start = 3 * ((window.y + y) * size.width + window.x);
        const expected = whole.data.subarray(start, start + 3 * window.width);
        assert.deepEqual(part.data.subarray(3 * y * window.width, 3 * (y + 1) * window.width), expected);
      }
    }
    assert.deepEqual(resize(source, { width: 50, height: 37 }).data, source.data);
  },
});

Deno.test({
  name: "`resize()` refuses empty sizes and windows outside",
  permissions,
  fn: () => {
    const source = noise(4, 4);
    assert.throws(() => resize(source, { width: 0, height: 4 }), RangeError);
    assert.throws(() => resize(source, { width: 4, height: 2.5 }), RangeError);
    assert.throws(() => resize(source, { width: 4, height: 4 }, { x: 1, y: 0, width: 4, height: 4 }), RangeError);
  },
});

Deno.test({
  name: "`picture()` checks its sides and bytes; `placeholderPicture()` has two grays",
  permissions,
  fn: () => {
    assert.throws(() => picture(0, 1), RangeError);
    assert.throws(() => picture(2, 2, new Uint8Array(11)), TypeError);
    for (const [width, height] of [[448, 448], [1, 1], [30, 7]]) {
      const stand = placeholderPicture(width, height);
      assert.equal(stand.data.length, width * height * 3);
      assert.ok(new Set(stand.data).size === (width > 2 ? 2 : 1));
    }
  },
});
