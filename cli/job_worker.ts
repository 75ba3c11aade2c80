/**
 * The worker that does the work with narrowed permissions; started by `cli.ts`.
 * @module
 */
import { openTensorWriter } from "../io/tensor_writer.ts";
import { borrowWorkers, WRITER_MODULE } from "./lend_workers.ts";
import { loadJob } from "./load_job.ts";
import { serveJobs, type Wire } from "./remote_jobs.ts";

borrowWorkers(globalThis);
serveJobs(globalThis as unknown as Wire, loadJob, {
  // This worker has permissions of its own, so Deno runs with the flag that takes.
  workerPermissions: "none",
  openWriter: () => openTensorWriter(new Worker(WRITER_MODULE, { type: "module" })),
});
