/**
 * The error that JPEG's tables allow, added to pictures once more.
 * @module
 */
import { decodePicture } from "../../render/decode_picture.ts";
import { encodePng } from "../../render/encode_png.ts";
import { type Picture, picture } from "../../render/picture.ts";

/** A component: steps of its 64 coefficients, row by row, and how many pixels one sample covers. */
interface Component {
  readonly steps: number[];
  readonly across: number;
  readonly down: number;
}

/** Zigzag position → row · 8 + column. */
const ZIGZAG = Array.from({ length: 64 }, (_, i) => i).sort((a, b) => order(a) - order(b));
function order(at: number): number {
  const [row, column] = [at >> 3, at & 7];
  const diagonal = row + column;
  return diagonal * 64 + (diagonal % 2 === 0 ? column : row);
}

/** `COSINES[u][x]`: basis of the 8-point inverse transform. */
const COSINES = Array.from(
  { length: 8 },
  (_, u) =>
    Array.from({ length: 8 }, (_, x) => (u === 0 ? Math.SQRT1_2 : 1) / 2 * Math.cos((2 * x + 1) * u * Math.PI / 16)),
);

/**
 * Writes every picture of class folders anew as PNG, with noise like what rounding did: a coefficient that JPEG kept is off by up to
 * half its step q, uniformly. One that it dropped was between −q/2 and q/2; coefficients are distributed as Laplace's law (Reininger
 * and Gibson, 1983), whose scale b follows from the share that was dropped, 1 − exp(−q/2b): noise is drawn from that, cut at q/2.
 */
export async function jpegNoise(from: string, to: string): Promise<void> {
  let state = 1;
  const uniform = (): number => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  for (const { name: group } of Deno.readDirSync(from)) {
    await Deno.mkdir(`${to}/${group}`, { recursive: true });
    for (const name of [...Deno.readDirSync(`${from}/${group}`)].map((entry) => entry.name).sort()) {
      const bytes = await Deno.readFile(`${from}/${group}/${name}`);
      const source = await decodePicture(bytes, { name });
      const noise = readComponents(bytes).map((component, c) => planeNoise(source, c, { component, uniform }));
      await Deno.writeFile(`${to}/${group}/${name}.png`, encodePng(withNoise(source, noise)));
    }
  }
}

function withNoise({ width, height, data }: Picture, [y, cb, cr]: Float64Array[]): Picture {
  const out = picture(width, height);
  for (let i = 0; i < width * height; i++) {
    const added = [y[i] + 1.402 * cr[i], y[i] - 0.344136 * cb[i] - 0.714136 * cr[i], y[i] + 1.772 * cb[i]];
    added.forEach((value, c) => out.data[3 * i + c] = Math.max(0, Math.min(255, Math.round(data[3 * i + c] + value))));
  }
  return out;
}

/** Noise of one component at every pixel. */
function planeNoise(
  { width, height, data }: Picture,
  c: number,
  { component, uniform }: { component: Component; uniform: () => number },
): Float64Array {
  const { steps, across, down } = component;
  const [r, g, b] = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]][c];
  const plane = (x: number, y: number): number => {
    let sum = 0;
    for (let v = 0; v < down; v++) {
      for (let u = 0; u < across; u++) {
        const at = 3 * (Math.min(height - 1, y * down + v) * width + Math.min(width - 1, x * across + u));
        sum += r * data[at] + g * data[at + 1] + b * data[at + 2];
      }
    }
    return sum / (across * down) - (c === 0 ? 128 : 0);
  };
  const blocks: { top: number; left: number; coefficients: number[] }[] = [];
  for (let top = 0; top < height; top += 8 * down) {
    for (let left = 0; left < width; left += 8 * across) {
      const block = Array.from({ length: 64 }, (_, i) => plane(left / across + (i & 7), top / down + (i >> 3)));
      blocks.push({ top, left, coefficients: transform(block, false) });
    }
  }
  const isDropped = (value: number, i: number): boolean => Math.abs(value) < steps[i] / 2;
  // A rate of 1 / b; as if one block more had kept its coefficient, so that it is finite.
  const rates = steps.map((step, i) => {
    const kept = 1 + blocks.filter(({ coefficients }) => !isDropped(coefficients[i], i)).length;
    return -2 / step * Math.log(kept / (blocks.length + 1));
  });
  const draw = (value: number, i: number): number => {
    const chance = uniform();
    if (!isDropped(value, i)) return chance * steps[i];
    // The inverse of the law's distribution, cut at half a step.
    const reach = 1 - Math.exp(-rates[i] * steps[i] / 2);
    return rates[i] === 0
      ? chance * steps[i]
      : -Math.sign(chance) * Math.log(1 - 2 * Math.abs(chance) * reach) / rates[i];
  };
  const out = new Float64Array(width * height);
  for (const { top, left, coefficients } of blocks) {
    const added = transform(coefficients.map(draw), true);
    for (let y = top; y < Math.min(height, top + 8 * down); y++) {
      for (let x = left; x < Math.min(width, left + 8 * across); x++) {
        out[y * width + x] = added[8 * Math.floor((y - top) / down) + Math.floor((x - left) / across)];
      }
    }
  }
  return out;
}

/** The 8 x 8 cosine transform, or its inverse. */
function transform(block: readonly number[], inverse: boolean): number[] {
  const basis = (u: number, x: number): number => inverse ? COSINES[x][u] : COSINES[u][x];
  const pass = (from: readonly number[]): number[] => {
    const out = new Array<number>(64).fill(0);
    for (let row = 0; row < 8; row++) {
      for (let u = 0; u < 8; u++) for (let x = 0; x < 8; x++) out[8 * u + row] += basis(u, x) * from[8 * row + x];
    }
    return out;
  };
  return pass(pass(block));
}

/** Tables and sampling of a JPEG file. */
function readComponents(bytes: Uint8Array): Component[] {
  const tables: number[][] = [];
  for (let at = 2; at < bytes.length;) {
    const [marker, length] = [bytes[at + 1], bytes[at + 2] << 8 | bytes[at + 3]];
    if (marker === 0xdb) {
      for (let t = at + 4; t < at + 2 + length; t += 65) {
        const steps = new Array<number>(64);
        for (let i = 0; i < 64; i++) steps[ZIGZAG[i]] = bytes[t + 1 + i];
        tables[bytes[t] & 15] = steps;
      }
    } else if (marker === 0xc0 || marker === 0xc2) {
      const all = Array.from({ length: bytes[at + 9] }, (_, i) => bytes.subarray(at + 10 + 3 * i, at + 13 + 3 * i));
      const most = [Math.max(...all.map(([, s]) => s >> 4)), Math.max(...all.map(([, s]) => s & 15))];
      return all.map(([, s, t]) => ({ steps: tables[t], across: most[0] / (s >> 4), down: most[1] / (s & 15) }));
    }
    at += 2 + length;
  }
  throw new Error("There is no frame header");
}
