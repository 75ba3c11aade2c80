/** Recording from models whose every number is known. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { parseConfig, type VisualsConfig, type VisualsConfigInput } from "../../config.ts";
import { openShards } from "../../io/open_shards.ts";
import { openBlocks } from "../../io/read_blocks.ts";
import { shardsHash, verifyShards } from "../../io/verify_shards.ts";
import { planRecording } from "../../visuals/plan_recording.ts";
import { recordActivations } from "../../visuals/record_activations.ts";
import { inTemporary } from "../io/_temporary.ts";
import { SIDE, type TinyVit, tinyVit, WIDTH } from "./_tiny_vit.ts";

const permissions: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };
const IMAGES = 11;

/** Sample c of pixel p of image i. */
const sample = (image: number, pixel: number, channel: number): number =>
  (image * 37 + pixel * 11 + channel * 89 + image * pixel) % 256;

/** Writes a model and eleven 8 x 8 pictures, and returns a configuration that records them. */
async function setUp(directory: string, made: TinyVit, more: VisualsConfigInput = {}): Promise<VisualsConfig> {
  await Deno.mkdir(`${directory}/pictures/class`, { recursive: true });
  for (let image = 0; image < IMAGES; image++) {
    const head = new TextEncoder().encode(`P6 ${SIDE} ${SIDE} 255\n`);
    const pixels = Array.from(
      { length: 3 * SIDE * SIDE },
      (_, i) => sample(image, Math.floor(i / 3), i % 3),
    );
    const name = String(image).padStart(2, "0");
    await Deno.writeFile(`${directory}/pictures/class/${name}.ppm`, new Uint8Array([...head, ...pixels]));
  }
  const { model, external } = tinyVit(made);
  await Deno.writeFile(`${directory}/vit.onnx`, model);
  if (made.external !== undefined && !made.external.includes("/")) {
    await Deno.writeFile(`${directory}/${made.external}`, external);
  }
  return parseConfig({
    model: `${directory}/vit.onnx`,
    layers: [0, 2],
    mean: [0],
    std: [1],
    nWorkers: 1,
    device: "wasm",
    dumpTo: `${directory}/out`,
    images: { kind: "image-folder", root: `${directory}/pictures` },
    vitBatchSize: 4,
    ...more,
  });
}

/** The patch's value in the layer that multiplies by `factor`. */
function expectedValue(image: number, patch: number, dimension: number, factor: number): number {
  const at = patch * WIDTH + dimension;
  const [channel, pixel] = [Math.floor(at / (SIDE * SIDE)), at % (SIDE * SIDE)];
  return Math.fround(Math.fround(sample(image, pixel, channel) / 255) * factor);
}

/** Reads all shards and compares every value. */
async function checkShards(
  root: string,
  { factors, cls, nImages = IMAGES }: { factors: number[]; cls: boolean; nImages?: number },
): Promise<void> {
  const shards = await openShards(root);
  deepStrictEqual([shards.nImages, shards.patches, shards.clsToken, shards.dVit], [nImages, 16, cls, WIDTH]);
  const reader = openBlocks(shards, "all");
  const block = new Float32Array(nImages * reader.imageStride);
  await reader.read(block, 0, nImages);
  reader.close();
  let at = 0;
  for (let image = 0; image < nImages; image++) {
    for (const factor of factors) {
      for (const patch of cls ? [0, ...Array(16).keys()] : Array(16).keys()) {
        for (let dimension = 0; dimension < WIDTH; dimension++) {
          const want = expectedValue(image, patch, dimension, factor);
          strictEqual(block[at++], want, `image ${image}, factor ${factor}, patch ${patch}, ${dimension}`);
        }
      }
    }
  }
  strictEqual(at, block.length);
}

const KINDS: readonly (readonly [
  what: string,
  made: TinyVit,
  more: VisualsConfigInput,
  expected: { factors: number[]; cls: boolean },
])[] = [
  ["a stack of layers", {}, {}, { factors: [1, 3], cls: true }],
  ["a stack by its end", {}, { layers: [-1, -3] }, { factors: [3, 1], cls: true }],
  ["layers before the batch", { outputs: "layers-first" }, {}, { factors: [1, 3], cls: true }],
  ["numbered outputs", { outputs: (l) => `hidden_states.${l + 4}` }, { layers: [4, -1] }, {
    factors: [1, 3],
    cls: true,
  }],
  [
    "outputs chosen by name",
    { outputs: (l) => ["first", "middle", "last"][l] },
    { layers: [20, 10], outputs: ["last", "first"] },
    { factors: [3, 1], cls: true },
  ],
  ["the only output", { outputs: () => "last_hidden_state", layers: 1 }, { layers: [-1] }, { factors: [1], cls: true }],
  ["no CLS token", { extra: 0 }, {}, { factors: [1, 3], cls: false }],
  ["registers, which are left out", { extra: 5 }, {}, { factors: [1, 3], cls: true }],
  ["CLS left out", { extra: 5 }, { cls: "drop" }, { factors: [1, 3], cls: false }],
  ["registers without CLS", { extra: 4 }, { cls: "none", registers: 4 }, { factors: [1, 3], cls: false }],
  ["a batch of one", { batch: 1 }, {}, { factors: [1, 3], cls: true }],
  ["a batch of three, filled up", { batch: 3 }, {}, { factors: [1, 3], cls: true }],
  ["weights beside the model", { external: "vit.onnx.data" }, {}, { factors: [1, 3], cls: true }],
  ["the January 2025 layout", {}, { layout: "january" }, { factors: [1, 3], cls: true }],
];
for (const [what, made, more, expected] of KINDS) {
  Deno.test({
    name: `recordActivations() records ${what}, every value`,
    permissions,
    fn: () =>
      inTemporary(async (directory) => {
        const config = await setUp(directory, made, more);
        const { outputs: [root], recorded } = await recordActivations(config);
        strictEqual(recorded?.images, IMAGES);
        await checkShards(root, expected);
      }),
  });
}

Deno.test({
  name: "recordActivations() runs a model in f16 as f16",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await setUp(directory, { half: true }, { layers: [1] });
      const { outputs: [root] } = await recordActivations(config);
      const shards = await openShards(root);
      const reader = openBlocks(shards, 0);
      const block = new Float32Array(reader.imageStride);
      await reader.read(block, 5, 1);
      reader.close();
      for (let i = 0; i < 16 * WIDTH; i++) {
        const x = expectedValue(5, Math.floor(i / WIDTH), i % WIDTH, 1);
        strictEqual(block[WIDTH + i], Math.f16round(Math.f16round(x) * 2));
      }
    }),
});

Deno.test({
  name: "recordActivations() lays out both layouts as the specification says",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      // 2 layers of 17 tokens: 4 images a shard, and one vector of room to spare.
      const current = await setUp(directory, {}, {
        tokensPerShard: 4 * 34 + 1,
        modelFamily: "clip",
        modelCkpt: "tiny",
      });
      const { outputs: [root] } = await recordActivations(current);
      const shards = await openShards(root);
      deepStrictEqual(shards.files.map(({ nImages }) => nImages), [4, 4, 3]);
      deepStrictEqual(shards.files.map(({ bytes }) => bytes), [4, 4, 3].map((n) => n * 34 * WIDTH * 4));
      strictEqual(verifyShards(shards), undefined);
      strictEqual(root, `${directory}/out/${shardsHash(shards.metadata)}`);
      const demo = await openShards("fixtures/demo/current-layout/saev/shards/feadabea");
      deepStrictEqual(Object.keys(shards.metadata), Object.keys(demo.metadata));
      deepStrictEqual([...Deno.readDirSync(root)].map(({ name }) => name).sort(), [
        ...["acts000000.bin", "acts000001.bin", "acts000002.bin", "metadata.json", "recording.json", "shards.json"],
      ]);
      const january = { ...current, layout: "january", dumpTo: `${directory}/january` } as const;
      const { outputs: [old] } = await recordActivations(january);
      strictEqual(old, `${directory}/january`);
      const before = await openShards(old);
      strictEqual(before.layout, "2025-01");
      deepStrictEqual(before.files.map(({ bytes }) => bytes), [4, 4, 4].map((n) => n * 34 * WIDTH * 4));
      const original = await openShards("fixtures/demo/emoji/shards");
      deepStrictEqual(Object.keys(before.metadata), Object.keys(original.metadata));
      const last = await Deno.readFile(`${old}/acts000002.bin`);
      ok(last.subarray(3 * 34 * WIDTH * 4).every((byte) => byte === 0), "padding is zeros");
    }),
});

Deno.test({
  name: "recordActivations() writes labels of patches where the data set has labels of pixels",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await setUp(directory, {});
      const ade = `${directory}/ade`;
      for (const kind of ["images", "annotations"]) await Deno.mkdir(`${ade}/${kind}/training`, { recursive: true });
      const scenes: string[] = [];
      for (let i = 0; i < 2; i++) {
        await Deno.copyFile(`${directory}/pictures/class/0${i}.ppm`, `${ade}/images/training/a${i}.ppm`);
        scenes.push(`a${i} kitchen`);
        // Labels in quadrants of the patch grid's 2 x 2 pixels; three pixels of one label win over one of another.
        const gray = Array.from({ length: 64 }, (_, p) => {
          const [x, y] = [p % 8, Math.floor(p / 8)];
          return x % 2 + y % 2 === 2 ? 200 : 10 * (y >> 1) + (x >> 1) + i;
        });
        const head = new TextEncoder().encode("P5 8 8 255\n");
        await Deno.writeFile(`${ade}/annotations/training/a${i}.png`, new Uint8Array([...head, ...gray]));
      }
      await Deno.writeTextFile(`${ade}/sceneCategories.txt`, scenes.join("\n"));
      const { outputs: [root] } = await recordActivations({
        ...config,
        images: { kind: "ade20k", root: ade, split: "training" },
      });
      const labels = await Deno.readFile(`${root}/labels.bin`);
      deepStrictEqual(
        [...labels],
        [0, 1].flatMap((i) => [0, 1, 2, 3].flatMap((y) => [0, 1, 2, 3].map((x) => 10 * y + x + i))),
      );
      await checkShards(root, { factors: [1, 3], cls: true, nImages: 2 });
      await Deno.remove(`${ade}/annotations/training/a1.png`);
      await rejects(
        recordActivations({ ...config, force: true, images: { kind: "ade20k", root: ade, split: "training" } }),
        { name: "PictureError", message: /annotations\/training\/a1\.png/ },
      );
      await rejects(openShards(root), /Cannot find .*metadata\.json/, "half a recording is no shards");
    }),
});

const REFUSALS: readonly (readonly [what: string, made: TinyVit, more: VisualsConfigInput, RegExp])[] = [
  [
    "no layers",
    {},
    { layers: [] },
    /--layers is missing: .* offers layers 0 to 2, or -1 to -3 from the last, in output hidden/,
  ],
  ["a layer beyond", {}, { layers: [3] }, /has no layer 3: it offers layers 0 to 2/],
  ["one layer twice", {}, { layers: [2, -1] }, /names one layer twice: 2 and -1/],
  [
    "an unknown output",
    {},
    { outputs: ["x"] },
    /no output x of hidden states: it has hidden float32 \[batch, 3, 17, 12\]/,
  ],
  [
    "unlike lists",
    { outputs: (l) => `h${l}` },
    { outputs: ["h0", "h1"], layers: [0] },
    /names 2 outputs and --layers 1/,
  ],
  [
    "outputs like no layers",
    { outputs: (l) => ["a", "b", "c"][l] },
    {},
    /Cannot tell which outputs .* a float32 .* --outputs/,
  ],
  ["no mean", {}, { mean: [] }, /--mean is missing: give what the model was trained with/],
  ["two deviations", {}, { std: [1, 2] }, /--std has 2 numbers, expected one or three/],
  ["another size", {}, { resize: [4, 4] }, /come out as 4 x 4 pixels, and the model takes 8 x 8/],
  ["sizes that vary", {}, { resize: [8] }, /come out in different sizes; give --crop/],
  ["too large a crop", {}, { resize: [4], crop: [8] }, /Cannot crop 8 x 8 out of pictures resized to 4 x 4/],
  ["a lone token number", { extra: 30 }, {}, /Cannot tell which of the model's 46 tokens are patches of 8 x 8/],
  ["registers that do not fit", {}, { cls: "keep", registers: 3 }, /with --cls keep and --registers 3/],
  [
    "a shard too small",
    {},
    { tokensPerShard: 33 },
    /holds not one image .* which are 34; give more with --tokens-per-shard/,
  ],
  ["the reference backend", {}, { device: "reference" }, /--device reference cannot run a model/],
  ["weights elsewhere", { external: "../x" }, {}, /names weights at "\.\.\/x", and a file beside it was expected/],
  ["two ways to prepare", {}, { preprocessor: "p.json" }, /--preprocessor and --mean both say/],
  [
    "values that overflow",
    { half: true, factor: () => 65504 * 4 },
    {},
    /gives NaN or an infinity for image 0, layer 0/,
  ],
];
for (const [what, made, more, message] of REFUSALS) {
  Deno.test({
    name: `recordActivations() refuses ${what} before anything is written`,
    permissions,
    fn: () =>
      inTemporary(async (directory) => {
        const config = await setUp(directory, made, more);
        await rejects(recordActivations(config), (error: Error) => {
          match(error.message, message);
          return true;
        });
        await rejects(Deno.stat(`${directory}/out`), Deno.errors.NotFound);
      }),
  });
}

Deno.test({
  name: "recordActivations() refuses what is no model, and models without pictures",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await setUp(directory, {});
      await Deno.writeTextFile(`${directory}/vit.onnx`, "not a model");
      await rejects(recordActivations(config), { name: "DatasetError", message: /it is no ONNX model/ });
      await Deno.writeFile(`${directory}/vit.onnx`, new Uint8Array([0x3a, 0x00]));
      await rejects(recordActivations(config), { name: "DatasetError", message: /it is no ONNX model/ });
      await Deno.remove(`${directory}/vit.onnx`);
      await rejects(recordActivations(config), { name: "DatasetError", message: /Cannot find the model .*--model/ });
      await rejects(recordActivations({ ...config, model: undefined }), /--model is missing/);
    }),
});

Deno.test({
  name: "planRecording() says what would be recorded and writes nothing",
  permissions: { read: ["."], write: ["tests/tmp"] },
  fn: () =>
    inTemporary(async (directory) => {
      const plan = await planRecording(await setUp(directory, { extra: 5 }, { tokensPerShard: 5 * 34 }));
      deepStrictEqual([plan.images, plan.files, plan.bytes, plan.layers], [11, 3, 11 * 34 * WIDTH * 4, [0, 2]]);
      ok(plan.facts.some((fact) => fact === "Tokens: 21, which are CLS, 4 register tokens (left out), 4 x 4 patches"));
      await rejects(Deno.stat(`${directory}/out`), Deno.errors.NotFound);
    }),
});
