/**
 * One timed rendering, in a process of its own: `ROOT IMAGES OUT THREADS`. Prints two JSON lines as the yardstick does.
 *
 * Like the yardstick it leaves out its own start, and counts everything else: threads, reading, drawing, durable writing.
 * @module
 */
import process from "node:process";
import { parseConfig } from "../../config.ts";
import { openPictures } from "../../io/datasets/open_pictures.ts";
import type { StoredArtifacts } from "../../io/read_artifacts.ts";
import { safeLoad } from "../../io/safe_load.ts";
import { withDefaults } from "../../visuals/hooks.ts";
import { renderLatents } from "../../visuals/render_latents.ts";

const [root, images, out, threads] = Deno.args;

/** A stored tensor's shape and values. */
async function load(name: string): Promise<{ shape: readonly number[]; data: ArrayLike<number | bigint> }> {
  return await safeLoad(`${root}/${name}`) as unknown as { shape: readonly number[]; data: ArrayLike<number> };
}

const values = await load("top_values.pt");
const index = await load("top_img_i.pt");
const [dSae, k, patches] = values.shape;
const data = values.data as Float32Array;
const artifacts = {
  dSae,
  k,
  patches,
  topI: Uint32Array.from(index.data as ArrayLike<number>, Number),
  topCount: new Uint32Array(dSae).fill(k),
  rankValues: new Float32Array(dSae * k),
  sparsity: new Float32Array(dSae).fill(0.01),
  meanValues: new Float32Array(dSae).fill(1),
  readTopValues: (latent: number) => Promise.resolve(data.subarray(latent * k * patches, (latent + 1) * k * patches)),
  readSketch: () => Promise.resolve(undefined),
} as unknown as StoredArtifacts;
const config = parseConfig({ images: { kind: "image-folder", root: images }, nWorkers: Number(threads) });
const pictures = await openPictures(config.images);
const [start, before] = [performance.now(), process.cpuUsage()];
const drawn = await renderLatents(config, artifacts, {
  latents: Array.from({ length: dSae }, (_, latent) => latent),
  pictures,
  directory: out,
  hooks: withDefaults({ workerPermissions: "none" }),
});
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(before);
Deno.stdout.writeSync(
  new TextEncoder().encode(
    JSON.stringify({ pictures: drawn, seconds, pictures_per_second: drawn / seconds }) + "\n" +
      JSON.stringify({ processor_seconds: (user + system) / 1e6 }) + "\n",
  ),
);
Deno.exit(0);
