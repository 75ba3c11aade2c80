/**
 * Workers that the job's worker asks the main thread to start: both ends. What they are sent and answer goes through a port
 * of their own and never touches the main thread.
 * @module
 */
import type { PoolWorker, StartWorker } from "../compute/start_worker.ts";
import { RENDER_WORKER_URL } from "../visuals/render_worker_url.ts";

/** From the job to the main thread. */
export type WorkerRequest =
  | { readonly startWorker: number; readonly url: string; readonly port: MessagePort }
  | { readonly stopWorker: number };

/** From the main thread to the job. */
export interface WorkerNews {
  /** The worker's number. */
  readonly deadWorker: number;
  /** What it died of. */
  readonly message: string;
}

/** The job's end. */
export interface RelayedWorkers {
  /** Asks for a worker. */
  readonly start: StartWorker;
  /** Hands over what the main thread tells. */
  readonly receive: (news: WorkerNews) => void;
}

/** The job's end of the relay; `send` reaches the main thread. */
export function relayedWorkers(
  send: (request: WorkerRequest, transfer?: Transferable[]) => void,
): RelayedWorkers {
  const started: RelayedWorker[] = [];
  return {
    start(url: string): PoolWorker {
      const { port1, port2 } = new MessageChannel();
      const number = started.length;
      const worker = new RelayedWorker(port1, () => send({ stopWorker: number }));
      started.push(worker);
      send({ startWorker: number, url, port: port2 }, [port2]);
      return worker;
    },
    receive: ({ deadWorker, message }) => started[deadWorker]?.onerror?.(new ErrorEvent("error", { message })),
  };
}

class RelayedWorker implements PoolWorker {
  onerror: PoolWorker["onerror"] = null;

  constructor(private readonly port: MessagePort, private readonly stop: () => void) {}

  set onmessage(listener: PoolWorker["onmessage"]) {
    this.port.onmessage = listener;
  }

  get onmessage(): PoolWorker["onmessage"] {
    return this.port.onmessage as PoolWorker["onmessage"];
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.port.postMessage(message, transfer);
  }

  terminate(): void {
    this.port.close();
    this.stop();
  }
}

/**
 * The main thread's end: starts what is asked for, without permissions, and hands it its port as its first message.
 *
 * Code in a `data:` URL came from the job and can do no more with no permissions than with the job's; of files only the one
 * that draws is started, so that a job cannot have others run.
 *
 * @param send Reaches the job.
 * @param startWorker Makes the worker; for tests.
 */
export function workerStarter(
  send: (news: WorkerNews) => void,
  startWorker: (url: string) => Worker = startWithoutPermissions,
): (request: WorkerRequest) => void {
  const workers = new Map<number, Worker>();
  return (request) => {
    if ("stopWorker" in request) {
      workers.get(request.stopWorker)?.terminate();
      workers.delete(request.stopWorker);
      return;
    }
    const { startWorker: number, url, port } = request;
    if (!url.startsWith("data:") && url !== RENDER_WORKER_URL) {
      return send({ deadWorker: number, message: `${url} is not what a job may start` });
    }
    const worker = startWorker(url);
    workers.set(number, worker);
    worker.onerror = (event): void => {
      event.preventDefault();
      send({ deadWorker: number, message: event.message });
    };
    worker.postMessage(port, [port]);
  };
}

function startWithoutPermissions(url: string): Worker {
  return new Worker(url, { type: "module", deno: { permissions: "none" } } as WorkerOptions);
}
