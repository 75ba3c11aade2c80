import { ok, strictEqual } from "node:assert/strict";
import { getSaeActs } from "../../compute/get_sae_acts.ts";
import { tensor } from "../../compute/tensor.ts";
import { parseConfig } from "../../config.ts";
import { loadSae } from "../../io/load_sae.ts";
import { openShards } from "../../io/open_shards.ts";
import { openBlocks } from "../../io/read_blocks.ts";
import { getTopkImg } from "../../visuals/get_topk.ts";
import { inTemporary } from "../io/_temporary.ts";
import { writeSaelens } from "./_write_saelens.ts";

const SHARDS = "fixtures/demo/current-layout/saev/shards/feadabea";
const RUN = "fixtures/demo/current-layout/saev/runs/emoji/checkpoint/sae.pt";

Deno.test({
  name: "getTopkImg() ranks with a checkpoint that normalises its input",
  permissions: { read: ["."], write: ["tests/tmp"] },
  fn: () =>
    inTemporary(async (directory) => {
      await writeSaelens(directory, await loadSae(RUN, { decoder: true }), { normalize_activations: "layer_norm" });
      const data = { shardRoot: SHARDS, layer: 4, patches: "cls", scaleMean: false, scaleNorm: false } as const;
      const result = await getTopkImg(
        parseConfig({ ckpt: directory, data, sortBy: "img", topK: 2, device: "reference", nDistributions: 0 }),
      );
      const { sae } = await loadSae(directory);
      const shards = await openShards(SHARDS);
      const reader = openBlocks(shards, 0);
      const rows = new Float32Array(shards.nImages * shards.dVit);
      const images = Array.from({ length: shards.nImages }, (_, i) => i);
      await reader.readRows(rows, images, images.map(() => 0));
      reader.close();
      const f = (await getSaeActs(tensor(rows, [shards.nImages, shards.dVit]), sae)).data;
      let fired = 0;
      for (let j = 0; j < sae.dSae; j++) {
        const column = images.map((i) => f[i * sae.dSae + j]);
        const best = Math.max(...column);
        if (!(best > 0)) continue;
        fired += 1;
        strictEqual(result.topValues.data[j * 2], best);
        strictEqual(result.topI.data[j * 2], column.indexOf(best));
      }
      ok(fired > 10, `${fired} latents fire`);
    }),
});
