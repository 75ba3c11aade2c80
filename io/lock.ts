/**
 * One job at a time in a directory: a lock file that says who holds it, and that the system lets go of when its holder dies.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { asArtifactError, makeDirectory, realDirectory } from "./atomic_write.ts";
import { readSmallFile } from "./open_file.ts";

/** Name of the lock file. */
export const LOCK_NAME = ".lock";
/** The holder touches the file this often. */
const BEAT_MS = 5_000;
/** A lock that was not touched for this many beats belongs to nobody. */
const WATCHED_BEATS = 3;
/** Older than this by the clock, nobody waits to see. */
const STALE_MS = 5 * 60_000;

/** The file may be replaced between opening and locking it, but not for ever. */
const MAX_ATTEMPTS = 20;

/** Nothing that one of our jobs signs is larger. */
const MAX_LOCK_BYTES = 4096;

/** What the lock file holds. */
interface Owner {
  readonly pid: number;
  /** Undefined where the process may not know: that takes a permission. */
  readonly host: string | undefined;
  readonly since: string;
}

/** A directory that is this job's alone. */
export interface DirectoryLock {
  /** Aborts with an {@linkcode ArtifactError} when another job has broken the lock. */
  readonly lost: AbortSignal;
  /** Removes the lock. Idempotent. */
  release(): Promise<void>;
}

/** See {@linkcode lockDirectory}. */
export interface LockOptions {
  /** Take the directory over, whoever holds it. */
  readonly breakLock?: boolean;
  /** Told what is waited for or taken over. */
  readonly log?: (line: string, level?: "info" | "warn") => void;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Time between two signs of life, in milliseconds; for tests. */
  readonly beatMs?: number;
}

/**
 * Makes a directory this job's, or says whose it is.
 *
 * The file `.lock` is opened and locked (`flock`): the system gives that lock to one process only and takes it back when the
 * process ends, however it ends. Where machines that share a disk do not share such locks, the file's time is the sign
 * of life: its holder touches it every five seconds, and whoever finds a lock left by another machine, or by one it cannot
 * name, watches it for three beats of its own clock before taking it over; clocks of two machines are never compared but
 * for a lock five minutes old. Host names need `--allow-sys=hostname`; without it a lock left behind on the same machine is
 * watched too.
 *
 * @throws {ArtifactError} If another job holds the directory, or the lock cannot be written.
 *
 * @example
 * ```ts
 * import { lockDirectory } from "./lock.ts";
 * const lock = await lockDirectory("tests/tmp/locked");
 * const refusal = await lockDirectory("tests/tmp/locked").catch((error: Error) => error.message);
 * console.assert(String(refusal).includes("is working there"));
 * await lock.release();
 * await Deno.remove("tests/tmp/locked");
 * ```
 */
export async function lockDirectory(directory: string, options: LockOptions = {}): Promise<DirectoryLock> {
  await makeDirectory(directory);
  const path = `${realDirectory(directory)}/${LOCK_NAME}`;
  const file = await asArtifactError(path, () => acquire(directory, path, options));
  try {
    await asArtifactError(path, () => sign(file));
  } catch (error) {
    file.close();
    throw error;
  }
  return new HeldLock(directory, path, file, options.beatMs ?? BEAT_MS);
}

class HeldLock implements DirectoryLock {
  readonly #controller = new AbortController();
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #timer: ReturnType<typeof setInterval>;
  #beat: Promise<void> = Promise.resolve();
  #released = false;

  constructor(directory: string, path: string, file: Deno.FsFile, beatMs: number) {
    this.#path = path;
    this.#file = file;
    const check = async (): Promise<void> => {
      if (await isAt(file, path)) return await touch(file);
      clearInterval(this.#timer);
      this.#controller.abort(
        new ArtifactError(`Cannot write to ${directory} any more: another job has broken this one's lock`, { path }),
      );
    };
    // A disk that is away for a moment is the next write's matter.
    this.#timer = setInterval(() => this.#beat = check().catch(() => undefined), beatMs);
  }

  get lost(): AbortSignal {
    return this.#controller.signal;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#timer);
    await this.#beat;
    // While it is still locked: nobody can have taken it over in between.
    if (await isAt(this.#file, this.#path).catch(() => false)) await Deno.remove(this.#path).catch(() => undefined);
    this.#file.close();
  }
}

/** Opens and locks the file at the path; what is returned is the caller's to close. */
async function acquire(directory: string, path: string, options: LockOptions): Promise<Deno.FsFile> {
  const { breakLock = false, log = () => undefined } = options;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { file, isNew } = await openLock(path);
    let isOurs = false;
    try {
      // Undefined: this disk knows no locks, and only the signs of life tell.
      const locked = await file.tryLock(true).catch(() => undefined);
      if (!await isAt(file, path)) continue;
      if (!isNew || locked === false) {
        const owner = await readOwner(path);
        const alive = locked === false || await isAlive(path, owner, locked === true, options);
        if (alive && !breakLock) throw held(directory, path, owner);
        if (alive) {
          log(`Breaking the lock of ${described(owner)} on ${directory}`, "warn");
          await Deno.remove(path);
          continue;
        }
        log(`Taking over ${directory} from ${described(owner)}, which is gone`);
      }
      isOurs = true;
      return file;
    } finally {
      if (!isOurs) file.close();
    }
  }
  throw new ArtifactError(`Cannot write to ${directory}: ${path} is no plain file, or others take it again and again`, {
    path,
  });
}

async function openLock(path: string): Promise<{ file: Deno.FsFile; isNew: boolean }> {
  for (;;) {
    try {
      return { file: await Deno.open(path, { read: true, write: true, createNew: true }), isNew: true };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    try {
      return { file: await Deno.open(path, { read: true, write: true }), isNew: false };
    } catch (error) {
      // Released between the two.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Whether the holder of a lock that the system would give us still works, on a machine that does not share locks. */
async function isAlive(
  path: string,
  owner: Owner | undefined,
  sharesLocks: boolean,
  { breakLock, signal, beatMs = BEAT_MS, log = () => undefined }: LockOptions,
): Promise<boolean> {
  if (sharesLocks && owner?.host !== undefined && owner.host === hostName()) return false;
  const before = await modified(path);
  if (before === undefined || Date.now() - before > STALE_MS) return false;
  if (breakLock) return true;
  const watchMs = WATCHED_BEATS * beatMs;
  log(`Watching for ${watchMs / 1000} s whether ${described(owner)} still works in the output directory`);
  for (const start = performance.now(); performance.now() - start < watchMs;) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(250, beatMs / 2)));
    signal?.throwIfAborted();
    if (await modified(path) !== before) return true;
  }
  return false;
}

/** Writes who holds the lock. */
async function sign(file: Deno.FsFile): Promise<void> {
  const owner: Owner = { pid: Deno.pid, host: hostName(), since: new Date().toISOString() };
  await file.truncate(0);
  await file.seek(0, Deno.SeekMode.Start);
  await file.write(new TextEncoder().encode(JSON.stringify(owner) + "\n"));
  await touch(file);
}

async function touch(file: Deno.FsFile): Promise<void> {
  const now = new Date();
  await file.utime(now, now);
}

/** Whether an open file is the one that has the name now. */
async function isAt(file: Deno.FsFile, path: string): Promise<boolean> {
  const named = await Deno.lstat(path).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (named === undefined) return false;
  const { dev, ino } = await file.stat();
  return dev === named.dev && ino === named.ino;
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const bytes = await readSmallFile(path, MAX_LOCK_BYTES);
    if (bytes === undefined) return undefined;
    const owner = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Owner> | null;
    const isOurs = typeof owner?.pid === "number" && typeof owner.since === "string" &&
      (owner.host === undefined || typeof owner.host === "string");
    return isOurs ? owner as Owner : undefined;
  } catch (error) {
    // Killed before it had signed, gone by now, or written by somebody else.
    if (error instanceof SyntaxError || error instanceof Deno.errors.NotFound || error instanceof ArtifactError) {
      return undefined;
    }
    throw error;
  }
}

async function modified(path: string): Promise<number | undefined> {
  return (await Deno.stat(path).catch(() => undefined))?.mtime?.getTime();
}

function hostName(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? Deno.hostname() : undefined;
}

function held(directory: string, path: string, owner: Owner | undefined): ArtifactError {
  return new ArtifactError(
    `Cannot write to ${directory}: ${described(owner)} is working there; wait for it, give another --dump-to, ` +
      "or --break-lock if you know that it is gone",
    { path },
  );
}

function described(owner: Owner | undefined): string {
  if (owner === undefined) return "another job";
  const host = owner.host === undefined ? "" : ` on ${owner.host}`;
  return `process ${owner.pid}${host}, started ${owner.since.slice(0, 19).replace("T", " ")} UTC,`;
}
