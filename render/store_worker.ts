/**
 * What runs inside a worker that stores pictures: bytes in, bytes out. It needs no permission.
 *
 * It says `"ready"`, then answers every request, in order.
 * @module
 */
import type { StoreReply, StoreRequest } from "./store_pool.ts";
import { smallPicture } from "./stored_picture.ts";

/** The parts of a worker's global scope that are used; no DOM or worker types are needed for it. */
interface Scope {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as Scope;
let last: Promise<void> = Promise.resolve();

async function answer({ bytes, options }: StoreRequest): Promise<StoreReply> {
  try {
    return await smallPicture(bytes, options);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
}

scope.onmessage = ({ data }): void => {
  last = last.then(async () => scope.postMessage(await answer(data as StoreRequest)));
};
scope.postMessage("ready");
