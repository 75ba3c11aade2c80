import { engineFlags } from "../../cli/engine_flags.ts";
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { withRealPaths } from "../../cli/grants.ts";
import { shellQuote } from "../../config/shell_quote.ts";
import type { JobPlan, Jobs } from "../../cli/jobs.ts";
import { PLAN, run } from "./_fake.ts";

/** Depends on the processor. */
const FLAGS = engineFlags("dump").map((word) => ` ${word}`).join("");

const permissions = "none";

Deno.test({
  name: "`--dry-run` prints the plan and the narrowest command, and does nothing",
  permissions,
  async fn(): Promise<void> {
    const never = (): Promise<never> => Promise.reject(new Error("was run"));
    const words = ["--ckpt", "my sae.pt", "--data.shard-root", "a,b", "--images.root", "pictures", "--dry-run"];
    const { code, out, err } = await run(["visuals", ...words], { jobs: { main: never } });
    strictEqual(code, 0);
    strictEqual(err, "");
    strictEqual(
      out,
      `Would read 2.95 MiB from 2 files:
  sae.pt (581 KiB)
  shards/acts000000.bin (2.38 MiB)
Would compute:
  15,360 rows of 240 images, 96 wide, into 768 latents: 2.26 GFLOP done densely
  on wasm: no WebGPU adapter
  with about 64 MiB of memory
Would write 10 MiB of artifacts:
  data/sort_by_patch/manifest.json
Would read 240 images again for examples, unless they are in:
  data/sort_by_patch/examples.safetensors
Would draw up to 96 pictures:
  data/sort_by_patch/index.html
Nothing was done. The command with no more permissions than it needs:
deno run --no-prompt --unstable-worker-options '--allow-read=/opt/saev/render,/opt/saev/compute,my sae.pt,cfg.json,config.json,a,,b,pictures,./data' ` +
        `--allow-write=./data /opt/saev/cli.ts visuals --ckpt 'my sae.pt' --data.shard-root a,b --images.root pictures
`,
    );
  },
});

Deno.test({
  name: "`--dry-run` permits the config file, leaves pictures out of `dump`, and drops only itself from the words",
  permissions,
  async fn(): Promise<void> {
    const command = async (...words: string[]): Promise<string> => (await run(words)).out.trimEnd().split("\n").at(-1)!;
    strictEqual(
      await command("dump", "--config", "run.toml", "--dry_run", "true", "--force", "true"),
      `deno run --no-prompt --unstable-worker-options${FLAGS} --allow-read=./checkpoints/sae.pt,./shards,./data,run.toml ` +
        "--allow-write=./data /opt/saev/cli.ts dump --config run.toml --force true",
    );
    strictEqual(
      await command("dump", "--run=runs/a", "--dry-run=true"),
      `deno run --no-prompt --unstable-worker-options${FLAGS} ` +
        "--allow-read=runs/a/checkpoint/sae.pt,runs/a/links/train-shards,runs/a/inference " +
        "--allow-write=runs/a/inference /opt/saev/cli.ts dump --run=runs/a",
    );
    const remote = await run(["dump", "--dry-run"], { env: { moduleUrl: "https://example.org/saev/cli.ts" } });
    strictEqual(
      remote.out.trimEnd().split("\n").at(-1),
      `deno run --no-prompt --unstable-worker-options${FLAGS} --allow-read=./checkpoints/sae.pt,./shards,./data ` +
        "--allow-write=./data https://example.org/saev/cli.ts dump",
    );
  },
});

Deno.test({
  name: "`--dry-run` permits where symlinks lead, and adds nothing for paths without them",
  permissions,
  async fn(): Promise<void> {
    const cases: readonly (readonly [path: string, real: string | undefined, granted: string])[] = [
      ["a/b", "/home/u/a/b", "a/b"],
      ["./a//b/", "/home/u/a/b", "./a//b/"],
      ["../a", "/home/a", "../a"],
      [".", "/home/u", "."],
      ["/a/b", "/a/b", "/a/b"],
      ["/a/b", "/c/b", "/a/b,/c/b"],
      ["a/link", "/blobs/1", "a/link,/blobs/1"],
      ["xa/b", "/home/u/a/b", "xa/b,/home/u/a/b"],
      // A link that is named like what it leads to: `data -> /scratch/u/data`.
      ["data", "/scratch/u/data", "data,/scratch/u/data"],
      ["a/../b/./c", "/home/u/b/c", "a/../b/./c"],
      ["gone", undefined, "gone"],
    ];
    for (const [path, real, granted] of cases) {
      const realPath = (asked: string): Promise<string> =>
        asked !== path
          ? Promise.resolve(asked === "." ? "/home/u" : asked.replace(/^(?:\.\/)?(?=[^/])/, "/home/u/"))
          : real === undefined
          ? Promise.reject(new Error("gone"))
          : Promise.resolve(real);
      const { out } = await run(["dump", "--dry-run", "--data.shard-root", path], { env: { realPath } });
      strictEqual(out.includes(`--allow-read=./checkpoints/sae.pt,${granted},./data `), true, out);
    }
  },
});

Deno.test({
  name: "withRealPaths() finds what does not exist yet from the nearest directory that does",
  permissions,
  async fn(): Promise<void> {
    const links: Record<string, string> = { ".": "/home/u", "/": "/", "link": "/scratch/u", "/mnt": "/mnt/disk1" };
    const realPath = (path: string): Promise<string> => {
      if (path in links) return Promise.resolve(links[path]);
      if (path === "closed") return Promise.reject(new Error("not permitted"));
      return Promise.reject(Object.assign(new Error("No such file"), { name: "NotFound" }));
    };
    const write = ["link/new/deep/", "plain/new", "/mnt//x", "/y", "closed", "closed/x", "gone/../x"];
    deepStrictEqual(await withRealPaths({ read: [], write }, realPath), {
      read: [],
      write: ["link/new/deep/", "/scratch/u/new/deep", "plain/new", "/mnt//x", "/mnt/disk1/x", ...write.slice(3)],
    });
  },
});

Deno.test({
  name: "`--dry-run` says what each command does, and no more",
  permissions,
  async fn(): Promise<void> {
    const said = async (command: string, isComputed = false): Promise<string[]> => {
      const planJob = (): Promise<JobPlan> => Promise.resolve({ ...PLAN, isComputed });
      const { out } = await run([command, "--dry-run"], { jobs: { planJob } });
      return out.split("\n").filter((line) => /^(?:Would|Nothing)/.test(line)).map((line) => line.split(/[:.] ?/)[0]);
    };
    const [reads, writes] = ["Would read 2", "Would write 10 MiB of artifacts"];
    const draws = ["Would read 240 images again for examples, unless they are in", "Would draw up to 96 pictures"];
    deepStrictEqual(await said("visuals"), [reads, "Would compute", writes, ...draws, "Nothing was done"]);
    deepStrictEqual(await said("dump"), [reads, "Would compute", writes, "Nothing was done"]);
    const nothing = "Would compute nothing";
    deepStrictEqual(await said("visuals", true), [nothing, ...draws, "Nothing was done"]);
    deepStrictEqual(await said("dump", true), [nothing, "Nothing was done"]);
    deepStrictEqual(await said("merge"), ["Would read the parts in", writes, "Nothing was done"]);
    deepStrictEqual(await said("study"), [
      "Would read the artifacts in",
      "Would read all rows again and write",
      "Nothing was done",
    ]);
    deepStrictEqual(await said("render"), ["Would read the artifacts in", ...draws, "Nothing was done"]);
    const sample = "Would read a sample of rows from 2 files";
    deepStrictEqual(await said("measure"), [sample, "Would write the mean and scale", "Nothing was done"]);
  },
});

Deno.test({
  name: "`--dry-run` shortens long lists",
  permissions,
  async fn(): Promise<void> {
    const reads = (n: number): Jobs["planJob"] => () =>
      Promise.resolve({ ...PLAN, reads: Array.from({ length: n }, (_, i) => ({ path: `f${i}`, bytes: 1 })) });
    const list = async (n: number): Promise<string[]> =>
      (await run(["dump", "--dry-run"], { jobs: { planJob: reads(n) } })).out.split("\n").slice(1, 11);
    deepStrictEqual((await list(9)).slice(7), ["  f7 (1 B)", "  f8 (1 B)", "Would compute:"]);
    deepStrictEqual((await list(1234)).slice(7), ["  f7 (1 B)", "  and 1,226 more", "Would compute:"]);
  },
});

Deno.test({
  name: "shellQuote() keeps plain words and quotes the rest",
  permissions,
  fn(): void {
    deepStrictEqual(["a/b.pt", "--x=-6", "", "a b", "it's", "$HOME", "*", "~", "#x", "a;b"].map(shellQuote), [
      "a/b.pt",
      "--x=-6",
      "''",
      "'a b'",
      `'it'\\''s'`,
      "'$HOME'",
      "'*'",
      "'~'",
      "'#x'",
      "'a;b'",
    ]);
  },
});

Deno.test({
  name: "`--dry-run` permits pictures where their labels are exported, and not where only a matrix is",
  permissions,
  async fn(): Promise<void> {
    const reads = async (...words: string[]): Promise<string> =>
      /--allow-read=(\S*)/.exec((await run([...words, "--dry-run"])).out)![1];
    strictEqual(
      await reads("export", "--export", "json"),
      "./checkpoints/sae.pt,./shards,./data/imagenet,./data",
    );
    const planJob = (): Promise<JobPlan> => Promise.resolve({ ...PLAN, exports: ["data/token_acts.npz"] });
    const { out } = await run(["export", "--export", "npz", "--dry-run"], { jobs: { planJob } });
    deepStrictEqual(out.split("\n").slice(0, 5), [
      "Would read the artifacts in:",
      "  data/sort_by_patch/",
      "Would write for other tools:",
      "  data/token_acts.npz",
      "Nothing was done. The command with no more permissions than it needs:",
    ]);
    strictEqual(await reads("export", "--export", "npz"), "./checkpoints/sae.pt,./shards,./data");
    strictEqual(
      await reads("dump", "--export=json,npz"),
      "./checkpoints/sae.pt,./shards,./data/imagenet,./data",
    );
  },
});
