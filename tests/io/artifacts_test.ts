import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { ArtifactError } from "../../compute/errors.ts";
import { type LatentState, SKETCH_BINS } from "../../compute/latent_state.ts";
import { tensor } from "../../compute/tensor.ts";
import type { TopKImg, TopKPatch } from "../../compute/topk.ts";
import {
  addArtifacts,
  artifactDirectory,
  type ArtifactSet,
  type ManifestFacts,
  recoverArtifacts,
  writeArtifacts,
} from "../../io/artifacts.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { readManifest } from "../../io/read_manifest.ts";
import { safeLoad } from "../../io/safe_load.ts";
import type { TorchTensor } from "../../io/torch_tensor.ts";
import { inTemporary } from "./_temporary.ts";

const permissions = { read: ["fixtures", "tests/tmp"], write: ["tests/tmp"] };
const [dSae, k, patches, m, rows] = [5, 3, 4, 2, 12];

function f32(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => i / 7 - 1);
}

function u32(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i === 0 ? 2 ** 32 - 1 : i);
}

const shared = {
  rankValues: tensor(f32(dSae * k), [dSae, k]),
  topI: tensor(u32(dSae * k), [dSae, k]),
  topCount: tensor(u32(dSae).map((count) => Math.min(count, k)), [dSae]),
  meanValues: tensor(Float32Array.of(NaN, 1, 2, 3, Infinity), [dSae]),
  sparsity: tensor(f32(dSae), [dSae]),
  distributions: tensor(f32(m * rows), [m, rows]),
  percentiles: tensor(f32(dSae), [dSae]),
};
const patch: TopKPatch = {
  kind: "patch",
  ...shared,
  topValues: tensor(f32(dSae * k * patches), [dSae, k, patches]),
  topPatchI: tensor(u32(dSae * k).map((i) => i % patches), [dSae, k]),
};
const img: TopKImg = { kind: "img", ...shared, topValues: shared.rankValues };

/** What lies in a directory, by name, in hexadecimal. */
async function filesIn(place: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name, isFile } of Deno.readDirSync(place)) {
    if (isFile) found.set(name, (await Deno.readFile(`${place}/${name}`)).toHex());
  }
  return new Map([...found].sort());
}

type Sketch = Pick<LatentState, "histogram" | "min" | "max">;

function setOf(result: TopKImg | TopKPatch, percentile = 99): ArtifactSet & { readonly sketch: Sketch } {
  const histogram = new Uint32Array(dSae * SKETCH_BINS);
  histogram[0] = 3;
  histogram[2 * SKETCH_BINS + 1280] = 2 ** 31;
  histogram[5 * SKETCH_BINS - 1] = 1;
  const values = Float64Array.of(1, 2, NaN, NaN, 0.5, 0.25, 3, 4, 5, 6);
  return {
    result,
    sketch: {
      histogram,
      min: Float32Array.of(2 ** -41, Infinity, 1, Infinity, 2 ** 25),
      max: Float32Array.of(2 ** -40, 0, 1.01, 0, 2 ** 25),
    },
    count: Uint32Array.of(3, 0, 2 ** 31, 0, 1),
    max: f32(dSae),
    percentile,
    quantiles: { at: [0.5, 0.99], values, relativeError: 1 / 65 },
  };
}

const facts: ManifestFacts = {
  startedAt: "2025-01-01T00:00:00.000Z",
  config: { percentile: 99 },
  inputs: { checkpoint: { path: "a", sha256: "b" }, metadata: { path: "c", sha256: "d" }, shards: [] },
  backend: { name: "reference", reason: "asked for", details: {} },
  rows,
  skippedRows: 0,
  versions: {},
  timings: {},
  notes: [],
};

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

Deno.test({
  name: "recoverArtifacts() ends what was killed between any two renames, and drops what was killed before",
  permissions: { read: ["tests/tmp"], write: ["tests/tmp"] },
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(`${directory}/old`, setOf(patch, 95), facts);
      await writeArtifacts(`${directory}/new`, setOf(patch, 99), facts);
      const [old, expected] = [await filesIn(`${directory}/old`), await filesIn(`${directory}/new`)];
      const { rename, remove } = Deno;
      // Every file is renamed twice: under its name beside, and into place.
      const renames = 2 * expected.size;
      for (let killed = 0; killed < renames; killed++) {
        const place = `${directory}/${killed}`;
        await writeArtifacts(place, setOf(patch, 95), facts);
        let done = 0;
        const died = new Error("killed");
        // Who was killed tidies nothing up.
        Deno.remove = (path, options) => done > killed ? Promise.reject(died) : remove(path, options);
        Deno.rename = async (from, to): Promise<void> => {
          if (done++ >= killed) throw died;
          await rename(from, to);
        };
        try {
          await rejects(writeArtifacts(place, setOf(patch, 99), facts), (error) => error === died);
        } finally {
          Object.assign(Deno, { rename, remove });
        }
        const isComplete = killed >= expected.size;
        strictEqual(await recoverArtifacts(place), isComplete, String(killed));
        ok(![...Deno.readDirSync(place)].some(({ isDirectory }) => isDirectory));
        deepStrictEqual(await filesIn(place), isComplete ? expected : old, String(killed));
      }
    }),
});

/** Adds files with a text, `latents.parquet` among them replacing one. */
function add(directory: string, names: readonly string[], text: string): Promise<unknown> {
  return readManifest(directory).then((manifest) =>
    addArtifacts(directory, manifest!, async (staging) => {
      for (const name of names) await Deno.writeTextFile(`${staging}/${name}`, text);
      return names;
    })
  );
}

Deno.test({
  name: "addArtifacts() keeps the manifest in place while it adds, so that a reader always finds whole artifacts",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(directory, setOf(patch), facts);
      const { rename, remove } = Deno;
      const found: string[] = [];
      const look = async (): Promise<void> => {
        const artifacts = await readArtifacts(directory);
        found.push(["study.json", "labels.parquet"].filter((name) => name in artifacts.manifest!.files).join());
        artifacts.close();
      };
      Deno.rename = async (from, to): Promise<void> => {
        await look();
        await rename(from, to);
        await look();
      };
      Deno.remove = async (path, options): Promise<void> => {
        await remove(path, options);
        await look();
      };
      try {
        await add(directory, ["study.json", "labels.parquet"], "1");
      } finally {
        Object.assign(Deno, { rename, remove });
      }
      ok(found.length >= 8, String(found.length));
      deepStrictEqual([...new Set(found)], ["", "study.json,labels.parquet"]);
    }),
});

for (
  const [what, names] of [
    ["adds files", ["study.json", "labels.parquet"]],
    ["replaces files", ["latents.parquet", "latents.jsonl"]],
    ["does both", ["study.json", "latents.parquet", "latents.jsonl"]],
  ] as const
) {
  Deno.test({
    name:
      `addArtifacts() that ${what}, killed anywhere: what a manifest lists is all old or all new, and it is ended or undone`,
    permissions: { read: ["tests/tmp"], write: ["tests/tmp"] },
    fn: () =>
      inTemporary(async (directory) => {
        const before = async (place: string): Promise<void> => {
          await writeArtifacts(place, setOf(patch), facts);
          await add(place, ["latents.jsonl"], "old");
        };
        await before(`${directory}/old`);
        await before(`${directory}/new`);
        // Of the same size as what it replaces: sizes tell nothing.
        await add(`${directory}/new`, names, "new");
        const [old, expected] = [await filesIn(`${directory}/old`), await filesIn(`${directory}/new`)];
        const { rename, remove } = Deno;
        const died = new Error("killed");
        let [isOver, undone, ended] = [false, 0, 0];
        for (let killed = 0; !isOver; killed++) {
          const place = `${directory}/${killed}`;
          await before(place);
          let done = 0;
          const step =
            <T extends unknown[]>(act: (...args: T) => Promise<void>) => async (...args: T): Promise<void> => {
              if (done++ >= killed) throw died;
              await act(...args);
            };
          Object.assign(Deno, { rename: step(rename), remove: step(remove) });
          try {
            isOver = await add(place, names, "new").then(() => true, (error) => {
              strictEqual(error, died);
              return false;
            });
          } finally {
            Object.assign(Deno, { rename, remove });
          }
          const manifest = await readManifest(place);
          if (manifest !== undefined) {
            const listed = [...Object.keys(manifest.files), "manifest.json"].sort();
            const lies = await filesIn(place);
            const is = listed.map((name) => lies.get(name));
            const whole = [old, expected].some((set) => listed.every((name, i) => set.get(name) === is[i]));
            ok(whole, `killed after ${killed}`);
          }
          const isComplete = await recoverArtifacts(place);
          if (!isOver) isComplete ? ended++ : undone++;
          const ends = await filesIn(place);
          ok(![...Deno.readDirSync(place)].some(({ isDirectory }) => isDirectory));
          const isNew = isComplete || ends.get("manifest.json") === expected.get("manifest.json");
          deepStrictEqual(ends, isNew ? expected : old, `killed after ${killed}`);
        }
        ok(undone > 0 && ended > names.length, `${undone} undone, ${ended} ended`);
      }),
  });
}
