import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { ShardFormatError } from "../../compute/errors.ts";
import { openShards, type Shards } from "../../io/open_shards.ts";
import { type BlockReader, locate, openBlocks } from "../../io/read_blocks.ts";
import { complete, type MadeShards, makeShards, valueAt } from "./_make_shards.ts";

const permissions = { read: ["fixtures", "tests/tmp"], write: ["tests/tmp"] };

async function within(
  options: Partial<MadeShards>,
  layer: number | "all",
  fn: (reader: BlockReader, shards: Shards, made: MadeShards) => Promise<void>,
): Promise<void> {
  const root = await makeShards(options);
  const shards = await openShards(root);
  const reader = openBlocks(shards, layer);
  try {
    await fn(reader, shards, complete(options));
  } finally {
    reader.close();
    await Deno.remove(root, { recursive: true });
  }
}

/** What a block must hold, by plain loops. */
function expectedBlock(made: MadeShards, layer: number | "all", first: number, count: number): number[] {
  const out: number[] = [];
  const tokens = made.patches + (made.clsToken ? 1 : 0);
  const layers = layer === "all" ? made.layers.map((_, i) => i) : [layer];
  for (let image = first; image < first + count; image++) {
    for (const l of layers) {
      for (let t = 0; t < tokens; t++) for (let d = 0; d < made.dVit; d++) out.push(valueAt(made, image, l, t, d));
    }
  }
  return out;
}

for (const layout of ["2025-01", "current"] as const) {
  for (const clsToken of [true, false]) {
    for (const layer of [0, 1, 2, "all"] as const) {
      Deno.test({
        name: `read() gives every range of images: ${layout}, layer ${layer}, ${clsToken ? "with" : "without"} CLS`,
        permissions,
        fn: () =>
          within({ layout, clsToken }, layer, async (reader, shards, made) => {
            const shared = new Float32Array(new SharedArrayBuffer(4 * (3 + 11 * reader.imageStride)), 12);
            for (let first = 0; first < shards.nImages; first++) {
              for (let count = 0; first + count <= shards.nImages; count++) {
                shared.fill(-1);
                await reader.read(shared, first, count);
                const values = count * reader.imageStride;
                deepStrictEqual(Array.from(shared.subarray(0, values)), expectedBlock(made, layer, first, count));
                ok(shared.subarray(values).every((value) => value === -1), "nothing past the block is touched");
              }
            }
          }),
      });
    }
  }
}

for (const layer of [1, "all"] as const) {
  Deno.test({
    name: `readRows() gives single vectors in the order asked for, layer ${layer}`,
    permissions,
    fn: () =>
      within({}, layer, async (reader, shards, made) => {
        const images = [0, 0, 0, 3, 4, 4, 10, 10, 10, 10, 10, 2];
        const tokens = [0, 1, 3, 4, 0, 1, 0, 1, 2, 3, 4, 2];
        const rows = new Float32Array(images.length * reader.layers * shards.dVit);
        await reader.readRows(rows, images, tokens);
        const expected = images.flatMap((image, i) =>
          (layer === "all" ? [0, 1, 2] : [layer]).flatMap((l) =>
            Array.from({ length: made.dVit }, (_, d) => valueAt(made, image, l, tokens[i], d))
          )
        );
        deepStrictEqual(Array.from(rows), expected);
      }),
  });
}

Deno.test({
  name: "read() names a file that became shorter",
  permissions,
  fn: () =>
    within({}, 0, async (reader, shards) => {
      Deno.truncateSync(shards.files[1].path, 100);
      const block = new Float32Array(11 * reader.imageStride);
      await rejects(reader.read(block, 0, 11), (error: Error) => {
        ok(error instanceof ShardFormatError);
        strictEqual(error.path, shards.files[1].path);
        ok(error.byteOffset !== undefined && /shorter since it was opened/.test(error.message));
        return true;
      });
    }),
});

Deno.test({
  name: "read() and readRows() refuse what is not in the data set, and arrays that are too small",
  permissions,
  fn: () =>
    within({}, 0, async (reader, shards) => {
      const block = new Float32Array(reader.imageStride);
      await rejects(reader.read(block, 11, 1), RangeError);
      await rejects(reader.read(block, -1, 1), RangeError);
      await rejects(reader.read(block, 0, 2), RangeError);
      await rejects(reader.readRows(block, [0], [5]), RangeError);
      await rejects(reader.readRows(block, [11], [0]), RangeError);
      await rejects(reader.readRows(block, [0, 1], [0]), RangeError);
      throws(() => openBlocks(shards, 3), RangeError);
    }),
});

Deno.test({
  name: "read() keeps few of many files open",
  permissions,
  fn: () =>
    within({ nImages: 40, imagesPerShard: 1, layers: [0] }, 0, async (reader, _, made) => {
      const block = new Float32Array(40 * reader.imageStride);
      for (let round = 0; round < 2; round++) {
        await reader.read(block, 0, 40);
        deepStrictEqual(Array.from(block), expectedBlock(made, 0, 0, 40));
      }
    }),
});

Deno.test({
  name: "locate() points at the element's bytes",
  permissions,
  fn: () =>
    within({ layout: "2025-01" }, 0, (_, shards, made) => {
      for (const [image, layer, token, dimension] of [[0, 0, 0, 0], [5, 2, 4, 5], [10, 1, 3, 2]]) {
        const { path, byteOffset } = locate(shards, image, layer, token, dimension);
        const view = new DataView(Deno.readFileSync(path).buffer);
        strictEqual(view.getFloat32(byteOffset, true), valueAt(made, image, layer, token, dimension));
      }
      throws(() => locate(shards, 11, 0, 0, 0), RangeError);
      return Promise.resolve();
    }),
});
