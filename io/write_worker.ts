/**
 * What runs inside a worker that writes tensors: see `tensor_writer.ts`. It needs to read and write the output, and nothing else.
 *
 * Every message is a request, answered in order. A port that comes before them is what the talk goes over from then on.
 * @module
 */
import type { WriteReply, WriteRequest } from "./tensor_writer.ts";
import { writeTorch } from "./write_torch.ts";

/** The parts of a worker's global scope that are used; no DOM or worker types are needed for it. */
interface Scope {
  onmessage: ((event: { data: unknown; ports: readonly Scope[] }) => void) | null;
  postMessage(message: unknown): void;
}

let scope = globalThis as unknown as Scope;
let last: Promise<void> = Promise.resolve();

async function answer({ path, tensor }: WriteRequest): Promise<WriteReply> {
  try {
    await writeTorch(path, tensor);
    return true;
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { name, message };
  }
}

const listen: Scope["onmessage"] = ({ data, ports }): void => {
  if (ports.length > 0) {
    [scope] = ports;
    scope.onmessage = listen;
    return;
  }
  last = last.then(async () => scope.postMessage(await answer(data as WriteRequest)));
};
scope.onmessage = listen;
