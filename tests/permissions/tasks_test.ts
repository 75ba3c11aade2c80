import assert from "node:assert/strict";
import { path, ROOT, runDeno, TMP, withEngineFlags, withFolder } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };

/** The words after `deno` of a task in deno.json. */
function taskWords(name: string): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT))) as {
    tasks: Record<string, { command: string }>;
  };
  const [program, ...words] = withEngineFlags(tasks[name]!.command).split(" ");
  assert.equal(program, "deno");
  return words;
}

Deno.test({
  name: "deno task visuals without inputs runs the demo, says so, and draws pictures and a page",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const { code, stdout, stderr } = await runDeno([...taskWords("visuals"), "--dump-to", path(folder)]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /demo/);
      assert.match(stdout, /index\.html/);
      const out = new URL("sort_by_patch/", folder);
      for (const file of ["index.html", "manifest.json", "top_values.pt"]) {
        assert.ok(Deno.statSync(new URL(file, out)).size > 0);
      }
      const { backend } = JSON.parse(Deno.readTextFileSync(new URL("manifest.json", out)));
      assert.equal(backend.details.workerPermissions ?? "none", "none", "compute workers with permissions");
      const latents = [...Deno.readDirSync(new URL("neurons/", out))].map(({ name }) => name);
      assert.ok(latents.length > 0);
      for (const latent of latents) assert.ok(Deno.statSync(new URL(`neurons/${latent}/0.png`, out)).size > 1000);
    }),
});

Deno.test({
  name: "deno task dump writes the artifacts and nothing else",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const golden = new URL("fixtures/golden/img-cls/", ROOT);
      const { code, stderr } = await runDeno([
        ...taskWords("dump"),
        ...["--ckpt", path(new URL("sae.pt", golden)), "--data.shard-root", path(new URL("shards", golden))],
        ...["--data.patches", "cls", "--sort-by", "img", "--top-k", "6", "--dump-to", path(folder)],
      ]);
      assert.equal(code, 0, stderr);
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["sort_by_img"]);
      const files = [...Deno.readDirSync(new URL("sort_by_img/", folder))].map(({ name }) => name);
      assert.ok(files.includes("manifest.json") && files.includes("top_values.pt"));
      assert.ok(!files.includes("neurons") && !files.includes("index.html"), files.join(" "));
    }),
});
