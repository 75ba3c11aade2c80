/**
 * Made-up runs for the viewer, of any size, with real pictures.
 * @module
 */
import type { LatentExamples } from "../../compute/interval_examples.ts";
import { sketchBin } from "../../compute/quantile_sketch.ts";
import type { ViewerArtifacts, ViewerPicture, ViewerRun } from "../../render/viewer_data.ts";

const IMAGES = new URL("../../fixtures/demo/emoji/images/", import.meta.url);

/** JPEG files of the demo, with their class. */
export function demoPictures(): { label: string; name: string; bytes: Uint8Array }[] {
  const found = [];
  for (
    const folder of [...Deno.readDirSync(IMAGES)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name)
      .sort()
  ) {
    for (
      const { name } of [...Deno.readDirSync(new URL(`${folder}/`, IMAGES))].sort((a, b) => a.name < b.name ? -1 : 1)
    ) {
      if (!name.endsWith(".jpg")) continue;
      found.push({
        label: folder,
        name: `${folder}/${name}`,
        bytes: Deno.readFileSync(new URL(`${folder}/${name}`, IMAGES)),
      });
    }
  }
  return found;
}

/** mulberry32: the same numbers everywhere. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Size and texts of a made-up run. */
export interface SyntheticOptions {
  readonly dSae: number;
  readonly k: number;
  readonly images: number;
  /** Patches along a side. */
  readonly side: number;
  readonly chosen: number;
  readonly id?: string;
  readonly label?: (image: number, real: string) => string;
  readonly picture?: (image: number, bytes: Uint8Array) => ViewerPicture;
  readonly kind?: "patch" | "img";
  /** Images that examples are taken from; none when not given. The strongest eighth never has any. */
  readonly sampled?: number;
}

/** Makes a run: latents prefer a class, heatmaps are blobs, rates spread over four decades. */
export function syntheticRun(options: SyntheticOptions): ViewerRun {
  const { dSae, k, images, side, chosen, kind = "patch" } = options;
  const pictures = demoPictures();
  const of = (image: number): typeof pictures[number] => pictures[image % pictures.length];
  const patches = kind === "img" ? 0 : side * side;
  const seed = (latent: number): () => number => random(latent * 7919 + 1);
  const topI = new Uint32Array(dSae * k);
  const topPatchI = new Uint32Array(dSae * k);
  const rankValues = new Float32Array(dSae * k).fill(-1);
  const topCount = new Uint32Array(dSae);
  const meanValues = new Float32Array(dSae);
  const sparsity = new Float32Array(dSae);
  for (let latent = 0; latent < dSae; latent++) {
    const next = seed(latent);
    const rate = 10 ** (-5.5 + 4.2 * (next() + next() + next()) / 3);
    if (next() < 0.12) {
      meanValues[latent] = NaN;
      continue;
    }
    sparsity[latent] = rate;
    meanValues[latent] = 10 ** (-1.2 + 1.2 * next() + 0.3 * (Math.log10(rate) + 4));
    const focus = Math.floor(next() * pictures.length);
    const spread = 4 + Math.floor(next() ** 2 * pictures.length);
    const n = Math.min(k, 8 + Math.floor(next() * 4 * k));
    topCount[latent] = n;
    let value = meanValues[latent] * (4 + 4 * next());
    for (let i = 0; i < n; i++) {
      value *= 1 - 0.03 * next();
      const base = (focus + Math.floor(next() ** 2 * spread)) % pictures.length;
      const copies = Math.floor((images - 1 - base) / pictures.length) + 1;
      topI[latent * k + i] = base + pictures.length * Math.floor(next() * copies);
      topPatchI[latent * k + i] = patches === 0 ? 0 : Math.floor(next() * patches);
      rankValues[latent * k + i] = value;
    }
  }
  const artifacts: ViewerArtifacts = {
    dSae,
    k,
    patches,
    rankValues,
    topI,
    topPatchI,
    topCount,
    meanValues,
    sparsity,
    readTopValues(latent): Promise<Float32Array> {
      const out = new Float32Array(k * patches).fill(-1);
      for (let i = 0; i < topCount[latent]; i++) {
        const at = topPatchI[latent * k + i];
        const [row, column] = [Math.floor(at / side), at % side];
        for (let p = 0; p < patches; p++) {
          const distance = Math.hypot(Math.floor(p / side) - row, p % side - column);
          const value = rankValues[latent * k + i] * Math.max(0, 1 - distance / (1.5 + side * 0.2));
          out[i * patches + p] = p === at ? rankValues[latent * k + i] : value * 0.98;
        }
      }
      return Promise.resolve(out);
    },
    readSketch(latent): ReturnType<ViewerArtifacts["readSketch"]> {
      const histogram = new Uint32Array(2048);
      if (topCount[latent] === 0) return Promise.resolve({ histogram, min: Infinity, max: 0 });
      const next = seed(latent + 0.5);
      const max = rankValues[latent * k];
      let min = max;
      for (let i = 0; i < 400; i++) {
        const value = Math.min(max, meanValues[latent] * Math.exp(1.1 * (next() + next() + next() + next() - 2)));
        min = Math.min(min, value);
        histogram[sketchBin(value)] += 1 + Math.floor(sparsity[latent] * 1e5);
      }
      return Promise.resolve({ histogram, min, max });
    },
  };
  const examplesOf = (latent: number): LatentExamples | undefined => {
    const [next, upper] = [seed(latent + 0.25), rankValues[latent * k]];
    // Every fifth latent does not fire in the sample.
    if (topCount[latent] === 0 || latent % 5 === 4) return undefined;
    const found = [1, 1, 2, 2, 3, 4, 4, 6, 6, 7].map((interval) => {
      const value = Math.fround(upper * (interval - 1 + 0.05 + 0.9 * next()) / 8);
      const [image, at] = [Math.floor(next() * images), Math.floor(next() * patches)];
      const heat = Float32Array.from({ length: patches }, (_, p) => p === at ? value : next() < 0.2 ? value / 2 : 0);
      return { interval, value, image, patch: at, heat };
    });
    return {
      upper,
      interval: Uint8Array.from(found, ({ interval }) => interval),
      image: Uint32Array.from(found, ({ image }) => image),
      patch: Uint32Array.from(found, ({ patch }) => patch),
      value: Float32Array.from(found, ({ value }) => value),
      heat: Float32Array.from(found.flatMap(({ heat }) => [...heat])),
    };
  };
  const alive = Array.from(topCount.keys()).filter((latent) => topCount[latent] > 0);
  const stride = Math.max(1, Math.floor(alive.length / chosen));
  return {
    id: options.id ?? "synthetic",
    build: "1",
    title: "What activates these latents",
    summary: [["Checkpoint", "checkpoints/sae.pt"], ["Rows", "12,800,000"], ["Ranked by", `patch, top ${k}`]],
    sortBy: kind,
    rows: 12_800_000,
    images,
    artifacts,
    ...(options.sampled === undefined ? {} : { examples: { sampled: options.sampled, intervals: 8, of: examplesOf } }),
    chosen: Array.from({ length: Math.min(chosen, alive.length) }, (_, i) => alive[i * stride]),
    columns: [{
      key: "auroc",
      name: "AUROC",
      about: "Made up: how well the latent tells its label",
      unit: "points",
      values: Float32Array.from(
        { length: dSae },
        (_, latent) => topCount[latent] === 0 ? NaN : (latent * 37) % 101 / 100,
      ),
    }],
    freqRange: [-5, -2],
    valueRange: [-1, 1],
    label: (image) => options.label?.(image, of(image).label) ?? of(image).label,
    name: (image) => of(image).name,
    picture: (image) =>
      Promise.resolve(
        options.picture?.(image, of(image).bytes) ??
          { bytes: of(image).bytes, type: "jpeg" as const, width: 224, height: 224 },
      ),
  };
}
