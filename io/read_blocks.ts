/**
 * Reads raw activations out of shards, straight into the caller's memory.
 * @module
 */
import { ShardFormatError } from "../compute/errors.ts";
import { type FileSource, openFile } from "./open_file.ts";
import type { ShardFile, Shards } from "./open_shards.ts";

/** Files kept open; data sets have thousands of shards, and they are read in order. */
const MAX_OPEN_FILES = 8;
/** One read at most, so that a large block does not hold the file's turn for seconds. */
const MAX_READ_BYTES = 64 << 20;

/** Reads blocks of images; see {@linkcode openBlocks}. */
export interface BlockReader {
  /** Layers in what is read: 1, or all. */
  readonly layers: number;
  /** f32 values of one image: `layers · tokens · dVit`. */
  readonly imageStride: number;
  /**
   * Reads images `firstImage … firstImage + nImages − 1` as `f32 [nImages, layers, tokens, dVit]`, row-major, to the
   * start of `into`, which may lie in shared memory. Padding is never read.
   *
   * @throws {RangeError} If the images are not in the data set or `into` is too small.
   * @throws {ShardFormatError} If a file has become shorter since it was opened.
   */
  read(into: Float32Array, firstImage: number, nImages: number): Promise<void>;
  /**
   * Reads single vectors: `f32 [n, layers, dVit]` to the start of `into`, for image `images[i]`, token `tokens[i]`.
   * Neighbouring tokens of an image are read at once, so sorted requests are cheaper; any order is right.
   *
   * @throws {RangeError} If an image or token is not in the data set or `into` is too small.
   * @throws {ShardFormatError} If a file has become shorter since it was opened.
   */
  readRows(into: Float32Array, images: ArrayLike<number>, tokens: ArrayLike<number>): Promise<void>;
  /** Closes the files. Idempotent. */
  close(): void;
}

/** A place in the shards. */
export interface ShardPlace {
  /** The file. */
  readonly path: string;
  /** Where in it. */
  readonly byteOffset: number;
}

/**
 * Opens shards for reading one layer, or all.
 *
 * @param layer Index into `shards.layers`, or `"all"`; see `resolveLayer`.
 * @throws {RangeError} If there is no such layer.
 *
 * @example
 * ```ts
 * import { openShards } from "./open_shards.ts";
 * import { openBlocks } from "./read_blocks.ts";
 * const shards = await openShards("fixtures/golden/patch/shards");
 * const reader = openBlocks(shards, 1);
 * const block = new Float32Array(4 * reader.imageStride);
 * await reader.read(block, 38, 4); // crosses a shard boundary
 * reader.close();
 * ```
 */
export function openBlocks(shards: Shards, layer: number | "all"): BlockReader {
  if (layer !== "all" && !(Number.isSafeInteger(layer) && layer >= 0 && layer < shards.layers.length)) {
    throw new RangeError(`Cannot read layer index ${layer}: the shards hold ${shards.layers.length} layers`);
  }
  // Typed arrays have the machine's byte order, files are little-endian.
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new RangeError("Cannot read shards on a big-endian machine");
  }
  return new ShardReader(shards, layer);
}

/**
 * Where an element lies on disk, for messages.
 *
 * @param layer Index into `shards.layers`.
 * @throws {RangeError} If the image is not in the data set.
 *
 * @example
 * ```ts
 * import { openShards } from "./open_shards.ts";
 * import { locate } from "./read_blocks.ts";
 * const shards = await openShards("fixtures/golden/patch/shards");
 * const { path, byteOffset } = locate(shards, 40, 0, 0, 0);
 * console.assert(path.endsWith("acts000001.bin") && byteOffset === 0);
 * ```
 */
export function locate(shards: Shards, image: number, layer: number, token: number, dimension: number): ShardPlace {
  const file = fileOf(shards, image);
  const element = (((image - file.firstImage) * shards.layers.length + layer) * shards.tokens + token) * shards.dVit;
  return { path: file.path, byteOffset: (element + dimension) * 4 };
}

class ShardReader implements BlockReader {
  readonly layers: number;
  readonly imageStride: number;
  readonly #shards: Shards;
  /** Index of the layer, or of the first of all. */
  readonly #first: number;
  /** In order of last use. */
  readonly #open = new Map<string, Promise<FileSource>>();

  constructor(shards: Shards, layer: number | "all") {
    this.#shards = shards;
    this.#first = layer === "all" ? 0 : layer;
    this.layers = layer === "all" ? shards.layers.length : 1;
    this.imageStride = this.layers * shards.tokens * shards.dVit;
  }

  async read(into: Float32Array, firstImage: number, nImages: number): Promise<void> {
    const { nImages: total } = this.#shards;
    if (!(firstImage >= 0 && nImages >= 0 && firstImage + nImages <= total)) {
      throw new RangeError(`Cannot read images ${firstImage} to ${firstImage + nImages}: there are ${total}`);
    }
    this.#checkRoom(into, nImages * this.imageStride);
    const bytes = bytesOf(into);
    const imageBytes = this.imageStride * 4;
    for (let image = firstImage; image < firstImage + nImages;) {
      const file = fileOf(this.#shards, image);
      // Whole images follow each other only when no layer between them is left out.
      const whole = this.layers === this.#shards.layers.length;
      const inFile = Math.min(file.firstImage + file.nImages, firstImage + nImages) - image;
      const count = whole ? Math.min(inFile, Math.max(1, Math.floor(MAX_READ_BYTES / imageBytes))) : 1;
      const start = (image - firstImage) * imageBytes;
      await this.#fill(bytes.subarray(start, start + count * imageBytes), image, this.#first, 0);
      image += count;
    }
  }

  async readRows(into: Float32Array, images: ArrayLike<number>, tokens: ArrayLike<number>): Promise<void> {
    const { dVit, nImages, tokens: perImage } = this.#shards;
    this.#checkRoom(into, images.length * this.layers * dVit);
    if (images.length !== tokens.length) {
      throw new RangeError(`Cannot read ${images.length} images' rows with ${tokens.length} tokens`);
    }
    const bytes = bytesOf(into);
    for (let i = 0; i < images.length;) {
      const [image, token] = [images[i], tokens[i]];
      if (!(image >= 0 && image < nImages && token >= 0 && token < perImage)) {
        throw new RangeError(
          `Cannot read token ${token} of image ${image}: there are ${nImages} images of ${perImage}`,
        );
      }
      let count = 1;
      if (this.layers === 1) {
        while (images[i + count] === image && tokens[i + count] === token + count && token + count < perImage) count++;
      }
      for (let layer = 0; layer < this.layers; layer++) {
        const start = (i * this.layers + layer) * dVit * 4;
        await this.#fill(bytes.subarray(start, start + count * dVit * 4), image, this.#first + layer, token);
      }
      i += count;
    }
  }

  close(): void {
    for (const file of this.#open.values()) file.then((opened) => opened.close(), () => undefined);
    this.#open.clear();
  }

  async #fill(into: Uint8Array, image: number, layer: number, token: number): Promise<void> {
    const { path, byteOffset } = locate(this.#shards, image, layer, token, 0);
    const found = await this.#read(path, into, byteOffset);
    if (found < into.length) {
      throw new ShardFormatError(
        `Cannot read ${into.length} bytes at ${byteOffset} of ${path}: it ends after ${found} of them, so it has become ` +
          "shorter since it was opened",
        { path, byteOffset },
      );
    }
  }

  /** Says which shard when the disk fails, or the shard is gone by now. */
  async #read(path: string, into: Uint8Array, byteOffset: number): Promise<number> {
    try {
      return await (await this.#file(path)).readInto(into, byteOffset);
    } catch (error) {
      const isGone = error instanceof Deno.errors.NotFound;
      if (!isGone && (error as { code?: unknown }).code !== "EIO") throw error;
      if (isGone) this.#open.delete(path);
      throw new ShardFormatError(
        `Cannot read ${into.length} bytes at ${byteOffset} of ${path}: ${(error as Error).message}; ` +
          (isGone ? "put the shard back" : "check the disk"),
        { path, byteOffset },
        { cause: error },
      );
    }
  }

  #file(path: string): Promise<FileSource> {
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    const opened = openFile(path);
    this.#open.set(path, opened);
    if (this.#open.size > MAX_OPEN_FILES) {
      const [oldest, file] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      file.then((source) => source.close(), () => undefined);
    }
    return opened;
  }

  #checkRoom(into: Float32Array, values: number): void {
    if (into.length < values) {
      throw new RangeError(`Cannot read ${values} values into an array of ${into.length}`);
    }
  }
}

/** Binary search: the last file that begins at or before the image. */
function fileOf(shards: Shards, image: number): ShardFile {
  if (!(image >= 0 && image < shards.nImages)) {
    throw new RangeError(`Cannot find image ${image}: there are ${shards.nImages}`);
  }
  let [low, high] = [0, shards.files.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (shards.files[middle].firstImage <= image) low = middle;
    else high = middle - 1;
  }
  return shards.files[low];
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
