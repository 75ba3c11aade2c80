import assert from "node:assert/strict";
import { ArtifactError, ConfigError } from "../../compute/errors.ts";
import { listCheckpoints, saveCheckpoint } from "../../io/checkpoints.ts";
import { openState } from "../../io/open_state.ts";
import { dumpActivations } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS, smallJob, stopAt } from "./_jobs.ts";

const isAbort = (error: unknown): boolean => (error as Error).name === "AbortError";

for (const device of ["reference", "wasm"] as const) {
  for (const sortBy of ["patch", "sum"] as const) {
    Deno.test({
      name: `dumpActivations() stopped and resumed again and again writes the same bytes: ${device}, by ${sortBy}`,
      permissions: PERMISSIONS,
      fn: () =>
        inTemporary(async (directory) => {
          const more = { sortBy, percentile: 60, data: { scaleMean: true, scaleNorm: true, nRandomSamples: 300 } };
          const whole = smallJob(`${directory}/whole`, device, more);
          await dumpActivations(whole);
          const pieces = smallJob(`${directory}/pieces`, device, { ...more, resume: true });
          // Reports begin with 0, and with where a resumed pass goes on.
          for (const n of [2, 3, 18, 2]) {
            await assert.rejects(dumpActivations(pieces, stopAt("encode", n)), isAbort);
          }
          const lines: string[] = [];
          const { rows } = await dumpActivations(pieces, { log: (line) => void lines.push(line) });
          assert.ok(lines.some((line) => /Going on after 21 of \d+ images/.test(line)), lines.join("\n"));
          const [found, expected] = [await contents(`${directory}/pieces`), await contents(`${directory}/whole`)];
          assert.deepEqual([...found.keys()], [...expected.keys()]);
          assert.deepEqual(found, expected);
          assert.ok(rows! > 1000);
        }),
    });
  }
}

Deno.test({
  name: "dumpActivations() saves on its interval, and a pass goes on from there after it was killed",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await dumpActivations(smallJob(`${directory}/whole`, "wasm"));
      const job = smallJob(`${directory}/pieces`, "wasm", { checkpointEvery: 1e-9, resume: true });
      // A killed process leaves its states, and never gets to save another on its way out.
      const killed = new Error("killed");
      let seen = 0;
      const progress = (): void => {
        if (++seen === 30) throw killed;
      };
      await assert.rejects(dumpActivations(job, { progress }), (error) => error === killed);
      const saved = await listCheckpoints(`${directory}/pieces/sort_by_patch`);
      assert.equal(saved.length, 2);
      // A disk that lied: the newest is damaged, the one before is taken.
      await Deno.truncate(saved[0], 1000);
      const lines: string[] = [];
      await dumpActivations(job, { log: (line) => void lines.push(line) });
      assert.ok(lines.some((line) => line.includes("looking for an older one")), lines.join("\n"));
      assert.ok(lines.some((line) => /Going on after \d+ of/.test(line)), lines.join("\n"));
      assert.deepEqual(await contents(`${directory}/pieces`), await contents(`${directory}/whole`));
    }),
});

Deno.test({
  name: "--resume refuses a state of another request, backend or version, and begins anew where there is none",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const job = smallJob(directory, "reference", { resume: true });
      const lines: string[] = [];
      const stop = stopAt("encode", 5);
      await assert.rejects(dumpActivations(job, { ...stop, log: (line) => void lines.push(line) }), isAbort);
      assert.ok(lines.some((line) => line.includes("Found no saved state")), lines.join("\n"));
      const refuses = (config: typeof job, pattern: RegExp): Promise<void> =>
        assert.rejects(dumpActivations(config), (error: Error) => {
          assert.ok(error instanceof ConfigError, String(error));
          assert.match(error.message, pattern);
          return true;
        });
      await refuses({ ...job, topK: 9 }, /topK was 8 and is now 9; give the same settings/);
      await refuses({ ...job, device: "wasm" }, /backend/);
      const output = `${directory}/sort_by_patch`;
      const file = await openState((await listCheckpoints(output))[0]);
      await saveCheckpoint(output, await file.read(), { ...file.header.facts as object, version: "0.0.1" });
      file.close();
      await refuses(job, /version 0\.0\.1 saved it/);
    }),
});

Deno.test({
  name: "without --resume a saved state is reported, left aside, and gone when the job is done",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const job = smallJob(directory, "wasm");
      await assert.rejects(dumpActivations(job, stopAt("encode", 5)), isAbort);
      const lines: string[] = [];
      const { rows } = await dumpActivations(job, { log: (line) => void lines.push(line) });
      assert.ok(lines.some((line) => line.includes("--resume would go on from it")), lines.join("\n"));
      assert.ok(!lines.some((line) => line.includes("Going on")), lines.join("\n"));
      assert.ok(rows! > 1000);
      assert.deepEqual(await listCheckpoints(`${directory}/sort_by_patch`), []);
      const names = [...Deno.readDirSync(`${directory}/sort_by_patch`)].map(({ name }) => name);
      assert.deepEqual(names.filter((name) => name.startsWith(".")), []);
    }),
});

Deno.test({
  name: "a job stopped while it measures leaves nothing to resume from, and one in the directory keeps others out",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const job = smallJob(directory, "wasm", { data: { scaleMean: true, scaleNorm: true } });
      await assert.rejects(dumpActivations(job, stopAt("measure", 1)), isAbort);
      assert.deepEqual(await listCheckpoints(`${directory}/sort_by_patch`), []);
      let second: Promise<unknown> | undefined;
      await dumpActivations(job, {
        progress: ({ stage }) => {
          if (stage === "encode") second ??= assert.rejects(dumpActivations(job), ArtifactError);
        },
      });
      await second;
    }),
});
