/**
 * Which module draws.
 * @module
 */

/** The only file that a job may have started as a worker. */
export const RENDER_WORKER_URL: string = new URL("../render/render_worker.ts", import.meta.url).href;
