/**
 * Work in an output directory: alone, after what a killed job left has been put in order.
 * @module
 */
import { outputRoot } from "../config/output_root.ts";
import type { VisualsConfig } from "../config/types.ts";
import { recoverArtifacts } from "../io/artifacts.ts";
import { removeTemporaries } from "../io/atomic_write.ts";
import { refuseLinksOut } from "../io/contained.ts";
import { lockDirectory } from "../io/lock.ts";
import type { JobHooks } from "./hooks.ts";

/**
 * Runs `work` while the directory is this job's, with hooks whose signal also fires when another job takes it away.
 *
 * @throws {ArtifactError} If another job works there, nothing can be written, or a link leads out of the output.
 */
export async function inDirectory<T>(
  directory: string,
  { breakLock, dumpTo }: Pick<VisualsConfig, "breakLock" | "dumpTo">,
  hooks: JobHooks,
  work: (hooks: JobHooks) => Promise<T>,
): Promise<T> {
  await refuseLinksOut(outputRoot(dumpTo), directory);
  const lock = await lockDirectory(directory, { breakLock, log: hooks.log, signal: hooks.signal });
  try {
    await removeTemporaries(directory);
    if (await recoverArtifacts(directory)) {
      hooks.log(`Put the artifacts that a killed job had written into ${directory}`);
    }
    const signal = hooks.signal === undefined ? lock.lost : AbortSignal.any([hooks.signal, lock.lost]);
    return await work({ ...hooks, signal });
  } finally {
    await lock.release();
  }
}
