import assert from "node:assert/strict";
import { inTemporary, run } from "./_process.ts";

const DUMP = [
  "run",
  "--no-prompt",
  "--no-check",
  "--quiet",
  "--allow-read",
  "--allow-write",
  "--unstable-worker-options",
];
const GOLDEN = "fixtures/golden/patch";

Deno.test("--run follows the link to the shards and names results after where it leads, or says what the run lacks", async () => {
  await inTemporary(async (directory) => {
    const dump = (more: string[] = []): ReturnType<typeof run> =>
      run("deno", [...DUMP, "cli.ts", "dump", "--run", `${directory}/run`, "--device", "wasm", ...more]);
    await Deno.mkdir(`${directory}/run/checkpoint`, { recursive: true });
    await Deno.mkdir(`${directory}/run/links`);
    await Deno.mkdir(`${directory}/store/feadabea`, { recursive: true });
    for (const { name } of Deno.readDirSync(`${GOLDEN}/shards`)) {
      await Deno.copyFile(`${GOLDEN}/shards/${name}`, `${directory}/store/feadabea/${name}`);
    }
    const lacksCheckpoint = await dump();
    assert.equal(lacksCheckpoint.code, 3);
    assert.match(
      lacksCheckpoint.stderr,
      /Cannot find .*checkpoint\/sae\.pt: a run directory holds its checkpoint there/,
    );
    await Deno.copyFile(`${GOLDEN}/sae.pt`, `${directory}/run/checkpoint/sae.pt`);
    const lacksLink = await dump();
    assert.equal(lacksLink.code, 3);
    assert.match(
      lacksLink.stderr,
      /Cannot find the shards at .*links\/train-shards: the link is missing or leads nowhere/,
    );
    assert.equal((await run("ln", ["-s", "../../store/feadabea", `${directory}/run/links/train-shards`])).code, 0);
    const done = await dump();
    assert.equal(done.code, 0, done.stderr);
    assert.ok(Deno.statSync(`${directory}/run/inference/feadabea/sort_by_patch/manifest.json`).isFile);
    // The same shards by way of a link that is given by name.
    const given = [
      "--data.shard-root",
      `${directory}/run/links/train-shards`,
      "--dump-to",
      `${directory}/{shards}/out`,
    ];
    assert.equal((await dump(given)).code, 0);
    assert.ok(Deno.statSync(`${directory}/feadabea/out/sort_by_patch/manifest.json`).isFile);
  });
});
