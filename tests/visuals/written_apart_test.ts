/** Large heatmaps are written by a thread of their own, small ones are not; nobody sees the difference. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { openTensorWriter, type TensorWriter } from "../../io/tensor_writer.ts";
import { dumpActivations } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";
import { contents, PERMISSIONS, smallJob } from "./_jobs.ts";

/** A writer, and what becomes of it. */
function watchedWriter(): { open: () => TensorWriter; opened: number; written: string[]; ended: number } {
  const seen = { opened: 0, written: [] as string[], ended: 0 };
  return Object.assign(seen, {
    open: (): TensorWriter => {
      const worker = new Worker(new URL("../../io/write_worker.ts", import.meta.url), { type: "module" });
      const writer = openTensorWriter(worker);
      seen.opened++;
      return {
        write: async (path, value) => {
          await writer.write(path, value);
          seen.written.push(path.split("/").at(-1)!);
        },
        [Symbol.dispose]: () => {
          seen.ended++;
          writer[Symbol.dispose]();
        },
      };
    },
  });
}

Deno.test({
  name: "dumpActivations() has heatmaps of 64 MiB written apart, with the same bytes, and ends the thread",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      // As many entries as make heatmaps of 64 MiB, most of them empty.
      const { heatmaps, ...rest } = await sizes(`${directory}/sizes`);
      const topK = Math.ceil((64 << 20) / (heatmaps / rest.topK));
      const more = { topK, nWorkers: 1, topkBatchSize: 256, export: [] };
      await dumpActivations(smallJob(`${directory}/here`, "wasm", more));
      const apart = watchedWriter();
      await dumpActivations(smallJob(`${directory}/there`, "wasm", more), { openWriter: apart.open });
      deepStrictEqual([apart.opened, apart.written, apart.ended], [1, ["top_values.pt"], 1]);
      const [here, there] = [await contents(`${directory}/here`), await contents(`${directory}/there`)];
      ok(here.has("/sort_by_patch/top_values.pt"));
      deepStrictEqual(there, here);
      // A thread for less than that is not worth its start; nor is one for a job that is done already.
      const small = watchedWriter();
      const less = { ...more, topK: topK - 1 };
      await dumpActivations(smallJob(`${directory}/small`, "wasm", less), { openWriter: small.open });
      const done = await dumpActivations(smallJob(`${directory}/there`, "wasm", more), { openWriter: small.open });
      strictEqual(done.reused, true);
      // Nor has any other backend heatmaps that a thread could share.
      const elsewhere = await dumpActivations(smallJob(`${directory}/elsewhere`, "reference", more), {
        openWriter: small.open,
      });
      ok(!elsewhere.reused);
      strictEqual(small.opened, 0);
    }),
});

Deno.test({
  name: "dumpActivations() that is stopped ends the thread that would have written",
  permissions: PERMISSIONS,
  fn: () =>
    inTemporary(async (directory) => {
      const { heatmaps, topK } = await sizes(`${directory}/sizes`);
      const apart = watchedWriter();
      const controller = new AbortController();
      const job = smallJob(`${directory}/out`, "wasm", {
        topK: Math.ceil((64 << 20) / (heatmaps / topK)),
        nWorkers: 1,
      });
      const stopped = dumpActivations(job, {
        openWriter: apart.open,
        signal: controller.signal,
        progress: ({ stage, done }) => void (stage === "encode" && done > 0 && controller.abort()),
      });
      strictEqual(await stopped.then(() => "done", (error: Error) => error.name), "AbortError");
      deepStrictEqual([apart.opened, apart.written, apart.ended], [1, [], 1]);
    }),
});

/** What the heatmaps of a small job take. */
async function sizes(directory: string): Promise<{ heatmaps: number; topK: number }> {
  const topK = 8;
  await dumpActivations(smallJob(directory, "wasm", { topK, topkBatchSize: 256, nWorkers: 1 }));
  const { files } = JSON.parse(await Deno.readTextFile(`${directory}/sort_by_patch/manifest.json`));
  // A torch file is its data and 1 to 2 KiB.
  return { heatmaps: files["top_values.pt"] - files["top_values.pt"] % 4096, topK };
}
