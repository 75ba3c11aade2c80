import assert from "node:assert/strict";
import { encodePng } from "../../render/encode_png.ts";
import { encodeJpeg } from "../../render/encode_jpeg.ts";
import { decodePicture } from "../../render/decode_picture.ts";
import { type Picture, picture } from "../../render/picture.ts";
import { openStorePool } from "../../render/store_pool.ts";
import { storedPicture } from "../../render/stored_picture.ts";

function pattern(width: number, height: number, seed: number): Picture {
  const made = picture(width, height);
  made.data.forEach((_, i) => made.data[i] = (i * (7 + seed) >> 3) & 255);
  return made;
}

Deno.test({
  name:
    "`openStorePool()` gives the bytes of `storedPicture()` on any number of threads, and names what it cannot read",
  // Workers are loaded by this process, then work without permissions.
  permissions: { read: ["."] },
  fn: async () => {
    const files = Array.from(
      { length: 24 },
      (_, i) => ({ name: `${i}.png`, bytes: encodePng(pattern(400, 360 + i, i)) }),
    );
    const expected = await Promise.all(files.map(({ bytes, name }) => storedPicture(bytes, { name })));
    for (const threads of [1, 2]) {
      const pool = openStorePool({}, { threads });
      const found = await Promise.all(files.map((file) => pool.store(file)));
      assert.deepEqual(found, expected);
      const broken = await pool.store({ name: "torn.png", bytes: files[0].bytes.subarray(0, 200) });
      assert.match("failed" in broken ? broken.failed : "", /torn\.png/);
      assert.deepEqual(await pool.store({ name: "gone", bytes: undefined, failed: "It is gone" }), {
        failed: "It is gone",
      });
      pool.close();
    }
    assert.throws(() => openStorePool({}, { threads: 0 }), RangeError);
  },
});

/** A JPEG whose EXIF says that it lies on its side. */
function turned(): Uint8Array {
  const plain = encodeJpeg(pattern(48, 32, 1), { quality: 95 });
  const exif = new TextEncoder().encode("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0");
  return Uint8Array.of(0xff, 0xd8, 0xff, 0xe1, 0, exif.length + 2, ...exif, ...plain.subarray(2));
}

Deno.test({
  name: "`storedPicture()` turns a picture upright only when the activations were recorded so",
  permissions: "none",
  fn: async () => {
    const bytes = turned();
    const asStored = await storedPicture(bytes);
    const upright = await storedPicture(bytes, { applyExif: true, quality: 95 });
    assert.ok("bytes" in asStored && "bytes" in upright);
    assert.deepEqual([asStored.width, asStored.height, upright.width, upright.height], [48, 32, 32, 48]);
    const expected = await decodePicture(bytes, { applyExif: true });
    const found = await decodePicture(upright.bytes);
    const error = found.data.reduce((sum, value, i) => sum + Math.abs(value - expected.data[i]), 0) / found.data.length;
    assert.ok(error < 20, `${error}`);
    assert.ok("failed" in await storedPicture(bytes, { maxPixels: 100 }));
  },
});

Deno.test({
  name: "`store_worker.ts` answers over a port that it is given, as workers that are lent to a job do",
  permissions: { read: ["."] },
  fn: async () => {
    const worker = new Worker(new URL("../../render/store_worker.ts", import.meta.url), { type: "module" });
    const { port1, port2 } = new MessageChannel();
    const answers: unknown[] = [];
    const all = Promise.withResolvers<void>();
    port1.onmessage = ({ data }): void => {
      answers.push(data);
      if (answers.length === 2) all.resolve();
    };
    worker.postMessage("talk over this port", [port2]);
    const bytes = encodePng(pattern(330, 330, 1));
    port1.postMessage({ bytes, options: { name: "a.png" } });
    await all.promise;
    assert.deepEqual(answers, ["ready", await storedPicture(bytes, { name: "a.png" })]);
    port1.close();
    worker.terminate();
  },
});
