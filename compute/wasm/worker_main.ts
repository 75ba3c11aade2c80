/**
 * What runs inside a compute worker.
 * @module
 */

import type { instantiateKernels, KernelModules, Kernels } from "./kernel_host.ts";

/** A kernel to call: its export name and the arguments after the worker's number. */
export interface KernelCall {
  /** Export name. */
  readonly name: string;
  /** Arguments after the worker's own number. */
  readonly args: readonly number[];
}

/** The parts of a worker's global scope that are used; no DOM or worker types are needed for it. */
interface Scope {
  onmessage: ((event: { data: unknown; ports?: readonly Scope[] }) => void) | null;
  postMessage(message: unknown): void;
}

/**
 * Answers kernel calls. First message: `{modules, memory, worker}`; every later one a {@linkcode KernelCall}, answered by
 * the kernel's result, or by `{error}`. A port that comes before them is what the talk goes over from then on.
 *
 * The function is turned into text, called with the text of `instantiateKernels` and started from a `data:` URL, so it must
 * not name anything of this module; it needs
 * no permission, no file and no network.
 */
export function workerMain(instantiate: typeof instantiateKernels): void {
  let scope = globalThis as unknown as Scope;
  let kernels: Kernels;
  let worker = 0;
  const answer: Scope["onmessage"] = ({ data, ports }): void => {
    if (ports !== undefined && ports.length > 0) {
      scope = ports[0];
      scope.onmessage = answer;
      return;
    }
    try {
      const message = data as { modules?: KernelModules; memory: WebAssembly.Memory; worker: number } & KernelCall;
      if (message.modules !== undefined) {
        worker = message.worker;
        kernels = instantiate(message.modules, message.memory);
        scope.postMessage(0);
      } else {
        scope.postMessage(kernels[message.name](worker, ...message.args) ?? 0);
      }
    } catch (error) {
      scope.postMessage({ error: String(error) });
    }
  };
  scope.onmessage = answer;
}
