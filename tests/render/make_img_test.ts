import assert from "node:assert/strict";
import { decodePicture } from "../../render/decode_picture.ts";
import { makeImg } from "../../render/make_img.ts";
import type { Picture } from "../../render/picture.ts";
import { resize } from "../../render/resize.ts";

const root = new URL("../../fixtures/golden/heatmaps/", import.meta.url);
const read = { read: [new URL("../../fixtures/", import.meta.url)] };

interface Case {
  source: string;
  resized: string;
  upstream: string;
  upper: number;
  patches: number[];
}

const cases = async (): Promise<Case[]> => JSON.parse(await Deno.readTextFile(new URL("cases.json", root)));
const load = async (name: string): Promise<Picture> =>
  await decodePicture(await Deno.readFile(new URL(name, root)), { name });

/** The largest difference of any channel, where `counts(x, y)` holds. */
function largestDifference(a: Picture, b: Picture, counts: (x: number, y: number) => boolean = () => true): number {
  assert.deepEqual([a.width, a.height], [b.width, b.height]);
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) {
    const pixel = Math.floor(i / 3);
    if (counts(pixel % a.width, Math.floor(pixel / a.width))) {
      largest = Math.max(largest, Math.abs(a.data[i] - b.data[i]));
    }
  }
  return largest;
}

Deno.test({
  name: "`resize()` and the crop give Pillow's bytes",
  permissions: read,
  fn: async () => {
    for (const { source, resized } of await cases()) {
      const size = { width: 512, height: 512 };
      const ours = resize(await load(source), size, { x: 32, y: 32, width: 448, height: 448 });
      assert.equal(largestDifference(ours, await load(resized)), 0, source);
    }
  },
});

Deno.test({
  name: "`makeImg()` gives upstream's bytes inside the patches",
  permissions: read,
  fn: async () => {
    for (const { source, upstream, upper, patches } of await cases()) {
      const img = await load(source);
      const ours = makeImg({ img, label: "", patches: new Float32Array(patches) }, upper);
      // Upstream's rectangles bleed one pixel to the right and below, and leave a margin when the side does not divide.
      const side = Math.sqrt(patches.length);
      const px = Math.floor(448 / side);
      const inside = (x: number, y: number): boolean =>
        x % px !== 0 && y % px !== 0 && Math.max(x, y) < px * side &&
        [x, y].every((at) => Math.floor(at * side / 448) === Math.floor(at / px));
      assert.equal(largestDifference(ours, await load(upstream), inside), 0, source);
    }
  },
});
