import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { imageHash, intervalOf, type LatentExamples, sampleImages } from "../../compute/interval_examples.ts";
import type { chooseBackend } from "../../compute/choose_backend.ts";
import { BackendUnavailableError } from "../../compute/errors.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import { createWasmBackend } from "../../compute/wasm/mod.ts";
import type { VisualsConfig } from "../../config.ts";
import { EXAMPLES_NAME, readExamples, type StoredExamples } from "../../io/examples_file.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { locate } from "../../io/read_blocks.ts";
import { readManifest } from "../../io/read_manifest.ts";
import { dumpActivations, main, planJob, renderArtifacts, studyArtifacts } from "../../visuals.ts";
import { encodeRows } from "../../visuals/encode_rows.ts";
import { withDefaults } from "../../visuals/hooks.ts";
import { backendFor, sampleSize } from "../../visuals/interval_examples.ts";
import { openInputs } from "../../visuals/open_inputs.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS as permissions, smallDemo, stopAt } from "./_jobs.ts";

const directoryOf = (config: VisualsConfig): string => `${config.dumpTo}/sort_by_${config.sortBy}`;
const bytesOf = (config: VisualsConfig): Promise<Uint8Array> =>
  Deno.readFile(`${directoryOf(config)}/${EXAMPLES_NAME}`);

/** The examples of a job, and each latent's largest activation as its artifacts have it. */
async function found(config: VisualsConfig): Promise<{ examples: StoredExamples; max: (latent: number) => number }> {
  const artifacts = await readArtifacts(directoryOf(config));
  const examples = (await readExamples(directoryOf(config), artifacts))!;
  const max = new Map<number, number>();
  for (const latent of examples.latents) max.set(latent, (await artifacts.readSketch(latent))!.max);
  artifacts.close();
  return { examples, max: (latent) => max.get(latent)! };
}

/** Activations of images on some latents, `f32 [64, latents]` each, and in which order and batches they came. */
async function encoded(
  config: VisualsConfig,
  latents: readonly number[],
  images?: Uint32Array,
): Promise<Map<number, Float32Array>> {
  const inputs = await openInputs(config);
  const backend = await createWasmBackend();
  const acts = new Map<number, Float32Array>();
  const options = { backend, hooks: withDefaults(undefined), stage: "test", latents, images };
  for await (const batch of encodeRows(config, inputs, inputs.layout, options)) {
    const each = batch.acts.length / batch.nImages;
    strictEqual(batch.nImages, batch.images.length);
    batch.images.forEach((image, i) => acts.set(image, batch.acts.slice(i * each, (i + 1) * each)));
  }
  await backend.close();
  return acts;
}

Deno.test({
  name: "main() keeps examples of each eighth of the range as counted over the images of the sample",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      for (const intervalImages of [100, 4096]) {
        const config = smallDemo(`${root}/${intervalImages}`, { intervalImages, render: "viewer-only", nLatents: 6 });
        const summary = await main(config);
        ok(summary.profile!.examples > 0);
        const { examples, max } = await found(config);
        const images = sampleImages(240, intervalImages, config.seed);
        deepStrictEqual([examples.sampled, examples.images, examples.intervals], [images.length, 240, 8]);
        strictEqual(examples.latents.length, 6);
        const acts = await encoded(config, examples.latents);
        let weak = 0;
        for (const [j, latent] of examples.latents.entries()) {
          const all = [...images].map((image) => {
            const heat = acts.get(image)!.filter((_, i) => i % 6 === j);
            const value = Math.max(...heat);
            const interval = intervalOf(value, max(latent), 8);
            return { image, heat, value, patch: heat.indexOf(value), interval, hash: imageHash(config.seed, image) };
          }).filter(({ value }) => value > 0);
          const kept = Array.from({ length: 8 }, (_, i) =>
            all.filter(({ interval }) => interval === i + 1).sort((a, b) => a.hash - b.hash).slice(0, 2)).flat();
          const expected: LatentExamples = {
            upper: max(latent),
            interval: Uint8Array.from(kept, ({ interval }) =>
              interval),
            image: Uint32Array.from(kept, ({ image }) => image),
            patch: Uint32Array.from(kept, ({ patch }) => patch),
            value: Float32Array.from(kept, ({ value }) => value),
            heat: Float32Array.from(kept.flatMap(({ heat }) => [...heat])),
          };
          deepStrictEqual(examples.of(latent), expected, `latent ${latent}`);
          weak += kept.filter(({ interval }) => interval <= 2).length;
        }
        ok(weak > 6, `${weak} weak ones`);
        const manifest = (await readManifest(directoryOf(config)))!;
        strictEqual(manifest.files[EXAMPLES_NAME], (await bytesOf(config)).length);
      }
    }),
});

Deno.test({
  name: "a render takes examples that are missing, keeps those that fit, and takes others when something else is asked",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const config = smallDemo(`${root}/a`, { render: "viewer-only", nDistributions: 0, intervalImages: 90 });
      await dumpActivations(config);
      const taken = async (of: VisualsConfig): Promise<number> => {
        let rows = 0;
        await renderArtifacts(of, { progress: ({ stage, done }) => void (stage === "examples" && (rows = done)) });
        return rows / 64;
      };
      await renderArtifacts({ ...config, part: "0/1" });
      strictEqual((await readManifest(directoryOf(config)))!.files[EXAMPLES_NAME], undefined);
      strictEqual(await taken(config), 90);
      const first = await bytesOf(config);
      strictEqual(await taken(config), 0);
      // Fewer latents are among those that are there.
      strictEqual(await taken({ ...config, nLatents: 2 }), 0);
      deepStrictEqual(await bytesOf(config), first);
      strictEqual(await taken({ ...config, force: true }), 90);
      deepStrictEqual(await bytesOf(config), first);
      strictEqual(await taken({ ...config, includeLatents: [1] }), 90);
      strictEqual(await taken({ ...config, intervalImages: 500 }), 240);
      // Those of all images are better than any sample.
      strictEqual(await taken(config), 0);
      strictEqual(await taken({ ...config, seed: 43 }), 90);
      strictEqual(await taken({ ...config, intervalImages: 0 }), 0);
      const page = await Deno.readTextFile(`${directoryOf(config)}/viewer/latents/0000.js`);
      ok(!page.includes('"examples"'));
      // Other artifacts: these are not theirs.
      await dumpActivations({ ...config, topK: 3 });
      ok(![...Deno.readDirSync(directoryOf(config))].some(({ name }) => name === EXAMPLES_NAME));
      // Damaged ones are refused, and made again on request.
      strictEqual(await taken({ ...config, topK: 3 }), 90);
      const path = `${directoryOf(config)}/${EXAMPLES_NAME}`;
      const bytes = await Deno.readFile(path);
      await Deno.writeFile(path, bytes.fill(0, 8, 60));
      await rejects(
        taken({ ...config, topK: 3 }),
        /it holds no examples of these artifacts; make them again with render/,
      );
      strictEqual(await taken({ ...config, topK: 3, force: true }), 90);
    }),
});

Deno.test({
  name: "a study takes examples of all images on its way, and a render keeps them",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const all = smallDemo(`${root}/all`, { render: "viewer-only", nDistributions: 0 });
      await main(all);
      const config = smallDemo(`${root}/study`, { render: "viewer-only", nDistributions: 0, intervalImages: 20 });
      await main({ ...config, study: true });
      deepStrictEqual(await bytesOf(config), await bytesOf(all));
      const stages = new Set<string>();
      await renderArtifacts(config, { progress: ({ stage }) => void stages.add(stage) });
      ok(!stages.has("examples"));
      deepStrictEqual(await bytesOf(config), await bytesOf(all));
      // With another seed a sample is taken instead, and the study stays.
      await renderArtifacts({ ...config, seed: config.seed + 1 });
      strictEqual((await found(config)).examples.sampled, 20);
      ok((await readManifest(directoryOf(config)))!.files["study.json"] > 0);
      // After a render, with other batches and threads.
      const other = smallDemo(`${root}/other`, { ...config, dumpTo: `${root}/other`, topkBatchSize: 100, nWorkers: 1 });
      await dumpActivations(other);
      await renderArtifacts(other);
      strictEqual((await found(other)).examples.sampled, 20);
      const { outputs } = await studyArtifacts(other);
      ok(outputs!.some((path) => path.endsWith(`/${EXAMPLES_NAME}`)));
      deepStrictEqual(await bytesOf(other), await bytesOf(all));
      await studyArtifacts({ ...other, intervalImages: 0, force: true });
      deepStrictEqual(await bytesOf(other), await bytesOf(all));
    }),
});

Deno.test({
  name: "a latent that never fires has no examples, in its file and on its page",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const config = smallDemo(`${root}/dead`, { render: "viewer-only", nDistributions: 0, nLatents: 1 });
      await dumpActivations(config);
      const { topCount, close } = await readArtifacts(directoryOf(config));
      close();
      const dead = topCount.indexOf(0);
      ok(dead >= 0);
      await renderArtifacts({ ...config, includeLatents: [dead] });
      const { examples } = await found(config);
      const own = examples.of(dead)!;
      deepStrictEqual([own.upper, own.image.length, own.heat.length], [0, 0, 0]);
      const page = await Deno.readTextFile(`${directoryOf(config)}/viewer/latents/0000.js`);
      const { latents } = JSON.parse(page.slice(page.indexOf("{"), page.lastIndexOf("}") + 1));
      const shown = latents.map(({ latent, examples }: Record<string, unknown>) => [latent, examples !== undefined]);
      deepStrictEqual(
        shown.toSorted(),
        [[dead, false], ...examples.latents.filter((j) => j !== dead).map((j) => [j, true])]
          .toSorted(),
      );
    }),
});

Deno.test({
  name: "parts of a render, and a job that was stopped while examples were taken, end in the files of one job",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      await main(smallDemo(`${root}/one`, { intervalImages: 50 }));
      const split = smallDemo(`${root}/split`, { intervalImages: 50 });
      await dumpActivations(split);
      for (const part of ["1/2", "0/2"]) await renderArtifacts({ ...split, part });
      await renderArtifacts(split);
      const stopped = smallDemo(`${root}/stopped`, { intervalImages: 50 });
      await rejects(main(stopped, stopAt("examples", 1)), { name: "AbortError" });
      ok(![...Deno.readDirSync(directoryOf(stopped))].some(({ name }) => name === EXAMPLES_NAME));
      const lines: string[] = [];
      await main({ ...stopped, resume: true }, { log: (line) => void lines.push(line) });
      match(lines.join("\n"), /Using the artifacts/);
      const expected = await contents(`${root}/one`);
      deepStrictEqual(await contents(`${root}/split`), expected);
      deepStrictEqual(await contents(`${root}/stopped`), expected);
    }),
});

Deno.test({
  name:
    "images ranked as wholes, and a ranking by sums, have examples too; planJob() counts their images and names the file",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const sums = smallDemo(`${root}/sums`, { sortBy: "sum", render: "viewer-only" });
      await main(sums);
      const patches = smallDemo(`${root}/patches`, { render: "viewer-only" });
      await main(patches);
      // The range is that of activations, whatever is ranked.
      deepStrictEqual(await bytesOf(sums), await bytesOf(patches));
      const whole = smallDemo(`${root}/whole`, {
        ...{ sortBy: "img", render: "viewer-only", logFreqRange: [-6, 0], logValueRange: [-6, 6] },
        data: { ...patches.data, patches: "meanpool" },
      });
      await main(whole);
      const { examples } = await found(whole);
      strictEqual(examples.patches, 0);
      const some = examples.latents.map((latent) => examples.of(latent)!).find(({ image }) => image.length > 2)!;
      ok(some.patch.every((patch) => patch === 0));
      strictEqual(some.heat.length, 0);
      const plan = await planJob(whole);
      deepStrictEqual(plan.examples, { images: 240, path: `${directoryOf(whole)}/${EXAMPLES_NAME}` });
      strictEqual((await planJob({ ...whole, intervalImages: 0 })).examples, undefined);
      strictEqual((await planJob({ ...whole, part: "0/2" })).examples, undefined);
    }),
});

Deno.test({
  name: "encodeRows() of some images gives the bits of all, whatever runs they come in",
  permissions,
  async fn(): Promise<void> {
    const config = smallDemo("unused");
    const latents = [705, 2, 40];
    const all = await encoded(config, latents);
    for (const images of [[0], [239], [3, 4, 5, 90, 92, 93, 238, 239], [...all.keys()], []]) {
      const some = await encoded(config, latents, Uint32Array.from(images));
      deepStrictEqual([...some.keys()], images);
      for (const image of images) deepStrictEqual(some.get(image), all.get(image));
    }
  },
});

Deno.test({
  name: "encodeRows() of some images leaves out rows that are not finite, and names the image that has them",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const config = smallDemo("unused");
      const { shards } = await openInputs(config);
      await Deno.mkdir(`${root}/shards`);
      for (const { name } of Deno.readDirSync(shards.root)) {
        await Deno.writeFile(`${root}/shards/${name}`, await Deno.readFile(`${shards.root}/${name}`));
      }
      const { path, byteOffset } = locate(shards, 93, 0, 1 + 7, 5);
      const file = await Deno.open(path.replace(shards.root, `${root}/shards`), { write: true });
      await file.seek(byteOffset, Deno.SeekMode.Start);
      await file.write(new Uint8Array(Float32Array.of(NaN).buffer));
      file.close();
      const broken: VisualsConfig = { ...config, data: { ...config.data, shardRoot: `${root}/shards` } };
      const images = Uint32Array.of(3, 4, 90, 92, 93, 239);
      await rejects(encoded(broken, [705, 2], images), { name: "NonFiniteError", image: 93, patch: 7, dimension: 5 });
      const [some, whole] = [
        await encoded({ ...broken, nonFinite: "skip" }, [705, 2], images),
        await encoded(config, [705, 2], images),
      ];
      for (const image of images) {
        const expected = whole.get(image)!;
        if (image === 93) expected.fill(0, 14, 16);
        deepStrictEqual(some.get(image), expected, `image ${image}`);
      }
    }),
});

Deno.test({
  name: "backendFor() takes the backend asked for, else the one that ranked, else any and says so",
  permissions: "none",
  async fn(): Promise<void> {
    const asked: string[] = [];
    const log: string[] = [];
    const choose: typeof chooseBackend = (device) => {
      asked.push(device);
      if (device === "webgpu") return Promise.reject(new BackendUnavailableError("webgpu", "there is no adapter"));
      return Promise.resolve({ backend: createReferenceBackend(), reason: "" });
    };
    const hooks = { log: (line: string): void => void log.push(line) };
    const take = (device: VisualsConfig["device"], ran: string): Promise<unknown> =>
      backendFor({ device, precision: "f32" }, ran, hooks, choose);
    await take("auto", "wasm");
    await take("reference", "wasm");
    await take("auto", "wasm+webgpu");
    deepStrictEqual([asked.splice(0), log], [["wasm", "reference", "auto"], []]);
    await take("auto", "webgpu");
    await take("webgpu", "wasm");
    deepStrictEqual(asked, ["webgpu", "auto", "webgpu", "auto"]);
    match(log[1], /^Taking examples on reference, .* Cannot use the webgpu backend: there is no adapter$/);
  },
});

Deno.test({
  name: "sampleSize() is what is asked for, fewer where an image costs more, and never more than there are",
  permissions: "none",
  fn(): void {
    const relu = { activation: { kind: "relu" }, dSae: 65536 } as const;
    const topk = { activation: { kind: "topk", k: 32 }, dSae: 16384 } as const;
    const size = (
      intervalImages: number,
      images: number,
      latents: number,
      encoder: typeof relu | typeof topk,
    ): number => sampleSize({ intervalImages }, { images, latents, encoder });
    strictEqual(size(4096, 1e6, 400, relu), 4096);
    strictEqual(size(4096, 1000, 400, relu), 1000);
    strictEqual(size(4096, 1e6, 4096, relu), 1024);
    strictEqual(size(4096, 1e6, 400, topk), 256);
    strictEqual(size(1, 1e6, 400, topk), 1);
    strictEqual(size(0, 1e6, 400, relu), 0);
    strictEqual(size(4096, 1e6, 0, relu), 0);
    strictEqual(size(4096, 0, 3, relu), 0);
  },
});
