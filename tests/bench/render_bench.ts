/**
 * Times pictures with heatmaps, from files to files, beside what a Python user has, on the same files, in turns.
 *
 * ```
 * deno task bench:render [--rounds 5] [--cases distinct,reused,demo] [--photographs 256] [--threads 2] [--dir tests/tmp/bench]
 * ```
 *
 * Each round times ours and Pillow once, one after the other; what is printed are ratios of the same round, because the
 * speed of shared machines changes within minutes. Processor time, over all threads and without either side's own start, is
 * steadier still; with two threads on two idle cores, twice its ratio is the bound of the other one. Needs Debian's python3-torch, python3-pil and python3-matplotlib.
 * @module
 */
import { parseArgs } from "node:util";
import { tensor } from "../../compute/tensor.ts";
import { writeTorch } from "../../io/write_torch.ts";
import { PYTHON, runCommand, show, type Spread, spread } from "./_measure.ts";

const HERE = new URL(".", import.meta.url).pathname;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    cases: { type: "string", default: "distinct,reused,demo" },
    photographs: { type: "string", default: "256" },
    threads: { type: "string", default: "2" },
    dir: { type: "string", default: new URL("../tmp/bench", import.meta.url).pathname },
  },
});

/** Values in a heatmap: 7 x 7 patches, as of CLIP's ViT-B/32. */
const PATCHES = 49;
/** Entries per latent. */
const K = 64;

/** What is rendered. */
interface Case {
  readonly images: string;
  /** Image of each entry of every latent. */
  readonly index: readonly (readonly number[])[];
}

/** Writes top_values.pt and top_img_i.pt: sparse heatmaps, the strongest first. */
async function writeRanking(root: string, index: Case["index"]): Promise<void> {
  const k = index[0].length;
  const values = new Float32Array(index.length * k * PATCHES);
  let state = 1;
  for (let at = 0; at < values.length; at += PATCHES) {
    for (let patch = 0; patch < PATCHES; patch++) {
      state = Math.imul(state, 1664525) + 1013904223 >>> 0;
      values[at + patch] = state / 2 ** 32 < 0.25 || patch === 0 ? (state & 0xffff) / 0xffff + 1e-3 : 0;
    }
  }
  await Deno.mkdir(root, { recursive: true });
  await writeTorch(`${root}/top_values.pt`, tensor(values, [index.length, k, PATCHES]));
  await writeTorch(`${root}/top_img_i.pt`, tensor(new Int32Array(index.flat()), [index.length, k]));
}

/** The cases by name. */
async function makeCase(name: string): Promise<Case> {
  if (name === "demo") {
    const images = new URL("../../fixtures/demo/emoji/images", import.meta.url).pathname;
    return { images, index: rows(240, 240, 40) };
  }
  const count = Number(options.photographs);
  const images = `${options.dir}/photographs_${count}`;
  const made = await Deno.stat(`${images}/photographs/${String(count - 1).padStart(5, "0")}.jpg`).catch(() =>
    undefined
  );
  if (made === undefined) {
    await runCommand(PYTHON, [`${HERE}yardstick/make_photographs.py`, images, "--count", String(count)]);
  }
  // Reused: the same number of files from a fifth of the photographs, each in five latents.
  return { images, index: name === "distinct" ? rows(count, count, K) : rows(count, Math.floor(count / 5), K) };
}

/** Entries 0 … n − 1 taken in turn from so many distinct images, none twice in a latent. */
function rows(n: number, distinct: number, k: number): number[][] {
  const width = Math.min(k, distinct);
  return Array.from(
    { length: Math.max(1, Math.floor(n / width)) },
    (_, row) => Array.from({ length: width }, (_, i) => (row * width + i) % distinct),
  );
}

/** Bytes of the PNG files below a directory. */
async function pngBytes(root: string): Promise<number> {
  let sum = 0;
  for await (const latent of Deno.readDir(`${root}/neurons`)) {
    for await (const { name } of Deno.readDir(`${root}/neurons/${latent.name}`)) {
      if (name.endsWith(".png")) sum += (await Deno.stat(`${root}/neurons/${latent.name}/${name}`)).size;
    }
  }
  return sum;
}

/** One run: pictures a second, and seconds of processor time. */
interface Timed {
  readonly rate: number;
  readonly processor: number;
}

/** Reads the two JSON lines that both sides print. */
function timed(stdout: string): Timed {
  const [first, second] = stdout.trim().split("\n").map((line) => JSON.parse(line));
  return { rate: first.pictures_per_second, processor: second.processor_seconds };
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

for (const name of options.cases.split(",")) {
  const { images, index } = await makeCase(name);
  const root = `${options.dir}/render_${name}`;
  await writeRanking(root, index);
  const sides: Record<"ours" | "pillow", Timed[]> = { ours: [], pillow: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const side of ["ours", "pillow"]) await Deno.remove(`${root}/${side}`, { recursive: true }).catch(() => {});
    const ours = await runCommand("deno", [
      ...["run", "--no-prompt", "--allow-read", `--allow-write=${root}`, "--unstable-worker-options"],
      ...[`${HERE}_render_once.ts`, root, images, `${root}/ours`, options.threads],
    ]);
    const pillow = await runCommand(PYTHON, [
      ...[`${HERE}yardstick/with_processor_time.py`, `${HERE}yardstick/pil_render.py`],
      ...["--images", images, "--top-values", `${root}/top_values.pt`],
      ...["--top-img-i", `${root}/top_img_i.pt`, "--out", `${root}/pillow`, "--latents", ...index.keys().map(String)],
    ]);
    sides.ours.push(timed(ours.stdout));
    sides.pillow.push(timed(pillow.stdout));
    const [a, b] = [sides.ours[round], sides.pillow[round]];
    print(`${name}, round ${round + 1}: ours ${a.rate.toFixed(0)}, Pillow ${b.rate.toFixed(1)} pictures/s`);
  }
  const ratio = (figure: keyof Timed): Spread =>
    spread(sides.ours.map((ours, i) => {
      const pillow = sides.pillow[i];
      return figure === "rate" ? ours.rate / pillow.rate : pillow[figure] / ours[figure];
    }));
  const sizes = await pngBytes(`${root}/ours`) / await pngBytes(`${root}/pillow`);
  const pictures = index.length * index[0].length;
  const compared = await runCommand(PYTHON, [
    ...[`${HERE}yardstick/compare_pictures.py`, "--images", images, "--top-values", `${root}/top_values.pt`],
    ...["--top-img-i", `${root}/top_img_i.pt`, "--drawn", `${root}/ours`],
  ]);
  const { different, levels_at_most: levels } = JSON.parse(compared.stdout);
  const processor = 1000 * spread(sides.ours.map(({ processor }) => processor)).median / pictures;
  print(
    `${name}: ${pictures} pictures, ${show(ratio("rate"), 1)} x Pillow's speed; ` +
      `processor time ${processor.toFixed(1)} ms a picture, Pillow's ${show(ratio("processor"), 1)} x that; ` +
      `files ${
        sizes.toFixed(3)
      } x Pillow's; pictures whose pixels are not Pillow's: ${different}, by ${levels} levels at most`,
  );
}
