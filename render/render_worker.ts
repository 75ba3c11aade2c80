/**
 * What runs inside a render worker: bytes in, bytes out. It needs no permission.
 *
 * First message: the {@linkcode DrawSettings}, answered by `"ready"`; every later one a request, answered in order. A port
 * that comes before them is what the talk goes over from then on.
 * @module
 */
import { type DrawReply, type DrawRequest, PictureDrawer } from "./_render_wire.ts";
import type { DrawSettings } from "./draw_pictures.ts";

/** The parts of a worker's global scope that are used; no DOM or worker types are needed for it. */
interface Scope {
  onmessage: ((event: { data: unknown; ports: readonly Scope[] }) => void) | null;
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
}

let scope = globalThis as unknown as Scope;
let drawer: PictureDrawer | undefined;
let last: Promise<void> = Promise.resolve();

const answer: Scope["onmessage"] = ({ data, ports }): void => {
  if (ports.length > 0) {
    [scope] = ports;
    scope.onmessage = answer;
    return;
  }
  if (drawer === undefined) {
    drawer = new PictureDrawer(data as DrawSettings);
    return scope.postMessage("ready");
  }
  const held = drawer;
  last = last.then(async () => {
    const reply: DrawReply = await held.draw(data as DrawRequest);
    scope.postMessage(reply, "files" in reply ? reply.files.map((file) => file.buffer) : []);
  });
};
scope.onmessage = answer;
