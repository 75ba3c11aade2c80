import assert from "node:assert/strict";
import { ArtifactError } from "../../compute/errors.ts";
import { LOCK_NAME, lockDirectory } from "../../io/lock.ts";
import { inTemporary } from "./_temporary.ts";

const permissions: Deno.PermissionOptions = { read: ["tests/tmp"], write: ["tests/tmp"] };
const isHeld = (error: unknown): boolean => error instanceof ArtifactError && /is working there/.test(error.message);

/** Leaves a lock as a killed process does: the file is there and nobody has it open. */
async function leaveLock(directory: string, owner: object, modified: Date): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/${LOCK_NAME}`, JSON.stringify(owner));
  await Deno.utime(`${directory}/${LOCK_NAME}`, modified, modified);
}

Deno.test({
  name: "lockDirectory() gives a directory to one job, says whose it is, and leaves nothing",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const lock = await lockDirectory(`${directory}/a/b`);
      await assert.rejects(lockDirectory(`${directory}/a/b`), (error: Error) => {
        assert.ok(isHeld(error));
        assert.ok(
          error.message.includes(`process ${Deno.pid}`) && error.message.includes("--break-lock"),
          error.message,
        );
        return true;
      });
      await lock.release();
      await lock.release();
      assert.deepEqual([...Deno.readDirSync(`${directory}/a/b`)], []);
      await (await lockDirectory(`${directory}/a/b`)).release();
    }),
});

Deno.test({
  name: "lockDirectory() takes over at once what was left five minutes ago, and what nobody touches after watching it",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const owner = { pid: 1, since: "2026-01-01T00:00:00.000Z" };
      await leaveLock(directory, owner, new Date(Date.now() - 6 * 60_000));
      const lines: string[] = [];
      const options = { beatMs: 40, log: (line: string) => void lines.push(line) };
      await (await lockDirectory(directory, options)).release();
      assert.equal(lines.length, 1);
      assert.match(lines[0], /Taking over .* from process 1, started 2026-01-01 00:00:00 UTC/);
      // Just now, and an hour from now: somebody's clock was set back.
      for (const aheadMs of [0, 3_600_000]) {
        await leaveLock(directory, owner, new Date(Date.now() + aheadMs));
        const start = performance.now();
        await (await lockDirectory(directory, options)).release();
        assert.ok(performance.now() - start >= 100);
      }
      // Killed before it had written who it is.
      await Deno.writeTextFile(`${directory}/${LOCK_NAME}`, "");
      await (await lockDirectory(directory, options)).release();
    }),
});

Deno.test({
  name: "lockDirectory() believes a lock that is touched, though the system would give it away",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await leaveLock(directory, { pid: 1, host: "elsewhere", since: "2026-01-01T00:00:00.000Z" }, new Date());
      const beats = setInterval(() => Deno.utimeSync(`${directory}/${LOCK_NAME}`, new Date(), new Date()), 30);
      try {
        await assert.rejects(lockDirectory(directory, { beatMs: 60 }), isHeld);
        await (await lockDirectory(directory, { beatMs: 60, breakLock: true })).release();
      } finally {
        clearInterval(beats);
      }
    }),
});

Deno.test({
  name: "lockDirectory() with breakLock takes over a living lock, whose holder is told and does not remove the new one",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const first = await lockDirectory(directory, { beatMs: 20 });
      const second = await lockDirectory(directory, { breakLock: true });
      await new Promise((resolve) => first.lost.addEventListener("abort", resolve, { once: true }));
      assert.ok(first.lost.reason instanceof ArtifactError);
      await first.release();
      await assert.rejects(lockDirectory(directory), isHeld);
      await second.release();
    }),
});

Deno.test({
  name: "lockDirectory() stops waiting when asked to",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await leaveLock(directory, { pid: 1, since: "2026-01-01T00:00:00.000Z" }, new Date());
      const controller = new AbortController();
      const reason = new DOMException("Stopped", "AbortError");
      setTimeout(() => controller.abort(reason), 20);
      await assert.rejects(lockDirectory(directory, { signal: controller.signal }), (error) => error === reason);
    }),
});
