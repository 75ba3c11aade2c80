/**
 * Reads raw activations out of shards, straight into the caller's memory.
 * @module
 */
import { ShardFormatError } from "../compute/errors.ts";
import { cut, type Piece } from "./_cut_reads.ts";
import { type FileSource, openFile } from "./open_file.ts";
import type { ShardFile, Shards } from "./open_shards.ts";

/** Files kept open for each read under way; data sets have thousands of shards, and they are read in order. */
const MAX_OPEN_FILES = 8;

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

/** See {@linkcode openBlocks}. */
export interface BlockOptions {
  /** Reads under way at a time, ≥ 1; each has a file handle of its own. 1 when not given. */
  readonly readsAtOnce?: number;
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
 * Images that lie together are read in one go, cut at multiples of 1 MiB of the file only where several reads may be under way,
 * or where one would pass 64 MiB; every byte is asked for once, in ascending order. A file is opened when its first image is
 * read, once for each read under way, and no directory is listed.
 *
 * @param layer Index into `shards.layers`, or `"all"`; see `resolveLayer`.
 * @throws {RangeError} If there is no such layer, or `readsAtOnce` is no whole number from 1.
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
export function openBlocks(shards: Shards, layer: number | "all", options: BlockOptions = {}): BlockReader {
  const { readsAtOnce = 1 } = options;
  if (!(Number.isSafeInteger(readsAtOnce) && readsAtOnce >= 1)) {
    throw new RangeError(`Cannot have ${readsAtOnce} reads under way: expected a whole number from 1`);
  }
  if (layer !== "all" && !(Number.isSafeInteger(layer) && layer >= 0 && layer < shards.layers.length)) {
    throw new RangeError(`Cannot read layer index ${layer}: the shards hold ${shards.layers.length} layers`);
  }
  // Typed arrays have the machine's byte order, files are little-endian.
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new RangeError("Cannot read shards on a big-endian machine");
  }
  return new ShardReader(shards, layer, readsAtOnce);
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
  readonly #readsAtOnce: number;
  /** One for each read under way: a file has one cursor. In order of last use. */
  readonly #open: readonly Map<string, Promise<FileSource>>[];

  constructor(shards: Shards, layer: number | "all", readsAtOnce: number) {
    this.#shards = shards;
    this.#first = layer === "all" ? 0 : layer;
    this.#readsAtOnce = readsAtOnce;
    this.#open = Array.from({ length: readsAtOnce }, () => new Map());
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
    const pieces: Piece[] = [];
    for (let image = firstImage; image < firstImage + nImages;) {
      const file = fileOf(this.#shards, image);
      // Whole images follow each other only when no layer between them is left out.
      const whole = this.layers === this.#shards.layers.length;
      const inFile = Math.min(file.firstImage + file.nImages, firstImage + nImages) - image;
      const count = whole ? inFile : 1;
      const start = (image - firstImage) * imageBytes;
      const run = this.#piece(bytes.subarray(start, start + count * imageBytes), image, this.#first, 0);
      pieces.push(...cut(run, this.#readsAtOnce));
      image += count;
    }
    await this.#fill(pieces);
  }

  async readRows(into: Float32Array, images: ArrayLike<number>, tokens: ArrayLike<number>): Promise<void> {
    const { dVit, nImages, tokens: perImage } = this.#shards;
    this.#checkRoom(into, images.length * this.layers * dVit);
    if (images.length !== tokens.length) {
      throw new RangeError(`Cannot read ${images.length} images' rows with ${tokens.length} tokens`);
    }
    const bytes = bytesOf(into);
    const pieces: Piece[] = [];
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
        pieces.push(this.#piece(bytes.subarray(start, start + count * dVit * 4), image, this.#first + layer, token));
      }
      i += count;
    }
    await this.#fill(pieces);
  }

  close(): void {
    for (const files of this.#open) {
      for (const file of files.values()) file.then((opened) => opened.close(), () => undefined);
      files.clear();
    }
  }

  #piece(into: Uint8Array, image: number, layer: number, token: number): Piece {
    return { ...locate(this.#shards, image, layer, token, 0), into };
  }

  /** Reads pieces in order, some at a time; returns when none is under way any more, even if one failed. */
  async #fill(pieces: readonly Piece[]): Promise<void> {
    let next = 0;
    const lane = async (files: Map<string, Promise<FileSource>>): Promise<void> => {
      try {
        while (next < pieces.length) await this.#read(pieces[next++], files);
      } catch (error) {
        next = pieces.length;
        throw error;
      }
    };
    const lanes = await Promise.allSettled(this.#open.slice(0, Math.max(1, pieces.length)).map(lane));
    for (const lane of lanes) if (lane.status === "rejected") throw lane.reason;
  }

  async #read(piece: Piece, files: Map<string, Promise<FileSource>>): Promise<void> {
    const { path, byteOffset, into } = piece;
    const found = await this.#readSome(piece, files);
    if (found < into.length) {
      throw new ShardFormatError(
        `Cannot read ${into.length} bytes at ${byteOffset} of ${path}: it ends after ${found} of them, so it has become ` +
          "shorter since it was opened",
        { path, byteOffset },
      );
    }
  }

  /** Says which shard when the disk fails, or the shard is gone by now. */
  async #readSome({ path, byteOffset, into }: Piece, files: Map<string, Promise<FileSource>>): Promise<number> {
    try {
      return await (await this.#file(path, files)).readInto(into, byteOffset);
    } catch (error) {
      const isGone = error instanceof Deno.errors.NotFound;
      if (!isGone && (error as { code?: unknown }).code !== "EIO") throw error;
      if (isGone) files.delete(path);
      throw new ShardFormatError(
        `Cannot read ${into.length} bytes at ${byteOffset} of ${path}: ${(error as Error).message}; ` +
          (isGone ? "put the shard back" : "check the disk"),
        { path, byteOffset },
        { cause: error },
      );
    }
  }

  #file(path: string, files: Map<string, Promise<FileSource>>): Promise<FileSource> {
    const known = files.get(path);
    if (known !== undefined) {
      files.delete(path);
      files.set(path, known);
      return known;
    }
    // Reads that wait for each other's thread would not be under way at the same time.
    const opened = openFile(path, { synchronous: this.#readsAtOnce === 1 });
    files.set(path, opened);
    if (files.size > MAX_OPEN_FILES) {
      const [oldest, file] = files.entries().next().value!;
      files.delete(oldest);
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
