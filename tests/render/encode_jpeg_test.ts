import assert from "node:assert/strict";
import { makeCodes } from "../../render/_jpeg_codes.ts";
import { quantSteps } from "../../render/_jpeg_blocks.ts";
import { decodePicture } from "../../render/decode_picture.ts";
import { encodeJpeg } from "../../render/encode_jpeg.ts";
import { type Picture, picture } from "../../render/picture.ts";

/** mulberry32. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Gray noise: colour differences are zero, so a decoder's upsampling plays no part. */
function grayNoise(width: number, height: number, seed: number): Picture {
  const next = random(seed);
  const made = picture(width, height);
  for (let i = 0; i < width * height; i++) made.data.fill(Math.floor(256 * next()), 3 * i, 3 * i + 3);
  return made;
}

/** What a decoder should find: every block transformed by the definition in f64, quantised, and back. */
function oracle({ width, height, data }: Picture, quality: number): Float64Array {
  const [steps] = quantSteps(quality);
  const out = new Float64Array(width * height);
  const c = (k: number): number => k === 0 ? Math.SQRT1_2 : 1;
  const wave = (x: number, k: number): number => Math.cos((2 * x + 1) * k * Math.PI / 16);
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      const at = (x: number, y: number): number =>
        data[3 * (Math.min(height - 1, top + y) * width + Math.min(width - 1, left + x))] - 128;
      const found: number[] = [];
      for (let v = 0; v < 8; v++) {
        for (let u = 0; u < 8; u++) {
          let sum = 0;
          for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) sum += at(x, y) * wave(x, u) * wave(y, v);
          found.push(Math.round(sum * c(u) * c(v) / 4 / steps[8 * v + u]) * steps[8 * v + u]);
        }
      }
      for (let y = 0; y < Math.min(8, height - top); y++) {
        for (let x = 0; x < Math.min(8, width - left); x++) {
          let sum = 0;
          for (let v = 0; v < 8; v++) {
            for (let u = 0; u < 8; u++) sum += c(u) * c(v) * found[8 * v + u] * wave(x, u) * wave(y, v);
          }
          out[(top + y) * width + left + x] = Math.min(255, Math.max(0, sum / 4 + 128));
        }
      }
    }
  }
  return out;
}

Deno.test({
  name: "`encodeJpeg()` writes what the definition of the transform says, at every size and quality",
  permissions: "none",
  fn: async () => {
    for (const [width, height] of [[1, 1], [8, 8], [7, 9], [16, 16], [17, 33], [40, 24]]) {
      for (const quality of [1, 30, 50, 82, 95, 100]) {
        const source = grayNoise(width, height, width * 1000 + quality);
        const found = await decodePicture(encodeJpeg(source, { quality }));
        assert.deepEqual([found.width, found.height], [width, height]);
        const expected = oracle(source, quality);
        let [off, most] = [0, 0];
        for (let i = 0; i < expected.length; i++) {
          const error = Math.abs(found.data[3 * i] - expected[i]);
          most = Math.max(most, error);
          if (error > 2) off++;
        }
        // A number half way between two steps may be rounded the other way in f32: one block of many, by one step.
        assert.ok(
          off <= 64 * Math.ceil(expected.length / 2000),
          `${width}x${height} q${quality}: ${off} off by up to ${most}`,
        );
      }
    }
  },
});

Deno.test({
  name: "`encodeJpeg()` keeps colours, smooth pictures closely, and is smaller at a lower quality",
  permissions: "none",
  fn: async () => {
    for (const colour of [[255, 0, 0], [0, 255, 0], [0, 0, 255], [13, 200, 97], [255, 255, 255], [0, 0, 0]]) {
      const flat = picture(33, 20);
      for (let i = 0; i < flat.data.length; i++) flat.data[i] = colour[i % 3];
      const { data } = await decodePicture(encodeJpeg(flat, { quality: 95 }));
      data.forEach((value, i) => assert.ok(Math.abs(value - colour[i % 3]) <= 3, `${colour}: ${value} at ${i}`));
    }
    const smooth = picture(200, 120);
    for (let y = 0; y < 120; y++) {
      for (let x = 0; x < 200; x++) {
        const at = 3 * (y * 200 + x);
        smooth.data[at] = 128 + 100 * Math.sin(x / 30);
        smooth.data[at + 1] = 128 + 100 * Math.cos(y / 25);
        smooth.data[at + 2] = x;
      }
    }
    const sizes: number[] = [];
    for (const [quality, least] of [[50, 33], [82, 37], [95, 42]]) {
      const file = encodeJpeg(smooth, { quality });
      const { data } = await decodePicture(file);
      const error = data.reduce((sum, value, i) => sum + (value - smooth.data[i]) ** 2, 0) / data.length;
      const ratio = 10 * Math.log10(255 ** 2 / error);
      assert.ok(ratio > least, `${quality}: ${ratio} dB`);
      sizes.push(file.length);
    }
    assert.deepEqual(sizes, sizes.toSorted((a, b) => a - b));
  },
});

Deno.test({
  name: "`encodeJpeg()` writes whole files of any content, byte for byte the same each time",
  permissions: "none",
  fn: async () => {
    for (let seed = 0; seed < 40; seed++) {
      const next = random(seed);
      const made = picture(1 + Math.floor(70 * next()), 1 + Math.floor(70 * next()));
      const kind = seed % 4;
      // Noise, stripes of extremes, a lone pixel, black: long codes, the largest numbers, empty blocks.
      made.data.forEach((_, i) =>
        made.data[i] = kind === 0 ? 256 * next() : kind === 1 ? 255 * (i & 1) : kind === 2 && i === 0 ? 255 : 0
      );
      for (const quality of [1, 82, 100]) {
        const file = encodeJpeg(made, { quality });
        assert.deepEqual(file, encodeJpeg(made, { quality }));
        assert.deepEqual([...file.subarray(-2)], [0xff, 0xd9]);
        const { width, height } = await decodePicture(file);
        assert.deepEqual([width, height], [made.width, made.height]);
      }
    }
    assert.throws(() => encodeJpeg(picture(1, 1), { quality: 0 }), RangeError);
    assert.throws(() => encodeJpeg(picture(1, 1), { quality: 82.5 }), RangeError);
  },
});

Deno.test({
  name: "`makeCodes()` gives prefix codes of at most 16 bits, none of them all ones, stated as the format wants",
  permissions: "none",
  fn: () => {
    const fibonacci = new Uint32Array(256);
    for (let i = 0, a = 1, b = 1; i < 40; i++, [a, b] = [b, a + b]) fibonacci[i] = a;
    const flat = new Uint32Array(256).fill(3);
    const lone = new Uint32Array(256);
    lone[17] = 5;
    for (const counts of [fibonacci, flat, lone, new Uint32Array(256)]) {
      const { code, bits, stated } = makeCodes(counts);
      const words = Array.from(bits.keys()).filter((symbol) => counts[symbol] > 0)
        .map((symbol) => code[symbol].toString(2).padStart(bits[symbol], "0"));
      for (const [i, word] of words.entries()) {
        assert.ok(word.length <= 16 && word.includes("0"), word);
        words.forEach((other, j) => assert.ok(i === j || !other.startsWith(word), `${word} ${other}`));
      }
      assert.equal(stated.subarray(0, 16).reduce((sum, n) => sum + n, 0), words.length);
      assert.equal(stated.length, 16 + words.length);
    }
  },
});
