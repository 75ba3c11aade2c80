/**
 * Workers that the main thread starts for the job's worker: both ends.
 *
 * Deno 2.9 lets a worker that another worker starts wait half a second for a debugger that nobody attached, and as long again
 * before its first message; workers of the main thread start at once. What is lent has no permission at all, whatever was
 * asked for, and is the program's own code or comes in a `data:` URL; but for the module that writes large arrays, which may
 * read and write where the job writes.
 *
 * Source: denoland/deno pull request 35629, `wait_for_page_wait_for_debugger`.
 * @module
 */

/** What the job's worker sends; with it come the port that the new worker talks over, and one to be told of its end. */
interface BorrowRequest {
  /** Address of the module. */
  readonly borrow: string;
}

/** The only modules of the program that are lent. */
const LENT_MODULES: ReadonlySet<string> = new Set(
  ["render_worker.ts", "store_worker.ts"].map((name) => new URL(`../render/${name}`, import.meta.url).href),
);

/** The module that may write. */
export const WRITER_MODULE: string = new URL("../io/write_worker.ts", import.meta.url).href;

/** Deno's permissions of a worker that writes: what the job may write, to be read as well. */
export interface WriterPermissions {
  readonly read: string[];
  readonly write: string[] | "inherit";
  readonly import: false;
}

/**
 * Starts workers for the job's worker as it asks.
 *
 * @param borrower The job's worker; `Deno` has to be run with `--unstable-worker-options`.
 * @param writer What the worker that writes may do.
 */
export function lendWorkers(borrower: Worker, writer: WriterPermissions): void {
  borrower.addEventListener("message", ({ data, ports }: MessageEvent<BorrowRequest>) => {
    if (typeof data?.borrow !== "string") return;
    const [talk, control] = ports;
    if (!isLent(data.borrow)) return control.postMessage(`${data.borrow.slice(0, 100)} is not lent`);
    const permissions = data.borrow === WRITER_MODULE ? writer : "none";
    const worker = new Worker(data.borrow, { type: "module", deno: { permissions } } as WorkerOptions);
    worker.onerror = (event): void => {
      event.preventDefault();
      control.postMessage(event.message);
    };
    control.onmessage = (): void => worker.terminate();
    worker.postMessage("talk over this port", [talk]);
  });
}

function isLent(url: string): boolean {
  return url.startsWith("data:text/javascript,") || url === WRITER_MODULE || LENT_MODULES.has(url);
}

/** The parts of the job worker's scope that are used. */
interface Scope {
  postMessage(message: unknown, transfer: Transferable[]): void;
}

/** Replaces `Worker` in the job's worker by one that is borrowed; whoever starts workers there need not know. */
export function borrowWorkers(scope: Scope): void {
  class BorrowedWorker {
    readonly #talk = new MessageChannel();
    readonly #control = new MessageChannel();
    onerror: ((event: ErrorEvent) => void) | null = null;

    constructor(url: string | URL) {
      this.#control.port1.onmessage = ({ data }): void =>
        this.onerror?.(new ErrorEvent("error", { message: data, cancelable: true }));
      scope.postMessage({ borrow: String(url) } satisfies BorrowRequest, [this.#talk.port2, this.#control.port2]);
    }

    set onmessage(listener: ((event: MessageEvent) => void) | null) {
      this.#talk.port1.onmessage = listener;
    }

    postMessage(message: unknown, transfer: Transferable[] = []): void {
      this.#talk.port1.postMessage(message, transfer);
    }

    terminate(): void {
      this.#control.port1.postMessage("end");
      this.#talk.port1.close();
      this.#control.port1.close();
    }
  }
  globalThis.Worker = BorrowedWorker as unknown as typeof Worker;
}
