import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { parquetReadObjects } from "npm:hyparquet@1.31.5";
import { createWasmBackend } from "../../compute/wasm/mod.ts";
import { tensor } from "../../compute/tensor.ts";
import { openPictures } from "../../io/datasets/open_pictures.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { readManifest } from "../../io/read_manifest.ts";
import { openBlocks } from "../../io/read_blocks.ts";
import type { VisualsConfig } from "../../config.ts";
import { dumpActivations, main, studyArtifacts } from "../../visuals.ts";
import { withDefaults } from "../../visuals/hooks.ts";
import { imageValues } from "../../visuals/image_values.ts";
import { openInputs } from "../../visuals/open_inputs.ts";
import { inTemporary } from "../io/_temporary.ts";
import { PERMISSIONS as permissions, smallDemo } from "./_jobs.ts";

const directoryOf = (config: VisualsConfig): string => `${config.dumpTo}/sort_by_${config.sortBy}`;
const table = async (config: VisualsConfig, name: string): Promise<Record<string, unknown>[]> =>
  await parquetReadObjects({ file: (await Deno.readFile(`${directoryOf(config)}/${name}`)).buffer });

/** Activations of every patch of the demo, `f32 [240 · 64, 768]`, all latents at once. */
async function demoActivations(config: VisualsConfig): Promise<{ acts: Float32Array; dSae: number }> {
  const inputs = await openInputs(config);
  const { shards, sae, layer } = inputs;
  const reader = openBlocks(shards, layer);
  const block = new Float32Array(shards.nImages * reader.imageStride);
  await reader.read(block, 0, shards.nImages);
  reader.close();
  const rows = new Float32Array(shards.nImages * 64 * sae.dVit);
  for (let i = 0; i < shards.nImages; i++) {
    rows.set(block.subarray((i * 65 + 1) * sae.dVit, (i + 1) * 65 * sae.dVit), i * 64 * sae.dVit);
  }
  const backend = await createWasmBackend();
  const { data } = await backend.encode(tensor(rows, [shards.nImages * 64, sae.dVit]), sae);
  await backend.close();
  return { acts: data, dSae: sae.dSae };
}

Deno.test({
  name: "studyArtifacts() gives area, lift and entropy of each class as counted pair by pair",
  permissions,
  fn: () =>
    inTemporary(async (dumpTo) => {
      const config = smallDemo(dumpTo, { topK: 16, nLatents: 3, includeLatents: [705, 2] });
      await dumpActivations(config);
      const before = await table(config, "latents.parquet");
      const { studied } = await studyArtifacts(config);
      strictEqual(studied, 5);
      const { acts, dSae } = await demoActivations(config);
      const pictures = await openPictures(config.images);
      const label = Array.from({ length: 240 }, (_, i) => pictures.label(i));
      const listed = await table(config, "labels.parquet");
      const all = await table(config, "latents.parquet");
      const artifacts = await readArtifacts(directoryOf(config));
      strictEqual(new Set(listed.map(({ latent }) => latent)).size, 5);
      for (const row of listed) {
        const j = row.latent as number;
        const values = label.map((_, i) =>
          Math.max(...Array.from({ length: 64 }, (_, p) => acts[(i * 64 + p) * dSae + j]))
        );
        let [won, pairs] = [0, 0];
        for (const [a, x] of values.entries()) {
          for (const [b, y] of values.entries()) {
            if (label[a] !== row.label || label[b] === row.label) continue;
            pairs += 1;
            won += x > y ? 1 : x === y ? 0.5 : 0;
          }
        }
        const where = `latent ${j}, ${row.label}`;
        ok(Math.abs((row.auroc as number) - won / pairs) < 1e-12, `${where}: ${row.auroc}, by pairs ${won / pairs}`);
        ok(row.auroc_low as number <= (row.auroc as number) && (row.auroc as number) <= (row.auroc_high as number));
        const ranked = [...new Set(artifacts.topI.subarray(j * 16, j * 16 + artifacts.topCount[j]))];
        const own = ranked.filter((image) => label[image] === row.label).length;
        const share = label.filter((one) => one === row.label).length / 240;
        deepStrictEqual([row.ranked, row.images], [own, Math.round(share * 240)], where);
        ok(Math.abs((row.lift as number) - own / ranked.length / share) < 1e-12, where);
        const shares = [...new Set(label)].map((one) => ranked.filter((i) => label[i] === one).length / ranked.length);
        const entropy = -shares.filter((p) => p > 0).reduce((sum, p) => sum + p * Math.log2(p), 0);
        ok(Math.abs((all[j].label_entropy as number) - entropy) < 1e-12, where);
      }
      strictEqual(all[705].best_label, "flags");
      ok((all[705].best_label_auroc_low as number) > 0.9);
      const last = Object.keys(before[0]);
      deepStrictEqual(all.map((row) => Object.fromEntries(last.map((name) => [name, row[name]]))), before);
      deepStrictEqual(
        all.filter(({ studied }) => studied).map(({ latent }) => latent),
        [...new Set(listed.map(({ latent }) => latent as number))].sort((a, b) => a - b),
      );
      deepStrictEqual([all[0].studied, all[0].best_label, all[0].flags], [false, null, []]);
      artifacts.close();
      pictures.close();
    }),
});

Deno.test({
  name: "a study has the same bytes whatever the batches, and stays until latents or artifacts change",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const config = smallDemo(`${root}/a`, { render: "viewer-only", nDistributions: 0, study: true });
      await main(config);
      const directory = directoryOf(config);
      const names = ["study.json", "labels.parquet", "latents.parquet"];
      const bytes = async (of: VisualsConfig): Promise<Uint8Array[]> =>
        await Promise.all(names.map((name) => Deno.readFile(`${directoryOf(of)}/${name}`)));
      const expected = await bytes(config);
      const other: VisualsConfig = { ...config, dumpTo: `${root}/b`, topkBatchSize: 100, nWorkers: 1, study: false };
      await dumpActivations(other);
      await studyArtifacts(other);
      deepStrictEqual(await bytes(other), expected);
      const log: string[] = [];
      await studyArtifacts(config, { log: (line) => void log.push(line) });
      match(log.join("\n"), /Keeping the study/);
      const { files } = (await readManifest(directory))!;
      for (const name of names) strictEqual(files[name], (await Deno.stat(`${directory}/${name}`)).size, name);
      const viewer = await Deno.readTextFile(`${directory}/viewer/latents.js`);
      for (const key of ["bestLabelAuroc", "positionConcentration", "flags"]) {
        ok(viewer.includes(`"key":"${key}"`), key);
      }
      const page = await Deno.readTextFile(`${directory}/viewer/latents/0000.js`);
      const entries = JSON.parse(page.slice(page.indexOf("{"), page.lastIndexOf("}") + 1)).latents as {
        latent: number;
        areas: number[][];
      }[];
      const { labels } = JSON.parse(viewer.slice(viewer.indexOf("{"), viewer.lastIndexOf("}") + 1)) as {
        labels: string[];
      };
      const listed = await table(config, "labels.parquet");
      for (const { latent, areas } of entries) {
        const own = listed.filter((row) => row.latent === latent);
        deepStrictEqual(areas.map(([label]) => labels[label]), own.map(({ label }) => label));
        areas.forEach(([, area], i) => ok(Math.abs(area - (own[i].auroc as number)) <= 5e-5));
      }
      await studyArtifacts({ ...config, nLatents: 1 });
      strictEqual(JSON.parse(await Deno.readTextFile(`${directory}/study.json`)).latents.length, 1);
      await dumpActivations({ ...config, topK: 3 });
      ok(![...Deno.readDirSync(directory)].some(({ name }) => name === "study.json" || name === "labels.parquet"));
    }),
});

Deno.test({
  name: "imageValues() takes maxima or sums of chosen latents, also of a top-k autoencoder, and counts every firing",
  permissions,
  async fn(): Promise<void> {
    const config = smallDemo("unused");
    const inputs = await openInputs(config);
    const { acts, dSae } = await demoActivations(config);
    const latents = [705, 2, 40];
    const backend = await createWasmBackend();
    const pass = { inputs, layout: inputs.layout, backend, hooks: withDefaults(undefined) };
    for (const sortBy of ["patch", "sum"] as const) {
      const { values, counts } = await imageValues({ ...config, sortBy }, pass, latents);
      for (const [j, latent] of latents.entries()) {
        const column = Array.from({ length: 240 * 64 }, (_, row) => acts[row * dSae + latent]);
        const expected = Float32Array.from({ length: 240 }, (_, i) => {
          const own = column.slice(i * 64, (i + 1) * 64);
          return sortBy === "sum" ? own.reduce((sum, f) => sum + f, 0) : Math.max(...own);
        });
        deepStrictEqual(values.slice(j * 240, (j + 1) * 240), expected);
        const places = Array.from({ length: 64 }, (_, p) => column.filter((f, row) => f > 0 && row % 64 === p).length);
        const counted = places.map((_, p) => counts.firings[j * 64 + p] + counts.firings[(3 + j) * 64 + p]);
        deepStrictEqual(counted, places);
      }
      strictEqual(counts.norms.reduce((sum, n) => sum + n, 0), 240 * 64);
    }
    const topk = { ...inputs, sae: { ...inputs.sae, activation: { kind: "topk", k: 4 } as const } };
    const { values } = await imageValues(config, { ...pass, inputs: topk }, latents);
    const few = values.filter((value) => value > 0).length;
    const many = (await imageValues(config, pass, latents)).values.filter((value) => value > 0).length;
    ok(few > 0 && few < many, `${few} of ${many}`);
    await backend.close();
  },
});
