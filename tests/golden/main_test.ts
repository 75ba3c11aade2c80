import assert from "node:assert/strict";
import { main } from "../../visuals.ts";
import { emojiConfig, FIXTURES, TMP, withFolder } from "./_cases.ts";
import { compareArtifacts } from "./_compare.ts";
import { openOracle } from "./_oracle.ts";
import { compareLatent, names } from "./_pictures.ts";

const ROOT = new URL("../../", import.meta.url);
const GOLDEN = new URL("golden/emoji-sort_by_patch/", FIXTURES);
/** The latents upstream's seed 42 chose. */
const LATENTS = ["546", "564", "645", "711"];
Deno.test({
  name: "main() on the demo chooses upstream's latents and draws upstream's pictures",
  permissions: { read: [ROOT], write: [TMP] },
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const config = emojiConfig("reference", folder);
      await main(config);
      const ours = new URL("sort_by_patch/", folder);
      const oracle = await openOracle(config);
      await compareArtifacts({ actual: ours, expected: GOLDEN, sortBy: "patch", percentile: 99, oracle });
      assert.deepEqual(names(new URL("neurons/", ours)), LATENTS);
      for (const latent of LATENTS) {
        await compareLatent(new URL(`neurons/${latent}/`, ours), new URL(`neurons/${latent}/`, GOLDEN));
      }
    }),
});
