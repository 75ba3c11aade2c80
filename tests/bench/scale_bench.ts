/**
 * Measures the stages of split jobs, fits the model of `_scale_model.ts` to some of the measurements, holds it against the
 * others, and says what it predicts for 10^3 to 10^9 images.
 *
 * ```
 * deno task bench:scale [--dir tests/tmp/scale] [--json FILE] [--from FILE] [--merges FILES] [--shared-gbs 20] [--task-gbs 1]
 *                       [--metadata-ms 1] [--small-read-ms 1] [--cores 8] [--max-tasks 1024]
 * ```
 *
 * `--merges` adds what `merge_bench.ts --json` wrote, files separated by commas: the first and the last of each is fitted.
 * Processor seconds are compared, as wall clocks of shared machines tell nothing. `--from` takes measurements that were written
 * with `--json` instead of measuring.
 * @module
 */
import { parseArgs } from "node:util";
import type { VisualsConfig } from "../../config.ts";
import { type Size, writeGaussian } from "./_gaussian_workload.ts";
import type { JobRun } from "./_job_once.ts";
import { fitRelative } from "./_least_squares.ts";
import { runJob } from "./_run_job.ts";
import { bestParts, type Cluster, dot, dumpTerms, type Fit, type Job, mergeTerms, shardBytes } from "./_scale_model.ts";
import { vectors } from "./_scale_model.ts";

const { values: options } = parseArgs({
  options: {
    dir: { type: "string", default: new URL("../tmp/scale", import.meta.url).pathname },
    json: { type: "string", default: "" },
    from: { type: "string", default: "" },
    merges: { type: "string", default: "" },
    "shared-gbs": { type: "string", default: "20" },
    "task-gbs": { type: "string", default: "1" },
    "metadata-ms": { type: "string", default: "1" },
    "small-read-ms": { type: "string", default: "1" },
    cores: { type: "string", default: "8" },
    "max-tasks": { type: "string", default: "1024" },
  },
});
const print = (line: string): Promise<number> => Deno.stdout.write(new TextEncoder().encode(line + "\n"));

/** One measurement. */
interface Point {
  kind: "dump" | "part" | "merge";
  size: Size;
  /** Parts the job was split into. */
  parts: number;
  /** Bytes of a part's state; 0 for a whole dump, which leaves none. */
  bytes: number;
  /** Whether the model is fitted to it; otherwise it is only compared. */
  isFitted: boolean;
  run: JobRun;
}

/** What `merge_bench.ts` writes. */
interface MergeReport {
  shape: Pick<Size, "patches" | "dSae" | "k">;
  results: (JobRun & { parts: number; partBytes: number; maxOpen?: number })[];
}

const SMALL = { imagesPerShard: 20, patches: 49, dVit: 256, dSae: 4096, k: 32 };
const WIDE = { imagesPerShard: 20, patches: 49, dVit: 256, dSae: 8192, k: 64 };
/** A wide encoder of a real model; its rankings are short, so that a small machine can hold them. */
const REAL = { imagesPerShard: 20, patches: 49, dVit: 768, dSae: 24_576, k: 8 };

/** Sizes to run, and how many parts to split them into; what is not fitted is larger than what is. */
const RUNS: { size: Size; parts: number[]; isFitted: boolean }[] = [
  { size: { ...SMALL, images: 160 }, parts: [1, 2, 4], isFitted: true },
  { size: { ...SMALL, images: 1280 }, parts: [1, 8], isFitted: true },
  { size: { ...WIDE, images: 160 }, parts: [1, 2, 8], isFitted: true },
  { size: { ...WIDE, images: 480 }, parts: [1], isFitted: true },
  { size: { ...REAL, images: 40 }, parts: [1, 2], isFitted: true },
  { size: { ...REAL, images: 120 }, parts: [1, 6], isFitted: true },
  { size: { ...SMALL, images: 5120 }, parts: [1, 16], isFitted: false },
  { size: { ...WIDE, images: 1280 }, parts: [1, 16], isFitted: false },
  { size: { ...REAL, images: 320 }, parts: [1, 16], isFitted: false },
];

/** The lesser of two runs: other work on the machine only ever adds. */
async function lesser(name: string, config: VisualsConfig): Promise<JobRun> {
  const run = async (): Promise<JobRun> => {
    await Deno.remove(`${config.dumpTo}/sort_by_patch/manifest.json`).catch(() => undefined);
    if (config.part !== undefined) {
      const directory = `${config.dumpTo}/sort_by_patch/parts/${config.part.replace("/", "-of-")}`;
      await Deno.remove(directory, { recursive: true }).catch(() => undefined);
    }
    return await runJob(name, config);
  };
  const [a, b] = [await run(), await run()];
  return a.cpuSeconds < b.cpuSeconds ? a : b;
}

async function partBytes(config: VisualsConfig, parts: number): Promise<number> {
  return (await Deno.stat(`${config.dumpTo}/sort_by_patch/parts/0-of-${parts}/part.state`)).size;
}

async function measure(): Promise<Point[]> {
  const points: Point[] = [];
  const note = async (point: Point): Promise<void> => {
    points.push(point);
    const { kind, size: { images, dVit, dSae }, parts, run } = point;
    await print(`${kind} of ${images} images, ${dVit} x ${dSae}, ${parts} parts: ${run.cpuSeconds.toFixed(2)} s`);
  };
  for (const { size, parts, isFitted } of RUNS) {
    const config = await writeGaussian(options.dir, size);
    for (const count of parts) {
      if (count === 1) {
        const run = await lesser("dumpActivations", config);
        await note({ kind: "dump", size, parts: 1, bytes: 0, isFitted, run });
        continue;
      }
      const run = await lesser("dumpPart", { ...config, part: `0/${count}` });
      await note({ kind: "part", size, parts: count, bytes: await partBytes(config, count), isFitted, run });
      await runJob("dumpPart", { ...config, part: `1-${count - 1}/${count}` });
      const merge = await lesser("mergeParts", { ...config, parts: count });
      await note({ kind: "merge", size, parts: count, bytes: await partBytes(config, count), isFitted, run: merge });
    }
    await Deno.remove(options.dir, { recursive: true });
  }
  return points;
}

function jobOf({ patches, ...size }: Size, density: number): Job {
  return { ...size, patches, tokens: patches, density };
}

function termsOf({ kind, size, parts, bytes }: Point): number[] {
  const job = jobOf(size, 0.01);
  if (kind === "merge") return mergeTerms(job, parts, bytes);
  const shards = Math.floor(Math.ceil(size.images / size.imagesPerShard) / parts);
  return dumpTerms({ ...job, images: shards * size.imagesPerShard }, bytes);
}

function fit(points: readonly Point[]): Fit {
  const of = (isMerge: boolean): number[] => {
    const some = points.filter((point) => point.isFitted && (point.kind === "merge") === isMerge);
    return fitRelative(some.map(termsOf), some.map(({ run }) => run.cpuSeconds));
  };
  const [start, perWeight, perProduct, perDenseProduct, perEntryValue, perStateByte, perWholeByte] = of(false);
  const [mergeStart, perMergedLatent, perMergedByte, perUnpackedByte, perArtifactByte] = of(true);
  const dump = { start, perWeight, perProduct, perDenseProduct, perEntryValue, perStateByte, perWholeByte };
  return { ...dump, mergeStart, perMergedLatent, perMergedByte, perUnpackedByte, perArtifactByte };
}

const points: Point[] = options.from === ""
  ? await measure()
  : (JSON.parse(await Deno.readTextFile(options.from)) as { points: Point[] }).points;
for (const file of options.merges.split(",").filter(Boolean)) {
  const { shape, results } = JSON.parse(await Deno.readTextFile(file)) as MergeReport;
  const whole = results.filter(({ maxOpen }) => maxOpen === undefined);
  whole.forEach(({ parts, partBytes, ...run }, i) => {
    const size = { ...shape, images: 64 * parts, imagesPerShard: 64, dVit: 8 };
    const isFitted = i === 0 || i === whole.length - 1;
    points.push({ kind: "merge", size, parts, bytes: partBytes, isFitted, run });
  });
}
const fitted = fit(points);
await print("\n| stage | images | d_vit x d_sae | parts | measured, processor s | model | off by | in the fit |");
await print("| --- | --- | --- | --- | --- | --- | --- | --- |");
const compared = points.map((point) => {
  const { dump, merge } = vectors(fitted);
  const model = dot(point.kind === "merge" ? merge : dump, termsOf(point));
  return { point, model, error: model / point.run.cpuSeconds - 1 };
});
for (const { point: { kind, size, parts, isFitted, run }, model, error } of compared) {
  await print(
    `| ${kind} | ${size.images} | ${size.dVit} x ${size.dSae} | ${parts} | ${run.cpuSeconds.toFixed(2)} | ${
      model.toFixed(2)
    } | ${(100 * error).toFixed(0)} % | ${isFitted ? "yes" : "no"} |`,
  );
}

const cluster: Cluster = {
  sharedBandwidth: Number(options["shared-gbs"]) * 1e9,
  taskBandwidth: Number(options["task-gbs"]) * 1e9,
  metadataSeconds: Number(options["metadata-ms"]) / 1000,
  smallReadSeconds: Number(options["small-read-ms"]) / 1000,
  cores: Number(options.cores),
  maxTasks: Number(options["max-tasks"]),
};
/** ViT-B/16 at 224 pixels, upstream's shard size of 2.4 million vectors. */
const VIT = { patches: 196, tokens: 197, dVit: 768, dSae: 24_576, k: 128, imagesPerShard: 12_182, density: 0.1 };
await print("\n| images | rows | shards, bytes | parts | measure | dump | merge | total | waits for |");
await print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
const duration = (s: number): string =>
  s < 120 ? `${s.toFixed(0)} s` : s < 7200 ? `${(s / 60).toFixed(0)} min` : `${(s / 3600).toFixed(1)} h`;
const predictions = [3, 4, 5, 6, 7, 8, 9].map((power) => {
  const job: Job = { ...VIT, images: 10 ** power };
  return {
    images: job.images,
    bytes: shardBytes(job),
    rows: job.images * job.patches,
    ...bestParts(job, fitted, cluster),
  };
});
for (const { images, rows, bytes, tasks, measure, dump, merge, total, limit, isRefused } of predictions) {
  const times = [measure, dump, merge, total].map(duration).join(" | ");
  await print(
    `| ${images.toExponential(0)} | ${rows.toExponential(2)} | ${
      (bytes / 1e9).toPrecision(3)
    } GB | ${tasks} | ${times} | ${limit}${isRefused ? "; refused: rows" : ""} |`,
  );
}
const report = {
  when: new Date().toISOString(),
  cores: navigator.hardwareConcurrency,
  fitted,
  cluster,
  predictions,
  points,
};
if (options.json !== "") await Deno.writeTextFile(options.json, JSON.stringify(report, undefined, 2) + "\n");
