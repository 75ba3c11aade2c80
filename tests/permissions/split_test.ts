import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { flagsFor, shardName, writeShards } from "../cluster/_data.ts";
import { hashes } from "../visuals/_parts.ts";
import { type Finished, path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };
const START = ["run", "--no-prompt", "--unstable-worker-options"];
const SCALED = ["--data.no-scale-mean", "--data.no-scale-norm"];

/** `cli.ts` with these permissions beside reading the project and writing `folder`. */
function cli(
  folder: string,
  permissions: readonly string[],
  words: readonly string[],
  env?: Record<string, string>,
): Promise<Finished> {
  const narrow = [`--allow-read=${path(ROOT).slice(0, -1)}`, `--allow-write=${folder}`];
  return runDeno([...START, ...narrow, ...permissions, "cli.ts", ...words], { env });
}

Deno.test({
  name: "submit --dry-run needs no run permission; without --dry-run it says which flag is missing",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (url) => {
      const folder = path(url).slice(0, -1);
      await writeShards(`${folder}/shards`, 1);
      const words = ["submit", ...flagsFor(`${folder}/shards`, `${folder}/out`, "wasm"), "--slurm.array", "4"];
      const dry = await cli(folder, [], [...words, "--dry-run"]);
      strictEqual(dry.code, 0, dry.stderr);
      match(dry.stdout, /^Wrote \S+\/slurm\/dump\.sh$[^]*^Nothing was submitted$/m);
      const scripts = [...Deno.readDirSync(`${folder}/out/sort_by_patch/slurm`)].map(({ name }) => name).sort();
      deepStrictEqual(scripts, ["again.sh", "dump.sh", "logs", "measure.sh", "merge.sh", "render.sh"]);
      const refused = await cli(folder, [], words);
      strictEqual(refused.code, 2, refused.stderr);
      match(refused.stderr, /^error: Requires run access to "sbatch".*--allow-run=sbatch/m);
    }),
});

Deno.test({
  name:
    "dump --parts 4 --local leaves the bytes of one dump; a poisoned shard costs one part, and --part makes it good",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (url) => {
      const folder = path(url).slice(0, -1);
      await writeShards(`${folder}/shards`, 1);
      const flags = (to: string): string[] => flagsFor(`${folder}/shards`, `${folder}/${to}`, "wasm");
      strictEqual((await cli(folder, [], ["dump", ...flags("one")])).code, 0);
      const expected = await hashes(`${folder}/one/sort_by_patch`);
      const split = await cli(folder, ["--allow-run=deno"], ["dump", ...flags("split"), "--parts", "4", "--local"]);
      strictEqual(split.code, 0, split.stderr);
      match(split.stderr, /^part 3: Part 3 of 4: images 180 to 239$/m);
      deepStrictEqual(await hashes(`${folder}/split/sort_by_patch`), expected);

      // Shards 6 to 8 are part 2. Rows are not scaled, or the bad value would be found in measuring already.
      const poisoned = `${folder}/shards/${shardName(7)}`;
      const good = await Deno.readFile(poisoned);
      const bad = good.slice();
      new Float32Array(bad.buffer)[96 * 3 + 5] = NaN;
      await Deno.writeFile(poisoned, bad);
      const words = ["dump", ...flags("bad"), ...SCALED];
      const failed = await cli(folder, ["--allow-run=deno"], [...words, "--parts", "4", "--local"]);
      strictEqual(failed.code, 3, failed.stderr);
      match(failed.stderr, /Part 2 of 4 ended with exit status 3/);
      match(failed.stderr, /part 2 of 4 is missing; .* run the same dump with --part 2\/4, then merge$/m);
      await Deno.writeFile(poisoned, good);

      const env = { TASK: "3", TASKS: "4" };
      const fromOne = [...words, "--part", "env:TASK-1/TASKS"];
      const blind = await cli(folder, [], fromOne, env);
      strictEqual(blind.code, 2, blind.stderr);
      match(blind.stderr, /^error: Requires env access to "TASK".*--allow-env=TASK/m);
      const done = await cli(folder, ["--allow-env=TASK,TASKS"], fromOne, env);
      strictEqual(done.code, 0, done.stderr);
      const merged = await cli(folder, [], ["merge", ...flags("bad"), ...SCALED]);
      strictEqual(merged.code, 0, merged.stderr);
      strictEqual((await cli(folder, [], ["dump", ...flags("plain"), ...SCALED])).code, 0);
      const [plain, found] = [
        await hashes(`${folder}/plain/sort_by_patch`),
        await hashes(`${folder}/bad/sort_by_patch`),
      ];
      deepStrictEqual(found, plain);
      ok(Object.keys(found).length >= 10);
    }),
});
