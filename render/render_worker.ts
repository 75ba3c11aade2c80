/**
 * What runs inside a render worker: bytes in, bytes out. It needs no permission.
 *
 * First message: the {@linkcode DrawSettings}, answered by `"ready"`; every later one a request, answered in order. If the
 * first message is a port, all of this goes over that.
 * @module
 */
import { type DrawReply, type DrawRequest, PictureDrawer } from "./_render_wire.ts";
import type { DrawSettings } from "./draw_pictures.ts";

/** Where messages come from and answers go: the worker's global scope, or a port. No DOM or worker types are needed for it. */
interface Channel {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
}

serve(globalThis as unknown as Channel);

function serve(channel: Channel): void {
  let drawer: PictureDrawer | undefined;
  let last: Promise<void> = Promise.resolve();
  channel.onmessage = ({ data }): void => {
    if (data instanceof MessagePort) return serve(data as unknown as Channel);
    if (drawer === undefined) {
      drawer = new PictureDrawer(data as DrawSettings);
      return channel.postMessage("ready");
    }
    const held = drawer;
    last = last.then(async () => {
      const reply: DrawReply = await held.draw(data as DrawRequest);
      channel.postMessage(reply, "files" in reply ? reply.files.map((file) => file.buffer) : []);
    });
  };
}
