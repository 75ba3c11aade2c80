import assert from "node:assert/strict";
import { LOCK_NAME, lockDirectory } from "../../io/lock.ts";
import { ArtifactError } from "../../compute/errors.ts";
import { contents } from "../visuals/_jobs.ts";
import { dumpWords, startLimited } from "./_cli.ts";
import { inTemporary, run, start } from "./_process.ts";

/** Mounts that only the process that makes them sees, and that go with it: as root, or as root of a namespace. */
async function mountsWith(flags: readonly string[]): Promise<boolean> {
  const { code } = await run("unshare", [...flags, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
  return code === 0;
}

/** How a shell tells that a program ended by SIGTRAP, which is how the engine ends itself. */
const SIGTRAP_STATUS = 128 + 5;

const UNSHARE = await mountsWith(["-m"]) ? ["-m"] : ["-rm"];
const canMount = await mountsWith(UNSHARE);

Deno.test({
  name: "a full disk ends in one line and 5, with the artifacts before untouched",
  ignore: !canMount,
  fn: () =>
    inTemporary(async (directory) => {
      // 700 KiB hold one small set of artifacts, and not a second, larger one beside it.
      const script = 'mount -t tmpfs -o size=700k tmpfs "$1" && shift && ' +
        'deno "${@:2}" --top-k 2 --n-distributions 0 && cp -r "$1" "$1.before" 2>/dev/null; ' +
        'cp -r "$1/sort_by_patch" "$0.before"; deno "${@:2}" --top-k 60 --n-distributions 128; echo "code $?"; ' +
        'rm -rf "$0.after"; cp -r "$1/sort_by_patch" "$0.after"; df --output=avail "$1" | tail -1';
      const disk = `${directory}/disk`;
      await Deno.mkdir(disk);
      const words = [...UNSHARE, "bash", "-c", script, `${directory}/copy`, disk, disk, ...dumpWords(disk)];
      const { stdout, stderr } = await run("unshare", words);
      assert.match(stdout, /code 5/, stderr);
      assert.match(stderr, /error: Cannot write .*No space left on device/);
      assert.deepEqual(await contents(`${directory}/copy.after`), await contents(`${directory}/copy.before`));
    }),
});

Deno.test({
  name: "a read-only target ends in one line and 5; what fits is still used",
  ignore: !canMount,
  fn: () =>
    inTemporary(async (directory) => {
      assert.equal((await run("deno", dumpWords(directory))).code, 0);
      const script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"';
      const readOnly = (more: string[]): ReturnType<typeof run> =>
        run("unshare", [...UNSHARE, "bash", "-c", script, "bash", directory, "deno", ...dumpWords(directory, more)]);
      const other = await readOnly(["--top-k", "5"]);
      assert.equal(other.code, 5, other.stderr);
      assert.match(other.stderr, /error: Cannot write .*Read-only file system/);
      const same = await readOnly([]);
      assert.equal(same.code, 0, same.stderr);
      assert.match(same.stderr, /Using the artifacts/);
    }),
});

Deno.test("too few file descriptors end in one line that says which limit to raise", async () => {
  await inTemporary(async (directory) => {
    // What Deno needs for itself differs between versions: the first limit at which the job fails is ours.
    for (let files = 48; files >= 16; files -= 2) {
      const { code, stderr } = await startLimited(`ulimit -n ${files}`, dumpWords(`${directory}/${files}`)).finished;
      if (code === 0) continue;
      assert.match(stderr, /error: Cannot .*Too many open files \(os error 24\)/);
      assert.ok(code === 3 || code === 5, `${code}: ${stderr}`);
      return;
    }
    assert.fail("No limit was too low");
  });
});

Deno.test("memory that the system refuses ends in one line and 4, with the artifacts before untouched", async () => {
  await inTemporary(async (directory) => {
    assert.equal((await run("deno", dumpWords(directory))).code, 0);
    const before = await contents(directory);
    const huge = ["--device", "reference", "--top-k", "3000000", "--max-memory", "1TiB", "--n-distributions", "0"];
    // Deno reserves tens of gigabytes of addresses, how many depends on its version: the least it starts with, and some.
    let gigabytes = 16;
    while ((await startLimited(`ulimit -v ${gigabytes * 2 ** 20}`, ["eval", "0"]).finished).code !== 0) gigabytes += 2;
    let [code, stderr] = [0, ""];
    for (let more = 2; more < 8; more++) {
      const limit = `ulimit -v ${(gigabytes + more) * 2 ** 20}`;
      ({ code, stderr } = await startLimited(limit, dumpWords(directory, huge)).finished);
      assert.deepEqual(await contents(directory), before);
      // Under such a limit the engine now and then dies of its own reservations, before the job has begun.
      if (code !== SIGTRAP_STATUS) break;
    }
    assert.equal(code, 4, stderr);
    assert.match(stderr, /error: Cannot take the memory for 128 latents .*take a smaller --top-k/);
    assert.deepEqual(await contents(directory), before);
  });
});

Deno.test("an engine that runs out of heap ends the process; artifacts before stay, and --resume ends in the same bytes", async () => {
  await inTemporary(async (directory) => {
    const job = (to: string, more: string[] = []): string[] =>
      dumpWords(to, ["--device", "reference", "--topk-batch-size", "1", ...more]);
    const [whole, out] = [`${directory}/whole`, `${directory}/out`];
    assert.equal((await run("deno", job(whole))).code, 0);
    // Other artifacts, which the jobs that die are to replace.
    assert.equal((await run("deno", job(out, ["--top-k", "5"]))).code, 0);
    const before = await contents(out);
    let died = 0;
    for (const megabytes of [9, 9, 12]) {
      const words = job(out, ["--resume", "--checkpoint-every", "1ms"]);
      const limited = [words[0]!, `--v8-flags=--max-old-space-size=${megabytes}`, ...words.slice(1)];
      const { code, stderr } = await run("deno", limited);
      if (code === 0) break;
      // Now and then the engine fails a check of its own in the collector first, and Deno ends by a panic, which must leave
      // as much but does not count.
      const failsCheck = /^Fatal error in .*: Check failed: /m.test(stderr);
      assert.equal(code, failsCheck ? 1 : SIGTRAP_STATUS, stderr);
      if (!failsCheck) died++;
      const found = await contents(out);
      const isComplete = found.has("/sort_by_patch/.incoming/manifest.json");
      for (const [name, digest] of isComplete ? [] : before) assert.equal(found.get(name), digest, name);
    }
    assert.ok(died > 0, "no heap was too small");
    const { code, stderr } = await run("deno", job(out, ["--resume"]));
    assert.equal(code, 0, stderr);
    assert.deepEqual(await contents(out), await contents(whole));
  });
});

Deno.test("a lock that is a link is refused, and what it leads to stays", async () => {
  await inTemporary(async (directory) => {
    await Deno.writeTextFile(`${directory}/precious`, "stays");
    await Deno.mkdir(`${directory}/out`);
    assert.equal((await run("ln", ["-s", "../precious", `${directory}/out/${LOCK_NAME}`])).code, 0);
    await assert.rejects(lockDirectory(`${directory}/out`), (error: Error) => error instanceof ArtifactError);
    assert.equal(await Deno.readTextFile(`${directory}/precious`), "stays");
  });
});

Deno.test("a directory that goes away while the job runs ends in one line and 5", async () => {
  await inTemporary(async (directory) => {
    const output = `${directory}/out`;
    const running = start("deno", dumpWords(output, ["--device", "reference", "--topk-batch-size", "1"]));
    await running.said("Computing on");
    await Deno.rename(output, `${directory}/moved`);
    await Deno.writeTextFile(output, "a file in its place");
    const { code, stderr } = await running.finished;
    assert.equal(code, 5, stderr);
    assert.match(stderr, /error: Cannot write/);
  });
});
