/**
 * The one place where this room writes files: each appears whole under its name, or not at all.
 * @module
 */
import { setImmediate } from "node:timers";
import { ArtifactError } from "../compute/errors.ts";

/** After this many bytes the event loop gets a turn, so that signals and workers are heard. */
const BREATH_BYTES = 16 << 20;
/** Memory that another thread may write to is written in pieces of this size, so that one call never holds all of it. */
const PIECE_BYTES = 8 << 20;
/** After so many bytes the disk is set to work, so that little is left for it at the end. */
const FLUSHED_BYTES = 32 << 20;
/** Names of unfinished files. */
const TEMPORARY_PATTERN = /^\..+\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/;

/** A file being written. */
export interface FileOutput {
  /** Bytes written so far; the next write goes there. */
  readonly position: number;
  /** Appends bytes, which may lie in shared memory. Nothing of them is kept. */
  write(bytes: Uint8Array): Promise<void>;
  /** Overwrites bytes that were written before; the position stays. */
  patch(offset: number, bytes: Uint8Array): void;
}

/**
 * Writes a file so that a reader, a crash or a full disk never sees half of it: to a temporary name in the same directory,
 * then flushed to disk, then renamed over `path`, then the directory flushed. Missing directories are made.
 *
 * @param content The bytes, the text, or a function that streams them.
 * @param flushes Where it is given, this returns once the content is handed over, and what is left (flush, rename) goes on
 * while the caller makes the next file: a promise of it is added to the list, for the caller to await, or to settle before it
 * removes anything.
 * @throws {ArtifactError} If the file cannot be written (no space, a directory in its place); the temporary file is gone.
 * @throws {Deno.errors.NotCapable} If the process may not write it; the message names the flag to add.
 *
 * @example
 * ```ts
 * import { atomicWrite } from "./atomic_write.ts";
 * await atomicWrite("tests/tmp/example.txt", "whole or not at all\n");
 * await Deno.remove("tests/tmp/example.txt");
 * ```
 */
export async function atomicWrite(
  path: string,
  content: Uint8Array | string | ((output: FileOutput) => Promise<void>),
  flushes?: Promise<void>[],
): Promise<void> {
  const { directory, name } = splitPath(path);
  const real = realDirectory(directory);
  const temporary = `${real}/.${name}.${crypto.randomUUID()}.tmp`;
  const orRemoved = async <T>(step: () => Promise<T>): Promise<T> => {
    try {
      return await asArtifactError(path, step);
    } catch (error) {
      await Deno.remove(temporary).catch(() => undefined);
      throw error;
    }
  };
  const file = await orRemoved(async () => {
    await Deno.mkdir(real, { recursive: true });
    return await Deno.open(temporary, { write: true, createNew: true });
  });
  await orRemoved(async () => {
    try {
      await using output = new OpenOutput(file, temporary);
      if (typeof content === "function") await content(output);
      else await output.write(typeof content === "string" ? new TextEncoder().encode(content) : content);
    } catch (error) {
      file.close();
      throw error;
    }
  });
  const flushed = orRemoved(async () => {
    try {
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(temporary, `${real}/${name}`);
  }).then(() => flushDirectory(directory));
  if (flushes === undefined) return await flushed;
  // Whoever holds the list hears of a failure when it awaits; until then nobody does, which is no fault.
  flushed.catch(() => undefined);
  flushes.push(flushed);
}

/**
 * Makes a directory and those above it.
 *
 * @throws {ArtifactError} If the system refuses.
 */
export async function makeDirectory(path: string): Promise<void> {
  await asArtifactError(path, () => Deno.mkdir(realDirectory(path), { recursive: true }));
}

/** Removes a file if there is one. */
export async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(inRealDirectory(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Gives a file another name on the same disk, replacing what had it, and makes that durable. */
export async function moveFile(from: string, to: string): Promise<void> {
  await asArtifactError(to, () => Deno.rename(inRealDirectory(from), inRealDirectory(to)));
  await flushDirectory(splitPath(to).directory);
}

/**
 * Moves many files on the same disk, and makes the whole durable at the end. A file that is not there is passed over: it was
 * moved before, or never written.
 *
 * @throws {ArtifactError} If the system refuses.
 */
export async function moveFiles(moves: readonly (readonly [from: string, to: string])[]): Promise<void> {
  const directories = new Set<string>();
  for (const [from, to] of moves) {
    const { directory } = splitPath(to);
    if (!directories.has(directory)) await makeDirectory(directory);
    directories.add(directory);
    await asArtifactError(to, async () => {
      try {
        await Deno.rename(from, to);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    });
  }
  await Promise.all([...directories].map(flushDirectory));
}

/**
 * Removes what killed jobs left of unfinished writes in a directory. Call only where nobody else writes.
 *
 * @returns How many there were; none when there is no such directory.
 */
export async function removeTemporaries(directory: string): Promise<number> {
  let removed = 0;
  try {
    for await (const { name, isFile } of Deno.readDir(directory)) {
      if (!isFile || !TEMPORARY_PATTERN.test(name)) continue;
      await removeFile(`${directory}/${name}`);
      removed++;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return removed;
}

/** Removes a directory and all in it, if there is one. */
export async function removeTree(directory: string): Promise<void> {
  try {
    await Deno.remove(inRealDirectory(directory), { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

class OpenOutput implements FileOutput {
  #position = 0;
  #breath = 0;
  #unflushed = 0;
  readonly #file: Deno.FsFile;
  readonly #path: string;
  /** The same file once more: a handle serves one call at a time. */
  #flusher: Deno.FsFile | undefined;
  #flushing: Promise<void> | undefined;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  get position(): number {
    return this.#position;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_BYTES);
      this.#writeAll(piece);
      this.#breath += PIECE_BYTES;
      this.#unflushed += piece.length;
      if (this.#unflushed >= FLUSHED_BYTES) this.#flush();
      if (this.#breath < BREATH_BYTES) continue;
      this.#breath = 0;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#position += bytes.length;
  }

  patch(offset: number, bytes: Uint8Array): void {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    this.#writeAll(bytes);
    this.#file.seekSync(this.#position, Deno.SeekMode.Start);
  }

  /** Lets the disk take what is there, unless it is at it still. That all of it is on the disk, the caller makes sure in the end. */
  #flush(): void {
    if (this.#flushing !== undefined) return;
    this.#unflushed = 0;
    try {
      this.#flusher ??= Deno.openSync(this.#path, { write: true });
    } catch {
      return;
    }
    this.#flushing = this.#flusher.syncData().catch(() => undefined).then(() => void (this.#flushing = undefined));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing;
    this.#flusher?.close();
  }

  /** Synchronous: ten times as fast as asynchronous writes here, as those move every piece to another thread. */
  #writeAll(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
  }
}

/** A path's directory, `.` for a bare name, and its last part. */
export function splitPath(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return { directory: ".", name: path };
  return { directory: slash === 0 ? "/" : path.slice(0, slash), name: path.slice(slash + 1) };
}

/**
 * A directory's real path, also when the last parts of it are still to be made.
 *
 * Deno checks write permission for a path as it is named, so a link in the output could lead a job to write anywhere. Whoever
 * writes names the real directory instead: then what lies outside of the granted paths is refused by Deno itself.
 */
export function realDirectory(directory: string): string {
  try {
    return Deno.realPathSync(directory);
  } catch (error) {
    // What may not be read lies above the output, and was named by the user.
    if (error instanceof Deno.errors.NotCapable) return directory;
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const { directory: above, name } = splitPath(directory.replace(/(?<=.)\/+$/, ""));
    return name === "" || name === "." || name === ".."
      ? directory
      : `${realDirectory(above).replace(/\/$/, "")}/${name}`;
  }
}

/** The same for a file or a directory that is named itself, whatever it is. */
function inRealDirectory(path: string): string {
  const { directory, name } = splitPath(path);
  return `${realDirectory(directory)}/${name}`;
}

/**
 * Runs what writes `path` and says so when the system refuses. What a caller's function throws, and refused permissions, are
 * clear already.
 */
export async function asArtifactError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable || !isFileFault(error)) throw error;
    throw new ArtifactError(`Cannot write ${path}: ${(error as Error).message}`, { path }, { cause: error });
  }
}

/** Whether the system refused, as against a mistake in this program. */
function isFileFault(error: unknown): boolean {
  // A DOMException has a code too, and says that somebody stopped the work.
  return error instanceof Error && !(error instanceof DOMException) &&
    ("code" in error || Object.values(Deno.errors).some((type) => error instanceof type));
}

/** Makes the rename itself durable. Some systems and permission sets do not allow it; the file is whole either way. */
export async function flushDirectory(directory: string): Promise<void> {
  try {
    using handle = await Deno.open(directory);
    await handle.sync();
  } catch {
    return;
  }
}
