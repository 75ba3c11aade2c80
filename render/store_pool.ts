/**
 * Workers that reduce pictures for the viewer, or, where there are none, the calling thread. The bytes are the same.
 * @module
 */
import type { HashedPicture, StoreReply, StoreRequest } from "./_store_wire.ts";
import type { PictureFile } from "./draw_pictures.ts";
import { keptPicture, type StoredPictureOptions } from "./kept_picture.ts";
import type { StoredPicture } from "./viewer_data.ts";

/** Pictures that are decoded before it is worth starting workers. */
const WORKERS_FROM = 8;

/** Makes stored pictures on several threads. */
export interface StorePool {
  /** What `storedPicture` gives for a file; `failed` for one that could not be read. */
  store(file: PictureFile): Promise<StoredPicture>;
  /** A picture's perceptual hash; `failed` for one that could not be read. */
  hash(file: PictureFile): Promise<HashedPicture>;
  /** Stops the threads. Idempotent. */
  close(): void;
}

/** A worker and the requests it has not answered, in order. */
interface Thread {
  readonly worker: Worker;
  readonly waiting: { resolve: (reply: StoreReply) => void; reject: (error: Error) => void }[];
}

/**
 * Opens a pool. Small JPEGs are kept as they are, which takes no thread; workers start when enough pictures need decoding.
 *
 * @param options How pictures are stored; names come with the files.
 * @param threads Threads wanted, ≥ 1, and the workers' permissions, as for `openRenderPool`.
 * @throws {RangeError} If `threads` is not a positive integer.
 *
 * @example
 * ```ts
 * import { encodeJpeg } from "./encode_jpeg.ts";
 * import { picture } from "./picture.ts";
 * import { openStorePool } from "./store_pool.ts";
 * const pool = openStorePool({}, { threads: 1 });
 * const stored = await pool.store({ name: "black.jpg", bytes: encodeJpeg(picture(4, 4)) });
 * console.assert("width" in stored && stored.width === 4);
 * pool.close();
 * ```
 */
export function openStorePool(
  options: Omit<StoredPictureOptions, "name">,
  { threads, permissions = "inherit" }: { readonly threads: number; readonly permissions?: "none" | "inherit" },
): StorePool {
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new RangeError(`Cannot store pictures on ${threads} threads: it must be a positive integer`);
  }
  let decoded = 0;
  let started: Promise<Thread[]> | undefined;
  const open: Worker[] = [];
  const workers = async (): Promise<Thread[]> => {
    decoded += 1;
    if (threads === 1 || decoded <= WORKERS_FROM || typeof Worker !== "function") return [];
    // A page's policy, or a permission, may forbid workers; the bytes are the same from this thread, only later.
    return await (started ??= Promise.all(Array.from({ length: threads }, () => startWorker(permissions, open)))
      .catch(() => []));
  };
  const ask = async (request: StoreRequest): Promise<StoreReply> => {
    const [first, ...others] = await workers();
    if (first === undefined) {
      const { answer } = await import("./_store_wire.ts");
      return await answer(request);
    }
    const least = others.reduce((a, b) => b.waiting.length < a.waiting.length ? b : a, first);
    const reply = await new Promise<StoreReply>((resolve, reject) => {
      least.waiting.push({ resolve, reject });
      least.worker.postMessage(request);
    });
    if ("error" in reply) throw Object.assign(new Error(reply.error.message), { name: reply.error.name });
    return reply;
  };
  return {
    async store({ name, bytes, failed }): Promise<StoredPicture> {
      if (bytes === undefined) return { failed: failed ?? `Cannot read picture ${name}` };
      const request = { bytes, options: { ...options, name } };
      const kept = keptPicture(bytes, request.options);
      if (kept !== undefined) return kept;
      return await ask(request) as StoredPicture;
    },
    async hash({ name, bytes, failed }): Promise<HashedPicture> {
      if (bytes === undefined) return { failed: failed ?? `Cannot read picture ${name}` };
      return await ask({ bytes, options: { ...options, name }, hash: true }) as HashedPicture;
    },
    close: () => open.splice(0).forEach((worker) => worker.terminate()),
  };
}

/** Starts a worker; resolves when its modules are loaded. */
function startWorker(permissions: "none" | "inherit", open: Worker[]): Promise<Thread> {
  // With no permission at all a worker from a URL could not load its modules.
  const narrowed = permissions === "none" ? { deno: { permissions: { import: "inherit" } } } : {};
  const options = { type: "module", ...narrowed } as { type: "module" };
  const worker = new Worker(new URL("./store_worker.ts", import.meta.url), options);
  open.push(worker);
  const thread: Thread = { worker, waiting: [] };
  return new Promise((started, refused) => {
    worker.onmessage = ({ data }): void =>
      data === "ready" ? started(thread) : thread.waiting.shift()?.resolve(data as StoreReply);
    worker.onerror = (event): void => {
      event.preventDefault();
      const failure = new Error(`A worker that stores pictures stopped: ${event.message}`);
      for (const { reject } of thread.waiting.splice(0)) reject(failure);
      worker.terminate();
      refused(failure);
    };
  });
}
