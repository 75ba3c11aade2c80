/**
 * What a job may touch, and no more.
 * @module
 */
import type { VisualsConfig } from "../config.ts";
import { localPath } from "./local_path.ts";

/** Paths for Deno's permissions; a directory stands for all below it. */
export interface Grants {
  /** Paths to read. */
  readonly read: readonly string[];
  /** Paths to write. */
  readonly write: readonly string[];
}

/**
 * The least that a job needs.
 *
 * Read: the program's own directory when it is local (workers are loaded with a read check), the checkpoint, shards,
 * pictures (`visuals` only), and the output, whose manifest is compared. Write: the output.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { grantsFor } from "./grants.ts";
 * const { write } = grantsFor(parseConfig({ dumpTo: "out" }), { moduleUrl: "file:///opt/saev/cli.ts", command: "dump" });
 * if (write.join() !== "out") throw new Error();
 * ```
 */
export function grantsFor(
  config: VisualsConfig,
  { moduleUrl, command }: { readonly moduleUrl: string; readonly command: string },
): Grants {
  const script = localPath(moduleUrl);
  // What follows {shards} is only known once the shards are read.
  const output = config.dumpTo.replace(/\/*\{shards\}.*$/, "") || ".";
  const read = [
    ...(script === undefined ? [] : [script.slice(0, script.lastIndexOf("/")) || "/"]),
    config.ckpt,
    config.data.shardRoot,
    ...(command === "visuals" ? [config.images.root] : []),
    output,
  ];
  return { read: [...new Set(read)], write: [output] };
}
