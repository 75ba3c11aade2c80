/**
 * Opens what a dump reads, and meanwhile what will compute it.
 * @module
 */
import { loadAhead } from "../compute/choose_backend.ts";
import type { VisualsConfig } from "../config/types.ts";
import { openDump, type OpenedDump } from "./dump.ts";
import type { JobHooks } from "./hooks.ts";

/**
 * As `openDump`; kernels are compiled and workers started as soon as the shards tell how much there is to do.
 *
 * @returns The dump. Disposing of it ends workers that nobody has taken, and may be done twice.
 */
export async function openAhead(
  asked: VisualsConfig,
  { workerPermissions }: Pick<JobHooks, "workerPermissions">,
): Promise<OpenedDump & Disposable> {
  const { device, nWorkers: threads } = asked;
  const started = new DisposableStack();
  try {
    const job = await openDump(asked, ({ nImages, tokens, dVit }) => {
      // An encoder has as many latents as its rows have dimensions, if not more.
      started.use(loadAhead(device, { threads, work: nImages * tokens * dVit ** 2, workerPermissions }));
    });
    return Object.assign(job, { [Symbol.dispose]: () => started.dispose() });
  } catch (error) {
    started.dispose();
    throw error;
  }
}
