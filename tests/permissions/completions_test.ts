/** The completions that bash gives. */
import assert from "node:assert/strict";
import { listSettings } from "../../config.ts";
import { path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

const CLI = path(new URL("cli.ts", ROOT));

/** What bash offers for the last of these words. */
async function offered(script: URL, words: string[]): Promise<string[]> {
  const program =
    `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _saev_visuals; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["--norc", "-c", program, "bash", path(script), "saev-visuals", ...words],
    cwd: ROOT,
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

Deno.test({
  name: "completions bash offers commands, flags, a flag's words, and paths",
  permissions: { read: [ROOT], write: [TMP], run: ["deno", "bash"] },
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const { code, stdout, stderr } = await runDeno(["run", "--no-prompt", CLI, "completions", "bash"]);
      assert.equal(code, 0, stderr);
      const script = new URL("completions.bash", folder);
      await Deno.writeTextFile(script, stdout);
      assert.deepEqual(await offered(script, ["vis"]), ["visuals"]);
      assert.deepEqual(await offered(script, ["visuals", "--data.sc"]), ["--data.scale-mean", "--data.scale-norm"]);
      assert.deepEqual(await offered(script, ["visuals", "--no-data.scale-m"]), ["--no-data.scale-mean"]);
      assert.deepEqual(await offered(script, ["dump", "--sort-by", ""]), ["patch", "img", "sum"]);
      assert.deepEqual(await offered(script, ["dump", "--images.kind", "im"]), ["imagenet", "image-folder"]);
      assert.deepEqual(await offered(script, ["dump", "--ckpt", "fixtures/demo/emoji/s"]), [
        "fixtures/demo/emoji/sae.pt",
        "fixtures/demo/emoji/shards",
      ]);
      assert.deepEqual(await offered(script, ["completions", "f"]), ["fish"]);
      const flags = new Set(await offered(script, ["dump", "--"]));
      assert.deepEqual(listSettings().map(({ flag }) => flag).filter((flag) => !flags.has(flag)), []);
    }),
});
