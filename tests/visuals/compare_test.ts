import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { parquetReadObjects } from "npm:hyparquet@1.31.5";
import { loadSae } from "../../io/load_sae.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { compareRuns, dumpActivations } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";
import { reshard } from "./_parts.ts";
import { PERMISSIONS as permissions, smallDemo, smallJob } from "./_jobs.ts";
import { writeSaelens } from "./_write_saelens.ts";

Deno.test({
  name: "compareRuns() finds the latents of an autoencoder again in one whose latents are shuffled and scaled",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const loaded = await loadSae("fixtures/demo/emoji/sae.pt", { decoder: true });
      const { sae, decoder } = loaded;
      const { dVit, dSae } = sae;
      // Latent j of the copy is latent (5·j + 11) mod 768 of the original, three times as strong.
      const from = (j: number): number => (5 * j + 11) % dSae;
      const to = Array.from({ length: dSae }, (_, latent) =>
        Array.from({ length: dSae }, (_, j) => from(j)).indexOf(latent));
      const wEnc = Float32Array.from({ length: dVit * dSae }, (_, i) =>
        3 * sae.wEnc[Math.floor(i / dSae) * dSae + from(i % dSae)]);
      const bEnc = Float32Array.from({ length: dSae }, (_, j) =>
        3 * sae.bEnc[from(j)]);
      const bDec = decoder!.bDec;
      await Deno.mkdir(`${root}/copy`);
      await writeSaelens(`${root}/copy`, { ...loaded, sae: { ...sae, wEnc, bEnc }, decoder: { ...decoder!, bDec } }, {
        apply_b_dec_to_input: sae.bPre.some((bias) =>
          bias !== 0
        ),
      });
      const a = smallDemo(`${root}/a`, { topK: 12, nDistributions: 0, nLatents: 8 });
      const b = smallDemo(`${root}/b`, { topK: 6, nDistributions: 0, ckpt: `${root}/copy/sae_weights.safetensors` });
      const [directoryA, directoryB] = [(await dumpActivations(a)).directory, (await dumpActivations(b)).directory];
      const request = { a: { ...a, dumpTo: `${root}/out` }, b, directoryA, directoryB };
      const { latents, outputs, pictures } = await compareRuns(request);
      strictEqual(latents, 8);
      const output = `${root}/out/compare`;
      deepStrictEqual(outputs, ["index.html", "matches.parquet", "matches.json"].map((name) => `${output}/${name}`));
      const rows = await parquetReadObjects({ file: (await Deno.readFile(`${output}/matches.parquet`)).buffer });
      const best = rows.filter(({ rank }) => rank === 1);
      strictEqual(best.length, 8);
      for (const { latent_a: latent, latent_b: other, correlation, mutual } of best) {
        strictEqual(other, to[latent], `latent ${latent}`);
        ok(correlation > 0.9999, `${correlation}`);
        strictEqual(mutual, true);
      }
      ok(rows.every(({ correlation, rank }) => rank === 1 || correlation < 0.9999));
      const { images, matches } = JSON.parse(await Deno.readTextFile(`${output}/matches.json`));
      deepStrictEqual([images, matches.length], [240, 8]);
      const html = await Deno.readTextFile(`${output}/index.html`);
      const sources = [...html.matchAll(/src="([^"]+)"/g)].map(([, src]) => src);
      strictEqual(sources.length, pictures);
      for (const src of sources) ok((await Deno.stat(`${output}/${src}`)).size > 500, src);
      const artifacts = await readArtifacts(directoryA);
      const [{ latent_a: first }] = best;
      const shown = new Set(artifacts.topI.subarray(first * 12, first * 12 + artifacts.topCount[first])).size;
      strictEqual(sources.filter((src) => src.startsWith(`a/neurons/${first}/`)).length, Math.min(8, shown));
      artifacts.close();
      const before = await Deno.readFile(`${output}/matches.parquet`);
      await compareRuns({ ...request, a: { ...request.a, nWorkers: 1, topkBatchSize: 50 } });
      deepStrictEqual(await Deno.readFile(`${output}/matches.parquet`), before);
    }),
});

Deno.test({
  name: "compareRuns() refuses runs of other numbers of images, inputs that have changed, and too large a table",
  permissions,
  fn: () =>
    inTemporary(async (root) => {
      const a = smallDemo(`${root}/a`, { nDistributions: 0 });
      const b = smallJob(`${root}/b`, "wasm", { nDistributions: 0 });
      const [directoryA, directoryB] = [(await dumpActivations(a)).directory, (await dumpActivations(b)).directory];
      const request = { a: { ...a, dumpTo: `${root}/out` }, b, directoryA, directoryB };
      await rejects(compareRuns(request), (error: Error) => {
        strictEqual(error.name, "DatasetError");
        match(error.message, /is of 240 images and .* of 96/);
        return true;
      });
      await reshard(b.data.shardRoot, `${root}/shards`, 7);
      const moved = { ...b, data: { ...b.data, shardRoot: `${root}/shards` } };
      await rejects(compareRuns({ ...request, b: moved }), /has other content than it was computed from/);
      const small = { ...request, b: a, directoryB: directoryA, a: { ...request.a, maxMemory: 100 } };
      await rejects(compareRuns(small), { name: "DeviceLimitError" });
    }),
});
