/**
 * What runs inside a worker that writes tensors: see `tensor_writer.ts`. It needs to read and write the output, and nothing else.
 *
 * Every message is a request, answered in order. A port that comes before them is what the talk goes over from then on.
 * @module
 */
import { answerWrite } from "./tensor_writer.ts";

/** The parts of a worker's global scope that are used; no DOM or worker types are needed for it. */
interface Scope {
  onmessage: ((event: { data: unknown; ports: readonly Scope[] }) => void) | null;
  postMessage(message: unknown): void;
}

let scope = globalThis as unknown as Scope;
let last: Promise<void> = Promise.resolve();

const listen: Scope["onmessage"] = ({ data, ports }): void => {
  if (ports.length > 0) {
    [scope] = ports;
    scope.onmessage = listen;
    return;
  }
  last = last.then(async () => scope.postMessage(await answerWrite(data as Parameters<typeof answerWrite>[0])));
};
scope.onmessage = listen;
