import assert from "node:assert/strict";
import { inflateSync } from "node:zlib";
import { decodePicture } from "../../render/decode_picture.ts";
import { drawPng } from "../../render/draw_png.ts";
import { encodePng } from "../../render/encode_png.ts";
import { type Picture, picture } from "../../render/picture.ts";
import { resize } from "../../render/resize.ts";

const fixtures = new URL("../../fixtures/", import.meta.url);

function noise(width: number, height: number, mask: number): Picture {
  const out = picture(width, height);
  let state = 9;
  for (let i = 0; i < out.data.length; i++) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    out.data[i] = state >>> 24 & mask;
  }
  return out;
}

Deno.test({
  name: "`encodePng()` and `decodePicture()` are inverse",
  permissions: "none",
  fn: async () => {
    for (const [width, height] of [[1, 1], [3, 2], [448, 3], [2, 300], [64, 64], [500, 375]]) {
      for (const mask of [0, 1, 255]) {
        const source = noise(width, height, mask);
        assert.deepEqual(await decodePicture(encodePng(source)), source, `${width} x ${height}, mask ${mask}`);
      }
    }
  },
});

Deno.test({
  name: "`encodePng()` writes a stream that another inflater reads, of the right length",
  permissions: "none",
  fn: () => {
    const file = encodePng(noise(70, 50, 15));
    const length = new DataView(file.buffer).getUint32(33);
    assert.equal(inflateSync(file.subarray(41, 41 + length)).length, 50 * (1 + 70 * 3));
    assert.equal(file.length, 41 + length + 4 + 12);
  },
});

Deno.test({
  name: "`encodePng()` gives files no larger than Pillow's for the golden pictures",
  permissions: { read: [fixtures] },
  fn: async () => {
    let [ours, theirs] = [0, 0];
    for (let i = 0; i < 5; i++) {
      const file = await Deno.readFile(new URL(`golden/heatmaps/${i}_resized.png`, fixtures));
      ours += encodePng(await decodePicture(file)).length;
      theirs += file.length;
    }
    assert.ok(ours <= theirs, `${ours} bytes, Pillow ${theirs}`);
  },
});

Deno.test({
  name: "another inflater reads the file of every picture of the demo, with a heatmap",
  permissions: { read: [new URL("../../fixtures/", import.meta.url)] },
  fn: async () => {
    const root = new URL("../../fixtures/demo/emoji/images/", import.meta.url);
    let n = 0;
    for (const { name: kind } of Deno.readDirSync(root)) {
      for (const { name } of Deno.readDirSync(new URL(`${kind}/`, root))) {
        const source = await decodePicture(Deno.readFileSync(new URL(`${kind}/${name}`, root)), { name });
        const ground = resize(source, { width: 512, height: 512 }, { x: 32, y: 32, width: 448, height: 448 });
        n++;
        const values = Float32Array.from({ length: 49 }, (_, i) => (i * n) % 7 === 0 ? (i * n % 50) / 50 : 0);
        const file = drawPng(ground, values, { upper: 1 });
        const length = new DataView(file.buffer).getUint32(33);
        assert.equal(inflateSync(file.subarray(41, 41 + length)).length, 448 * (3 * 448 + 1), name);
      }
    }
    assert.equal(n, 240);
  },
});
