/**
 * Finds checkpoint and shards in a run directory of the current layout.
 * @module
 */
import { CheckpointError, ShardFormatError } from "../compute/errors.ts";
import { fileSize, isDirectory, realPath } from "./open_file.ts";

/** Where a run keeps what a job needs. */
export interface RunPaths {
  /** The checkpoint. */
  readonly ckpt: string;
  /** The shard directory, with symbolic links followed. */
  readonly shardRoot: string;
  /** Where results on these shards go: `DIR/inference/<shard directory's name>`. */
  readonly output: string;
}

/**
 * Resolves `DIR/checkpoint/sae.pt`, `DIR/links/<split>-shards` and `DIR/inference/<shards>`.
 *
 * The link is followed here, so that what is read is named by its own path, in permissions as in messages.
 *
 * @param split Which link: `train` or `val`.
 * @throws {CheckpointError} If the run holds no checkpoint.
 * @throws {ShardFormatError} If the link is missing or leads nowhere.
 *
 * @example
 * ```ts
 * import { resolveRun } from "./resolve_run.ts";
 * const failure = await resolveRun("fixtures/none").catch((error: Error) => error.name);
 * console.assert(failure === "CheckpointError");
 * ```
 */
export async function resolveRun(directory: string, split: "train" | "val" = "train"): Promise<RunPaths> {
  const ckpt = `${directory}/checkpoint/sae.pt`;
  if (await fileSize(ckpt) === undefined) {
    throw new CheckpointError(`Cannot find ${ckpt}: a run directory holds its checkpoint there; check --run`, {
      path: ckpt,
      key: "run",
      found: "no such file",
      expected: "checkpoint/sae.pt",
    });
  }
  const link = `${directory}/links/${split}-shards`;
  if (!await isDirectory(link)) {
    throw new ShardFormatError(
      `Cannot find the shards at ${link}: the link is missing or leads nowhere; give --data.shard-root`,
      { path: link },
    );
  }
  const shardRoot = await realPath(link);
  const name = shardRoot.slice(shardRoot.lastIndexOf("/") + 1);
  return { ckpt, shardRoot, output: `${directory}/inference/${name}` };
}
