import assert from "node:assert/strict";
import { inflateSync } from "node:zlib";
import { axisWeights } from "../../render/_axis_weights.ts";
import { deflateRuns } from "../../render/_deflate_runs.ts";
import { resizePlain } from "../../render/_resize_plain.ts";
import { resizeBySimd } from "../../render/_resize_simd.ts";
import { drawPng } from "../../render/draw_png.ts";
import { encodePlain, encodePng } from "../../render/encode_png.ts";
import { drawHeatmap } from "../../render/heatmap.ts";
import { type Picture, picture } from "../../render/picture.ts";
import type { ResizePlan } from "../../render/resize.ts";
import { reserve } from "../../render/wasm/picture_kernels.ts";

const permissions = "none";

function random(seed: number): () => number {
  let state = seed;
  return () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32;
}

/** Noise, flats and steep edges: `keep` is how likely a byte repeats the pixel before it. */
function textured(width: number, height: number, keep: number): Picture {
  const out = picture(width, height);
  const next = random(width * 131 + height);
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = i >= 3 && next() < keep ? out.data[i - 3] : next() < 0.3 ? 255 * Math.round(next()) : 256 * next();
  }
  return out;
}

Deno.test({
  name: "the resize kernels give the plain passes' bytes, for every size, ratio and window",
  permissions,
  fn: () => {
    const sizes = [[1, 1], [2, 3], [17, 5], [64, 48], [100, 75], [301, 33]];
    const targets = [[1, 1], [3, 2], [16, 16], [47, 64], [100, 75], [128, 128], [333, 33]];
    for (const [w, h] of sizes) {
      const source = textured(w, h, 0.5);
      for (const [width, height] of targets) {
        for (const inset of [0, 1, 5]) {
          const cut = { x: inset, y: inset, width: width - 2 * inset, height: height - 2 * inset };
          if (cut.width < 1 || cut.height < 1) continue;
          const across = w === width
            ? undefined
            : axisWeights([w, width], { from: cut.x, length: cut.width }, "bicubic");
          const down = h === height
            ? undefined
            : axisWeights([h, height], { from: cut.y, length: cut.height }, "bicubic");
          const top = down?.first[0] ?? cut.y;
          const bottom = down === undefined ? cut.y + cut.height : down.first.at(-1)! + down.count.at(-1)!;
          const plan: ResizePlan = { cut, across, down, top, rows: bottom - top };
          if (across === undefined && down === undefined) continue;
          const found = resizeBySimd(source, plan);
          assert.ok(found !== undefined, "this engine has SIMD");
          assert.deepEqual(found, resizePlain(source, plan), `${w} x ${h} to ${width} x ${height}, inset ${inset}`);
        }
      }
    }
  },
});

Deno.test({
  name: "the encoder's kernels give the plain encoder's file, byte for byte",
  permissions,
  fn: () => {
    for (const [width, height] of [[1, 1], [2, 1], [5, 7], [6, 3], [33, 20], [448, 30], [1000, 3]]) {
      for (const keep of [0, 0.2, 0.9, 0.999, 1]) {
        const source = textured(width, height, keep);
        assert.deepEqual(encodePng(source), encodePlain(source), `${width} x ${height}, keep ${keep}`);
      }
    }
  },
});

/**
 * Values of every rarity, for which the code of a block's header (seven bits at most) has to be cut: one such block in
 * thousands, as a plot of 25 panels had. It was cut with a gap once, and no reader took the file.
 */
const CUT_HEADER = ((): number[] => {
  let state = 5456191;
  const next = (): number => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32;
  const values = 20 + Math.floor(230 * next()), growth = 1.02 + 0.15 * next() ** 2;
  const content: number[] = [];
  for (let value = 0; value < values; value++) {
    const count = Math.min(8000, Math.ceil(growth ** value * (0.5 + next())));
    for (let i = 0; i < count; i++) content.push(value);
  }
  for (let i = content.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [content[i], content[j]] = [content[j], content[i]];
  }
  return content.slice(0, 30_000);
})();

Deno.test({
  name: "the deflate kernel survives the deepest prefix codes and every run length",
  permissions,
  fn: () => {
    // Counts that grow like Fibonacci's make codes longer than the limit, which have to be cut.
    const deep: number[] = [];
    for (let symbol = 0, [a, b] = [1, 1]; symbol < 22; symbol++, [a, b] = [b, a + b]) {
      for (let i = 0; i < a; i++) deep.push(7 * symbol & 255, symbol);
    }
    const runs = Array.from({ length: 300 }, (_, n) => Array(n).fill(n & 1 ? 9 : 200)).flat();
    const next = random(5);
    const mixed = Array.from({ length: 70_000 }, () => next() < 0.01 ? Math.floor(256 * next()) : 3);
    for (const content of [deep, runs, mixed, CUT_HEADER, [], [1], [0, 0, 0]]) {
      const bytes = Uint8Array.from(content);
      const room = reserve([bytes.length, 2 * bytes.length + 4096])!;
      const { kernels: { call, bytes: memory }, addresses: [from, to] } = room;
      memory().set(bytes, from);
      const length = call.deflate(from, bytes.length, to);
      const file = memory().slice(to, to + length);
      assert.deepEqual(new Uint8Array(inflateSync(file)), bytes);
      assert.deepEqual(file, Uint8Array.from(deflateRuns(bytes)));
    }
  },
});

Deno.test({
  name: "`drawPng()` gives the file of the heatmap drawn and encoded apart",
  permissions,
  fn: () => {
    const next = random(11);
    for (const [width, height, rows, cols] of [[64, 64, 4, 4], [50, 37, 3, 5], [16, 9, 9, 16], [7, 5, 2, 2]]) {
      const ground = textured(width, height, 0.3);
      const before = ground.data.slice();
      const values = Float32Array.from({ length: rows * cols }, () => next() < 0.3 ? 0 : 1.3 * next());
      const options = { upper: 1, grid: { rows, cols } };
      assert.deepEqual(drawPng(ground, values, options), encodePlain(drawHeatmap(ground, values, options)));
      assert.deepEqual(drawPng(ground, new Float32Array(0), options), encodePlain(ground));
      assert.deepEqual(ground.data, before);
    }
  },
});

Deno.test({
  name: "`reserve()` declines what would not fit its memory",
  permissions,
  fn: () => assert.equal(reserve([2 ** 40]), undefined),
});
