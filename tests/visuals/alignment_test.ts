import assert from "node:assert/strict";
import { parseConfig, type VisualsConfigInput } from "../../config.ts";
import { openPictures } from "../../io/datasets/open_pictures.ts";
import type { StoredArtifacts } from "../../io/read_artifacts.ts";
import { decodePicture } from "../../render/decode_picture.ts";
import type { Picture } from "../../render/picture.ts";
import { withDefaults } from "../../visuals/hooks.ts";
import { renderLatents } from "../../visuals/render_latents.ts";
import { inTemporary } from "../io/_temporary.ts";
import { PERMISSIONS } from "./_jobs.ts";

/** Sizes in which a wrong axis, a swapped one or a crop on the wrong side would show. */
const SIZES = [[448, 448], [640, 400], [400, 640], [1000, 300], [300, 1000], [97, 61], [61, 97]] as const;
/** Not square, so that rows and columns cannot be mistaken for each other; both divide 224. */
const GRID = { rows: 8, cols: 7 };
const P = GRID.rows * GRID.cols;
/** Patches to mark: corners, edges and inside. */
const PATCHES = [0, 6, 49, 55, 10, 33];

/** An affine map `[ax, bx, ay, by]`, as it is stored. */
type StoredMap = readonly [number, number, number, number];

/** A PPM file: black, with white where `column` and `row` lie within the patch. */
function markedPicture(width: number, height: number, patch: number, [ax, bx, ay, by]: StoredMap): Uint8Array {
  const header = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
  const file = new Uint8Array(header.length + 3 * width * height);
  file.set(header);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isMarked = Math.floor(ax * (x + 0.5) + bx) === patch % GRID.cols &&
        Math.floor(ay * (y + 0.5) + by) === Math.floor(patch / GRID.cols);
      if (isMarked) file.fill(255, header.length + 3 * (y * width + x), header.length + 3 * (y * width + x) + 3);
    }
  }
  return file;
}

/** Centre of what is bright, in patches from the upper left corner. */
function centre({ data, width, height }: Picture): { column: number; row: number } {
  let [sum, x, y] = [0, 0, 0];
  for (let i = 0; i < width * height; i++) {
    const weight = data[3 * i];
    sum += weight;
    x += weight * (i % width + 0.5);
    y += weight * (Math.floor(i / width) + 0.5);
  }
  return { column: x / sum * GRID.cols / width, row: y / sum * GRID.rows / height };
}

/** Columns and rows of patches in which something is brighter than half. */
function brightPatches({ data, width, height }: Picture): Set<number> {
  const found = new Set<number>();
  for (let i = 0; i < width * height; i++) {
    if (data[3 * i] < 128) continue;
    const column = Math.floor((i % width) * GRID.cols / width);
    found.add(Math.floor(Math.floor(i / width) * GRID.rows / height) * GRID.cols + column);
  }
  return found;
}

/** Results of latents that each rank every image, with one heatmap for all of them. */
function artifacts(nImages: number, heatmaps: readonly Float32Array[]): StoredArtifacts {
  const dSae = heatmaps.length;
  return {
    dSae,
    k: nImages,
    patches: P,
    topI: Uint32Array.from({ length: dSae * nImages }, (_, i) => i % nImages),
    topCount: new Uint32Array(dSae).fill(nImages),
    rankValues: new Float32Array(dSae * nImages),
    sparsity: new Float32Array(dSae).fill(0.01),
    meanValues: new Float32Array(dSae).fill(1),
    readTopValues: (latent: number) =>
      Promise.resolve(Float32Array.from({ length: nImages * P }, (_, i) => heatmaps[latent][i % P])),
    readSketch: () => Promise.resolve(undefined),
  } as unknown as StoredArtifacts;
}

async function render(
  root: string,
  directory: string,
  found: StoredArtifacts,
  more: VisualsConfigInput,
): Promise<Record<string, { width: number; height: number; map: StoredMap }>> {
  const config = parseConfig({
    images: { kind: "image-folder", root },
    nWorkers: 1,
    grid: [GRID.rows, GRID.cols],
    ...more,
  });
  const pictures = await openPictures(config.images);
  const latents = Array.from({ length: found.dSae }, (_, latent) => latent);
  await renderLatents(config, found, { latents, pictures, directory, hooks: withDefaults(undefined) });
  const stored = JSON.parse(await Deno.readTextFile(`${directory}/pictures.json`));
  assert.deepEqual([stored.fit, stored.side, stored.grid], [config.fit, 224 * config.gridScale, [
    GRID.rows,
    GRID.cols,
  ]]);
  return stored.pictures;
}

/** Writes the picture of each size under a name that keeps their order. */
async function writePictures(
  root: string,
  make: (size: readonly [number, number], i: number) => Uint8Array,
): Promise<void> {
  await Deno.mkdir(`${root}/a`, { recursive: true });
  for (const [i, size] of SIZES.entries()) await Deno.writeFile(`${root}/a/${i}.ppm`, make(size, i));
}

for (const fit of ["square", "clip", "dinov2"] as const) {
  Deno.test({
    name: `a patch marked in pictures of ${SIZES.length} shapes is drawn where the stored map says: --fit ${fit}`,
    permissions: PERMISSIONS,
    fn: () =>
      inTemporary(async (directory) => {
        const [root, out] = [`${directory}/pictures`, `${directory}/out`];
        const plain = artifacts(SIZES.length, [new Float32Array(P)]);
        const more = { fit, gridScale: 1 };
        await writePictures(root, ([width, height]) => markedPicture(width, height, -1, [0, 0, 0, 0]));
        const maps = await render(root, out, plain, more);
        for (const [i, [width, height]] of SIZES.entries()) {
          assert.deepEqual([maps[i].width, maps[i].height], [width, height]);
        }
        for (const patch of PATCHES) {
          await writePictures(root, ([width, height], i) => markedPicture(width, height, patch, maps[i].map));
          await render(root, out, plain, more);
          for (const [i, [width, height]] of SIZES.entries()) {
            const drawn = await decodePicture(await Deno.readFile(`${out}/neurons/0/${i}.png`));
            const { column, row } = centre(drawn);
            const [ax, , ay] = maps[i].map;
            // The mark is whole source pixels: each of its edges is off by up to half of one.
            const [wide, high] = [column - patch % GRID.cols - 0.5, row - Math.floor(patch / GRID.cols) - 0.5];
            const about = `patch ${patch} of ${width} x ${height}: ${column}, ${row}`;
            assert.ok(Math.abs(wide) <= ax / 2 + 0.02 && Math.abs(high) <= ay / 2 + 0.02, about);
          }
        }
      }),
  });

  Deno.test({
    name: `a heatmap of one patch covers what the stored map gives to that patch, and nothing else: --fit ${fit}`,
    permissions: PERMISSIONS,
    fn: () =>
      inTemporary(async (directory) => {
        const [root, out] = [`${directory}/pictures`, `${directory}/out`];
        await writePictures(root, ([width, height]) => markedPicture(width, height, -1, [0, 0, 0, 0]));
        const heatmaps = PATCHES.map((patch) => new Float32Array(P).fill(1, patch, patch + 1));
        await render(root, out, artifacts(SIZES.length, heatmaps), { fit, gridScale: 1 });
        for (const [latent, patch] of PATCHES.entries()) {
          for (const i of SIZES.keys()) {
            const drawn = await decodePicture(await Deno.readFile(`${out}/neurons/${latent}/${i}.png`));
            assert.deepEqual([...brightPatches(drawn)], [patch]);
            const { column, row } = centre(drawn);
            assert.ok(Math.abs(column - patch % GRID.cols - 0.5) < 1e-9, `${column}`);
            assert.ok(Math.abs(row - Math.floor(patch / GRID.cols) - 0.5) < 1e-9, `${row}`);
          }
        }
      }),
  });
}

Deno.test({
  name: "maps of pictures that are there already are kept by --resume, and found again when the file is gone",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const [root, out] = [`${directory}/pictures`, `${directory}/out`];
      await writePictures(root, ([width, height]) => markedPicture(width, height, -1, [0, 0, 0, 0]));
      const found = {
        ...artifacts(SIZES.length, [new Float32Array(P)]),
        manifest: MANIFEST,
      } as unknown as StoredArtifacts;
      const first = await render(root, out, found, { gridScale: 1 });
      const before = await Deno.readTextFile(`${out}/pictures.json`);
      for (const gone of [false, true]) {
        if (gone) await Deno.remove(`${out}/pictures.json`);
        assert.deepEqual(await render(root, out, found, { gridScale: 1, resume: true }), first);
        assert.equal(await Deno.readTextFile(`${out}/pictures.json`), before);
      }
      const clip = await render(root, out, found, { gridScale: 1, resume: true, fit: "clip" });
      assert.notDeepEqual(clip[1].map, first[1].map);
    }),
});

/** As much of a manifest as tells one set of artifacts from another. */
const MANIFEST = {
  inputs: {},
  startedAt: "2026-01-01T00:00:00Z",
  backend: { name: "wasm" },
  files: {},
  versions: { tool: "0" },
};
