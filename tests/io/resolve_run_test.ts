import { ok, rejects, strictEqual } from "node:assert/strict";
import { CheckpointError, ShardFormatError } from "../../compute/errors.ts";
import { resolveRun } from "../../io/resolve_run.ts";
import { inTemporary } from "./_temporary.ts";

Deno.test({
  name: "resolveRun() finds checkpoint, shards and output, and says what is missing",
  permissions: { read: ["tests/tmp"], write: ["tests/tmp"] },
  fn: () =>
    inTemporary(async (directory) => {
      const run = `${directory}/runs/a`;
      await rejects(resolveRun(run), (error: Error) => error instanceof CheckpointError);
      await Deno.mkdir(`${run}/checkpoint`, { recursive: true });
      await Deno.writeTextFile(`${run}/checkpoint/sae.pt`, "");
      await rejects(resolveRun(run), (error: Error) => error instanceof ShardFormatError);
      await Deno.mkdir(`${run}/links/train-shards`, { recursive: true });
      const { ckpt, shardRoot, output } = await resolveRun(run);
      strictEqual(ckpt, `${run}/checkpoint/sae.pt`);
      ok(shardRoot.endsWith(`${run}/links/train-shards`) && shardRoot.startsWith("/"));
      strictEqual(output, `${run}/inference/train-shards`);
    }),
});
