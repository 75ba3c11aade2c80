import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { VisualsConfig } from "../../config.ts";
import { openPictures } from "../../io/datasets/open_pictures.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { decodePicture } from "../../render/decode_picture.ts";
import { hashDistance, type PerceptualHash, perceptualHash } from "../../render/perceptual_hash.ts";
import { openStorePool } from "../../render/store_pool.ts";
import { dumpActivations, renderArtifacts } from "../../visuals.ts";
import { unlike } from "../../visuals/shown_entries.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS as permissions, smallDemo } from "./_jobs.ts";

Deno.test({
  name: "unlike() keeps what differs from all kept before, in order, and what has no hash",
  permissions: "none",
  fn(): void {
    let state = 5;
    const word = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) & 0x00ff00ff;
    const images = Array.from({ length: 200 }, (_, i) => 1000 - i);
    const hashes = new Map(
      images.filter((i) => i % 17 !== 0).map((i): [number, PerceptualHash] => [i, [word(), word()]]),
    );
    for (const distance of [0, 6, 12, 64]) {
      const kept = unlike(images, hashes, distance);
      for (const [at, image] of images.entries()) {
        const hash = hashes.get(image);
        const above = images.slice(0, at).filter((other) => kept.has(other) && hashes.has(other));
        const isAlike = hash !== undefined && above.some((other) => hashDistance(hashes.get(other)!, hash) <= distance);
        strictEqual(kept.has(image), !isAlike, `${image} at ${distance}`);
      }
    }
  },
});

Deno.test({
  name: "--diverse shows no two pictures of a latent that look nearly alike, the best of each, and changes no artifact",
  permissions,
  fn: () =>
    inTemporary(async (dumpTo) => {
      const config = smallDemo(dumpTo, { topK: 60, nLatents: 6, includeLatents: [705], diverse: true, nWorkers: 2 });
      const { directory } = await dumpActivations(config);
      const before = await contents(directory);
      await renderArtifacts(config);
      const after = await contents(directory);
      // The manifest lists what a render adds.
      for (const [name, hash] of before) if (name !== "/manifest.json") strictEqual(after.get(name), hash, name);
      const artifacts = await readArtifacts(directory);
      const pictures = await openPictures(config.images);
      const hashOf = new Map<string, PerceptualHash>();
      for (let i = 0; i < pictures.length; i++) {
        hashOf.set(pictures.name(i), perceptualHash(await decodePicture(await pictures.bytes(i), {})));
      }
      let left = 0;
      for (const { name: latent } of Deno.readDirSync(`${directory}/neurons`)) {
        const j = Number(latent);
        const ranked = [...new Set(artifacts.topI.subarray(j * 60, j * 60 + artifacts.topCount[j]))];
        const expected: string[] = [];
        for (const name of ranked.map((image) => pictures.name(image))) {
          if (expected.every((other) => hashDistance(hashOf.get(other)!, hashOf.get(name)!) > 10)) expected.push(name);
        }
        left += ranked.length - expected.length;
        const drawn = [...Deno.readDirSync(`${directory}/neurons/${latent}`)].filter(({ name }) =>
          name.endsWith(".png")
        );
        strictEqual(drawn.length, expected.length, latent);
      }
      ok(left > 0, "nothing was left out");
      const again: VisualsConfig = { ...config, nWorkers: 1 };
      await renderArtifacts(again);
      deepStrictEqual(await contents(directory), after);
      for (const part of ["0/2", "1/2"]) await renderArtifacts({ ...config, force: true, part });
      await renderArtifacts(config);
      deepStrictEqual(await contents(directory), after);
      artifacts.close();
      pictures.close();
    }),
});

Deno.test({
  name: "pictures are stored and hashed by workers that are lent over a port",
  permissions: { read: ["."] },
  async fn(): Promise<void> {
    const own = globalThis.Worker;
    const lent: Worker[] = [];
    class Borrowed {
      readonly #talk = new MessageChannel();
      onerror: unknown = null;
      constructor(url: URL) {
        const worker = new own(url, { type: "module" });
        worker.postMessage("talk over this port", [this.#talk.port2]);
        lent.push(worker);
      }
      set onmessage(listener: (event: MessageEvent) => void) {
        this.#talk.port1.onmessage = listener;
      }
      postMessage(message: unknown): void {
        this.#talk.port1.postMessage(message);
      }
      terminate(): void {
        this.#talk.port1.close();
      }
    }
    globalThis.Worker = Borrowed as unknown as typeof Worker;
    const pool = openStorePool({ maxOriginalBytes: 0 }, { threads: 2 });
    try {
      const bytes = await Deno.readFile("fixtures/golden/pictures/rgb/q90_420.png").catch(() =>
        Deno.readFile("fixtures/pictures/q30_420.jpg")
      );
      const stored: Awaited<ReturnType<typeof pool.store>>[] = [];
      for (let i = 0; i < 12; i++) stored.push(await pool.store({ name: "a", bytes }));
      ok(stored.every((one) => "width" in one && one.width === (stored[0] as { width: number }).width));
      const hashes = await Promise.all(Array.from({ length: 4 }, () => pool.hash({ name: "a", bytes })));
      ok("hash" in hashes[0]);
      deepStrictEqual(hashes[3], hashes[0]);
      strictEqual(lent.length, 2);
      ok("failed" in await pool.hash({ name: "b", bytes: new Uint8Array(5) }));
    } finally {
      globalThis.Worker = own;
      pool.close();
      lent.forEach((worker) => worker.terminate());
    }
  },
});
