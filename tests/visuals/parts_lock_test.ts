import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import type { VisualsConfig } from "../../config.ts";
import { dumpPart, mergeParts, renderArtifacts } from "../../visuals.ts";
import { lockDirectory } from "../../io/lock.ts";
import { goldenCase } from "../golden/_cases.ts";
import { inTemporary } from "../io/_temporary.ts";
import { hashes, reshard } from "./_parts.ts";

const permissions: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"] };

async function smallShards(directory: string): Promise<VisualsConfig> {
  const config = goldenCase("patch").config("wasm", new URL("../tmp/", import.meta.url));
  await reshard(config.data.shardRoot, `${directory}/shards`, 12);
  const data = { ...config.data, shardRoot: `${directory}/shards` };
  return { ...config, nWorkers: 1, data, dumpTo: `${directory}/out` };
}

Deno.test({
  name: "a part that another task is computing is refused, and its neighbours are not",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await smallShards(directory);
      const lock = await lockDirectory(`${config.dumpTo}/sort_by_patch/parts/1-of-3`);
      await rejects(dumpPart({ ...config, part: "1/3" }), /parts\/1-of-3: process \d+.* is working there/);
      await dumpPart({ ...config, part: "0,2/3" });
      await lock.release();
      await dumpPart({ ...config, part: "1/3" });
      await mergeParts(config);
    }),
});

Deno.test({
  name: "a part whose task was killed on another node is taken over, as its lock has not been touched for long",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await smallShards(directory);
      await dumpPart({ ...config, part: "0-2/3" });
      await mergeParts(config);
      const expected = await hashes(`${config.dumpTo}/sort_by_patch`);
      const part = `${config.dumpTo}/sort_by_patch/parts/1-of-3`;
      await Deno.remove(part, { recursive: true });
      await Deno.mkdir(part);
      const owner = { pid: 4711, host: "node17", since: "2025-01-01T00:00:00.000Z" };
      await Deno.writeTextFile(`${part}/.lock`, JSON.stringify(owner));
      const old = new Date(Date.now() - 600_000);
      await Deno.utime(`${part}/.lock`, old, old);
      const lines: string[] = [];
      await dumpPart({ ...config, part: "1/3" }, { log: (line) => void lines.push(line) });
      match(lines.join("\n"), /Taking over \S+1-of-3 from process 4711 on node17, .* which is gone/);
      ok(![...Deno.readDirSync(part)].some(({ name }) => name === ".lock"), "the lock was left");
      await mergeParts(config);
      deepStrictEqual(await hashes(`${config.dumpTo}/sort_by_patch`), expected);
    }),
});

Deno.test({
  name: "renderArtifacts() of parts that are not merged says what to do",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const config = await smallShards(directory);
      await dumpPart({ ...config, part: "0/3" });
      await rejects(renderArtifacts(config), /holds no artifacts of this request; compute them with dump, or merge/);
    }),
});
