import assert from "node:assert/strict";
import { emptyState } from "../../compute/empty_state.ts";
import { ArtifactError } from "../../compute/errors.ts";
import type { RowLayout } from "../../compute/rows.ts";
import { listCheckpoints } from "../../io/checkpoints.ts";
import { writeState } from "../../io/state_file.ts";
import { dumpActivations, dumpPart, measureSample, mergeParts } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS, smallJob, stopAt } from "./_jobs.ts";

async function edit(path: string, change: (value: Record<string, unknown>) => unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(change(JSON.parse(await Deno.readTextFile(path)))));
}

const refused = (work: Promise<unknown>, pattern: RegExp): Promise<void> =>
  assert.rejects(work, (error: Error) => {
    assert.ok(error instanceof ArtifactError, error.stack);
    assert.match(error.message, pattern);
    return true;
  });

Deno.test({
  name: "mergeParts() takes a part's word for nothing: other images, paths, lengths and measurements are refused",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const job = smallJob(directory, "wasm");
      const parts = `${directory}/sort_by_patch/parts`;
      for (const part of ["0/2", "1/2"]) await dumpPart({ ...job, part });
      const manifest = `${parts}/0-of-2/manifest.json`;
      const good = await Deno.readTextFile(manifest);
      const missing = /part 0 of 2 is missing.*--part 0\/2/;
      const cases: [change: (value: Record<string, unknown>) => unknown, pattern: RegExp][] = [
        [
          ({ part, ...rest }) => ({ ...rest, part: { ...part as object, firstImage: 1 } }),
          /other images than its number/,
        ],
        [
          ({ part, ...rest }) => ({ ...rest, part: { ...part as object, nRows: 1e12 } }),
          /other images than its number/,
        ],
        [({ part, ...rest }) => ({ ...rest, part: { ...part as object, index: 1 } }), missing],
        [({ part, ...rest }) => ({ ...rest, part: { ...part as object, index: "../../../elsewhere" } }), missing],
        [(value) => ({ ...value, part: null }), missing],
        [(value) => ({ ...value, measured: { mean: ["1"], scalar: 1 } }), missing],
        [
          (value) => ({ ...value, measured: { mean: [1], scalar: 2 } }),
          /its mean and norm are not those of the others/,
        ],
      ];
      for (const [change, pattern] of cases) {
        await edit(manifest, change);
        await refused(mergeParts(job), pattern);
        await Deno.writeTextFile(manifest, good);
      }
      // A state with the right checksums and other lengths: zeros are left out, so a small file may ask for much memory.
      const path = `${parts}/0-of-2/part.state`;
      const layout: RowLayout = {
        kind: "patches",
        layers: 1,
        tokens: 16,
        firstToken: 0,
        dVit: 8,
        clamp: 1e5,
        mean: undefined,
        scalar: 1,
      };
      const state = emptyState(128, { layout, nImages: 60, k: 9, sortBy: "img", nDistributions: 0 });
      await writeState(path, { ...state, patches: 0 }, {});
      await edit(manifest, (value) => ({ ...value, files: { "part.state": Deno.statSync(path).size } }));
      await refused(mergeParts(job), /its k is 9, and 8 was expected/);
    }),
});

Deno.test({
  name: "measurements that somebody changed are measured again",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const job = smallJob(directory, "wasm", {
        data: { shardRoot: "fixtures/golden/patch/shards", nRandomSamples: 64 },
      });
      await measureSample(job);
      const path = `${directory}/sort_by_patch/parts/measured.json`;
      const good = await Deno.readTextFile(path);
      for (const measured of [{ mean: [1], scalar: 1 }, { mean: ["x"], scalar: 1 }, { mean: null, scalar: null }, 7]) {
        await edit(path, (value) => ({ ...value, measured }));
        await measureSample(job);
        assert.equal(await Deno.readTextFile(path), good);
      }
    }),
});

Deno.test({
  name: "a saved state whose facts or lengths are not this job's is passed over, and the job begins anew",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await dumpActivations(smallJob(`${directory}/whole`, "reference"));
      const job = smallJob(`${directory}/out`, "reference", { resume: true });
      await assert.rejects(dumpActivations(job, stopAt("encode", 9)), { name: "AbortError" });
      const [path] = await listCheckpoints(`${directory}/out/sort_by_patch`);
      const layout: RowLayout = {
        kind: "patches",
        layers: 1,
        tokens: 2,
        firstToken: 0,
        dVit: 8,
        clamp: 1e5,
        mean: undefined,
        scalar: 1,
      };
      const state = emptyState(4, { layout, nImages: 3, k: 2, sortBy: "patch", nDistributions: 0 });
      for (const facts of [null, 7, {}, { nextImage: -1 }, { config: {}, inputs: [], backend: { name: "wasm" } }]) {
        await writeState(path, state, facts);
        const lines: string[] = [];
        await dumpActivations(job, { log: (line) => void lines.push(line) });
        assert.ok(lines.some((line) => /looking for an older one/.test(line)), lines.join("\n"));
        assert.deepEqual(await contents(`${directory}/out`), await contents(`${directory}/whole`));
        await Deno.remove(`${directory}/out`, { recursive: true });
        await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      }
    }),
});
