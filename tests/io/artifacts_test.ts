import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { ArtifactError } from "../../compute/errors.ts";
import { SKETCH_BINS } from "../../compute/latent_state.ts";
import type { TopKPatch } from "../../compute/topk.ts";
import { artifactDirectory } from "../../io/artifacts.ts";
import { writeArtifacts } from "../../io/write_artifacts.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { readManifest } from "../../io/read_manifest.ts";
import { safeLoad } from "../../io/safe_load.ts";
import type { TorchTensor } from "../../io/torch_tensor.ts";
import { dSae, facts, img, k, m, patch, rows, setOf, shared } from "./_artifact_set.ts";
import { inTemporary } from "./_temporary.ts";

const permissions = { read: ["fixtures", "tests/tmp"], write: ["tests/tmp"] };
for (const result of [patch, img]) {
  Deno.test({
    name: `readArtifacts() gives back what writeArtifacts() wrote, kind ${result.kind}`,
    permissions,
    fn: () =>
      inTemporary(async (dumpTo) => {
        const directory = artifactDirectory(dumpTo, result.kind);
        const set = setOf(result);
        const manifest = await writeArtifacts(directory, set, facts);
        const back = await readArtifacts(directory);
        try {
          deepStrictEqual(back.manifest, manifest);
          deepStrictEqual([back.kind, back.dSae, back.k], [result.kind, dSae, k]);
          deepStrictEqual(await back.readAll(), result);
          const stride = result.topValues.data.length / dSae;
          for (let j = 0; j < dSae; j++) {
            deepStrictEqual(await back.readTopValues(j), result.topValues.data.slice(j * stride, (j + 1) * stride));
            deepStrictEqual(await back.readSketch(j), {
              histogram: set.sketch.histogram.slice(j * SKETCH_BINS, (j + 1) * SKETCH_BINS),
              min: set.sketch.min[j],
              max: set.sketch.max[j],
            });
          }
          deepStrictEqual(back.distributionsShape, [m, rows]);
          deepStrictEqual(await back.readDistribution(1), shared.distributions.data.slice(rows));
        } finally {
          back.close();
          back.close();
        }
        const names = [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
        deepStrictEqual(names, [...Object.keys(manifest.files), "manifest.json"].sort());
        const quantiles = JSON.parse(Deno.readTextFileSync(`${directory}/quantiles.json`));
        deepStrictEqual(quantiles.quantiles, [0.5, 0.99]);
        deepStrictEqual(quantiles.values, [[1, 2], [null, null], [0.5, 0.25], [3, 4], [5, 6]]);
      }),
  });
}

Deno.test({
  name: "writeArtifacts() writes upstream's names with its dtypes and shapes",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(directory, setOf(patch, 99.9), facts);
      const described = async (name: string): Promise<string> => {
        const { dtype, shape } = await safeLoad(`${directory}/${name}.pt`) as TorchTensor;
        return `${dtype} ${shape}`;
      };
      strictEqual(await described("top_values"), "float32 5,3,4");
      strictEqual(await described("top_img_i"), "int64 5,3");
      strictEqual(await described("top_patch_i"), "int64 5,3");
      strictEqual(await described("top_count"), "int64 5");
      strictEqual(await described("mean_values"), "float32 5");
      strictEqual(await described("sparsity"), "float32 5");
      strictEqual(await described("distributions"), "float32 2,12");
      strictEqual(await described("percentiles_p99.9"), "float32 5");
    }),
});

Deno.test({
  name: "writeArtifacts() over other artifacts leaves none of theirs",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(directory, setOf(patch, 95), facts);
      await writeArtifacts(directory, setOf(img, 99), facts);
      const names = [...Deno.readDirSync(directory)].map((entry) => entry.name);
      ok(!names.includes("percentiles_p95.pt") && names.includes("percentiles_p99.pt"));
      (await readArtifacts(directory)).close();
    }),
});

Deno.test({
  name: "writeArtifacts() that fails leaves no manifest",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(directory, setOf(patch), facts);
      Deno.removeSync(`${directory}/sparsity.pt`);
      Deno.mkdirSync(`${directory}/sparsity.pt/taken`, { recursive: true });
      await rejects(writeArtifacts(directory, setOf(patch), facts), ArtifactError);
      strictEqual(await readManifest(directory), undefined);
      await rejects(readArtifacts(directory), /unfinished/);
    }),
});

Deno.test({
  name: "readArtifacts() names a file that is missing, short, or damaged",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const fails = async (message: RegExp): Promise<void> => {
        await rejects(readArtifacts(directory), (error: Error) => {
          ok(error instanceof ArtifactError && message.test(error.message), String(error));
          return true;
        });
      };
      const { files } = await writeArtifacts(directory, setOf(patch), facts);
      const path = `${directory}/rank_values.pt`;
      const bytes = Deno.readFileSync(path);
      Deno.writeFileSync(path, bytes.fill(0, bytes.length - 30));
      await fails(/rank_values\.pt.*no zip directory/);
      Deno.truncateSync(path, files["rank_values.pt"] - 1);
      await fails(/rank_values\.pt: it holds \d+ bytes/);
      Deno.removeSync(path);
      await fails(/rank_values\.pt: it is missing/);
      Deno.writeTextFileSync(`${directory}/manifest.json`, "{");
      await fails(/not JSON/);
    }),
});

Deno.test({
  name: "readArtifacts() reads upstream's artifacts and derives counts and patches from the heatmaps",
  permissions,
  fn: async () => {
    const directory = "fixtures/golden/emoji-sort_by_patch";
    await rejects(readArtifacts(directory), ArtifactError);
    const back = await readArtifacts(directory, { percentile: 99 });
    try {
      deepStrictEqual([back.kind, back.dSae, back.k, back.patches], ["patch", 768, 8, 64]);
      const all = await back.readAll() as TopKPatch;
      for (let j = 0; j < back.dSae; j++) {
        for (let i = 0; i < back.k; i++) {
          const start = (j * back.k + i) * back.patches;
          const heatmap = all.topValues.data.subarray(start, start + back.patches);
          const value = Math.max(...heatmap);
          strictEqual(back.rankValues[j * back.k + i], Math.fround(value));
          strictEqual(heatmap[back.topPatchI[j * back.k + i]], Math.fround(value));
          if (i < back.topCount[j]) ok(value > 0);
        }
      }
      ok(back.topI.every((image) => image < 240));
      strictEqual(await back.readSketch(0), undefined);
    } finally {
      back.close();
    }
  },
});
