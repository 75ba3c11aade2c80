/**
 * Shards of Gaussian rows and an encoder of which about one latent in a hundred fires: any size, without torch.
 * @module
 */
import { parseConfig, type VisualsConfig } from "../../config.ts";
import type { LoadedSae } from "../../io/load_sae.ts";
import { writeSaelens } from "../visuals/_write_saelens.ts";

/** How large. */
export interface Size {
  readonly images: number;
  readonly imagesPerShard: number;
  readonly patches: number;
  readonly dVit: number;
  readonly dSae: number;
  readonly k: number;
}

/** A unit normal exceeds this once in a hundred times. */
const ONE_PERCENT = 2.326;

/** Writes it below `root` and gives the configuration of a dump on one thread. */
export async function writeGaussian(root: string, size: Size): Promise<VisualsConfig> {
  const { images, imagesPerShard, patches, dVit, dSae, k } = size;
  await Deno.mkdir(`${root}/shards`, { recursive: true });
  const tokens = { layers: [0], n_patches_per_img: patches, cls_token: false, d_vit: dVit };
  await Deno.writeTextFile(
    `${root}/shards/metadata.json`,
    JSON.stringify({
      ...{ model_family: "none", model_ckpt: "none", seed: 0, data: "none", ...tokens },
      ...{ n_imgs: images, n_patches_per_shard: imagesPerShard * patches },
    }),
  );
  const normal = normals(1);
  const shard = new Float32Array(imagesPerShard * patches * dVit);
  for (let i = 0; i * imagesPerShard < images; i++) {
    for (let at = 0; at < shard.length; at++) shard[at] = normal();
    await Deno.writeFile(`${root}/shards/acts${String(i).padStart(6, "0")}.bin`, new Uint8Array(shard.buffer));
  }
  // Columns of length 1, so that a row's products are unit normals.
  const wEnc = Float32Array.from({ length: dVit * dSae }, () => normal() / Math.sqrt(dVit));
  const sae = { dVit, dSae, wEnc, bEnc: new Float32Array(dSae).fill(-ONE_PERCENT) };
  const decoder = { wDec: new Float32Array(dVit * dSae), bDec: new Float32Array(dVit) };
  await writeSaelens(root, { sae, decoder } as unknown as LoadedSae, {});
  return parseConfig({
    ...{ ckpt: root, dumpTo: `${root}/out`, topK: k, nDistributions: 0, device: "wasm", checkpointEvery: 0 },
    data: { shardRoot: `${root}/shards`, layer: 0, scaleMean: false, scaleNorm: false },
    nWorkers: 1,
  });
}

/** Sums of four uniform values, scaled: near enough. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return () => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3);
}
