import { deepStrictEqual, ok } from "node:assert/strict";
import { decodePicture } from "../../render/decode_picture.ts";
import { encodeJpeg } from "../../render/encode_jpeg.ts";
import { hashDistance, type PerceptualHash, perceptualHash } from "../../render/perceptual_hash.ts";
import { type Picture, picture } from "../../render/picture.ts";
import { resize } from "../../render/resize.ts";

const ROOT = "fixtures/demo/emoji/images";
const permissions = { read: [ROOT] };

async function read(name: string): Promise<Picture> {
  return await decodePicture(await Deno.readFile(`${ROOT}/${name}`), {});
}

function names(): string[] {
  return [...Deno.readDirSync(ROOT)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort()
    .flatMap((folder) => [...Deno.readDirSync(`${ROOT}/${folder}`)].map(({ name }) => `${folder}/${name}`).sort());
}

/** The definition with real cosines. */
function byDefinition(source: Picture): PerceptualHash {
  const { data } = resize(source, { width: 32, height: 32 });
  const gray = Array.from(
    { length: 1024 },
    (_, i) => (19595 * data[3 * i] + 38470 * data[3 * i + 1] + 7471 * data[3 * i + 2] + 32768) >> 16,
  );
  const values: number[] = [];
  for (let v = 1; v <= 8; v++) {
    for (let u = 1; u <= 8; u++) {
      const cosine = (k: number, x: number): number => Math.cos((Math.PI * k * (2 * x + 1)) / 64);
      values.push(gray.reduce((sum, value, i) => sum + value * cosine(u, i % 32) * cosine(v, Math.floor(i / 32)), 0));
    }
  }
  const sorted = values.toSorted((a, b) => a - b);
  const median = (sorted[31] + sorted[32]) / 2;
  const word = (from: number): number =>
    Number.parseInt(values.slice(from, from + 32).map((x) => x > median ? 1 : 0).join(""), 2);
  return [word(0), word(32)];
}

Deno.test({
  name: "perceptualHash() is the cosine transform's signs, but for coefficients at the median's edge",
  permissions,
  async fn(): Promise<void> {
    for (const name of names().filter((_, i) => i % 12 === 0)) {
      const source = await read(name);
      ok(hashDistance(perceptualHash(source), byDefinition(source)) <= 2, name);
    }
  },
});

Deno.test({
  name: "perceptualHash() hardly minds size, brightness and JPEG, and tells pictures apart",
  permissions,
  async fn(): Promise<void> {
    const chosen = names().filter((_, i) => i % 8 === 0);
    const hashes: PerceptualHash[] = [];
    for (const name of chosen) {
      const source = await read(name);
      const hash = perceptualHash(source);
      hashes.push(hash);
      const small = resize(source, { width: 150, height: 120 });
      const worse = await decodePicture(await encodeJpeg(small, { quality: 60 }), {});
      ok(hashDistance(hash, perceptualHash(worse)) <= 10, `${name}: ${hashDistance(hash, perceptualHash(worse))}`);
      const dark = picture(source.width, source.height, source.data.map((value) => Math.round(value * 0.8)));
      ok(hashDistance(hash, perceptualHash(dark)) <= 4, name);
    }
    const distances = hashes.flatMap((a, i) => hashes.slice(0, i).map((b) => hashDistance(a, b))).sort((a, b) => a - b);
    ok(distances[Math.floor(distances.length / 100)] > 10, `${distances[Math.floor(distances.length / 100)]}`);
    deepStrictEqual(perceptualHash(picture(5, 7, new Uint8Array(105).fill(9))), [0, 0]);
  },
});
