/**
 * Encodes a workload's rows with onnxruntime-web (Gemm, Relu, and the k largest rows of every batch), one thread, and prints
 * the seconds it took as JSON: a peer of the bench. `deno run --allow-read=ROOT _onnx_once.ts ROOT`.
 * @module
 */
import { loadSae } from "../../io/load_sae.ts";
import { openBlocks } from "../../io/read_blocks.ts";
import { openShards } from "../../io/open_shards.ts";
import { openOnnx } from "../compute/wasm/_onnx_encoder.ts";

const IMAGES = 84;
const root = Deno.args[0];
const { sae } = await loadSae(`${root}/sae.pt`);
const shards = await openShards(`${root}/shards`);
const reader = openBlocks(shards, 0);
const encode = await openOnnx(sae, 128);
const started = performance.now();
const tokens = reader.imageStride / sae.dVit;
for (let first = 0; first < shards.nImages; first += IMAGES) {
  const n = Math.min(IMAGES, shards.nImages - first);
  const block = new Float32Array(n * reader.imageStride);
  await reader.read(block, first, n);
  const rows = new Float32Array(n * (tokens - 1) * sae.dVit);
  for (let i = 0; i < n; i++) {
    const image = block.subarray(i * reader.imageStride + sae.dVit, (i + 1) * reader.imageStride);
    const to = i * (tokens - 1) * sae.dVit;
    for (let at = 0; at < image.length; at++) rows[to + at] = image[at] - sae.bPre[at % sae.dVit];
  }
  await encode(rows);
}
reader.close();
const line = JSON.stringify({ seconds: { total: (performance.now() - started) / 1000 } });
await Deno.stdout.write(new TextEncoder().encode(line + "\n"));
