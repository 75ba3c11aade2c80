/**
 * The work in a worker with fewer permissions: both ends of the wire. The same messages run over a `MessagePort`, for tests.
 * @module
 */
import type { VisualsConfig } from "../config.ts";
import type { JobHooks, Progress } from "../visuals/hooks.ts";
import type { CompareRequest, InspectRequest, Jobs } from "./jobs.ts";

/** Progress goes over the wire at most this often; the terminal is redrawn less often still. */
const PROGRESS_INTERVAL_MS = 50;

/** One end of the wire: a `Worker`, a worker's own scope, or a `MessagePort`. */
export interface Wire {
  /** Sends a structured clone. */
  postMessage(message: unknown): void;
  /** Called with what the other end sent. */
  onmessage: ((event: MessageEvent) => void) | null;
}

/** An error as it crosses the wire: its class does not, so `name` has to say what it is. */
interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly cause: SentError | undefined;
}

type Request =
  | { readonly job: keyof Jobs; readonly asked: VisualsConfig | InspectRequest | CompareRequest }
  | { readonly abort: true }
  | {
    readonly save: true;
  };

type Reply =
  | { readonly log: string; readonly level: "info" | "warn" | undefined }
  | { readonly progress: Progress }
  | { readonly done: unknown }
  | { readonly failed: SentError };

/** The far end and how to be rid of it. */
export interface OpenedWire {
  /** The wire. */
  readonly wire: Wire;
  /** Rejects when the far end dies without an answer. */
  readonly died: Promise<never>;
  /** Ends the far end. */
  readonly close: () => void;
}

/**
 * Work that is done at the far end of a wire; each call opens one and closes it.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { remoteJobs, serveJobs } from "./remote_jobs.ts";
 * const job = () => Promise.resolve({ rows: 3 });
 * const { port1, port2 } = new MessageChannel();
 * const none = () => Promise.reject();
 * const rest = { dumpPart: job, measureSample: job, mergeParts: job, renderArtifacts: job, exportArtifacts: job };
 * const more = { recordActivations: job, studyArtifacts: job, compareRuns: job };
 * const looks = { planJob: none, planRecording: none, checkInputs: none, inspectPath: none };
 * const all = { ...rest, ...more, ...looks, main: job, dumpActivations: job };
 * serveJobs(port2, () => Promise.resolve(all));
 * const close = () => port1.close();
 * const jobs = remoteJobs(() => ({ wire: port1, died: new Promise<never>(() => {}), close }));
 * const { rows } = await jobs.main(parseConfig());
 * if (rows !== 3) throw new Error();
 * ```
 */
export function remoteJobs(open: () => OpenedWire): Jobs {
  async function call<K extends keyof Jobs>(
    job: K,
    asked: Parameters<Jobs[K]>[0],
    hooks?: Partial<JobHooks>,
  ): Promise<Awaited<ReturnType<Jobs[K]>>> {
    const { wire, died, close } = open();
    const send = (request: Request): void => wire.postMessage(request);
    const abort = (): void => send({ abort: true });
    const save = (): void => send({ save: true });
    try {
      const answered = new Promise<Awaited<ReturnType<Jobs[K]>>>((resolve, reject) => {
        wire.onmessage = ({ data }: MessageEvent<Reply>) => {
          if ("log" in data) hooks?.log?.(data.log, data.level);
          else if ("progress" in data) hooks?.progress?.(data.progress);
          else if ("done" in data) resolve(data.done as Awaited<ReturnType<Jobs[K]>>);
          else if ("failed" in data) reject(receiveError(data.failed));
        };
      });
      send({ job, asked });
      if (hooks?.signal?.aborted) abort();
      hooks?.signal?.addEventListener("abort", abort);
      hooks?.saves?.addEventListener("save", save);
      return await Promise.race([answered, died]);
    } finally {
      hooks?.signal?.removeEventListener("abort", abort);
      hooks?.saves?.removeEventListener("save", save);
      close();
    }
  }
  return {
    main: (config, hooks) => call("main", config, hooks),
    dumpActivations: (config, hooks) => call("dumpActivations", config, hooks),
    dumpPart: (config, hooks) => call("dumpPart", config, hooks),
    measureSample: (config, hooks) => call("measureSample", config, hooks),
    mergeParts: (config, hooks) => call("mergeParts", config, hooks),
    renderArtifacts: (config, hooks) => call("renderArtifacts", config, hooks),
    exportArtifacts: (config, hooks) => call("exportArtifacts", config, hooks),
    recordActivations: (config, hooks) => call("recordActivations", config, hooks),
    studyArtifacts: (config, hooks) => call("studyArtifacts", config, hooks),
    compareRuns: (request, hooks) => call("compareRuns", request, hooks),
    planJob: (config) => call("planJob", config),
    planRecording: (config) => call("planRecording", config),
    checkInputs: (config, hooks) => call("checkInputs", config, hooks),
    inspectPath: (request) => call("inspectPath", request),
  };
}

/**
 * Answers the requests of {@linkcode remoteJobs}; the work is loaded when the first comes.
 *
 * @param load Loads one job, and others if it likes.
 * @param extra Hooks that cannot cross the wire.
 */
export function serveJobs(
  wire: Wire,
  load: <K extends keyof Jobs>(job: K) => Promise<Pick<Jobs, K>>,
  extra: Pick<JobHooks, "workerPermissions" | "openWriter"> = {},
): void {
  const controller = new AbortController();
  const saves = new EventTarget();
  const send = (reply: Reply): void => wire.postMessage(reply);
  let sentStage: string | undefined;
  let sentMs = 0;
  const hooks: JobHooks = {
    ...extra,
    signal: controller.signal,
    saves,
    log: (log, level) => send({ log, level }),
    progress: (progress) => {
      const now = performance.now();
      // The first and the last report of a stage always go: they say what was there and what was done.
      const isDue = now - sentMs >= PROGRESS_INTERVAL_MS || progress.done >= progress.total;
      if (progress.stage === sentStage && !isDue) return;
      [sentStage, sentMs] = [progress.stage, now];
      send({ progress });
    },
  };
  wire.onmessage = async ({ data }: MessageEvent<Request>): Promise<void> => {
    if ("abort" in data) return controller.abort(new DOMException("Stopped", "AbortError"));
    if ("save" in data) return void saves.dispatchEvent(new Event("save"));
    try {
      // Whoever sent the name of a job sent what it takes.
      const job = (await load(data.job))[data.job] as (asked: unknown, hooks: JobHooks) => Promise<unknown>;
      send({ done: await job(data.asked, hooks) });
    } catch (error) {
      send({ failed: sendError(error) });
    }
  };
}

function sendError(error: unknown): SentError {
  if (!(error instanceof Error)) {
    return { name: "Error", message: String(error), stack: undefined, code: undefined, cause: undefined };
  }
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    message,
    stack,
    code: typeof code === "string" ? code : undefined,
    cause: cause instanceof Error ? sendError(cause) : undefined,
  };
}

function receiveError({ name, message, stack, code, cause }: SentError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: receiveError(cause) });
  // The program itself may do more than the far end: whoever explains a refusal has to know.
  const narrowed = name === "NotCapable" ? { narrowed: true } : {};
  return Object.assign(error, { name, stack: stack ?? error.stack }, code === undefined ? {} : { code }, narrowed);
}
