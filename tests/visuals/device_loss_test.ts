/** Jobs whose GPU goes away under them. */
import assert from "node:assert/strict";
import { describeFailure, EXIT_CODES } from "../../cli/exit_codes.ts";
import { DeviceLostError } from "../../compute/errors.ts";
import { dumpActivations } from "../../visuals.ts";
import { gpuTest } from "../compute/webgpu/_adapter.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS, smallJob } from "./_jobs.ts";

/**
 * Runs `body`, which is given a way to destroy the newest device, as a driver that resets would. Adapters say that they are
 * software ones, which get small batches: a card would be through with these jobs before anything can be lost.
 */
async function withLosses(body: (lose: () => void) => Promise<void>): Promise<void> {
  Object.defineProperty(GPUAdapter.prototype, "isFallbackAdapter", { configurable: true, get: () => true });
  const { requestDevice } = GPUAdapter.prototype;
  let newest: GPUDevice | undefined;
  GPUAdapter.prototype.requestDevice = async function (descriptor): Promise<GPUDevice> {
    return newest = await requestDevice.call(this, descriptor);
  };
  try {
    await body(() => newest?.destroy());
  } finally {
    GPUAdapter.prototype.requestDevice = requestDevice;
    Reflect.deleteProperty(GPUAdapter.prototype, "isFallbackAdapter");
  }
}

/** A progress listener that calls `lose` at these reports of the encoding. */
function loseAt(lose: () => void, reports: readonly number[]): (step: { stage: string }) => void {
  let seen = 0;
  return ({ stage }) => void (stage === "encode" && reports.includes(++seen) && lose());
}

/** What a directory holds, but for the manifest, which tells of losses. */
async function artifacts(directory: string): Promise<Map<string, string>> {
  const files = await contents(directory);
  for (const name of files.keys()) if (name.endsWith("manifest.json")) files.delete(name);
  return files;
}

gpuTest(
  "a job whose GPU is lost once goes on with a new one, says so, and writes the same artifacts",
  () =>
    inTemporary((directory) =>
      withLosses(async (lose) => {
        await dumpActivations(smallJob(`${directory}/whole`, "webgpu"));
        const lines: string[] = [];
        const progress = loseAt(lose, [40]);
        const log = (line: string): void => void lines.push(line);
        await dumpActivations(smallJob(`${directory}/lost`, "webgpu"), { progress, log });
        assert.ok(
          lines.some((line) => /^Lost the GPU \(.*\); went on with a new device$/.test(line)),
          lines.join("\n"),
        );
        assert.deepEqual(await artifacts(`${directory}/lost`), await artifacts(`${directory}/whole`));
        const manifest = JSON.parse(await Deno.readTextFile(`${directory}/lost/sort_by_patch/manifest.json`));
        assert.equal(manifest.backend.details.deviceLosses, 1);
      })
    ),
  PERMISSIONS,
);

gpuTest(
  "a second loss within a minute ends a job with exit code 4; artifacts are safe and it resumes",
  () =>
    inTemporary((directory) =>
      withLosses(async (lose) => {
        await dumpActivations(smallJob(`${directory}/whole`, "webgpu"));
        await dumpActivations(smallJob(`${directory}/twice`, "webgpu", { topK: 3 }));
        const before = await artifacts(`${directory}/twice`);
        const job = smallJob(`${directory}/twice`, "webgpu", { checkpointEvery: 1e-9, resume: true });
        await assert.rejects(dumpActivations(job, { progress: loseAt(lose, [20, 40]) }), (error) => {
          assert.ok(error instanceof DeviceLostError, String(error));
          const { code, message } = describeFailure(error);
          assert.equal(code, EXIT_CODES.backend);
          assert.match(message, /^Lost the GPU twice within a minute \(.*\): resume from the last checkpoint$/);
          return true;
        });
        const left = await artifacts(`${directory}/twice`);
        for (const [name, digest] of before) assert.equal(left.get(name), digest, name);
        const lines: string[] = [];
        await dumpActivations({ ...job, checkpointEvery: 0 }, { log: (line) => void lines.push(line) });
        assert.ok(lines.some((line) => /^Going on after \d+ of 96 images/.test(line)), lines.join("\n"));
        assert.deepEqual(await artifacts(`${directory}/twice`), await artifacts(`${directory}/whole`));
      })
    ),
  PERMISSIONS,
);
