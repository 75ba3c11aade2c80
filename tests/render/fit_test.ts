import assert from "node:assert/strict";
import { fitGeometry, patchGrid, patchRect } from "../../render/fit.ts";

const permissions = "none";

Deno.test({
  name: "`fitGeometry()` rounds as torchvision's Resize and CenterCrop",
  permissions,
  fn: () => {
    // [width, height, fit, scale] -> resized width and height, crop x and y; by torchvision's formulas, by hand.
    const cases = [
      [300, 200, "square", 2, 512, 512, 32, 32],
      [640, 480, "clip", 1, 298, 224, 37, 0],
      [480, 640, "clip", 1, 224, 298, 0, 37],
      [640, 480, "dinov2", 1, 341, 256, 58, 16], // (341 − 224) / 2 = 58.5, to even
      [343, 256, "dinov2", 1, 343, 256, 60, 16], // 59.5, to even
      [500, 375, "clip", 2, 597, 448, 74, 0], // trunc(597.33); 74.5 to even
      [224, 224, "clip", 1, 224, 224, 0, 0],
      [97, 331, "dinov2", 2, 512, 1747, 32, 650], // 649.5 to even
    ] as const;
    for (const [width, height, fit, scale, ...expected] of cases) {
      const { resized, window } = fitGeometry(width, height, { fit, scale });
      assert.deepEqual([resized.width, resized.height, window.x, window.y], expected, `${width} x ${height} ${fit}`);
      assert.equal(window.width, 224 * scale);
    }
  },
});

Deno.test({
  name: "`fitGeometry()` maps the source's corners and centre through resize and crop",
  permissions,
  fn: () => {
    const { affine, resized, window } = fitGeometry(640, 480, { fit: "clip" });
    assert.equal(affine.scaleX * 0 + affine.offsetX, -window.x);
    assert.equal(affine.scaleX * 640 + affine.offsetX, resized.width - window.x);
    assert.equal(affine.scaleY * 480 + affine.offsetY, 448);
    // The middle of the source is the middle of the crop, up to the crop's whole-pixel start.
    assert.ok(Math.abs(affine.scaleX * 320 + affine.offsetX - 224) <= 0.5);
  },
});

Deno.test({
  name: "`fitGeometry()` refuses sizes, fits and scales that make no pixels",
  permissions,
  fn: () => {
    assert.throws(() => fitGeometry(0, 5), RangeError);
    assert.throws(() => fitGeometry(5.5, 5), RangeError);
    assert.throws(() => fitGeometry(5, 5, { fit: "contain" as "clip" }), /expected one of square, clip, dinov2/);
    for (const scale of [0, -1, NaN, 0.3]) assert.throws(() => fitGeometry(5, 5, { scale }), RangeError);
  },
});

Deno.test({
  name: "`patchRect()` tiles any picture by any grid without margin or overlap",
  permissions,
  fn: () => {
    const grids = [[7, 7], [1, 1], [3, 5], [16, 16], [13, 2], [50, 60]];
    for (const [rows, cols] of grids) {
      for (const [width, height] of [[448, 448], [10, 7], [61, 53], [1, 1]]) {
        const covered = new Uint8Array(width * height);
        for (let patch = 0; patch < rows * cols; patch++) {
          const rect = patchRect(patch, { rows, cols }, { width, height });
          for (let y = rect.y; y < rect.y + rect.height; y++) {
            for (let x = rect.x; x < rect.x + rect.width; x++) covered[y * width + x]++;
          }
        }
        assert.ok(covered.every((n) => n === 1), `${rows} x ${cols} on ${width} x ${height}`);
      }
    }
    assert.throws(() => patchRect(49, { rows: 7, cols: 7 }, { width: 8, height: 8 }), RangeError);
  },
});

Deno.test({
  name: "`patchGrid()` is square unless told otherwise",
  permissions,
  fn: () => {
    assert.deepEqual(patchGrid(256), { rows: 16, cols: 16 });
    assert.deepEqual(patchGrid(6, { rows: 2, cols: 3 }), { rows: 2, cols: 3 });
    assert.throws(() => patchGrid(6), /Cannot lay 6 patches on a square grid/);
    assert.throws(() => patchGrid(6, { rows: 2, cols: 2 }), /on a grid of 2 x 2/);
    assert.throws(() => patchGrid(0), RangeError);
  },
});
