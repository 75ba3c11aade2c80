import assert from "node:assert/strict";
import { type Finished, path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

// Making links takes full read and write permission, so another process makes them.
const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };
const GOLDEN = path(new URL("fixtures/golden/patch/", ROOT));
const DEMO = path(new URL("fixtures/demo/emoji/", ROOT));

async function link(target: string, at: string): Promise<void> {
  const { code, stderr } = await runDeno([
    "eval",
    "--no-config",
    `Deno.symlinkSync(${
      JSON.stringify([target, at])
        .slice(1, -1)
    })`,
  ]);
  assert.equal(code, 0, stderr);
}

/** Starts a job in a directory as the task does: it may read and write anywhere, and narrows itself. */
const task = (cwd: string, words: readonly string[]): Promise<Finished> =>
  runDeno(
    ["run", "--no-prompt", "--no-check", "--allow-read", "--allow-write", "--unstable-worker-options"]
      .concat(path(new URL("cli.ts", ROOT)), words, "--quiet"),
    { cwd: new URL(`file://${cwd}/`) },
  );
const dump = (cwd: string, dumpTo: string): Promise<Finished> =>
  task(cwd, ["dump", "--ckpt", `${GOLDEN}sae.pt`, "--data.shard-root", `${GOLDEN}shards`, "--dump-to", dumpTo]);

Deno.test({
  name: "an output may be a link, new below one, or named like what its link leads to",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const [home, disk] = [path(folder) + "home", path(folder) + "disk"];
      await Deno.mkdir(home);
      await Deno.mkdir(`${disk}/data`, { recursive: true });
      await link("../disk/data", `${home}/data`);
      await link(disk, `${home}/scratch`);
      for (const [dumpTo, at] of [["data", "data"], ["data/new/one", "data/new/one"], [`${home}/scratch/x`, "x"]]) {
        const { code, stderr } = await dump(home, dumpTo!);
        assert.equal(code, 0, stderr);
        assert.ok(Deno.statSync(`${disk}/${at}/sort_by_patch/manifest.json`).isFile);
      }
    }),
});

/** What lies outside must be as it was. */
async function assertKept(outside: string): Promise<void> {
  assert.deepEqual([...Deno.readDirSync(outside)].map(({ name }) => name), ["0.png"]);
  assert.equal(await Deno.readTextFile(`${outside}/0.png`), "precious");
}

Deno.test({
  name: "a link in the output that leads out of it is refused by name, and nothing is written or removed there",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const [home, outside] = [path(folder) + "home", path(folder) + "outside"];
      await Deno.mkdir(home);
      await Deno.mkdir(outside);
      await Deno.writeTextFile(`${outside}/0.png`, "precious");
      for (const name of ["sort_by_patch", "sort_by_patch/.incoming", "sort_by_patch/.state", "sort_by_patch/parts"]) {
        const at = `${home}/out/${name}`;
        await Deno.mkdir(at.slice(0, at.lastIndexOf("/")), { recursive: true });
        await link(outside, at);
        const { code, stderr } = await dump(home, "out");
        assert.equal(code, 3, stderr);
        const [found, leads] = [`out/${name}`, outside].map((part) => part.replaceAll(".", "\\."));
        assert.match(
          stderr,
          new RegExp(`^error: Cannot follow the link ${found}: it leads to ${leads}, outside of out;`),
        );
        await assertKept(outside);
        await Deno.remove(at);
      }
    }),
});

Deno.test({
  name: "a link deep in the output, where pictures go, is refused by Deno, and what it leads to stays",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const [home, outside] = [path(folder) + "home", path(folder) + "outside"];
      await Deno.mkdir(home);
      await Deno.mkdir(outside);
      await Deno.writeTextFile(`${outside}/0.png`, "precious");
      const visuals = (): Promise<Finished> =>
        task(home, [
          ...["visuals", "--ckpt", `${DEMO}sae.pt`, "--data.shard-root", `${DEMO}shards`, "--dump-to", "out"],
          ...["--data.no-scale-mean", "--data.no-scale-norm", "--images.kind", "image-folder"],
          ...["--images.root", `${DEMO}images`, "--top-k", "2", "--n-latents", "0", "--include-latents", "546"],
        ]);
      const first = await visuals();
      assert.equal(first.code, 0, first.stderr);
      const latent = `${home}/out/sort_by_patch/neurons/546`;
      await Deno.remove(latent, { recursive: true });
      await link(outside, latent);
      const { code, stderr } = await visuals();
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`^error: Requires write access to "${outside.replaceAll(".", "\\.")}`));
      await assertKept(outside);
    }),
});
