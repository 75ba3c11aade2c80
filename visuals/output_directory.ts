/**
 * Where a job's results go.
 * @module
 */
import { resolveDumpTo } from "../config/output_root.ts";
import type { VisualsConfig } from "../config/types.ts";
import { artifactDirectory } from "../io/artifacts.ts";
import { realPath } from "../io/open_file.ts";
import { resolveRun } from "../io/resolve_run.ts";

/**
 * The directory of a configuration's artifacts. `{shards}` stands for the shard directory's own name, not that of a link
 * that leads there: results on the same shards lie in the same place however they were reached.
 */
export async function outputDirectory(config: Pick<VisualsConfig, "dumpTo" | "sortBy" | "data">): Promise<string> {
  const { dumpTo, sortBy, data: { shardRoot } } = config;
  const root = dumpTo.includes("{shards}") ? await realPath(shardRoot) : shardRoot;
  const name = root.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return artifactDirectory(resolveDumpTo(config, name), sortBy);
}

/**
 * The same configuration with what `--run` stands for looked up: a run that lacks its checkpoint or its link is named as
 * such, and the shards are read under their own path. Paths given beside `--run` stay as they are.
 *
 * @throws {CheckpointError} If the run holds no checkpoint.
 * @throws {ShardFormatError} If its link to the shards is missing or leads nowhere.
 */
export async function followRun(config: VisualsConfig): Promise<VisualsConfig> {
  const { run, ckpt, data } = config;
  if (run === undefined || ckpt !== `${run}/checkpoint/sae.pt` || data.shardRoot !== `${run}/links/train-shards`) {
    return config;
  }
  const { shardRoot } = await resolveRun(run);
  return { ...config, data: { ...data, shardRoot } };
}
