/**
 * What runs inside a worker that stores pictures: bytes in, bytes out. It needs no permission.
 *
 * It says `"ready"`, then answers every request, in order. A port that comes before them is what the talk goes over from then
 * on, where it says so again.
 * @module
 */
import { answer, type StoreReply, type StoreRequest } from "./_store_wire.ts";

/** The parts of a worker's global scope that are used; no DOM or worker types are needed for it. */
interface Scope {
  onmessage: ((event: { data: unknown; ports: readonly Scope[] }) => void) | null;
  postMessage(message: unknown): void;
}

let scope = globalThis as unknown as Scope;
let last: Promise<void> = Promise.resolve();

async function reply(request: StoreRequest): Promise<StoreReply> {
  try {
    return await answer(request);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
}

const listen: Scope["onmessage"] = ({ data, ports }): void => {
  if (ports.length > 0) {
    [scope] = ports;
    scope.onmessage = listen;
    return scope.postMessage("ready");
  }
  last = last.then(async () => scope.postMessage(await reply(data as StoreRequest)));
};
scope.onmessage = listen;
scope.postMessage("ready");
