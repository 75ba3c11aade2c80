/** Recordings that must come out alike, and the demo's, which must come out as it was. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { parseConfig, type VisualsConfig, type VisualsConfigInput } from "../../config.ts";
import { openShards } from "../../io/open_shards.ts";
import { openBlocks } from "../../io/read_blocks.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { dumpActivations, main } from "../../visuals.ts";
import { recordActivations } from "../../visuals/record_activations.ts";
import { inTemporary } from "../io/_temporary.ts";
import { stopAt } from "./_jobs.ts";
import { jpegNoise } from "./_jpeg_noise.ts";

const permissions: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };
const DEMO = "fixtures/demo/emoji";

/** How the demo was recorded. */
function demo(directory: string, more: VisualsConfigInput = {}): VisualsConfig {
  return parseConfig({
    model: "fixtures/demo/vit.onnx",
    layers: [-2],
    resize: [112, 112],
    mean: [0.5],
    std: [0.25],
    nWorkers: 1,
    device: "wasm",
    dumpTo: `${directory}/out`,
    images: { kind: "image-folder", root: `${directory}/pictures` },
    layout: "january",
    tokensPerShard: 6500,
    ...more,
  });
}

/** Copies every n-th picture of the demo, `count` at most; returns their numbers there. */
async function copyPictures(to: string, every: number, count = Infinity): Promise<number[]> {
  const taken: number[] = [];
  let at = 0;
  for (const { name: group } of sorted(`${DEMO}/images`)) {
    await Deno.mkdir(`${to}/${group}`, { recursive: true });
    for (const { name } of sorted(`${DEMO}/images/${group}`)) {
      if (at % every === 0 && taken.length < count) {
        await Deno.copyFile(`${DEMO}/images/${group}/${name}`, `${to}/${group}/${name}`);
        taken.push(at);
      }
      at++;
    }
  }
  return taken;
}

function sorted(directory: string): Deno.DirEntry[] {
  return [...Deno.readDirSync(directory)].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** `f32 [n, 65, 96]`. */
async function read(root: string, images: readonly number[]): Promise<Float32Array> {
  const shards = await openShards(root);
  const reader = openBlocks(shards, "all");
  const block = new Float32Array(images.length * reader.imageStride);
  for (const [i, image] of images.entries()) {
    await reader.read(block.subarray(i * reader.imageStride), image, 1);
  }
  reader.close();
  return block;
}

async function digests(root: string): Promise<string[]> {
  const files = [...Deno.readDirSync(root)].map(({ name }) => name).filter((name) => !name.startsWith(".")).sort();
  return await Promise.all(files.map(async (name) => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(`${root}/${name}`)));
    return `${name} ${bytes.toHex()}`;
  }));
}

Deno.test({
  name: "recordActivations() gives the same bits at every batch size and shard size",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const taken = await copyPictures(`${directory}/pictures`, 12, 14);
      const all = taken.map((_, i) => i);
      let first: Float32Array | undefined;
      const notes: string[] = [];
      for (const [vitBatchSize, tokensPerShard] of [[1, 6500], [5, 6500], [14, 65], [3, 4 * 65]]) {
        const dumpTo = `${directory}/b${vitBatchSize}`;
        const config = demo(directory, { vitBatchSize, tokensPerShard, dumpTo });
        const { outputs: [root] } = await recordActivations(config, { log: (line) => void notes.push(line) });
        const values = await read(root, all);
        first ??= values;
        deepStrictEqual(new Uint8Array(values.buffer), new Uint8Array(first.buffer), `batch ${vitBatchSize}`);
      }
      strictEqual(notes.filter((note) => /alone and in a batch of \d+ give the same bits/.test(note)).length, 2);
    }),
});

Deno.test({
  name: "recordActivations() goes on at the first missing shard, and leaves the same files",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await copyPictures(`${directory}/pictures`, 12, 12);
      const whole = demo(directory, { tokensPerShard: 4 * 65, vitBatchSize: 2, dumpTo: `${directory}/whole` });
      const { outputs: [expected] } = await recordActivations(whole);
      const config = { ...whole, dumpTo: `${directory}/out` };
      // The report ahead of the first batch, two batches of the first shard, one of the second.
      await rejects(recordActivations(config, stopAt("record", 4)), { name: "AbortError" });
      deepStrictEqual(
        sorted(config.dumpTo).map(({ name }) => name),
        ["acts000000.bin", "recording.json"],
      );
      await rejects(openShards(config.dumpTo), /metadata\.json/);
      const { mtime } = await Deno.stat(`${config.dumpTo}/acts000000.bin`);
      const lines: string[] = [];
      await recordActivations({ ...config, resume: true }, { log: (line) => void lines.push(line) });
      ok(lines.includes("Going on at shard 1 of 3"), lines.join("\n"));
      deepStrictEqual((await Deno.stat(`${config.dumpTo}/acts000000.bin`)).mtime, mtime, "the first shard is kept");
      deepStrictEqual(await digests(config.dumpTo), await digests(expected));
      const again = await recordActivations(config);
      strictEqual(again.reused, true);
    }),
});

Deno.test({
  name: "recordActivations() never mixes recordings",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await copyPictures(`${directory}/pictures`, 40, 3);
      const config = demo(directory);
      await recordActivations(config);
      const before = await digests(config.dumpTo);
      for (
        const [key, more] of [["transform", { std: [0.3] }], ["layers", { layers: [-1] }], ["tokens", {
          cls: "drop",
        }]] as const
      ) {
        await rejects(recordActivations({ ...config, ...more }), (error: Error) => {
          match(
            error.message,
            new RegExp(`holds a recording that differs in ${key}; give another --dump-to, or --force`),
          );
          return true;
        });
      }
      deepStrictEqual(await digests(config.dumpTo), before);
      await Deno.remove(`${config.dumpTo}/recording.json`);
      await rejects(recordActivations(config), { name: "ArtifactError", message: /not recorded by this program/ });
      await recordActivations({ ...config, force: true, layers: [-1] });
      deepStrictEqual((await openShards(config.dumpTo)).layers, [-1]);
    }),
});

/** Root of the mean square of a − b over that of b less its mean over rows. */
function relativeError(a: Float32Array, b: Float32Array, width = 96): number {
  const mean = new Float64Array(width);
  b.forEach((value, i) => mean[i % width] += value * width / b.length);
  let [error, scale] = [0, 0];
  b.forEach((value, i) => {
    error += (a[i] - value) ** 2;
    scale += (value - mean[i % width]) ** 2;
  });
  return Math.sqrt(error / scale);
}

// The demo's activations come from lossless pictures, of which only JPEGs are kept. Noise like JPEG's, added once more, must move the
// activations about as far as JPEG itself did; what is not explained by that is an error of ours.
Deno.test({
  name: "recordActivations() gives the demo's activations, up to what JPEG explains",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const taken = await copyPictures(`${directory}/pictures`, 6);
      const { outputs: [root] } = await recordActivations(demo(directory));
      const all = taken.map((_, i) => i);
      const ours = await read(root, all);
      const recorded = await read(`${DEMO}/shards`, taken);
      const error = relativeError(ours, recorded);

      await jpegNoise(`${directory}/pictures`, `${directory}/noisy`);
      const noisy = demo(directory, {
        dumpTo: `${directory}/out-noisy`,
        images: { kind: "image-folder", root: `${directory}/noisy` },
      });
      const { outputs: [noisyRoot] } = await recordActivations(noisy);
      const explained = relativeError(await read(noisyRoot, all), ours);
      ok(error <= explained, `${error} is off, and JPEG explains ${explained}`);
      ok(error >= explained / 2, `${explained} explains anything, with ${error} found`);

      // What else could be wrong is further off.
      for (
        const [what, more] of [
          ["another filter", { interpolation: "bilinear" }],
          ["another crop", { resize: [120, 120], crop: [112] }],
          ["another mean", { mean: [0.485, 0.456, 0.406] }],
          ["another layer", { layers: [-1] }],
        ] as const
      ) {
        const { outputs: [other] } = await recordActivations(
          demo(directory, { ...more, dumpTo: `${directory}/${what}` }),
        );
        const off = relativeError(await read(other, all), recorded);
        ok(off > explained, `${what} is ${off} off, and JPEG would explain ${explained}`);
      }
    }),
});

Deno.test({
  name: "recordActivations() on a GPU, here a software one, gives what WebAssembly gives",
  permissions,
  ignore: (await navigator.gpu?.requestAdapter() ?? null) === null,
  // The runtime keeps its device for the next model.
  sanitizeResources: false,
  fn: () =>
    inTemporary(async (directory) => {
      await copyPictures(`${directory}/pictures`, 60, 3);
      const lines: string[] = [];
      const roots: string[] = [];
      for (const device of ["wasm", "webgpu"] as const) {
        const config = demo(directory, { device, dumpTo: `${directory}/${device}` });
        const { outputs: [root], backend } = await recordActivations(config, { log: (line) => void lines.push(line) });
        deepStrictEqual([backend?.name, backend?.reason], [device, "asked for by name"]);
        roots.push(root);
      }
      const [wasm, gpu] = await Promise.all(roots.map((root) => read(root, [0, 1, 2])));
      // Six blocks of f32 in another order of sums: some 2^-24 times a hundred. A wrong kernel is off by more than JPEG is, 2 %.
      const error = relativeError(gpu, wasm);
      ok(error > 0 && error < 2e-5, `${error}`);
      ok(
        lines.some((line) => /^(On the GPU p|Checked: p)ictures alone and in a batch of 3 /.test(line)),
        lines.join("\n"),
      );
    }),
});

/** Share of each latent's top pictures that two runs have in common, on the average. */
async function sharedPictures(one: string, other: string): Promise<number> {
  const [a, b] = await Promise.all([one, other].map((directory) => readArtifacts(directory, { percentile: 99 })));
  let shared = 0;
  for (let latent = 0; latent < a.dSae; latent++) {
    const [mine, theirs] = [a, b].map(({ topI, topCount, k }) =>
      new Set(topI.subarray(latent * k, latent * k + topCount[latent]))
    );
    const most = Math.max(mine.size, theirs.size);
    shared += most === 0 ? 1 : mine.intersection(theirs).size / most;
  }
  a.close();
  b.close();
  return shared / a.dSae;
}

Deno.test({
  name: "main() draws the demo from pictures alone, and ranks nearly as from its shards",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = demo(directory, {
        ckpt: `${DEMO}/sae.pt`,
        dumpTo: `${directory}/from-pictures`,
        fromPictures: true,
        layers: [],
        images: { kind: "image-folder", root: `${DEMO}/images` },
        data: { shardRoot: "nowhere", scaleMean: false, scaleNorm: false },
        topK: 8,
        // The runtime's threads must leave the workers that draw alone.
        nWorkers: 2,
        nLatents: 2,
        logFreqRange: [-6, -1],
        logValueRange: [-3, 3],
        gridScale: 0.25,
      });
      const before = Worker;
      const { outputs, rows } = await main(config);
      strictEqual(rows, 240 * 64);
      strictEqual(Worker, before, "the runtime's own Worker is gone again");
      ok((await Deno.stat(outputs![0])).size > 1000);
      deepStrictEqual((await openShards(`${directory}/from-pictures/activations`)).layers, [-2]);
      const shardRoot = `${DEMO}/shards`;
      const dumpTo = `${directory}/from-shards`;
      await dumpActivations({ ...config, fromPictures: false, dumpTo, data: { ...config.data, shardRoot } });
      const shared = await sharedPictures(`${config.dumpTo}/sort_by_patch`, `${dumpTo}/sort_by_patch`);
      ok(shared > 0.85, `${shared} of the top pictures are the same`);
    }),
});
