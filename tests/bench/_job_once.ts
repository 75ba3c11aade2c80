/**
 * One job in a process of its own, so that its time and memory are its own: JOB CONFIG, where a job is a name in visuals.ts; or
 * `join` CONFIG N: merging only, with N states open at a time.
 * @module
 */
import process from "node:process";
import type { VisualsConfig } from "../../config.ts";
import { PART_STATE_NAME, partDirectory } from "../../io/parts.ts";
import { dumpActivations, dumpPart, mergeParts } from "../../visuals.ts";
import { openDump } from "../../visuals/dump.ts";
import { planFold } from "../../visuals/fold_rows.ts";
import { stateLengths } from "../../compute/empty_state.ts";
import { findParts } from "../../visuals/find_parts.ts";
import { Stopwatch } from "../../visuals/hooks.ts";
import { withJoined } from "../../visuals/join_parts.ts";

/** What a job took. */
export interface JobRun {
  /** Wall clock, the start of the process left out. */
  readonly seconds: number;
  /** Processor time of all threads, the start included. */
  readonly cpuSeconds: number;
  readonly peakMiB: number;
  /** Wall clock of the job's stages. */
  readonly stages: Readonly<Record<string, number>>;
}

const JOBS = { dumpActivations, dumpPart, mergeParts };

/** Merges and throws the result away; only a tree's inner states are written. */
async function join(config: VisualsConfig, maxOpen: number): Promise<Readonly<Record<string, number>>> {
  const job = await openDump(config);
  const { parts } = await findParts(job, undefined);
  const files = parts.map(({ part }) => ({
    path: `${partDirectory(job.directory, part.index, part.count)}/${PART_STATE_NAME}`,
    nRows: part.nRows,
  }));
  const plan = planFold(job.config, job.inputs, job.inputs.layout);
  const shape = stateLengths(job.inputs.sae.dSae, plan);
  const watch = new Stopwatch();
  const scratch = `${job.directory}/parts/.merging`;
  const hooks = { signal: undefined, log: () => {}, progress: () => {} };
  await withJoined(
    files,
    { shape, nDistributions: plan.nDistributions, scratch, hooks, watch, maxOpen },
    (joined) =>
      watch.time("merge", async () => {
        const { header: { dSae }, latentsPerChunk: step } = joined;
        for (let first = 0; first < dSae; first += step) await joined.latents(first, Math.min(dSae, first + step));
      }),
  );
  await Deno.remove(scratch, { recursive: true }).catch(() => undefined);
  return watch.seconds;
}

if (import.meta.main) {
  const [name, json, maxOpen] = Deno.args;
  const config = JSON.parse(json) as VisualsConfig;
  const start = performance.now();
  // Not the system's own record of the largest: a process begins with its parent's.
  let peakBytes = 0;
  const sample = (): number => peakBytes = Math.max(peakBytes, Deno.memoryUsage().rss);
  const sampling = setInterval(sample, 20);
  const stages = name === "join"
    ? await join(config, Number(maxOpen))
    : (await JOBS[name as keyof typeof JOBS](config)).profile ?? {};
  const seconds = (performance.now() - start) / 1000;
  clearInterval(sampling);
  sample();
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const run: JobRun = {
    seconds,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMiB: peakBytes / 2 ** 20,
    stages,
  };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(run) + "\n"));
}
