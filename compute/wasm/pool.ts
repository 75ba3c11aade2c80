/**
 * Workers that run kernels over one shared memory, or, where there are none, the calling thread.
 * @module
 */
import { BackendUnavailableError } from "../errors.ts";
import { instantiateKernels, type KernelModules } from "./kernel_host.ts";
import { type KernelCall, workerMain } from "./worker_main.ts";

/** What `instantiateKernels` throws when the screen's shapes disagree; it crosses from a worker as text. */
const WRONG_SUMS = "the engine computes wrong sums of bytes";

/** Runs every kernel on all threads at once. */
export interface Pool {
  /** Threads that take part. */
  readonly threads: number;
  /** `"workers"`, or `"in-thread"` where there are no workers or one thread was asked for. */
  readonly kind: "workers" | "in-thread";
  /** Calls a kernel on every thread, after all earlier calls; resolves when all have returned. */
  run(name: string, ...args: number[]): Promise<void>;
  /** Stops the threads. Idempotent; calls under way never resolve. */
  close(): void;
}

/** What a pool is made of. */
export interface PoolOptions {
  /** The compiled kernels. */
  readonly modules: KernelModules;
  /** Their shared memory. */
  readonly memory: WebAssembly.Memory;
  /** Threads wanted, ≥ 1. */
  readonly threads: number;
  /** `none` starts workers without any permission; see {@linkcode openPool}. */
  readonly permissions: "none" | "inherit";
}

/**
 * Starts the threads; one thread, or an engine without workers or shared memory, means the calling thread.
 *
 * Workers start from a `data:` URL that holds all their code, so they load nothing. With `permissions: "none"` they also
 * cannot ask for anything; Deno takes that option only with `--unstable-worker-options` (or the same in `deno.json`) and
 * ends the process otherwise, hence the choice. Other engines ignore it.
 *
 * @returns The pool, and why it runs in the calling thread if it does.
 */
export async function openPool(options: PoolOptions): Promise<Pool> {
  const { threads, modules, memory } = options;
  if (threads > 1 && canShare(memory)) {
    try {
      return await openWorkers(options);
    } catch {
      // A page's policy may forbid data: workers; the results are the same in this thread, only later.
    }
  }
  const kernels = instantiateKernels(modules, memory);
  return {
    threads: 1,
    kind: "in-thread",
    run: async (name, ...args): Promise<void> => {
      // A macrotask first, so that reads under way and timers go on between batches.
      await new Promise((resolve) => setTimeout(resolve, 0));
      try {
        kernels[name](0, ...args);
      } catch (error) {
        throw engineFault(String(error)) ?? error;
      }
    },
    close: (): void => {},
  };
}

/** If that is what a kernel said: an engine that computes wrongly is nothing to try again, and no fault of this program. */
function engineFault(said: string): Error | undefined {
  if (!said.includes(WRONG_SUMS)) return undefined;
  return new BackendUnavailableError("wasm", `${WRONG_SUMS}; start it without --v8-flags, or use another backend`);
}

function canShare(memory: WebAssembly.Memory): boolean {
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  return typeof Worker === "function" && typeof SharedArrayBuffer === "function" &&
    memory.buffer instanceof SharedArrayBuffer && isolated !== false;
}

/** Workers that were started ahead and wait for a pool, with their permissions. */
const idle = new Map<Worker, PoolOptions["permissions"]>();

/**
 * Starts workers for the next pool of these permissions, which takes forty milliseconds in which others may read files.
 *
 * @returns Disposing of it ends those that no pool has taken.
 */
export function startAhead(threads: number, permissions: PoolOptions["permissions"]): Disposable {
  const started: Worker[] = [];
  try {
    for (let i = 0; i < threads; i++) {
      const worker = startWorker(permissions);
      // A dead one is no use to a pool, and none of its own news.
      worker.onerror = (event): void => {
        event.preventDefault();
        idle.delete(worker);
      };
      started.push(worker);
      idle.set(worker, permissions);
    }
  } catch {
    // No workers here: whoever opens a pool finds out, and why.
  }
  return {
    [Symbol.dispose](): void {
      for (const worker of started) if (idle.delete(worker)) worker.terminate();
    },
  };
}

function startWorker(permissions: PoolOptions["permissions"]): Worker {
  const url = "data:text/javascript," + encodeURIComponent(`(${workerMain})(${instantiateKernels})`);
  const options = (permissions === "none" ? { type: "module", deno: { permissions } } : { type: "module" }) as {
    type: "module";
  };
  return new Worker(url, options);
}

/** A worker that was started ahead, or a new one. */
function takeWorker(permissions: PoolOptions["permissions"]): Worker {
  for (const [worker, its] of idle) {
    if (its !== permissions) continue;
    idle.delete(worker);
    return worker;
  }
  return startWorker(permissions);
}

async function openWorkers({ modules, memory, threads, permissions }: PoolOptions): Promise<Pool> {
  const workers = Array.from({ length: threads }, () => takeWorker(permissions));
  const close = (): void => workers.forEach((worker) => worker.terminate());
  // Calls not yet answered by all, oldest first; workers answer in order, each at its own pace.
  const waiting: { resolve: () => void; reject: (error: Error) => void; left: number }[] = [];
  const answered = new Array<number>(threads).fill(0);
  let done = 0;
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    close();
    for (const call of waiting.splice(0)) call.reject(failure);
  };
  workers.forEach((worker, i) => {
    worker.onmessage = ({ data }): void => {
      if (failure !== undefined) return;
      if (typeof data === "object") {
        return fail(engineFault(data.error) ?? new Error(`A compute worker stopped: ${data.error}`));
      }
      const call = waiting[answered[i] - done];
      answered[i] += 1;
      call.left -= 1;
      if (call.left > 0) return;
      // Answers are in order, so the call that is complete is the oldest.
      waiting.shift();
      done += 1;
      call.resolve();
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      fail(new Error(`A compute worker stopped: ${event.message}`));
    };
  });
  const post = (messages: (worker: number) => unknown): Promise<void> => {
    if (failure) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject, left: threads });
      workers.forEach((worker, i) => worker.postMessage(messages(i)));
    });
  };
  await post((worker) => ({ modules, memory, worker }));
  return {
    threads,
    kind: "workers",
    run: (name, ...args) => post((): KernelCall => ({ name, args })),
    close,
  };
}
