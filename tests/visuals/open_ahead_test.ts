import { ok, rejects, strictEqual } from "node:assert/strict";
import { parseConfig, type VisualsConfig } from "../../config.ts";
import { openAhead } from "../../visuals/open_ahead.ts";
import { untilRunning, watchWorkers } from "../compute/wasm/_watch_workers.ts";
import { inTemporary } from "../io/_temporary.ts";
import { PERMISSIONS, smallJob } from "./_jobs.ts";

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

/** Shards of the golden case made out to be so many images, whose bytes are not read here. */
async function job(directory: string, ckpt?: string): Promise<VisualsConfig> {
  const { data: { shardRoot }, ...small } = smallJob(`${directory}/out`, "wasm", { nWorkers: 3 });
  const config = parseConfig({ ...small, data: { shardRoot: `${directory}/shards` } });
  await Deno.mkdir(`${directory}/shards`);
  const metadata = JSON.parse(await Deno.readTextFile(`${shardRoot}/metadata.json`));
  const [nImages, perShard] = [16_000, Math.floor(metadata.n_patches_per_shard / 17 / metadata.layers.length)];
  await Deno.writeTextFile(`${directory}/shards/metadata.json`, JSON.stringify({ ...metadata, n_imgs: nImages }));
  const bytes = perShard * 17 * metadata.layers.length * metadata.d_vit * 4;
  for (let i = 0; i * perShard < nImages; i++) {
    using file = await Deno.create(`${directory}/shards/acts${String(i).padStart(6, "0")}.bin`);
    await file.truncate(bytes);
  }
  return ckpt === undefined ? config : { ...config, ckpt };
}

Deno.test({
  name: "openAhead() starts a job's workers while it opens the inputs, and ends them on disposal, once or twice",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary((directory) =>
      watchWorkers(async ({ started, running }) => {
        const config = await job(directory);
        const opened = await openAhead(config, { workerPermissions: "none" });
        await untilRunning(3, { running });
        strictEqual(opened.inputs.shards.nImages, 16_000);
        strictEqual(started.length, 3);
        strictEqual(running().length, 3);
        for (let i = 0; i < 2; i++) opened[Symbol.dispose]();
        strictEqual(running().length, 0);
      })
    ),
});

Deno.test({
  name: "openAhead() that cannot open the inputs leaves no worker, and starts none for what needs none",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary((directory) =>
      watchWorkers(async ({ started, running }) => {
        const config = await job(directory, `${directory}/no-such.pt`);
        await rejects(openAhead(config, { workerPermissions: "none" }), /no-such\.pt/);
        await soon();
        strictEqual(running().length, 0);
        const before = started.length;
        const { ckpt } = smallJob(directory, "wasm");
        for (
          const other of [{ ...config, ckpt, nWorkers: 1 }, { ...config, ckpt, device: "reference" as const }, {
            ...smallJob(`${directory}/small`, "wasm", { nWorkers: 3 }),
          }]
        ) {
          using opened = await openAhead(other, { workerPermissions: "none" });
          await soon();
          ok(opened.inputs.nRows > 0);
          strictEqual(started.length, before);
        }
      })
    ),
});
