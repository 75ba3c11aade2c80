/**
 * The one place where this room opens files for reading.
 * @module
 */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers";
import { ArtifactError } from "../compute/errors.ts";
import type { ByteSource } from "./byte_source.ts";

/** Reads at least this large are asynchronous; smaller ones cost less than the trip to another thread. */
const ASYNC_READ_BYTES = 128 << 10;
/** After this many bytes of synchronous reads the event loop gets a turn (8 µs), so that workers are heard. */
const BREATH_BYTES = 1 << 20;

/** An open file; close it when done. */
export interface FileSource extends ByteSource {
  /** Closes the file. Idempotent. */
  close(): void;
}

/**
 * Opens a file for random access.
 *
 * @param options.synchronous Whether small reads may keep this thread waiting, which is cheaper on a local disk; they do if
 *   not given.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {Deno.errors.NotCapable} If the process may not read it; the message names the flag to add.
 *
 * @example
 * ```ts
 * import { openFile } from "./open_file.ts";
 * const file = await openFile("fixtures/golden/torch-files/f32.pt");
 * console.assert(file.size === 799);
 * file.close();
 * ```
 */
export async function openFile(path: string, options: { readonly synchronous?: boolean } = {}): Promise<FileSource> {
  const file = await Deno.open(path);
  try {
    const { size, isFile } = await file.stat();
    if (!isFile) throw new Deno.errors.IsADirectory(`Cannot read ${path}: it is not a file`);
    return new OpenFile(path, size, file, options.synchronous === false ? 0 : ASYNC_READ_BYTES);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The size of a file in bytes, or undefined when there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    const { size, isFile } = await Deno.stat(path);
    return isFile ? size : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whether there is a directory of this name. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Where a path leads once every symbolic link is followed. */
export function realPath(path: string): Promise<string> {
  return Deno.realPath(path);
}

/** Names in a directory, sorted. */
export async function listDirectory(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(path)) names.push(entry.name);
  return names.sort();
}

/**
 * A whole small file; undefined when there is none.
 *
 * @param Wrong The error that says that a file is too large, and so not what it should be.
 * @throws {Wrong} If it holds more than `maxBytes`; nothing is read then.
 */
export async function readSmallFile(
  path: string,
  maxBytes: number,
  Wrong: new (message: string, facts: { path: string }) => Error = ArtifactError,
): Promise<Uint8Array | undefined> {
  const size = await fileSize(path);
  if (size === undefined) return undefined;
  if (size > maxBytes) {
    throw new Wrong(`Cannot read ${path}: it holds ${size} bytes, and at most ${maxBytes} are expected here`, { path });
  }
  return await Deno.readFile(path);
}

/**
 * SHA-256 of a source's bytes in hexadecimal, streamed in pieces of 4 MiB.
 *
 * @example
 * ```ts
 * import { memorySource } from "./byte_source.ts";
 * import { sha256 } from "./open_file.ts";
 * console.assert((await sha256(memorySource("nothing", new Uint8Array(0)))).startsWith("e3b0c442"));
 * ```
 */
export async function sha256(source: ByteSource): Promise<string> {
  const hash = createHash("sha256");
  // While one is hashed, the other is read.
  const pieces = [0, 1].map(() => new Uint8Array(Math.min(4 << 20, source.size)));
  let [offset, reading] = [0, source.readInto(pieces[0], 0)];
  for (let i = 0; offset < source.size; i++) {
    const found = await reading;
    if (found === 0) break;
    offset += found;
    reading = source.readInto(pieces[(i + 1) % 2], offset);
    hash.update(pieces[i % 2].subarray(0, found));
  }
  await reading;
  return hash.digest("hex");
}

class OpenFile implements FileSource {
  readonly path: string;
  readonly size: number;
  readonly #file: Deno.FsFile;
  /** Reads below this many bytes are synchronous. */
  readonly #synchronousBelow: number;
  #closed = false;
  #breath = 0;
  /** A file has one cursor, so reads take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string, size: number, file: Deno.FsFile, synchronousBelow: number) {
    this.path = path;
    this.size = size;
    this.#file = file;
    this.#synchronousBelow = synchronousBelow;
  }

  readInto(into: Uint8Array, offset: number): Promise<number> {
    const mine = this.#turn.then(() => this.#fill(into, offset));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #fill(into: Uint8Array, offset: number): Promise<number> {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    let done = 0;
    while (done < into.length) {
      const rest = done === 0 ? into : into.subarray(done);
      const found = rest.length < this.#synchronousBelow ? this.#file.readSync(rest) : await this.#file.read(rest);
      if (found === null) break;
      done += found;
    }
    this.#breath += into.length;
    if (this.#breath >= BREATH_BYTES) {
      this.#breath = 0;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return done;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }
}
