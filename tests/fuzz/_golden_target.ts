/**
 * Every golden file, whatever its size, given to whatever reads its kind.
 * @module
 */
import { memorySource } from "../../io/byte_source.ts";
import { parseConfigText } from "../../io/config_file.ts";
import { openShards } from "../../io/open_shards.ts";
import { openBlocks } from "../../io/read_blocks.ts";
import { openTensor, readTorch } from "../../io/torch_file.ts";
import { decodePicture } from "../../render/decode_picture.ts";
import { mutate } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import { repairPng } from "./_shape.ts";
import type { Target } from "./_targets.ts";

/** The largest picture among them has fewer. */
const MAX_PIXELS = 1 << 20;
/** Where headers and directories are: past these bytes from either end a file holds numbers only. */
const EDGE_BYTES = 2048;

/** See `_targets.ts`. */
export const GOLDEN_TARGET: Target = {
  name: "golden",
  weight: 4,
  maxSeedBytes: Infinity,
  seeds: [
    "golden/*.*",
    ...["heatmaps", "pictures", "pictures/rgb", "torch-files", "torch-files/hostile", "emoji-sort_by_patch"]
      .map((name) => `golden/${name}/*`),
    "golden/emoji-sort_by_patch/neurons/*/*",
    ...["args.txt", "sae.pt", "shards/*", "expected/sort_by_patch/*", "expected/sort_by_img/*"]
      .map((name) => `golden/*/${name}`),
  ],
  shape: mutateEdges,
  onDisk: true,
  async run(bytes, { seed, directory }): Promise<void> {
    const kind = seed.slice(seed.lastIndexOf(".") + 1);
    if (kind === "pt") {
      await readTorch(memorySource("case.pt", bytes));
      await (await openTensor(memorySource("case.pt", bytes))).read();
    } else if (kind === "bin" || seed.endsWith("/shards/metadata.json")) {
      await readShards(bytes, seed, directory);
    } else if (kind === "json" || kind === "txt" || kind === "md") {
      parseConfigText(new TextDecoder().decode(bytes), {
        path: `case.${kind}`,
        format: kind === "json" ? kind : "toml",
      });
    } else {
      await decodePicture(bytes, { name: "case", maxPixels: MAX_PIXELS, applyExif: true });
    }
  },
};

/** Large files are mostly numbers: half of the time the first or the last bytes are made hostile once more. */
function mutateEdges(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes[0] === 0x89) return repairPng(bytes, random);
  if (bytes.length <= 2 * EDGE_BYTES || random.below(2) === 0) return bytes;
  const at = random.below(2) === 0 ? 0 : bytes.length - EDGE_BYTES;
  const edge = bytes.subarray(at, at + EDGE_BYTES);
  const made = mutate(edge, edge, random);
  const out = new Uint8Array(bytes.length - EDGE_BYTES + made.length);
  out.set(bytes.subarray(0, at));
  out.set(made, at);
  out.set(bytes.subarray(at + EDGE_BYTES), at + made.length);
  return out;
}

async function readShards(bytes: Uint8Array, seed: string, directory: string): Promise<void> {
  const [from, name] = [seed.slice(0, seed.lastIndexOf("/")), seed.slice(seed.lastIndexOf("/") + 1)];
  const to = `${directory}/golden-${from.split("/").at(-2)}`;
  try {
    await Deno.stat(to);
  } catch {
    await Deno.mkdir(to, { recursive: true });
    for (const entry of Deno.readDirSync(from)) await Deno.copyFile(`${from}/${entry.name}`, `${to}/${entry.name}`);
  }
  await Deno.writeFile(`${to}/${name}`, bytes);
  try {
    const shards = await openShards(to);
    const reader = openBlocks(shards, 0);
    try {
      for (const image of [0, shards.nImages - 1]) await reader.read(new Float32Array(reader.imageStride), image, 1);
    } finally {
      reader.close();
    }
  } finally {
    await Deno.copyFile(seed, `${to}/${name}`);
  }
}
