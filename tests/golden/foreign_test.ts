import assert from "node:assert/strict";
import { foreignPercentile } from "../../io/read_artifacts.ts";
import { main, planJob, renderArtifacts } from "../../visuals.ts";
import { emojiConfig, FIXTURES, path, TMP, withFolder } from "./_cases.ts";
import { compareLatent, names } from "./_pictures.ts";

const ROOT = new URL("../../", import.meta.url);
const GOLDEN = new URL("golden/emoji-sort_by_patch/", FIXTURES);
const LATENTS = ["546", "564", "645", "711"];
const permissions = { read: [ROOT], write: [TMP] };

/** Upstream's artifacts alone, as a Python run leaves them; a latent that was drawn before lies beside. */
async function pythonRun(folder: URL): Promise<URL> {
  const directory = new URL("sort_by_patch/", folder);
  await Deno.mkdir(new URL("neurons/5/", directory), { recursive: true });
  await Deno.writeTextFile(new URL("neurons/5/0.txt", directory), "drawn by another program\n");
  for (const name of names(GOLDEN)) {
    if (name.endsWith(".pt")) await Deno.copyFile(new URL(name, GOLDEN), new URL(name, directory));
  }
  return directory;
}

Deno.test({
  name: "renderArtifacts() draws the artifacts of a Python run as they are: the same latents, upstream's pictures",
  permissions,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const directory = await pythonRun(folder);
      const config = { ...emojiConfig("wasm", folder), ckpt: "no/such/sae.pt", percentile: 50 };
      const log: string[] = [];
      const asked = { ...config, data: { ...config.data, shardRoot: "no/such/shards" } };
      assert.equal((await planJob(asked)).isComputed, true);
      const { latents, outputs } = await renderArtifacts(asked, { log: (line) => void log.push(line) });
      assert.equal(latents, 4);
      assert.ok(outputs?.length === 1 && outputs[0].endsWith("sort_by_patch/index.html"));
      assert.match(log[0], /no manifest: drawing what another program computed/);
      assert.deepEqual(names(new URL("neurons/", directory)), ["5", ...LATENTS]);
      for (const latent of LATENTS) {
        await compareLatent(new URL(`neurons/${latent}/`, directory), new URL(`neurons/${latent}/`, GOLDEN));
      }
      assert.equal(Deno.readTextFileSync(new URL("neurons/5/0.txt", directory)), "drawn by another program\n");
      for (const name of names(GOLDEN).filter((name) => name.endsWith(".pt"))) {
        assert.deepEqual(Deno.readFileSync(new URL(name, directory)), Deno.readFileSync(new URL(name, GOLDEN)), name);
      }
      assert.ok(names(directory).includes("25_activation_distributions.png"));
    }),
});

Deno.test({
  name:
    "renderArtifacts() of a Python run refuses pictures of another number, and artifacts of ours without a manifest",
  permissions,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      await pythonRun(folder);
      const config = emojiConfig("wasm", folder);
      const root = path(new URL("images/flags", new URL("demo/emoji/", FIXTURES)));
      const few = new URL("few/a/", folder);
      await Deno.mkdir(few, { recursive: true });
      const [{ name }] = Deno.readDirSync(root);
      await Deno.copyFile(`${root}/${name}`, new URL(name, few));
      const images = { ...config.images, root: path(new URL("few", folder)) };
      await assert.rejects(renderArtifacts({ ...config, images }), {
        name: "DatasetError",
        message: /holds 1 pictures, but the artifacts in .* were made of 240/,
      });
      const ours = new URL("ours/", folder);
      await main({ ...config, dumpTo: path(ours), nLatents: 0, nDistributions: 0, render: "viewer-only" });
      const directory = new URL("sort_by_patch/", ours);
      await Deno.remove(new URL("manifest.json", directory));
      await assert.rejects(renderArtifacts({ ...config, dumpTo: path(ours) }), {
        name: "ArtifactError",
        message: /holds no artifacts of this request/,
      });
      assert.equal(await foreignPercentile(path(directory), 99), undefined);
      const img = path(new URL("golden/img-cls/expected/sort_by_img", FIXTURES));
      assert.equal(await foreignPercentile(img, 99), 95);
    }),
});
