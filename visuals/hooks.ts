/**
 * How a job talks to whoever started it: log lines, progress, cancellation. The job itself never prints.
 * @module
 */
import type { TensorWriter } from "../io/tensor_writer.ts";

/** A step of a stage, for a progress bar. */
export interface Progress {
  /** What is being done, for example `encode`. */
  readonly stage: string;
  /** Units done. */
  readonly done: number;
  /** Units in all. */
  readonly total: number;
  /** The unit's plural, for example `rows`. */
  readonly unit: string;
  /** Bytes read so far in this stage, where that is meaningful. */
  readonly bytes?: number;
}

/** What a caller may listen to. */
export interface JobHooks {
  /** Aborts the job at the next batch or picture. */
  readonly signal: AbortSignal | undefined;
  /** Dispatches `save` when the state of the pass should be kept now, and the pass go on. */
  readonly saves?: EventTarget | undefined;
  /** Called with a line worth a user's attention. */
  readonly log: (line: string, level?: "info" | "warn") => void;
  /** Called often; cheap to ignore. */
  readonly progress: (progress: Progress) => void;
  /**
   * Permissions of the workers that compute and draw. `none` needs Deno to be run with `--unstable-worker-options`, and Deno ends
   * the process without it; hence `inherit` unless told. The workers use none either way.
   */
  readonly workerPermissions?: "none" | "inherit" | undefined;
  /** Starts a thread that writes large arrays while the job makes the rest; without it the job writes them itself. */
  readonly openWriter?: (() => TensorWriter) | undefined;
}

/** Fills in silent hooks. */
export function withDefaults(hooks: Partial<JobHooks> | undefined): JobHooks {
  return {
    workerPermissions: hooks?.workerPermissions,
    openWriter: hooks?.openWriter,
    signal: hooks?.signal,
    saves: hooks?.saves,
    log: hooks?.log ?? (() => {}),
    progress: hooks?.progress ?? (() => {}),
  };
}

/** Adds up seconds per stage of the job, for `--profile` and the manifest. */
export class Stopwatch {
  #seconds: Record<string, number> = {};
  /** Runs `work` and adds its wall time to `stage`. */
  async time<T>(stage: string, work: () => Promise<T> | T): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.add(stage, (performance.now() - start) / 1000);
    }
  }
  /** Adds `seconds` to `stage`. */
  add(stage: string, seconds: number): void {
    this.#seconds[stage] = (this.#seconds[stage] ?? 0) + seconds;
  }
  /** Seconds per stage so far. */
  get seconds(): Readonly<Record<string, number>> {
    return this.#seconds;
  }
}
