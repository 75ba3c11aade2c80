/**
 * Counts the workers that are started and ended.
 * @module
 */

/** What {@linkcode watchWorkers} has seen. */
export interface WatchedWorkers {
  /** Every worker started, in order. */
  readonly started: Worker[];
  /** Those that were ended. */
  readonly ended: Set<Worker>;
  /** Those that were not. */
  running(): Worker[];
}

/** Waits until so many workers run, for ten seconds at most; the caller asserts. */
export async function untilRunning(count: number, { running }: Pick<WatchedWorkers, "running">): Promise<void> {
  for (let i = 0; i < 1000 && running().length < count; i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Runs `fn` with a `Worker` that is watched; `urlOf` may give the n-th worker another module. */
export async function watchWorkers(
  fn: (seen: WatchedWorkers) => Promise<void>,
  urlOf: (n: number, url: string | URL) => string | URL = (_, url) => url,
): Promise<void> {
  const Own = globalThis.Worker;
  const seen: WatchedWorkers = {
    started: [],
    ended: new Set(),
    running: () => seen.started.filter((worker) => !seen.ended.has(worker)),
  };
  globalThis.Worker = class extends Own {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(urlOf(seen.started.length, url), options);
      seen.started.push(this);
    }
    override terminate(): void {
      seen.ended.add(this);
      super.terminate();
    }
  };
  try {
    await fn(seen);
  } finally {
    globalThis.Worker = Own;
    for (const worker of seen.running()) worker.terminate();
  }
}
