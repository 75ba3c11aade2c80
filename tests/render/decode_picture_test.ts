import assert from "node:assert/strict";
import { type DecodeOptions, decodePicture } from "../../render/decode_picture.ts";
import type { Picture } from "../../render/picture.ts";

const fixtures = new URL("../../fixtures/", import.meta.url);
const read = { read: [fixtures] };
const GOLDEN = new URL("golden/pictures/", fixtures);
const VARIANTS = new URL("pictures/", fixtures);
const EXTENSION = /\.(jpg|png|gif|bmp|p[bgp]m|tif|webp)$/;

const load = async (folder: URL, name: string, options: DecodeOptions = {}): Promise<Picture> =>
  await decodePicture(await Deno.readFile(new URL(name, folder)), { name, ...options });

const namesIn = (folder: URL): string[] =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => EXTENSION.test(name)).sort();

function assertSame(found: Picture, expected: Picture, name: string): void {
  assert.deepEqual([found.width, found.height], [expected.width, expected.height], name);
  // Byte by byte rather than deepEqual: a difference is then one line.
  const at = found.data.findIndex((value, i) => value !== expected.data[i]);
  assert.equal(at, -1, `${name}: byte ${at} is ${found.data[at]}, expected ${expected.data[at]}`);
}

async function assertRefused(bytes: Uint8Array, options: DecodeOptions, message: RegExp): Promise<void> {
  await assert.rejects(decodePicture(bytes, options), (error: Error) => {
    assert.equal(error.name, "PictureError");
    assert.match(error.message, message);
    assert.equal((error as Error & { path: string }).path, options.name);
    return true;
  });
}

for (const [folder, least] of [[GOLDEN, 16], [VARIANTS, 90]] as const) {
  Deno.test({
    name: `\`decodePicture()\` reads every encoding as Pillow does: ${
      folder.pathname.split("/").slice(-3, -1).join("/")
    }`,
    permissions: read,
    fn: async () => {
      const names = namesIn(folder);
      assert.ok(names.length >= least, `${names.length} pictures`);
      for (const name of names) assertSame(await load(folder, name), await load(folder, `rgb/${name}.png`), name);
    },
  });
}

Deno.test({
  name: "`decodePicture()` tells plain RGB pixels as they are, independently of its own PNG reader",
  permissions: read,
  fn: async () => {
    // A raw PPM is its header and the pixels themselves.
    const file = await Deno.readFile(new URL("p6.ppm", VARIANTS));
    const expected = file.subarray(file.length - 37 * 23 * 3);
    for (const name of ["rgb8.png", "rgb8_interlaced.png", "bmp_RGB.bmp", "tiff_tiff_lzw.tif", "lossless.webp"]) {
      assert.deepEqual((await load(VARIANTS, name)).data, expected, name);
    }
  },
});

Deno.test({
  name: "`decodePicture()` turns by EXIF orientation only when asked",
  permissions: read,
  fn: async () => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const name = `exif_${orientation}.jpg`;
      const upright = await load(VARIANTS, `rgb/exif_${orientation}.upright.png`);
      assertSame(await load(VARIANTS, name, { applyExif: true }), upright, name);
      assert.equal((await load(VARIANTS, name)).width, 37);
    }
  },
});

Deno.test({
  name: "`decodePicture()` refuses a size past maxPixels from the header alone",
  permissions: read,
  fn: async () => {
    for (
      const name of ["rgb8.png", "q30_420.jpg", "plain.gif", "bmp_RGB.bmp", "p6.ppm", "tiff_L.tif", "lossy_q20.webp"]
    ) {
      const bytes = await Deno.readFile(new URL(name, VARIANTS));
      await assertRefused(bytes, { name, maxPixels: 37 * 23 - 1 }, /says 37 x 23 pixels, more than the limit of 850;/);
      assert.equal((await decodePicture(bytes, { maxPixels: 37 * 23 })).height, 23);
    }
    // 60,000 x 60,000 pixels would be 10 GB: refused without trying.
    const huge = await Deno.readFile(new URL("rgb8.png", VARIANTS));
    new DataView(huge.buffer).setUint32(16, 60000);
    new DataView(huge.buffer).setUint32(20, 60000);
    new DataView(huge.buffer).setUint32(29, crcOf(huge.subarray(12, 29)));
    await assertRefused(huge, { name: "huge.png" }, /60000 x 60000 pixels, more than the limit of 178956970/);
  },
});

/** A bitwise CRC-32, independent of the sources'. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

Deno.test({
  name: "`decodePicture()` names the picture that is cut off, and goes on with the next one",
  permissions: read,
  fn: async () => {
    for (const name of namesIn(VARIANTS)) {
      // Half of an animation still holds its first frame.
      if (name.startsWith("animated")) continue;
      // Half of it, header included: no format may give a whole picture, hang, or throw anything else.
      const bytes = await Deno.readFile(new URL(name, VARIANTS));
      await assertRefused(
        bytes.subarray(0, bytes.length >> 1),
        { name },
        new RegExp(`^Cannot decode picture ${name}: .`),
      );
    }
    assertSame(await load(VARIANTS, "q30_420.jpg"), await load(VARIANTS, "rgb/q30_420.jpg.png"), "afterwards");
  },
});

Deno.test({
  name: "`decodePicture()` survives any one damaged byte: a picture of the same kind, or a PictureError",
  permissions: read,
  fn: async () => {
    let state = 1;
    for (const name of namesIn(VARIANTS)) {
      const bytes = await Deno.readFile(new URL(name, VARIANTS));
      for (let trial = 0; trial < 12; trial++) {
        const damaged = bytes.slice();
        state = Math.imul(state, 1664525) + 1013904223 >>> 0;
        damaged[state % damaged.length] ^= 1 << (state >>> 29);
        try {
          const found = await decodePicture(damaged, { name, maxPixels: 1e6 });
          assert.equal(found.data.length, found.width * found.height * 3);
        } catch (error) {
          assert.equal((error as Error).name, "PictureError", `${name}: ${error}`);
        }
      }
    }
  },
});

Deno.test({
  name: "`decodePicture()` refuses what is no picture, saying what it found",
  permissions: "none",
  fn: async () => {
    const text = (content: string): Uint8Array => new TextEncoder().encode(content);
    await assertRefused(
      new Uint8Array(0),
      { name: "empty.jpg" },
      /^Cannot decode picture empty\.jpg: it is empty, expected JPEG/,
    );
    await assertRefused(text("<html>"), { name: "page.jpg" }, /its first bytes are 3c68746d6c3e, expected JPEG, PNG/);
    await assertRefused(text("P6 3 x"), { name: "a.ppm" }, /its height is missing at byte 5/);
    await assertRefused(text("P2 1 1 3 9"), { name: "a.pgm" }, /sample 0 is 9, more than its maxval of 3/);
    await assertRefused(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9), { name: "a.jpg" }, /no readable JPEG header/);
  },
});

Deno.test({
  name: "`decodePicture()` decodes JPEG and WebP without any permission",
  permissions: "none",
  fn: async () => {
    // The smallest pictures of their kind: one pixel each.
    const webp = Uint8Array.fromBase64("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==");
    const jpeg = Uint8Array.fromBase64(
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAKBueIx4ZKCMgoy0qqC+8P//8Nzc8P//////////////////////////////////////" +
        "////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI" +
        "AQEAAD8AH//Z",
    );
    for (const bytes of [webp, jpeg]) assert.equal((await decodePicture(bytes)).data.length, 3);
  },
});
