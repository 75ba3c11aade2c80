/**
 * The worker that does the work with narrowed permissions; started by `cli.ts`.
 * @module
 */
import { serveJobs, type Wire } from "./remote_jobs.ts";

serveJobs(globalThis as unknown as Wire, () => import("../visuals.ts"));
