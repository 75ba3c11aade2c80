import assert from "node:assert/strict";
import { ArtifactError, ShardFormatError } from "../../compute/errors.ts";
import { dumpActivations } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";
import { systemError, withInjected } from "./_inject.ts";
import { contents, PERMISSIONS, smallJob, stopAt } from "./_jobs.ts";

const SHARDS = "fixtures/golden/patch/shards";

/** The shards again, where they may be harmed. */
async function copyShards(directory: string): Promise<string> {
  await Deno.mkdir(`${directory}/shards`);
  for (const { name } of Deno.readDirSync(SHARDS)) {
    await Deno.copyFile(`${SHARDS}/${name}`, `${directory}/shards/${name}`);
  }
  return `${directory}/shards`;
}

Deno.test({
  name: "a disk that is full, or a quota used up, at any write leaves the artifacts before as they were, and no rest",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await dumpActivations(smallJob(directory, "wasm", { topK: 3 }));
      const before = await contents(directory);
      const job = smallJob(directory, "wasm", { checkpointEvery: 3600 });
      for (let full = 0; full < 30; full += 5) {
        let writes = 0;
        const code = full % 10 === 0 ? "ENOSPC" : "EDQUOT";
        const write = (original: (bytes: Uint8Array) => number, bytes: Uint8Array): number => {
          if (writes++ >= full) throw systemError(code);
          // And now and then it takes only a part, as it may.
          return original(writes % 3 === 0 ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes);
        };
        await withInjected(["writeSync"], write, async () => {
          await assert.rejects(dumpActivations(job), (error: Error) => {
            assert.ok(error instanceof ArtifactError, String(error));
            assert.match(error.message, /^Cannot write .*: (?:No space left on device|Disk quota exceeded)/);
            return true;
          });
        });
        assert.deepEqual(await contents(directory), before);
      }
      await dumpActivations(job);
      await dumpActivations(smallJob(`${directory}/other`, "wasm"));
      assert.deepEqual(
        await contents(`${directory}/sort_by_patch`),
        await contents(`${directory}/other/sort_by_patch`),
      );
    }),
});

Deno.test({
  name: "a state that cannot be saved on its interval is a warning, and on the way out an error",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const job = smallJob(directory, "wasm", { checkpointEvery: 1e-9 });
      const lines: string[] = [];
      let isFull = true;
      const write = (original: (bytes: Uint8Array) => number, bytes: Uint8Array): number => {
        if (isFull) throw systemError("ENOSPC");
        return original(bytes);
      };
      await withInjected(["writeSync"], write, async () => {
        await dumpActivations(job, {
          log: (line) => void lines.push(line),
          progress: ({ stage }) => void (isFull = stage === "encode"),
        });
      });
      assert.ok(lines.some((line) => /No space left.*going on without saving the state/.test(line)), lines.join("\n"));
      const stopped = smallJob(`${directory}/stopped`, "wasm");
      isFull = true;
      await withInjected(["writeSync"], write, async () => {
        await assert.rejects(dumpActivations(stopped, stopAt("encode", 9)), ArtifactError);
      });
    }),
});

Deno.test({
  name: "reads that give less than asked for change nothing; one that fails names the shard and the job goes on later",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await dumpActivations(smallJob(`${directory}/whole`, "wasm"));
      const short = (original: (into: Uint8Array) => unknown, into: Uint8Array): unknown =>
        original(into.subarray(0, 1001));
      await withInjected(["read", "readSync"], short, async () => {
        await dumpActivations(smallJob(`${directory}/short`, "wasm"));
      });
      assert.deepEqual(await contents(`${directory}/short`), await contents(`${directory}/whole`));
      let isBroken = false;
      const fail = (original: (into: Uint8Array) => unknown, into: Uint8Array): unknown => {
        if (isBroken) throw systemError("EIO");
        return original(into);
      };
      let seen = 0;
      const job = smallJob(`${directory}/broken`, "wasm", { checkpointEvery: 1e-9, resume: true });
      await withInjected(["read", "readSync"], fail, async () => {
        await assert.rejects(
          dumpActivations(job, { progress: ({ stage }) => void (isBroken = stage === "encode" && ++seen > 20) }),
          (error: Error) => {
            assert.ok(error instanceof ShardFormatError, String(error));
            assert.match(error.message, /acts00000\d\.bin: Input\/output error.*; check the disk/);
            return true;
          },
        );
      });
      await dumpActivations(job);
      assert.deepEqual(await contents(`${directory}/broken`), await contents(`${directory}/whole`));
    }),
});

for (
  const [what, harm, pattern] of [
    ["cut off", (path: string) => Deno.truncateSync(path, 1000), /acts000002\.bin: it ends after/],
    ["removed", (path: string) => Deno.removeSync(path), /acts000002\.bin: No such file.*; put the shard back/],
  ] as const
) {
  Deno.test({
    name: `a shard that is ${what} while it is read is named, and the job goes on once it is back`,
    permissions: PERMISSIONS,
    fn: () =>
      inTemporary(async (directory) => {
        const shardRoot = await copyShards(directory);
        await dumpActivations(smallJob(`${directory}/whole`, "wasm", { data: { shardRoot } }));
        const job = smallJob(`${directory}/harmed`, "wasm", {
          checkpointEvery: 1e-9,
          resume: true,
          data: { shardRoot },
        });
        let seen = 0;
        const progress = ({ stage }: { stage: string }): void => {
          if (stage === "encode" && ++seen === 30) harm(`${shardRoot}/acts000002.bin`);
        };
        await assert.rejects(dumpActivations(job, { progress }), (error: Error) => {
          assert.ok(error instanceof ShardFormatError, String(error));
          assert.match(error.message, pattern);
          return true;
        });
        await Deno.copyFile(`${SHARDS}/acts000002.bin`, `${shardRoot}/acts000002.bin`);
        const lines: string[] = [];
        await dumpActivations(job, { log: (line) => void lines.push(line) });
        assert.ok(lines.some((line) => line.includes("Going on after")), lines.join("\n"));
        assert.deepEqual(await contents(`${directory}/harmed`), await contents(`${directory}/whole`));
      }),
  });
}

Deno.test({
  name: "a clock that jumps back while the job runs changes nothing",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      await dumpActivations(smallJob(`${directory}/whole`, "wasm"));
      const Real = Date;
      let hours = 0;
      const Jumping = class extends Real {
        constructor(...args: [] | [number]) {
          super(args.length === 0 ? Jumping.now() : args[0]);
        }
        static override now = (): number => Real.now() - 3_600_000 * ++hours;
      };
      const job = smallJob(`${directory}/jumping`, "wasm", { checkpointEvery: 1e-9, resume: true });
      globalThis.Date = Jumping as DateConstructor;
      try {
        await assert.rejects(dumpActivations(job, stopAt("encode", 20)), (error: Error) => error.name === "AbortError");
        await dumpActivations(job);
      } finally {
        globalThis.Date = Real;
      }
      assert.ok(hours > 0);
      assert.deepEqual(await contents(`${directory}/jumping`), await contents(`${directory}/whole`));
    }),
});
