import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { parquetReadObjects } from "npm:hyparquet@1.31.5";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import { sliceSae } from "../../compute/slice_sae.ts";
import { tensor } from "../../compute/tensor.ts";
import { createWasmBackend } from "../../compute/wasm/mod.ts";
import type { VisualsConfig } from "../../config.ts";
import { loadSae } from "../../io/load_sae.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { readManifest } from "../../io/read_manifest.ts";
import { dumpActivations, dumpPart, exportArtifacts, mergeParts } from "../../visuals.ts";
import { readNpz } from "../io/_read_npz.ts";
import { inTemporary } from "../io/_temporary.ts";
import { PERMISSIONS as permissions, smallDemo, smallJob } from "./_jobs.ts";

const bytes = (config: VisualsConfig, name: string): Promise<Uint8Array> =>
  Deno.readFile(`${config.dumpTo}/sort_by_${config.sortBy}/${name}`);

Deno.test({
  name: "--export npz holds every activation: counts, maxima and distributions are those of the pass",
  permissions,
  fn: () =>
    inTemporary(async (dumpTo) => {
      const config = smallJob(dumpTo, "wasm", { export: ["npz"] });
      const { directory, outputs } = await dumpActivations(config);
      ok(outputs!.includes(`${directory}/token_acts.npz`) && outputs!.includes(`${directory}/var.parquet`));
      const { shape, indptr, indices, data } = await readNpz(`${directory}/token_acts.npz`);
      const artifacts = await readArtifacts(directory);
      try {
        deepStrictEqual(shape, [indptr.length - 1, artifacts.dSae]);
        const sums = Float32Array.from({ length: artifacts.dSae }, (_, j) => indices.filter((i) => i === j).length);
        for (let j = 0; j < artifacts.dSae; j++) strictEqual(Math.fround(sums[j] / shape[0]), artifacts.sparsity[j]);
        for (let j = 0; j < config.nDistributions; j++) {
          const column: Float32Array = new Float32Array(shape[0]);
          for (let row = 0; row < shape[0]; row++) {
            for (let i = indptr[row]; i < indptr[row + 1]; i++) if (indices[i] === j) column[row] = data[i];
          }
          deepStrictEqual(column, await artifacts.readDistribution(j), `latent ${j}`);
        }
        const table = await parquetReadObjects({ file: (await Deno.readFile(`${directory}/var.parquet`)).buffer });
        deepStrictEqual(table.map(({ feature }) => feature), [...table.keys()].map(BigInt));
        deepStrictEqual(
          table.flatMap(({ topk_example_idx: top }) => top.map(Number)),
          Array.from(artifacts.topI),
        );
      } finally {
        artifacts.close();
      }
    }),
});

Deno.test({
  name: "--export npz has the same bytes after a dump, by `export`, and after a merge of parts",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const config = smallJob(`${root}/a`, "wasm", { export: ["npz"], data: { scaleMean: true, scaleNorm: true } });
      await dumpActivations(config);
      const expected = [await bytes(config, "token_acts.npz"), await bytes(config, "var.parquet")];
      const later: VisualsConfig = { ...config, dumpTo: `${root}/b`, export: [] };
      await dumpActivations(later);
      ok(!Object.hasOwn((await readManifest(`${root}/b/sort_by_patch`))!.files, "token_acts.npz"));
      await exportArtifacts({ ...later, export: ["npz"], topkBatchSize: 999, nWorkers: 3 });
      deepStrictEqual([await bytes(later, "token_acts.npz"), await bytes(later, "var.parquet")], expected);
      const merged: VisualsConfig = { ...config, dumpTo: `${root}/c` };
      for (const part of ["1/2", "0/2"]) await dumpPart({ ...merged, part });
      await mergeParts(merged);
      deepStrictEqual([await bytes(merged, "token_acts.npz"), await bytes(merged, "var.parquet")], expected);
    }),
});

Deno.test({
  name: "exports go with the artifacts they were made of, and stay while those stay",
  permissions,
  fn: () =>
    inTemporary(async (dumpTo) => {
      const config = smallJob(dumpTo, "wasm", { export: ["npz"] });
      const { directory } = await dumpActivations(config);
      const before = (await Deno.stat(`${directory}/token_acts.npz`)).mtime;
      const { reused } = await dumpActivations(config);
      ok(reused);
      deepStrictEqual((await Deno.stat(`${directory}/token_acts.npz`)).mtime, before);
      await dumpActivations({ ...config, topK: 3, export: [] });
      const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
      ok(!names.includes("token_acts.npz") && !names.includes("var.parquet"), names.join(" "));
      await rejects(exportArtifacts(config), (error: Error) => {
        match(error.message, /holds no artifacts of this request/);
        return true;
      });
    }),
});

Deno.test({
  name: "--export json writes a line for each shown latent, with heatmaps, labels and histogram",
  permissions,
  fn: () =>
    inTemporary(async (dumpTo) => {
      const config = smallDemo(dumpTo, { export: ["json"], includeLatents: [546], nLatents: 0 });
      const { directory } = await dumpActivations(config);
      const lines = new TextDecoder().decode(await bytes(config, "latents.jsonl")).trimEnd().split("\n");
      strictEqual(lines.length, 1);
      const artifacts = await readArtifacts(directory);
      try {
        const [first] = lines.map((line) => JSON.parse(line));
        deepStrictEqual([first.modelId, first.layer, first.index], ["tiny-emoji-vit", "-2", "546"]);
        strictEqual(Math.fround(first.frac_nonzero), artifacts.sparsity[546]);
        strictEqual(first.activations.length, artifacts.topCount[546]);
        const heatmaps = await artifacts.readTopValues(546);
        deepStrictEqual(Float32Array.from(first.activations[0].values), heatmaps.slice(0, artifacts.patches));
        match(first.activations[0].name, /^[\w-]+\/.*\.jpg$/);
        strictEqual(first.activations[0].label, first.activations[0].name.split("/")[0]);
        const sketch = await artifacts.readSketch(546);
        const total = (counts: ArrayLike<number>): number => Array.from(counts).reduce((sum, n) => sum + n, 0);
        strictEqual(total(first.freq_hist_data_bar_heights), total(sketch!.histogram));
      } finally {
        artifacts.close();
      }
    }),
});

Deno.test({
  name: "sliceSae() keeps the bits of chosen latents, on the reference and on wasm, and refuses top-k",
  permissions,
  async fn(): Promise<void> {
    const { sae } = await loadSae("fixtures/demo/emoji/sae.pt");
    const latents = [767, 3, 500, 3, 42];
    const x = tensor(Float32Array.from({ length: 130 * sae.dVit }, (_, i) => Math.sin(i * i) * 3), [130, sae.dVit]);
    for (const backend of [createReferenceBackend(), await createWasmBackend()]) {
      const whole = (await backend.encode(x, sae)).data;
      const part = (await backend.encode(x, sliceSae(sae, latents))).data;
      const expected = Float32Array.from(part, (_, i) => {
        const row = Math.floor(i / latents.length);
        return whole[row * sae.dSae + latents[i % latents.length]];
      });
      deepStrictEqual(part, expected, backend.name);
      ok(expected.some((value) => value > 0));
      await backend.close();
    }
    const jump = sliceSae(
      { ...sae, activation: { kind: "jumprelu", threshold: sae.bEnc } },
      [2],
    );
    deepStrictEqual(jump.activation, { kind: "jumprelu", threshold: sae.bEnc.slice(2, 3) });
    const message = (fn: () => unknown): string => {
      try {
        fn();
      } catch (error) {
        return (error as Error).message;
      }
      return "";
    };
    match(message(() => sliceSae({ ...sae, activation: { kind: "topk", k: 4 } }, [0])), /top-k/);
    match(message(() => sliceSae(sae, [768])), /latents 0 to 767/);
  },
});
