/**
 * From a decoded picture to what a vision model takes: resize, crop, rescale, normalise.
 * @module
 */
import type { Picture } from "./picture.ts";
import { resize, type ResizeFilter } from "./resize.ts";

/** A size in pixels. */
export interface PixelSize {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** What is done to a picture before a model sees it, in this order: resize, crop, rescale, normalise. */
export interface PictureTransform {
  /** The size to stretch to, or the short side to scale to (the long one becomes `trunc(n · long / short)`); undefined to leave it. */
  readonly resize: PixelSize | { readonly shortest: number } | undefined;
  /** Filter of the resize. */
  readonly filter: ResizeFilter;
  /** The central part that is kept; undefined for all. */
  readonly crop: PixelSize | undefined;
  /** Where an odd margin's half goes: `even` rounds to even as torchvision, `floor` down as transformers. */
  readonly cropRounding: "even" | "floor";
  /** Samples 0 … 255 are multiplied by this. */
  readonly rescale: number;
  /** Subtracted from red, green and blue. */
  readonly mean: readonly [number, number, number];
  /** What they are divided by then. */
  readonly std: readonly [number, number, number];
}

/**
 * Resizes and crops a picture as a transform says.
 *
 * @throws {RangeError} If the crop does not lie within the picture.
 *
 * Source: torchvision, `transforms/functional.py`; transformers, `image_transforms.py`.
 *
 * @example
 * ```ts
 * import { picture } from "./picture.ts";
 * import { layOutForModel } from "./picture_transform.ts";
 * const made = layOutForModel(picture(40, 20), {
 *   resize: { shortest: 10 }, filter: "bicubic", crop: { width: 8, height: 8 }, cropRounding: "even",
 *   rescale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5],
 * });
 * console.assert(made.width === 8 && made.height === 8);
 * ```
 */
export function layOutForModel(source: Picture, transform: PictureTransform): Picture {
  const { filter, crop, cropRounding } = transform;
  const size = resizedSize(source, transform);
  if (crop === undefined) return resize(source, { ...size, filter });
  const [x, y] = [size.width - crop.width, size.height - crop.height].map((margin) => half(margin, cropRounding));
  if (size.width < crop.width || size.height < crop.height) {
    throw new RangeError(
      `Cannot crop ${crop.width} x ${crop.height} out of ${size.width} x ${size.height} pixels; resize to more, or crop less`,
    );
  }
  return resize(source, { ...size, filter }, { x, y, ...crop });
}

/**
 * The size that a picture is resized to.
 *
 * @example
 * ```ts
 * import { resizedSize } from "./picture_transform.ts";
 * const { width, height } = resizedSize({ width: 640, height: 480 }, { resize: { shortest: 224 } });
 * console.assert(width === 298 && height === 224);
 * ```
 */
export function resizedSize(source: PixelSize, { resize: to }: Pick<PictureTransform, "resize">): PixelSize {
  const { width, height } = source;
  if (to === undefined) return { width, height };
  if ("width" in to) return to;
  const { shortest } = to;
  return width <= height
    ? { width: shortest, height: Math.trunc(shortest * height / width) }
    : { width: Math.trunc(shortest * width / height), height: shortest };
}

/**
 * Writes a picture as a model takes it: `f32 [3, height, width]`, row-major, channels red, green, blue.
 *
 * A value is `(v · rescale − mean) / std`, rounded to f32 after each of the three steps, as numpy and torch do.
 *
 * @param into Where to write; the first `3 · height · width` values.
 * @throws {RangeError} If it is too short.
 *
 * @example
 * ```ts
 * import { picture } from "./picture.ts";
 * import { fillTensor } from "./picture_transform.ts";
 * const into = new Float32Array(3);
 * fillTensor(picture(1, 1, new Uint8Array([255, 0, 51])), { rescale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 2] }, into);
 * console.assert(into[0] === 1 && into[1] === 0 && Math.abs(into[2] - 0.1) < 1e-7);
 * ```
 */
export function fillTensor(
  source: Picture,
  { rescale, mean, std }: Pick<PictureTransform, "rescale" | "mean" | "std">,
  into: Float32Array,
): void {
  const { data } = source;
  const pixels = source.width * source.height;
  if (into.length < 3 * pixels) {
    throw new RangeError(`Cannot write ${3 * pixels} values into an array of ${into.length}`);
  }
  for (let channel = 0; channel < 3; channel++) {
    const [m, s] = [Math.fround(mean[channel]), Math.fround(std[channel])];
    const table = Float32Array.from({ length: 256 }, (_, v) => Math.fround(Math.fround(v * rescale) - m) / s);
    const plane = into.subarray(channel * pixels, (channel + 1) * pixels);
    for (let i = 0; i < pixels; i++) plane[i] = table[data[3 * i + channel]];
  }
}

/**
 * The label that most pixels of each patch have, of a picture whose samples are labels; of equally frequent ones the smallest.
 *
 * @param source Labels as gray values, laid out as the model's input.
 * @returns `u8 [rows · cols]`, row-major.
 * @throws {RangeError} If a pixel is not gray, so no label.
 *
 * @example
 * ```ts
 * import { picture } from "./picture.ts";
 * import { patchLabels } from "./picture_transform.ts";
 * console.assert(patchLabels(picture(4, 4), { rows: 2, cols: 2 }).join() === "0,0,0,0");
 * ```
 */
export function patchLabels(
  source: Picture,
  { rows, cols }: { readonly rows: number; readonly cols: number },
): Uint8Array {
  const { width, height, data } = source;
  const votes = new Uint32Array(rows * cols * 256);
  for (let y = 0, i = 0; y < height; y++) {
    const row = Math.floor(y * rows / height);
    for (let x = 0; x < width; x++, i += 3) {
      const label = data[i];
      if (data[i + 1] !== label || data[i + 2] !== label) {
        throw new RangeError("Cannot read labels: a picture of labels must be gray, and this one has colours");
      }
      votes[(row * cols + Math.floor(x * cols / width)) * 256 + label]++;
    }
  }
  return Uint8Array.from({ length: rows * cols }, (_, patch) => {
    const own = votes.subarray(patch * 256, (patch + 1) * 256);
    return own.indexOf(Math.max(...own));
  });
}

function half(margin: number, rounding: PictureTransform["cropRounding"]): number {
  const low = Math.floor(margin / 2);
  return rounding === "even" && margin % 2 !== 0 ? low + (low & 1) : low;
}
