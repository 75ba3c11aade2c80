import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { hashes } from "../visuals/_parts.ts";
import { flagsFor, shardName, writeShards } from "./_data.ts";
import { again, allCompleted, ended, hasCluster, logged, logs, run, submit, tasksOf } from "./_slurm.ts";

const TASKS = 4;
const ignore = !hasCluster;
/** What one process takes at least for the slow shards, so that a quarter of them leaves time to interfere. */
const SLOW_MS = 16_000;

/** A directory with slow shards, and the artifacts of one run on them; made once. */
let slow: Promise<{ root: string; expected: Record<string, string> }> | undefined;
function slowJob(): Promise<{ root: string; expected: Record<string, string> }> {
  return slow ??= (async () => {
    const root = await temporary();
    // Rows take long on the reference backend; how many are enough depends on the machine.
    for (let copies = 2, ms = 0; ms < SLOW_MS; copies = Math.ceil(copies * Math.min(10, (1.2 * SLOW_MS) / ms))) {
      await writeShards(`${root}/shards`, copies);
      const start = performance.now();
      await one("dump", slowFlags(root, "one"));
      ms = performance.now() - start;
    }
    return { root, expected: await hashes(`${root}/one/sort_by_patch`) };
  })();
}

function slowFlags(root: string, to: string): string[] {
  return [...flagsFor(`${root}/shards`, `${root}/${to}`, "reference"), "--data.no-scale-mean", "--data.no-scale-norm"];
}

async function temporary(): Promise<string> {
  await Deno.mkdir("tests/tmp", { recursive: true });
  return await Deno.makeTempDir({ dir: "tests/tmp", prefix: "cluster-" });
}

async function one(task: "visuals" | "dump", flags: readonly string[]): Promise<void> {
  await run("deno", ["task", "--quiet", task, ...flags]);
}

/** Fails unless a directory holds the expected artifacts; drawing may add files to it at the same time. */
async function holds(directory: string, expected: Readonly<Record<string, string>>): Promise<void> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(expected)) found[name] = digest(await Deno.readFile(`${directory}/${name}`));
  say(`one run:  ${summary(expected)}\non Slurm: ${summary(found)}`);
  deepStrictEqual(found, expected);
}

function digest(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Digest of all files below a directory, but for those that may differ or tell how the job was split. */
async function everything(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = async (below: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(`${directory}/${below}`)) {
      if (/^(?:parts|slurm|manifest\.json|percentiles_.*|\.drawn\.json)$/.test(name)) continue;
      if (isDirectory) await walk(`${below}${name}/`);
      else {
        found[below + name] = digest(plain(name, await Deno.readFile(`${directory}/${below}${name}`)));
      }
    }
  };
  await walk("");
  return found;
}

/** When a run was made is told by the page, and by the number that tells one build of it from another. */
function plain(name: string, bytes: Uint8Array): Uint8Array | string {
  if (!/\.(?:html|js|json)$/.test(name)) return bytes;
  const text = new TextDecoder().decode(bytes);
  return text.replaceAll(/"build":"[0-9a-f]{16}"/g, "").replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "");
}

/** One line for all, to compare by eye. */
function summary(digests: Record<string, string>): string {
  const lines = Object.entries(digests).sort(([a], [b]) => a < b ? -1 : 1).map(([name, digest]) =>
    `${digest}  ${name}\n`
  );
  return `${lines.length} files, SHA-256 of their list ${digest(lines.join(""))}`;
}

// deno-lint-ignore no-console -- the transcript that this test is run for
const say = (...lines: string[]): void => console.log(...lines);

Deno.test({
  name: "an array of 4, merge and render on Slurm leave the files of one run, byte for byte",
  ignore,
  async fn(): Promise<void> {
    const root = await temporary();
    await writeShards(`${root}/shards`, 1);
    await one("visuals", flagsFor(`${root}/shards`, `${root}/one`, "wasm"));
    const submitted = await submit([
      ...flagsFor(`${root}/shards`, `${root}/split`, "wasm"),
      ...["--slurm.array", `${TASKS}`, "--slurm.render-array", "2", "--slurm.mem", "200M"],
    ]);
    say(submitted.said);
    deepStrictEqual(Object.keys(submitted.jobs), ["measure", "dump", "merge", "render", "page"]);
    await ended(submitted);
    const directory = `${root}/split/sort_by_patch`;
    say(await logs(directory));
    await allCompleted(submitted, directory);
    strictEqual((await tasksOf(submitted.jobs.dump)).length, TASKS);
    const [expected, found] = [await everything(`${root}/one/sort_by_patch`), await everything(directory)];
    say(`one run:  ${summary(expected)}\non Slurm: ${summary(found)}`);
    ok(Object.keys(expected).filter((name) => name.endsWith(".png")).length > 50, "hardly any pictures to compare");
    deepStrictEqual(found, expected);
    await Deno.remove(root, { recursive: true });
  },
});

Deno.test({
  name: "a task that is requeued in the middle goes on from its saved state",
  ignore,
  async fn(): Promise<void> {
    const { root, expected } = await slowJob();
    const directory = `${root}/requeued/sort_by_patch`;
    const submitted = await submit([...slowFlags(root, "requeued"), "--slurm.array", `${TASKS}`]);
    const { dump } = submitted.jobs;
    const log = `${directory}/slurm/logs/dump-${dump}_1.out`;
    await logged(log, /encode +[1-9]/);
    await run("scontrol", ["requeue", `${dump}_1`]);
    await ended({ ...submitted, jobs: { dump, merge: submitted.jobs.merge } });
    const [, task] = await tasksOf(dump);
    say(`task 1: ${JSON.stringify(task)}\n${await Deno.readTextFile(log)}`);
    deepStrictEqual(task, { state: "COMPLETED", restarts: 1, exitCode: "0:0" });
    match(await Deno.readTextFile(log), /Going on after [1-9]\d* of \d+ images/);
    await holds(directory, expected);
  },
});

Deno.test({
  name: "a cancelled task leaves the others alone; merge names it, and again.sh reruns only that",
  ignore,
  async fn(): Promise<void> {
    const { root, expected } = await slowJob();
    const directory = `${root}/cancelled/sort_by_patch`;
    const submitted = await submit([...slowFlags(root, "cancelled"), "--slurm.array", `${TASKS}`]);
    const { dump, merge } = submitted.jobs;
    await logged(`${directory}/slurm/logs/dump-${dump}_2.out`, /encode +[1-9]/);
    await run("scancel", [`${dump}_2`]);
    await ended(submitted);
    deepStrictEqual((await tasksOf(dump)).map(({ state }) => state), [
      "COMPLETED",
      "COMPLETED",
      "CANCELLED",
      "COMPLETED",
    ]);
    const said = await Deno.readTextFile(`${directory}/slurm/logs/merge-${merge}.out`);
    say(said);
    match(said, /part 2 of 4 is missing; to compute only those run sh \S+\/slurm\/again\.sh 2$/m);
    // Rendering waits for a merge that succeeds, and is taken off the queue with one that does not.
    strictEqual((await tasksOf(submitted.jobs.render))[0].state, "CANCELLED");
    const second = await again(directory, "2");
    await ended({ ...second, jobs: { dump: second.jobs.dump, merge: second.jobs.merge } });
    match(await Deno.readTextFile(`${directory}/slurm/logs/dump-${second.jobs.dump}_2.out`), /Going on after [1-9]/);
    await holds(directory, expected);
  },
});

Deno.test({
  name: "a poisoned shard fails exactly one task",
  ignore,
  async fn(): Promise<void> {
    const root = await temporary();
    await writeShards(`${root}/shards`, 1);
    const flags = [
      ...flagsFor(`${root}/shards`, `${root}/one`, "wasm"),
      "--data.no-scale-mean",
      "--data.no-scale-norm",
    ];
    await one("dump", flags);
    const expected = await hashes(`${root}/one/sort_by_patch`);
    // Shards 6 to 8 are part 2.
    const path = `${root}/shards/${shardName(7)}`;
    const good = await Deno.readFile(path);
    const poisoned = good.slice();
    new Float32Array(poisoned.buffer)[96 * 3 + 5] = NaN;
    await Deno.writeFile(path, poisoned);
    const split = flags.with(flags.indexOf("--dump-to") + 1, `${root}/split`);
    const submitted = await submit([...split, "--slurm.array", `${TASKS}`]);
    await ended(submitted);
    const directory = `${root}/split/sort_by_patch`;
    say(await logs(directory));
    deepStrictEqual((await tasksOf(submitted.jobs.dump)).map(({ state, exitCode }) => `${state} ${exitCode}`), [
      "COMPLETED 0:0",
      "COMPLETED 0:0",
      "FAILED 3:0",
      "COMPLETED 0:0",
    ]);
    match(await logs(directory), /acts000007\.bin, byte \d+: Found NaN in image 140, patch 2, dimension 5/);
    await Deno.writeFile(path, good);
    const second = await again(directory, "2");
    await ended(second);
    await allCompleted(second, directory);
    await holds(directory, expected);
    await Deno.remove(root, { recursive: true });
  },
});

Deno.test({
  name: "a warned task saves its state and goes on; preempted tasks are requeued and go on from theirs",
  ignore,
  async fn(): Promise<void> {
    const { root, expected } = await slowJob();
    const directory = `${root}/preempted/sort_by_patch`;
    const submitted = await submit([...slowFlags(root, "preempted"), "--slurm.array", `${TASKS}`]);
    const { dump, merge } = submitted.jobs;
    for (let task = 0; task < TASKS; task++) {
      await logged(`${directory}/slurm/logs/dump-${dump}_${task}.out`, /encode +[1-9]/);
    }
    // As Slurm does ahead of the end; then what it does at the end.
    await run("scancel", ["--signal=USR2", "--batch", `${dump}_0`]);
    await logged(`${directory}/slurm/logs/dump-${dump}_0.out`, /Saving the state, as asked, and going on/);
    const urgent = ["--parsable", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap", "sleep 1"];
    await ended({ ...submitted, jobs: { urgent: (await run("sbatch", urgent)).trim() } });
    await ended({ ...submitted, jobs: { dump, merge } });
    const tasks = await tasksOf(dump);
    say(JSON.stringify(tasks), await logs(directory));
    ok(tasks.every(({ state }) => state === "COMPLETED"));
    ok(tasks.some(({ restarts }) => restarts > 0), "no task was preempted");
    match(await logs(directory), /DUE TO PREEMPTION/);
    match(await logs(directory), /Going on after [1-9]/);
    await holds(directory, expected);
  },
});

Deno.test({
  name: "the slow shards are removed",
  ignore,
  fn: async () => await Deno.remove((await slowJob()).root, { recursive: true }),
});
