/** The demo's activations in many shards, as often over as a test needs time to interfere. */
import { reshard } from "../visuals/_parts.ts";

const DEMO = "fixtures/demo/emoji";

/** Writes shards of 20 images; the data set `copies` times over. */
export async function writeShards(root: string, copies: number): Promise<void> {
  await reshard(`${DEMO}/shards`, root, 20);
  const metadata = JSON.parse(await Deno.readTextFile(`${root}/metadata.json`)) as { n_imgs: number };
  for (let i = 12; i < 12 * copies; i++) {
    await Deno.copyFile(`${root}/${shardName(i % 12)}`, `${root}/${shardName(i)}`);
  }
  await Deno.writeTextFile(`${root}/metadata.json`, JSON.stringify({ ...metadata, n_imgs: copies * metadata.n_imgs }));
}

/** The name of a shard. */
export function shardName(index: number): string {
  return `acts${String(index).padStart(6, "0")}.bin`;
}

/** The flags of a job on such shards. */
export function flagsFor(shards: string, dumpTo: string, device: "wasm" | "reference"): string[] {
  return [
    ...["--ckpt", `${DEMO}/sae.pt`, "--data.shard-root", shards, "--dump-to", dumpTo, "--device", device],
    ...["--images.kind", "image-folder", "--images.root", `${DEMO}/images`, "--top-k", "8", "--n-latents", "12"],
    ...["--log-freq-range", "-9", "0", "--log-value-range", "-9", "9", "--topk-batch-size", "512"],
  ];
}
