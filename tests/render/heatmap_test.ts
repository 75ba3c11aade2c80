import assert from "node:assert/strict";
import { colorStep, PLASMA } from "../../render/colormap.ts";
import { drawHeatmap } from "../../render/heatmap.ts";
import { makeImg } from "../../render/make_img.ts";
import { type Picture, picture } from "../../render/picture.ts";

const GROUND = 100;
const ground = (width: number, height: number): Picture =>
  picture(width, height, new Uint8Array(width * height * 3).fill(GROUND));
const pixel = (from: Picture, x: number, y: number): number[] => [
  ...from.data.subarray(3 * (y * from.width + x), 3 * (y * from.width + x) + 3),
];

Deno.test({
  name: "`PLASMA` is matplotlib's table, times 256 and clamped",
  permissions: { read: [new URL("../../fixtures/", import.meta.url)] },
  fn: async () => {
    const path = new URL("../../fixtures/golden/random_and_colour.json", import.meta.url);
    const table: number[][] = JSON.parse(await Deno.readTextFile(path)).plasma_256;
    assert.equal(table.length, 256);
    table.forEach((color, i) => {
      for (let c = 0; c < 3; c++) assert.equal(PLASMA[3 * i + c], Math.min(255, Math.floor(color[c] * 256)));
    });
  },
});

Deno.test({
  name: "`colorStep()` looks a value up as matplotlib does",
  permissions: "none",
  fn: () => {
    const cases = [[0, 0], [-1, 0], [0.00390624, 0], [0.00390625, 1], [0.5, 128], [0.999999, 255], [1, 255], [7, 255]];
    for (const [v, step] of cases) assert.equal(colorStep(v), step, String(v));
  },
});

Deno.test({
  name: "`drawHeatmap()` is within one level of the real-valued blend",
  permissions: "none",
  fn: () => {
    const base = picture(32, 8);
    for (let i = 0; i < base.data.length; i++) base.data[i] = i * 37 & 255;
    for (let step = 0; step <= 40; step++) {
      const v = step / 40;
      const drawn = drawHeatmap(base, new Float32Array([v]), { upper: 1 });
      const alpha = Math.floor(0.9 * v * 256 + 1e-4) / 255;
      for (let i = 0; i < base.data.length; i++) {
        const exact = base.data[i] * (1 - alpha) + PLASMA[3 * colorStep(Math.fround(v)) + i % 3] * alpha;
        assert.ok(Math.abs(drawn.data[i] - exact) <= 0.51, `v ${v}, byte ${i}: ${drawn.data[i]}, exactly ${exact}`);
      }
    }
  },
});

Deno.test({
  name: "`drawHeatmap()` clamps values, and leaves zero, negative and NaN patches transparent",
  permissions: "none",
  fn: () => {
    const values = new Float32Array([0, -5, NaN, 3, Infinity, 1, 1e-9, 0.5]);
    const drawn = drawHeatmap(ground(8, 2), values, { upper: 1, grid: { rows: 1, cols: 8 } });
    for (const x of [0, 1, 2, 6]) assert.deepEqual(pixel(drawn, x, 1), [GROUND, GROUND, GROUND], `patch ${x}`);
    const strongest = pixel(drawn, 5, 0);
    for (const x of [3, 4]) assert.deepEqual(pixel(drawn, x, 0), strongest, `patch ${x}`);
    assert.notDeepEqual(pixel(drawn, 7, 0), strongest);
    // An upper bound of 0 still has a scale: epsilon.
    assert.deepEqual(pixel(drawHeatmap(ground(1, 1), new Float32Array([1]), { upper: 0 }), 0, 0), strongest);
  },
});

Deno.test({
  name: "`drawHeatmap()` touches its patch and nothing beside it, on rectangular grids too",
  permissions: "none",
  fn: () => {
    const [rows, cols, width, height] = [3, 5, 23, 17];
    const values = new Float32Array(rows * cols);
    values[1 * cols + 2] = 1;
    const drawn = drawHeatmap(ground(width, height), values, { upper: 1, grid: { rows, cols } });
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = Math.floor(2 * 23 / 5) <= x && x < Math.floor(3 * 23 / 5) && 5 <= y && y < 11;
        assert.equal(pixel(drawn, x, y).every((value) => value === GROUND), !inside, `(${x}, ${y})`);
      }
    }
  },
});

Deno.test({
  name: "`drawHeatmap()` returns the ground itself without values, and never changes it",
  permissions: "none",
  fn: () => {
    const base = ground(4, 4);
    assert.equal(drawHeatmap(base, new Float32Array(0), { upper: 1 }), base);
    drawHeatmap(base, new Float32Array([1]), { upper: 1 });
    assert.ok(base.data.every((value) => value === GROUND));
    assert.throws(() => drawHeatmap(base, new Float32Array(3), { upper: 1 }), RangeError);
  },
});

Deno.test({
  name: "`makeImg()` gives 224·scale pixels a side for every fit",
  permissions: "none",
  fn: () => {
    for (const fit of ["square", "clip", "dinov2"] as const) {
      for (const scale of [1, 2]) {
        const elem = { img: ground(60, 40), label: "", patches: new Float32Array(0) };
        const made = makeImg(elem, 1, { fit, scale });
        assert.deepEqual([made.width, made.height], [224 * scale, 224 * scale]);
        assert.ok(made.data.every((value) => value === GROUND));
      }
    }
  },
});
