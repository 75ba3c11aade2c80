import assert from "node:assert/strict";
import { drawGroups } from "../../visuals/draw_groups.ts";

/** Numbers 0 … n − 1 in an order that has nothing to do with them. */
function shuffled(n: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: n }, (_, i) => ({ i, key: state = Math.imul(state, 1664525) + 1013904223 >>> 0 }))
    .sort((a, b) => a.key - b.key).map(({ i }) => i);
}

/** Pictures decoded when each is decoded once a group. */
function decoded(groups: readonly { readonly images: readonly number[] }[]): number {
  return groups.reduce((sum, { images }) => sum + images.length, 0);
}

Deno.test({
  name: "drawGroups() puts every latent in one group, keeps to the limit and names every image of a group once",
  permissions: "none",
  fn(): void {
    for (let seed = 1; seed <= 200; seed++) {
      const order = shuffled(400, seed);
      const images = Array.from({ length: seed % 23 }, (_, i) => order.slice(i * 7, i * 7 + (seed * i) % 13));
      const limit = 1 + seed % 31;
      const groups = drawGroups(images, limit);
      assert.deepEqual(groups.flatMap(({ latents }) => latents).sort((a, b) => a - b), [...images.keys()]);
      for (const { latents, images: drawn } of groups) {
        const entries = latents.flatMap((latent) => images[latent]);
        assert.ok(entries.length <= limit || latents.length === 1, `seed ${seed}: ${entries.length} of ${limit}`);
        assert.deepEqual([...drawn].sort((a, b) => a - b), [...new Set(entries)].sort((a, b) => a - b));
      }
    }
  },
});

Deno.test({
  name: "drawGroups() decodes each picture once where one group holds all, and where latents come in kinds",
  permissions: "none",
  fn(): void {
    // Eight kinds of latents, each with 100 images of its own of which a latent shows 20.
    const images = shuffled(64, 5).map((i) => {
      const [kind, some] = [i % 8, shuffled(100, i + 1)];
      return some.slice(0, 20).map((image) => 100 * kind + image);
    });
    const distinct = new Set(images.flat()).size;
    assert.equal(decoded(drawGroups(images, 64 * 20)), distinct);
    const near = drawGroups(images, 8 * 20);
    assert.equal(near.length, 8);
    assert.equal(decoded(near), distinct);
    const asGiven = Array.from(
      { length: 8 },
      (_, g) => ({ images: [...new Set(images.slice(8 * g, 8 * g + 8).flat())] }),
    );
    assert.ok(decoded(asGiven) > 1.5 * distinct, `${decoded(asGiven)}, ${distinct}`);
  },
});

Deno.test({
  name: "drawGroups() draws what the group before drew first, and what the next one draws last",
  permissions: "none",
  fn(): void {
    const groups = drawGroups([[5, 1, 9], [9, 7, 2], [2, 0, 8]], 3);
    assert.deepEqual(groups.map(({ images }) => images), [[1, 5, 9], [9, 7, 2], [2, 0, 8]]);
  },
});
