import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { SKETCH_RELATIVE_ERROR } from "../../compute/quantile_sketch.ts";
import type { VisualsConfig } from "../../config.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { dumpPart, measureSample, mergeParts } from "../../visuals.ts";
import { getTopkImg, getTopkPatch } from "../../visuals.ts";
import { goldenCase } from "../golden/_cases.ts";
import { inTemporary } from "../io/_temporary.ts";
import { inOne, inParts, reshard } from "./_parts.ts";

const permissions: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };

/** A golden case in more and smaller shards. */
async function smallShards(name: string, directory: string, imagesPerShard: number): Promise<VisualsConfig> {
  const config = goldenCase(name).config("wasm", new URL("../tmp/", import.meta.url));
  await reshard(config.data.shardRoot, `${directory}/shards`, imagesPerShard);
  return { ...config, nWorkers: 1, data: { ...config.data, shardRoot: `${directory}/shards` } };
}

for (const name of ["patch", "patch-scaled", "img-cls-sampled"]) {
  Deno.test({
    name: `mergeParts() of 1, 2, 3 and 7 parts has the bytes of one run: ${name}`,
    permissions,
    fn: () =>
      inTemporary(async (directory) => {
        const config = await smallShards(name, directory, 12);
        const expected = await inOne({ ...config, dumpTo: `${directory}/one` });
        for (const count of [1, 2, 3, 7]) {
          deepStrictEqual(await inParts({ ...config, dumpTo: `${directory}/${count}` }, count), expected);
        }
      }),
  });
}

Deno.test({
  name: "mergeParts() with more parts than shards, in sum mode with one image per entry, has the bytes of one run",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const made = await smallShards("patch", directory, 40);
      const config: VisualsConfig = { ...made, sortBy: "sum", dedupe: "image" };
      const expected = await inOne({ ...config, dumpTo: `${directory}/one` });
      deepStrictEqual(await inParts({ ...config, dumpTo: `${directory}/parts` }, 5), expected);
    }),
});

Deno.test({
  name: "measureSample() leaves parts the same bytes as measuring in each",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await smallShards("img-cls-sampled", directory, 12);
      const expected = await inParts({ ...config, dumpTo: `${directory}/each` }, 3);
      await measureSample({ ...config, dumpTo: `${directory}/once` });
      deepStrictEqual(await inParts({ ...config, dumpTo: `${directory}/once` }, 3), expected);
    }),
});

Deno.test({
  name: "mergeParts() takes percentiles from the sketch, within its bound, and says so",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = { ...await smallShards("patch", directory, 12), dumpTo: `${directory}/out`, percentile: 90 };
      await inParts({ ...config, nDistributions: 1e6 }, 3);
      const out = `${directory}/out/sort_by_patch`;
      const artifacts = await readArtifacts(out);
      try {
        strictEqual(artifacts.manifest?.merged?.percentiles, "sketch");
        ok(artifacts.manifest.notes.some((note) => note.includes("quantile sketch")));
        const [m, rows] = artifacts.distributionsShape;
        strictEqual(m, artifacts.dSae);
        let positive = 0;
        for (let latent = 0; latent < m; latent++) {
          const sorted = (await artifacts.readDistribution(latent)).sort();
          const exact = sorted[Math.ceil(0.9 * rows) - 1];
          const found = artifacts.percentiles[latent];
          // One rounding to f32 on top of the sketch's bound.
          ok(Math.abs(found - exact) <= exact * (SKETCH_RELATIVE_ERROR + 2 ** -23), `${latent}: ${found}, ${exact}`);
          if (exact > 0) positive++;
        }
        ok(positive > 0, "no latent fires on a tenth of the rows: nothing was compared");
      } finally {
        artifacts.close();
      }
      const bytes = new TextDecoder("latin1").decode(await Deno.readFile(`${out}/percentiles_p90.pt`));
      match(bytes, /archive\/note.*percentiles_p90\.pt was read off the quantile sketch/s);
    }),
});

Deno.test({
  name: "mergeParts() names the parts that are missing or of another request, and how to compute only those",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = { ...await smallShards("img-cls", directory, 12), dumpTo: `${directory}/out` };
      await rejects(mergeParts(config), /it holds no parts; compute them with dump --part INDEX\/COUNT$/);
      await dumpPart({ ...config, part: "0,2,4-5/6" });
      await rejects(
        mergeParts(config),
        /parts 1,3 of 6 are missing; .* run the same dump with --part 1,3\/6, then merge$/,
      );
      await dumpPart({ ...config, part: "1,3/6" });
      await mergeParts(config);
      const other = { ...config, topK: config.topK + 1 };
      await rejects(mergeParts(other), /parts 0-5 of 6 are missing \(of those that are there: topK was \d+ and is now/);
      // A state that was cut short does not count either.
      const state = `${directory}/out/sort_by_img/parts/4-of-6/part.state`;
      await Deno.truncate(state, (await Deno.stat(state)).size - 1);
      await rejects(mergeParts(config), /part 4 of 6 is missing; /);
    }),
});

Deno.test({
  name: "mergeParts() names a part whose bytes have changed, and leaves the artifacts as they were",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = { ...await smallShards("img-cls", directory, 12), dumpTo: `${directory}/out` };
      await inParts(config, 2);
      const before = (await readArtifacts(`${directory}/out/sort_by_img`)).manifest;
      const path = `${directory}/out/sort_by_img/parts/1-of-2/part.state`;
      const bytes = await Deno.readFile(path);
      bytes[bytes.length >> 1] ^= 1;
      await Deno.writeFile(path, bytes);
      await rejects(mergeParts(config), /parts\/1-of-2\/part\.state: the bytes at \d+ have changed/);
      const artifacts = await readArtifacts(`${directory}/out/sort_by_img`);
      deepStrictEqual(artifacts.manifest, before);
      artifacts.close();
    }),
});

Deno.test({
  name: "dumpPart() goes on where it was interrupted, and leaves a part alone that is there",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = { ...await smallShards("patch", directory, 12), topkBatchSize: 32 };
      const expected = await inOne({ ...config, dumpTo: `${directory}/one` });
      const split = { ...config, dumpTo: `${directory}/split`, resume: true };
      const stopped = new AbortController();
      await rejects(
        dumpPart({ ...split, part: "1/2" }, {
          signal: stopped.signal,
          progress: ({ stage, done, total }) => {
            if (stage === "encode" && done > total / 2) stopped.abort(new DOMException("Stop", "AbortError"));
          },
        }),
        { name: "AbortError" },
      );
      const lines: string[] = [];
      const log = (line: string): void => void lines.push(line);
      await dumpPart({ ...split, part: "0-1/2" }, { log });
      ok(lines.some((line) => /Going on after \d+ of \d+ images/.test(line)), lines.join("\n"));
      deepStrictEqual(await inParts(split, 2), expected);
      const again = await dumpPart({ ...split, part: "1/2" }, { log });
      strictEqual(again.reused, true);
      strictEqual(lines.at(-1), "Using part 1 of 2, which is there");
    }),
});

Deno.test({
  name: "dumpPart() names a bad value by its image in the data set, and other parts do not mind",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = { ...await smallShards("patch", directory, 12), dumpTo: `${directory}/out` };
      const path = `${directory}/shards/acts000004.bin`;
      const bytes = await Deno.readFile(path);
      const imageBytes = bytes.length / 12;
      // The second image of the fifth shard; in every layer, so that the one that is read is among them.
      new Float32Array(bytes.buffer, imageBytes, imageBytes / 4).fill(NaN);
      await Deno.writeFile(path, bytes);
      await rejects(dumpPart({ ...config, part: "4/8" }), /acts000004\.bin, byte \d+: Found NaN in image 49, patch 0/);
      strictEqual((await dumpPart({ ...config, part: "0-3,5-7/8" })).outputs?.length, 7);
      await rejects(mergeParts(config), /part 4 of 8 is missing/);
      await dumpPart({ ...config, nonFinite: "skip", part: "4/8" });
      await rejects(mergeParts(config), /nonFinite was "skip" and is now "error"/);
    }),
});

Deno.test({
  name: "getTopkPatch() and getTopkImg() do not mind that --part is set",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const patch = await smallShards("patch", `${directory}/a`, 40);
      strictEqual((await getTopkPatch({ ...patch, part: "0/2" })).kind, "patch");
      const img = await smallShards("img-cls", `${directory}/b`, 40);
      strictEqual((await getTopkImg({ ...img, part: "0/2" })).kind, "img");
    }),
});
