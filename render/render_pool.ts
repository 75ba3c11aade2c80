/**
 * Workers that draw pictures, or, where there are none, the calling thread. The files are the same.
 * @module
 */
import { type DrawReply, type DrawRequest, PictureDrawer } from "./_render_wire.ts";
import type { DrawSettings, Heatmap, PictureFile } from "./draw_pictures.ts";

/** Memory for laid-out pictures that may be drawn again, over all threads, in bytes. */
export const HELD_PICTURES_BYTES = 256 * 2 ** 20;

/** What became of a picture. */
export interface DrawnPictures {
  /** One file per heatmap, in the order asked for. */
  readonly files: readonly Uint8Array<ArrayBuffer>[];
  /** The source's size, in pixels; undefined when they are placeholders. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** Why they are placeholders; undefined when they are not. */
  readonly failed: string | undefined;
}

/** Draws pictures on several threads. */
export interface RenderPool {
  /** Threads that draw. */
  readonly threads: number;
  /** `"workers"`, or `"in-thread"` where there are no workers or one thread was asked for. */
  readonly kind: "workers" | "in-thread";
  /**
   * Draws every heatmap of a picture. A picture drawn before may still be held: then it is neither read nor decoded.
   *
   * @param image The picture's number.
   * @param read Reads its file, when that is needed.
   * @param heatmaps What to draw over it, one file each.
   */
  draw(image: number, read: () => Promise<PictureFile>, heatmaps: readonly Heatmap[]): Promise<DrawnPictures>;
  /** Stops the threads. Idempotent; drawings under way are given up. */
  close(): void;
}

/** What a pool is made of. */
export interface RenderPoolOptions {
  /** Threads wanted, ≥ 1. */
  readonly threads: number;
  /**
   * Permissions of the workers, where the runtime has any. `inherit`, the default, works everywhere; the workers use none of
   * them. `none` takes them away, and needs Deno to be run with `--unstable-worker-options` or the same in its `deno.json`: without it Deno ends
   * the process.
   */
  readonly permissions?: "none" | "inherit";
  /** Memory for pictures that may be drawn again. Default {@linkcode HELD_PICTURES_BYTES}. */
  readonly heldBytes?: number;
}

/** One thread: answers in order. */
interface Thread {
  ask(request: DrawRequest): Promise<DrawReply>;
  close(): void;
}

/**
 * Starts the threads.
 *
 * A picture goes to the thread that holds it, else to the one with the fewest pictures waiting.
 *
 * @param settings How everything is drawn.
 * @param options Threads and permissions.
 * @throws {RangeError} If `threads` is not a positive integer.
 *
 * @example
 * ```ts
 * import { encodePng } from "./encode_png.ts";
 * import { picture } from "./picture.ts";
 * import { openRenderPool } from "./render_pool.ts";
 * const settings = { format: "png", fit: "square", scale: 1, maxPixels: 1e6, applyExif: false, grid: undefined, epsilon: 1e-9 } as const;
 * const pool = await openRenderPool(settings, { threads: 1 });
 * const read = () => Promise.resolve({ name: "black.png", bytes: encodePng(picture(4, 4)) });
 * const { files } = await pool.draw(0, read, [{ values: new Float32Array([0, 0, 0, 1]), upper: 1 }]);
 * console.assert(files.length === 1);
 * pool.close();
 * ```
 */
export async function openRenderPool(settings: DrawSettings, options: RenderPoolOptions): Promise<RenderPool> {
  const { threads: wanted, permissions = "inherit", heldBytes = HELD_PICTURES_BYTES } = options;
  if (!Number.isSafeInteger(wanted) || wanted < 1) {
    throw new RangeError(`Cannot draw on ${wanted} threads: it must be a positive integer`);
  }
  let threads: Thread[] | undefined;
  if (wanted > 1 && typeof Worker === "function") {
    threads = await Promise.all(Array.from({ length: wanted }, () => startWorker(settings, permissions)))
      // A page's policy, or a permission, may forbid workers; the files are the same from this thread, only later.
      .catch(() => undefined);
  }
  const kind = threads === undefined ? "in-thread" : "workers";
  threads ??= [inThread(settings)];
  const pictureBytes = 3 * (224 * settings.scale) ** 2;
  return new Pool(kind, threads, Math.max(1, Math.floor(heldBytes / pictureBytes / threads.length)));
}

class Pool implements RenderPool {
  readonly threads: number;
  readonly #waiting: number[];
  /** For each thread the pictures it holds, those drawn longest ago first. */
  readonly #held: Set<number>[];
  readonly #turn: Promise<unknown>[];

  constructor(
    readonly kind: RenderPool["kind"],
    private readonly all: readonly Thread[],
    private readonly mostHeld: number,
  ) {
    this.threads = all.length;
    this.#waiting = all.map(() => 0);
    this.#held = all.map(() => new Set());
    this.#turn = all.map(() => Promise.resolve());
  }

  async draw(
    image: number,
    read: () => Promise<PictureFile>,
    heatmaps: readonly Heatmap[],
  ): Promise<DrawnPictures> {
    let thread = this.#held.findIndex((held) => held.has(image));
    const isHeld = thread >= 0;
    if (!isHeld) thread = this.#waiting.indexOf(Math.min(...this.#waiting));
    const held = this.#held[thread];
    held.delete(image);
    held.add(image);
    const forget: number[] = [];
    for (const oldest of held) {
      if (held.size <= this.mostHeld) break;
      held.delete(oldest);
      forget.push(oldest);
    }
    this.#waiting[thread]++;
    try {
      // Files are read at once, but asked for in the order of the calls: what is held and forgotten depends on it.
      const reading = isHeld ? Promise.resolve(undefined) : read();
      const asked = this.#turn[thread].then(async () => {
        const file = await reading;
        return { reply: this.all[thread].ask({ image, file, heatmaps, forget }) };
      });
      this.#turn[thread] = asked.catch(() => held.delete(image));
      const reply = await (await asked).reply;
      if ("error" in reply) {
        held.delete(image);
        throw Object.assign(new Error(reply.error.message), { name: reply.error.name, stack: reply.error.stack });
      }
      return reply;
    } finally {
      this.#waiting[thread]--;
    }
  }

  close(): void {
    this.all.forEach((thread) => thread.close());
  }
}

function inThread(settings: DrawSettings): Thread {
  const drawer = new PictureDrawer(settings);
  let last: Promise<unknown> = Promise.resolve();
  return {
    ask: (request) => {
      // A macrotask before each picture, so that signals and files under way are heard.
      const reply = last.then(() => new Promise((resolve) => setTimeout(resolve, 0))).then(() => drawer.draw(request));
      last = reply;
      return reply;
    },
    close: () => {},
  };
}

/** Starts a worker; resolves when its modules are loaded. */
function startWorker(settings: DrawSettings, permissions: "none" | "inherit"): Promise<Thread> {
  // With no permission at all a worker from a URL could not load its modules.
  const narrowed = permissions === "none" ? { deno: { permissions: { import: "inherit" } } } : {};
  const options = { type: "module", ...narrowed } as { type: "module" };
  const worker = new Worker(new URL("./render_worker.ts", import.meta.url), options);
  const waiting: { resolve: (reply: DrawReply) => void; reject: (error: Error) => void }[] = [];
  let failure: Error | undefined;
  return new Promise<Thread>((started, refused) => {
    worker.onmessage = ({ data }): void => {
      if (data !== "ready") return waiting.shift()?.resolve(data as DrawReply);
      started({
        ask: (request) =>
          new Promise((resolve, reject) => {
            if (failure !== undefined) return reject(failure);
            waiting.push({ resolve, reject });
            worker.postMessage(request, ownBuffers(request));
          }),
        close: () => worker.terminate(),
      });
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      failure = new Error(`A render worker stopped: ${event.message}`);
      for (const { reject } of waiting.splice(0)) reject(failure);
      worker.terminate();
      refused(failure);
    };
    worker.postMessage(settings);
  });
}

/** What a request can hand over instead of copying: a file that fills its buffer. */
function ownBuffers({ file }: DrawRequest): ArrayBuffer[] {
  const { buffer, byteLength } = file?.bytes ?? {};
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
