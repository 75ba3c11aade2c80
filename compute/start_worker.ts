/**
 * How pools start their workers.
 * @module
 */

/** What a pool uses of a worker; a `Worker` is one. */
export interface PoolWorker {
  /** Called with what the worker sent. */
  onmessage: ((event: MessageEvent) => void) | null;
  /** Called when the worker dies of an error. */
  onerror: ((event: ErrorEvent) => void) | null;
  /** Sends a structured clone; what `transfer` names goes over instead of being copied. */
  postMessage(message: unknown, transfer?: Transferable[]): void;
  /** Ends it. */
  terminate(): void;
}

/**
 * Starts a module worker without permissions.
 *
 * A pool that is given one uses it instead of `new Worker`. The command line does: its work runs in a worker already, and
 * workers that Deno starts from a worker each wait half a second before they run and half a second more for their first
 * message (seen in 2.9.6), so the main thread starts them all.
 */
export type StartWorker = (url: string) => PoolWorker;
