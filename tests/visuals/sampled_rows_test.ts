/** The rows that a pass shows its backend before it begins: from all over the job, and made as the job's rows are. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Backend, FoldPlan } from "../../compute/backend.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import type { RowLayout } from "../../compute/rows.ts";
import { openShards } from "../../io/open_shards.ts";
import { foldRows } from "../../visuals/fold_rows.ts";
import { Stopwatch, withDefaults } from "../../visuals/hooks.ts";
import type { Inputs } from "../../visuals/open_inputs.ts";
import { makeCase, makePlan } from "../compute/_cases.ts";
import { complete, type MadeShards, makeShards, valueAt } from "../io/_make_shards.ts";
import { type CountedRead, countFiles } from "./_count_files.ts";

const permissions: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };
const WIDTH = 2;

/** What one test asks for. */
interface Asked {
  readonly made: Partial<MadeShards>;
  readonly kind: RowLayout["kind"];
  readonly layer?: number | "all";
  readonly more?: Partial<RowLayout>;
  readonly n?: number;
}

/** The rows that a backend gets that asks a pass's plan for them. */
async function sampled(
  { made, kind, layer = 0, more = {}, n = 1024 }: Asked,
  change: (root: string) => Promise<void> = () => Promise.resolve(),
): Promise<{ rows: Float32Array; reads: readonly CountedRead[]; opened: readonly string[] }> {
  const root = await makeShards({ dVit: WIDTH, layers: [-1], ...made });
  try {
    await change(root);
    const shards = await openShards(root);
    const layout: RowLayout = {
      kind,
      layers: layer === "all" ? shards.layers.length : 1,
      tokens: shards.tokens,
      firstToken: 1,
      dVit: WIDTH,
      clamp: 1e30,
      mean: undefined,
      scalar: 1,
      ...more,
    };
    const { sae } = makeCase({ dVit: WIDTH, dSae: 3 });
    const inputs = { sae, shards, layer, layout } as unknown as Inputs;
    const plan = makePlan({ sae, layout, nImages: shards.nImages, block: new Float32Array(0) });
    let rows: Float32Array | undefined;
    const enough = new TypeError("that was all");
    const backend: Backend = {
      ...createReferenceBackend(),
      open: async (_sae, { sample }: FoldPlan) => {
        rows = await sample!(n);
        throw enough;
      },
    };
    const { reads, opened } = await countFiles(() =>
      rejects(
        foldRows(inputs, plan, { backend, hooks: withDefaults({}), watch: new Stopwatch() }),
        (error) => error === enough,
      )
    );
    return { rows: rows!, reads, opened };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Where the first value of each row says that it is from. */
function placesOf(rows: Float32Array, made: MadeShards): { image: number; token: number }[] {
  const tokens = made.patches + (made.clsToken ? 1 : 0);
  const places: { image: number; token: number }[] = [];
  for (let at = 0; at < rows.length; at += WIDTH) {
    const token = rows[at] / WIDTH;
    const place = { image: Math.floor(token / tokens), token: token % tokens };
    strictEqual(rows[at], valueAt(made, place.image, 0, place.token, 0));
    strictEqual(rows[at + 1], rows[at] + 1, "a row is of one place");
    places.push(place);
  }
  return places;
}

/** Whether a whole number lies in the i-th of stretches that need not begin at one. */
const isOfStretch = (number: number, i: number, length: number): boolean =>
  number > i * length - 1 && number < (i + 1) * length;

for (const [nImages, patches, imagesPerShard] of [[1024, 196, 100], [700, 16, 64], [4096, 49, 1000]]) {
  Deno.test({
    name: `rows are shown from all over ${nImages} images, in order, and not always the same of ${patches} patches`,
    permissions,
    fn: async () => {
      const made = complete({ nImages, patches, imagesPerShard, dVit: WIDTH, layers: [-1] });
      const { rows } = await sampled({ made, kind: "patches" });
      const places = placesOf(rows, made);
      strictEqual(places.length, 1024);
      const numbers = places.map(({ image, token }) => image * patches + token - 1);
      ok(places.every(({ token }) => token > 0), "the CLS token is no patch");
      // One of every stretch of the job's rows, so each once and in ascending order.
      const total = nImages * patches;
      numbers.forEach((number, i) => {
        ok(isOfStretch(number, i, total / 1024), `row ${number} is not of stretch ${i}`);
      });
      // Every tenth of the job, and of an image's patches, as often as its share is.
      const tenths = (of: (place: { image: number; token: number }) => number): number[] => {
        const counts = new Array<number>(10).fill(0);
        for (const place of places) counts[Math.floor(of(place) * 10)]++;
        return counts;
      };
      for (const count of tenths(({ image }) => image / nImages)) ok(count > 95 && count < 110, String(count));
      const byPatch = tenths(({ token }) => (token - 1) / patches);
      for (const count of byPatch) ok(count > 50 && count < 220, `patches are drawn ${byPatch}`);
    },
  });
}

Deno.test({
  name: "a job of fewer rows than are asked for shows each of them once",
  permissions,
  fn: async () => {
    const made = complete({ nImages: 11, patches: 4, dVit: WIDTH, layers: [-1] });
    for (const n of [44, 45, 1024]) {
      const { rows } = await sampled({ made, kind: "patches", n });
      deepStrictEqual(placesOf(rows, made).map(({ image, token }) => image * 4 + token - 1), [...Array(44).keys()]);
    }
    deepStrictEqual(placesOf((await sampled({ made, kind: "patches", n: 1 })).rows, made), [{ image: 0, token: 1 }]);
  },
});

Deno.test({
  name: "CLS tokens are shown of images from all over",
  permissions,
  fn: async () => {
    const made = complete({ nImages: 3000, patches: 4, imagesPerShard: 500, dVit: WIDTH, layers: [-1] });
    const places = placesOf((await sampled({ made, kind: "cls" })).rows, made);
    strictEqual(places.length, 1024);
    ok(places.every(({ token }) => token === 0));
    strictEqual(new Set(places.map(({ image }) => image)).size, 1024);
    ok(places[0].image < 3 && places[1023].image >= 2997);
  },
});

Deno.test({
  name: "where a row is the mean of an image, at most 128 images are read for it, from all over",
  permissions,
  fn: async () => {
    const made = complete({ nImages: 900, patches: 6, imagesPerShard: 200, dVit: WIDTH, layers: [-1] });
    const { rows, reads } = await sampled({ made, kind: "meanpool" });
    strictEqual(rows.length, 128 * WIDTH);
    const images = Array.from({ length: 128 }, (_, i) => {
      // The mean over six patches is the third and a half.
      const image = (rows[i * WIDTH] / WIDTH - 3.5) / 7;
      ok(isOfStretch(image, i, 900 / 128), `image ${image} is not of stretch ${i}`);
      return image;
    });
    ok(images.every(Number.isInteger) && images[0] < 90 && images[127] >= 810);
    const bytes = reads.filter(({ path }) => path.endsWith(".bin")).reduce((sum, { bytes }) => sum + bytes, 0);
    strictEqual(bytes, 128 * 7 * WIDTH * 4);
  },
});

Deno.test({
  name: "rows are shown as the job makes them: the mean of layers, clamped, centred and scaled; bad ones as zeros",
  permissions,
  fn: async () => {
    const made = complete({ nImages: 6, patches: 4, imagesPerShard: 6, dVit: WIDTH, layers: [-2, -1] });
    const layout = { clamp: 100, mean: Float32Array.of(10, 20), scalar: 2 };
    const { rows } = await sampled({ made, kind: "patches", layer: "all", more: layout }, async (root) => {
      const file = `${root}/acts000000.bin`;
      const values = new Float32Array((await Deno.readFile(file)).buffer);
      // Image 1, second layer, second patch; image 2, first layer, third patch.
      values[((1 * 2 + 1) * 5 + 2) * WIDTH + 1] = NaN;
      values[((2 * 2 + 0) * 5 + 3) * WIDTH] = Infinity;
      await Deno.writeFile(file, new Uint8Array(values.buffer));
    });
    strictEqual(rows.length, 24 * WIDTH);
    for (let r = 0; r < 24; r++) {
      const [image, token] = [Math.floor(r / 4), 1 + r % 4];
      const isBad = (image === 1 && token === 2) || (image === 2 && token === 3);
      for (let d = 0; d < WIDTH; d++) {
        const mean = (valueAt(made, image, 0, token, d) + valueAt(made, image, 1, token, d)) / 2;
        const expected = (Math.min(100, mean) - layout.mean[d]) / 2;
        strictEqual(rows[r * WIDTH + d], isBad ? 0 : Math.fround(expected), `row ${r}, dimension ${d}`);
      }
    }
  },
});

Deno.test({
  name: "each shard is opened and closed once for the rows, and a shard that is cut off in the meantime is named",
  permissions,
  fn: async () => {
    const made = complete({ nImages: 40, patches: 4, imagesPerShard: 10, dVit: WIDTH, layers: [-1] });
    const { close } = Deno.FsFile.prototype;
    let closed = 0;
    Deno.FsFile.prototype.close = function (): void {
      closed++;
      close.call(this);
    };
    try {
      const { opened } = await sampled({ made, kind: "patches" });
      strictEqual(opened.filter((path) => path.endsWith(".bin")).length, 4);
      strictEqual(closed, opened.length);
    } finally {
      Object.assign(Deno.FsFile.prototype, { close });
    }
    const { truncateSync: truncate, open } = Deno;
    Deno.open = (path, options) => {
      if (String(path).endsWith("acts000002.bin")) truncate(String(path), 100);
      return open(path, options);
    };
    try {
      await rejects(sampled({ made, kind: "patches" }), /acts000002\.bin/);
    } finally {
      Object.assign(Deno, { open });
    }
  },
});
