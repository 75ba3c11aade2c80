import assert from "node:assert/strict";
import { contents } from "../visuals/_jobs.ts";
import { slowWords } from "./_cli.ts";
import { inTemporary, run, type Running, start } from "./_process.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Names of the saved states in an output directory. */
async function states(directory: string): Promise<string> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(`${directory}/sort_by_patch/.state`)) {
      if (name.endsWith(".state")) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort().join();
}

/** Waits until the pass saves another state: in the middle of it, whatever the speed of the machine. */
async function savesAnother(directory: string, running: Running): Promise<void> {
  const before = await states(directory);
  let isOver = false;
  running.finished.finally(() => isOver = true);
  while (!isOver && await states(directory) === before) await pause(2);
}

Deno.test("SIGTERM, SIGUSR2 and Ctrl-C save the state and exit with 75; --resume goes on to the same bytes", async () => {
  await inTemporary(async (directory) => {
    const whole = await run("deno", slowWords(`${directory}/whole`));
    assert.equal(whole.code, 0, whole.stderr);
    for (const [i, signal] of (["SIGTERM", "SIGUSR2", "SIGINT"] as const).entries()) {
      const often = ["--resume", "--checkpoint-every", "50ms"];
      const running = start("deno", slowWords(`${directory}/pieces`, often));
      await running.said(i === 0 ? "Computing on" : "Going on after");
      await savesAnother(`${directory}/pieces`, running);
      running.kill(signal);
      const { code, stderr } = await running.finished;
      assert.equal(code, 75, stderr);
      assert.match(stderr, /run the same command with --resume to go on/);
    }
    const { code, stderr } = await run("deno", slowWords(`${directory}/pieces`, ["--resume"]));
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Going on after \d+ of 240 images/);
    assert.deepEqual(await contents(`${directory}/pieces`), await contents(`${directory}/whole`));
  });
});

Deno.test("a second job in a directory exits with 5 and names the first; a killed one's lock is taken over", async () => {
  await inTemporary(async (directory) => {
    const first = start("deno", slowWords(directory));
    await first.said("Computing on");
    // Held still, so that it neither ends before the second comes nor lets go of the lock.
    first.kill("SIGSTOP");
    const second = await run("deno", slowWords(directory));
    assert.equal(second.code, 5, second.stderr);
    assert.match(
      second.stderr,
      /error: Cannot write to .*sort_by_patch: process \d+, started .* is working there; .*--break-lock/,
    );
    first.kill("SIGKILL");
    await first.finished;
    const third = start("deno", slowWords(directory));
    // Without the host's name it cannot be sure that this was here, and watches.
    await third.said("still works in the output directory");
    await third.said("Taking over");
    third.kill("SIGTERM");
    assert.equal((await third.finished).code, 75);
  });
});
