import assert from "node:assert/strict";
import { path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };
const GOLDEN = new URL("fixtures/golden/", ROOT);

/** A job that works but for one thing. */
interface Fault {
  readonly name: string;
  readonly code: number;
  /** Part of the one line. */
  readonly says: RegExp;
  /** Flags that replace or add to the good ones; `folder` is empty and may be written. */
  readonly flags: (folder: URL) => Promise<Record<string, string[]>> | Record<string, string[]>;
}

const good = (folder: URL): Record<string, string[]> => ({
  "--ckpt": [path(new URL("patch/sae.pt", GOLDEN))],
  "--data.shard-root": [path(new URL("patch/shards", GOLDEN))],
  "--data.layer": ["-2"],
  "--data.no-scale-mean": [],
  "--data.no-scale-norm": [],
  "--device": ["reference"],
  "--dump-to": [path(new URL("out", folder))],
});

/** Copies the shards of `patch` and returns the folder. */
async function copyShards(folder: URL): Promise<URL> {
  const target = new URL("shards/", folder);
  await Deno.mkdir(target);
  for (const { name } of Deno.readDirSync(new URL("patch/shards/", GOLDEN))) {
    await Deno.copyFile(new URL(`patch/shards/${name}`, GOLDEN), new URL(name, target));
  }
  return target;
}

const FAULTS: Fault[] = [
  { name: "an unknown flag", code: 2, says: /--top-k/, flags: () => ({ "--topk": ["3"] }) },
  { name: "a value out of range", code: 2, says: /--top-k/, flags: () => ({ "--top-k": ["0"] }) },
  {
    name: "a ranking that does not fit the rows",
    code: 2,
    says: /sort-by|sortBy/,
    flags: () => ({ "--sort-by": ["img"] }),
  },
  { name: "a layer that was not recorded", code: 2, says: /layer/i, flags: () => ({ "--data.layer": ["7"] }) },
  {
    name: "a checkpoint that is not there",
    code: 3,
    says: /nowhere\.pt/,
    flags: (folder) => ({ "--ckpt": [path(new URL("nowhere.pt", folder))] }),
  },
  {
    name: "a checkpoint that runs code",
    code: 3,
    says: /system/,
    flags: () => ({ "--ckpt": [path(new URL("torch-files/hostile/reduce_os_system.pt", GOLDEN))] }),
  },
  {
    name: "a checkpoint of another width",
    code: 3,
    says: /24/,
    flags: () => ({ "--ckpt": [path(new URL("img-cls-sampled/sae.pt", GOLDEN))] }),
  },
  {
    name: "a shard directory without metadata",
    code: 3,
    says: /metadata\.json/,
    flags: (folder) => ({ "--data.shard-root": [path(folder)] }),
  },
  {
    name: "a truncated shard",
    code: 3,
    says: /acts000000\.bin/,
    flags: async (folder) => {
      const shards = await copyShards(folder);
      await Deno.truncate(path(new URL("acts000000.bin", shards)), 1000);
      return { "--data.shard-root": [path(shards)] };
    },
  },
  {
    name: "a missing shard",
    code: 3,
    says: /acts000001\.bin/,
    flags: async (folder) => {
      const shards = await copyShards(folder);
      await Deno.remove(new URL("acts000001.bin", shards));
      return { "--data.shard-root": [path(shards)] };
    },
  },
  {
    name: "an activation that is not a number",
    code: 3,
    says: /NaN/,
    flags: async (folder) => {
      const shards = await copyShards(folder);
      using file = await Deno.open(new URL("acts000000.bin", shards), { write: true });
      // Image 0, layer -3 of three is skipped; layer -2, token 1 (patch 0), dimension 5.
      await file.seek(((1 * 17 + 1) * 32 + 5) * 4, Deno.SeekMode.Start);
      await file.write(new Uint8Array(new Float32Array([NaN]).buffer));
      return { "--data.shard-root": [path(shards)] };
    },
  },
  {
    name: "more memory than allowed",
    code: 4,
    says: /memory/i,
    flags: () => ({ "--max-memory": ["1000"] }),
  },
  {
    name: "an output that cannot be made",
    code: 5,
    says: /Cannot write/,
    flags: async (folder) => {
      await Deno.writeTextFile(new URL("file", folder), "");
      return { "--dump-to": [path(new URL("file/out", folder))] };
    },
  },
];

for (const fault of FAULTS) {
  Deno.test({
    name: `${fault.name} ends with one line and exit code ${fault.code}`,
    permissions: PERMISSIONS,
    fn: (): Promise<void> =>
      withFolder(async (folder) => {
        const flags = { ...good(folder), ...await fault.flags(folder) };
        const { code, stderr } = await runDeno([
          ...[
            "run",
            "--no-prompt",
            `--allow-read=${path(ROOT)}`,
            `--allow-write=${path(folder)}`,
            "--unstable-worker-options",
          ],
          ...["cli.ts", "dump", "--quiet", ...Object.entries(flags).flat(2)],
        ]);
        assert.equal(code, fault.code, stderr);
        assert.match(stderr, /^error: [^\n]*[^.\n]\n$/);
        assert.match(stderr, fault.says);
      }),
  });
}

Deno.test({
  name: "a job without a fault ends with exit code 0 and prints nothing when --quiet",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const finished = await runDeno([
        ...[
          "run",
          "--no-prompt",
          `--allow-read=${path(ROOT)}`,
          `--allow-write=${path(folder)}`,
          "--unstable-worker-options",
        ],
        ...["cli.ts", "dump", "--quiet", ...Object.entries(good(folder)).flat(2)],
      ]);
      assert.deepEqual(finished, { code: 0, stdout: "", stderr: "" });
    }),
});
