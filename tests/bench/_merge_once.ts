/** One merge in a process of its own, so that its peak memory is its own: CONFIG, or CONFIG and how many states to open at a time. */
import process from "node:process";
import { PART_STATE_NAME, partDirectory } from "../../io/parts.ts";
import { mergeParts } from "../../visuals.ts";
import { stateLengths } from "../../compute/empty_state.ts";
import { findParts } from "../../visuals/find_parts.ts";
import { openDump } from "../../visuals/dump.ts";
import { planFold } from "../../visuals/fold_rows.ts";
import { Stopwatch } from "../../visuals/hooks.ts";
import { withJoined } from "../../visuals/join_parts.ts";

const [json, maxOpen] = Deno.args;
const config = JSON.parse(json);
const start = performance.now();
let stages: Readonly<Record<string, number>>;
if (maxOpen === undefined) {
  stages = (await mergeParts(config)).profile ?? {};
} else {
  // Only the merging, to compare trees: nothing is written but what a tree needs.
  const job = await openDump(config);
  const { parts } = await findParts(job, undefined);
  const files = parts.map(({ part }) => ({
    path: `${partDirectory(job.directory, part.index, part.count)}/${PART_STATE_NAME}`,
    nRows: part.nRows,
  }));
  const watch = new Stopwatch();
  const plan = planFold(job.config, job.inputs, job.inputs.layout);
  const shape = stateLengths(job.inputs.sae.dSae, plan);
  const scratch = `${job.directory}/parts/.merging`;
  const hooks = { signal: undefined, log: () => {}, progress: () => {} };
  await withJoined(
    files,
    { shape, nDistributions: plan.nDistributions, scratch, hooks, watch, maxOpen: Number(maxOpen) },
    (joined) =>
      watch.time("merge", async () => {
        const { header: { dSae }, latentsPerChunk: step } = joined;
        for (let first = 0; first < dSae; first += step) await joined.latents(first, Math.min(dSae, first + step));
      }),
  );
  await Deno.remove(scratch, { recursive: true }).catch(() => undefined);
  stages = watch.seconds;
}
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
await Deno.stdout.write(
  new TextEncoder().encode(
    JSON.stringify({
      seconds: (performance.now() - start) / 1000,
      cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
      peakMiB: maxRSS / 1024,
      stages,
    }) + "\n",
  ),
);
