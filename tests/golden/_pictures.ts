/**
 * Compares drawn latents with upstream's, away from the borders that upstream bleeds over.
 * @module
 */
import assert from "node:assert/strict";
import { decodePicture } from "../../render/decode_picture.ts";
import type { Picture } from "../../render/picture.ts";

/** A picture's side over the grid's. */
const PATCH_PIXELS = 448 / 8;
/** Upstream's patches bleed over their border; nothing is compared this near to one. */
const BORDER_PIXELS = 2;

/** Compares a latent's pictures, labels and numbers. */
export async function compareLatent(ours: URL, theirs: URL): Promise<void> {
  const files = names(theirs);
  assert.deepEqual(names(ours), files);
  for (const file of files) {
    const [mine, upstream] = [new URL(file, ours), new URL(file, theirs)];
    if (file.endsWith(".txt")) assert.equal(Deno.readTextFileSync(mine), Deno.readTextFileSync(upstream), file);
    if (file.endsWith(".json")) {
      compareMetadata(JSON.parse(Deno.readTextFileSync(mine)), JSON.parse(Deno.readTextFileSync(upstream)));
    }
    if (file.endsWith(".png")) comparePictures(await picture(mine), await picture(upstream), mine.pathname);
  }
}

function compareMetadata(ours: Record<string, number>, theirs: Record<string, number>): void {
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort());
  for (const [key, value] of Object.entries(theirs)) {
    assert.ok(
      Math.abs(ours[key]! - value) <= 1e-5 * Math.max(1, Math.abs(value)),
      `${key}: ${ours[key]}, upstream ${value}`,
    );
  }
}

/** Inside patches: resize and heatmap may each be one level off. */
function comparePictures(ours: Picture, theirs: Picture, name: string): void {
  assert.deepEqual([ours.width, ours.height], [theirs.width, theirs.height], name);
  const inside = (at: number): boolean =>
    at % PATCH_PIXELS >= BORDER_PIXELS && at % PATCH_PIXELS < PATCH_PIXELS - BORDER_PIXELS;
  let [worst, sum, count] = [0, 0, 0];
  for (let y = 0; y < ours.height; y++) {
    for (let x = 0; x < ours.width; x++) {
      if (!inside(x) || !inside(y)) continue;
      for (let c = 0; c < 3; c++) {
        const at = (y * ours.width + x) * 3 + c;
        const difference = Math.abs(ours.data[at]! - theirs.data[at]!);
        worst = Math.max(worst, difference);
        sum += difference;
        count++;
      }
    }
  }
  assert.ok(worst <= 1, `${name}: ${worst} levels off`);
  assert.ok(sum / count <= 0.001, `${name}: ${sum / count} levels off on average`);
}

async function picture(file: URL): Promise<Picture> {
  return await decodePicture(await Deno.readFile(file), { name: file.pathname, maxPixels: 2 ** 24, applyExif: false });
}

/** Names in a folder, sorted. */
export function names(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
