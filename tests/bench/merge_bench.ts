/**
 * Time and memory of a merge for 10, 100 and 1,000 parts, and of trees of other widths; on synthetic parts.
 *
 * ```
 * deno task bench:merge [--parts 10,100,1000] [--d-sae 24576] [--k 32] [--patches 16] [--pool 8] [--density 0.2]
 *                       [--firings 1000] [--trees 8,32] [--dir tests/tmp/merge] [--json FILE]
 * ```
 * @module
 */
import { parseArgs } from "node:util";
import type { JobRun } from "./_job_once.ts";
import { runJob } from "./_run_job.ts";
import { writeSyntheticParts } from "./_synthetic_parts.ts";

const { values: options } = parseArgs({
  options: {
    parts: { type: "string", default: "10,100,1000" },
    "d-sae": { type: "string", default: "24576" },
    k: { type: "string", default: "32" },
    patches: { type: "string", default: "16" },
    pool: { type: "string", default: "8" },
    density: { type: "string", default: "0.2" },
    firings: { type: "string", default: "1000" },
    trees: { type: "string", default: "" },
    dir: { type: "string", default: new URL("../tmp/merge", import.meta.url).pathname },
    json: { type: "string", default: "" },
  },
});

const print = (line: string): Promise<number> => Deno.stdout.write(new TextEncoder().encode(line + "\n"));
const shape = {
  dSae: Number(options["d-sae"]),
  k: Number(options.k),
  patches: Number(options.patches),
  pool: Number(options.pool),
  firings: Number(options.firings),
  density: Number(options.density),
};

/** One merge. */
interface Result extends JobRun {
  parts: number;
  /** States open at a time; undefined for the program's own choice, artifacts included. */
  maxOpen?: number | undefined;
  partBytes: number;
}

const results: Result[] = [];
try {
  for (const parts of options.parts.split(",").map(Number)) {
    const { config, partBytes } = await writeSyntheticParts(options.dir, parts, shape);
    for (const maxOpen of [undefined, ...options.trees.split(",").filter(Boolean).map(Number)]) {
      const told = maxOpen === undefined
        ? await runJob("mergeParts", config)
        : await runJob("join", config, String(maxOpen));
      results.push({ parts, maxOpen, partBytes, ...told });
      await print(
        `${parts} parts of ${(partBytes / 2 ** 20).toFixed(1)} MiB, ${
          maxOpen === undefined ? "to artifacts" : `${maxOpen} open at a time, merging only`
        }: ${told.seconds.toFixed(1)} s (processor ${told.cpuSeconds.toFixed(1)} s), peak ${
          told.peakMiB.toFixed(0)
        } MiB; ${Object.entries(told.stages).map(([name, seconds]) => `${name} ${seconds.toFixed(2)} s`).join(", ")}`,
      );
    }
  }
} finally {
  await Deno.remove(options.dir, { recursive: true }).catch(() => undefined);
}
const report = { when: new Date().toISOString(), cores: navigator.hardwareConcurrency, shape, results };
if (options.json !== "") await Deno.writeTextFile(options.json, JSON.stringify(report, undefined, 2) + "\n");
