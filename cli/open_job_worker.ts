/**
 * Starts the worker that does the work, with no more permissions than it needs.
 * @module
 */
import type { Grants } from "./grants.ts";
import { lendWorkers } from "./lend_workers.ts";
import type { OpenedWire } from "./remote_jobs.ts";

/**
 * Starts `job_worker.ts`. It may read what `grants` name, and write that too or, where the program itself may write to some
 * paths only, what the program may; network, environment, subprocesses, native code and system facts are out of its reach.
 *
 * Needs `--unstable-worker-options`, which the project's `deno.json` sets.
 */
export function openJobWorker(grants: Grants, { limitWrite }: { readonly limitWrite: boolean }): OpenedWire {
  const write = limitWrite ? [...grants.write] : "inherit" as const;
  // The program is local then, and so are its modules: nothing needs code from anywhere else.
  const permissions = { read: [...grants.read], write, import: false } as const;
  const options = { type: "module", deno: { permissions } };
  const worker = new Worker(new URL("./job_worker.ts", import.meta.url), options as WorkerOptions);
  lendWorkers(worker, { ...permissions, read: [...grants.write] });
  const died = new Promise<never>((_, reject) => {
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
  // Whoever waits for the answer sees it; without a waiter it is no news.
  died.catch(() => {});
  // The process ends right after, and the worker with it. Terminating it first would tear a graphics driver down in one
  // thread while the exit handlers run in another, which crashed one run in twelve after its results were written.
  return { wire: worker, died, close: () => {} };
}
