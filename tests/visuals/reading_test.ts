import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { VisualsConfig } from "../../config.ts";
import { dumpActivations, dumpPart, measureSample } from "../../visuals.ts";
import { goldenCase } from "../golden/_cases.ts";
import { inTemporary } from "../io/_temporary.ts";
import { type CountedRead, countFiles } from "./_count_files.ts";
import { hashes, reshard } from "./_parts.ts";

const permissions: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };
const PARTS = 3;

async function smallShards(name: string, directory: string): Promise<VisualsConfig> {
  const config = goldenCase(name).config("wasm", new URL("../tmp/", import.meta.url));
  await reshard(config.data.shardRoot, `${directory}/shards`, 12);
  const data = { ...config.data, shardRoot: `${directory}/shards` };
  return { ...config, nWorkers: 1, topkBatchSize: 32, data, dumpTo: `${directory}/out` };
}

const shardsOf = (paths: readonly string[]): string[] => paths.filter((path) => path.endsWith(".bin"));

/** Reads of each shard in the order they were asked for. */
function byShard(reads: readonly CountedRead[]): Map<string, CountedRead[]> {
  return Map.groupBy(reads.filter(({ path }) => path.endsWith(".bin")), ({ path }) => path);
}

for (const name of ["patch", "patch-scaled", "img-cls-sampled"]) {
  Deno.test({
    name: `each shard is opened by exactly one part, once, and no directory is listed between batches: ${name}`,
    permissions,
    fn: () =>
      inTemporary(async (directory) => {
        const config = await smallShards(name, directory);
        // Measures once for all parts, which then open nothing but their own.
        await measureSample(config);
        const opened: string[][] = [];
        for (let index = 0; index < PARTS; index++) {
          const listedBetween: number[] = [];
          const counts = await countFiles((counts) =>
            dumpPart({ ...config, part: `${index}/${PARTS}` }, {
              progress: ({ stage }) => void (stage === "encode" && listedBetween.push(counts.listed.length)),
            })
          );
          opened.push(shardsOf(counts.opened));
          ok(listedBetween.length > 3, "too few batches to tell");
          strictEqual(listedBetween.at(-1), listedBetween[0], "a directory is listed between batches");
          ok(!counts.listed.some((path) => path.includes("/shards")), "the shards' directory is listed");
          for (const [path, reads] of byShard(counts.reads)) {
            // In order, every byte at most once: what a read-ahead of the system can follow.
            reads.reduce((end, { offset, bytes }) => (ok(offset >= end, path), offset + bytes), 0);
          }
        }
        const shards = [...Deno.readDirSync(`${directory}/shards`)].map(({ name }) => `${directory}/shards/${name}`);
        deepStrictEqual(opened.flat().sort(), shardsOf(shards).sort());
      }),
  });
}

Deno.test({
  name: "a sample opens each shard once for the mean and once for the norm, however many rows are drawn from it",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await smallShards("img-cls-sampled", directory);
      const { opened, reads } = await countFiles(() => measureSample(config));
      ok(shardsOf(opened).length < reads.length / 2, `${opened.length} files are opened for ${reads.length} reads`);
      strictEqual(shardsOf(opened).length, 2 * new Set(shardsOf(opened)).size);
    }),
});

Deno.test({
  name: "--read-ahead has so many reads under way, and changes no byte",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await smallShards("img-cls-sampled", directory);
      const atOnce: number[] = [];
      const digests: Record<string, string>[] = [];
      for (const readAhead of [1, 4]) {
        const job = { ...config, readAhead, dumpTo: `${directory}/${readAhead}` };
        const { mostAtOnce, opened } = await countFiles(() => dumpActivations(job), readAhead);
        atOnce.push(mostAtOnce);
        digests.push(await hashes(`${job.dumpTo}/sort_by_img`));
        // The sample's mean, its norm, the pass: never more than a handle for each read under way.
        for (const path of shardsOf(opened)) {
          ok(opened.filter((other) => other === path).length <= 3 * readAhead, `${path} is opened again and again`);
        }
      }
      ok(atOnce[0] <= 1 && atOnce[1] === 4, atOnce.join());
      deepStrictEqual(digests[1], digests[0]);
    }),
});
