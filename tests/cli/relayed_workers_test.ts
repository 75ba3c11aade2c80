import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { relayedWorkers, type WorkerNews, workerStarter } from "../../cli/relayed_workers.ts";
import type { PoolWorker } from "../../compute/start_worker.ts";

/** Both ends in one thread, with real workers. */
function relay(): { start: (code: string | URL) => PoolWorker; news: WorkerNews[] } {
  const news: WorkerNews[] = [];
  const handle = workerStarter((told) => {
    news.push(told);
    // Over a wire it takes a turn too.
    queueMicrotask(() => job.receive(told));
  });
  const job = relayedWorkers((request) => handle(request));
  const adopt = "onmessage = ({ data: port }) => port.onmessage = ({ data }) => ";
  return {
    news,
    start: (code) =>
      job.start(code instanceof URL ? code.href : "data:text/javascript," + encodeURIComponent(adopt + code)),
  };
}

function answerOf(worker: PoolWorker, message: unknown, transfer?: Transferable[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(message, transfer);
  });
}

Deno.test({
  name: "relayedWorkers() reaches workers that the other end started, and moves what is transferred",
  permissions: "none",
  async fn(): Promise<void> {
    const { start, news } = relay();
    const workers = [start("port.postMessage(data.byteLength + 1)"), start("port.postMessage(data.byteLength + 2)")];
    const buffers = [new ArrayBuffer(10), new ArrayBuffer(20)];
    deepStrictEqual(await Promise.all(workers.map((worker, i) => answerOf(worker, buffers[i], [buffers[i]]))), [
      11,
      22,
    ]);
    deepStrictEqual(buffers.map(({ byteLength }) => byteLength), [0, 0]);
    workers.forEach((worker) => worker.terminate());
    deepStrictEqual(news, []);
  },
});

Deno.test({
  name: "relayedWorkers() start without a single permission, whatever the program has",
  permissions: "inherit",
  async fn(): Promise<void> {
    const { start } = relay();
    const names = ["read", "write", "env", "net", "run", "sys", "ffi", "import"];
    const worker = start(`port.postMessage(data.map((name) => Deno.permissions.querySync({ name }).state))`);
    const states = await answerOf(worker, names) as string[];
    worker.terminate();
    strictEqual((await Deno.permissions.query({ name: "read", path: "." })).state, "granted");
    deepStrictEqual(states.filter((state) => state === "granted"), []);
  },
});

Deno.test({
  name: "relayedWorkers() are told when a worker dies",
  permissions: "none",
  async fn(): Promise<void> {
    const { start, news } = relay();
    const worker = start(`{ throw new Error("out of luck") }`);
    match(await answerOf(worker, 1).then(() => "", ({ message }) => message), /out of luck/);
    strictEqual(news.length, 1);
    worker.terminate();
  },
});

Deno.test({
  name: "workerStarter() runs no file but the one that draws",
  permissions: "none",
  async fn(): Promise<void> {
    const { start } = relay();
    for (
      const url of ["file:///etc/evil.js", new URL("../../cli.ts", import.meta.url).href, "https://example.org/x.js"]
    ) {
      const worker = start(new URL(url));
      const died = new Promise((resolve) => worker.onerror = ({ message }) => resolve(message));
      match(String(await died), /is not what a job may start/);
    }
  },
});
