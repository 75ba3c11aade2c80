/**
 * Who is timed: the whole job of this program, and what a Python user has, on the same files.
 * @module
 */
import { engineFlags } from "../../cli/engine_flags.ts";
import { PYTHON, type Run, runCommand } from "./_measure.ts";

const HERE = new URL(".", import.meta.url).pathname;

/** A workload on disk. */
export interface Workload {
  /** What it differs in, for the tables. */
  name: string;
  /** Directory with `shards/` and `sae.pt`. */
  root: string;
}

/** What a timed run gives. */
export interface Timing {
  /** Seconds from start to exit. */
  seconds: number;
  /** Seconds by the program's own clock, where it has one that leaves things out. */
  own?: number;
  /** Processor seconds from start to exit; 0 where nobody measured. */
  cpu: number;
  /** Peak memory in MiB. */
  peakMiB: number;
  /** Seconds per stage. */
  stages: Record<string, number>;
}

/** Whether Debian's torch is there. */
export async function hasTorch(): Promise<boolean> {
  try {
    await runCommand(PYTHON, ["-c", "import torch"]);
    return true;
  } catch {
    return false;
  }
}

/** Makes a workload with the yardstick's script unless it is there. Needs torch. */
export async function makeWorkload(root: string, args: readonly string[]): Promise<void> {
  try {
    await Deno.stat(`${root}/sae.pt`);
  } catch {
    await Deno.mkdir(root, { recursive: true });
    await runCommand(PYTHON, [`${HERE}yardstick/make_workload.py`, root, ...args]);
  }
}

/** This program, as `deno task dump` runs it, from start to exit; `wide`: with the flags for V8 that the task has. */
export async function timeOurs({ root }: Workload, threads: number, wide = true): Promise<Timing> {
  const out = `${root}/out`;
  await Deno.remove(out, { recursive: true }).catch(() => {});
  const flags = [
    "--data.no-scale-mean",
    "--data.no-scale-norm",
    "--images.kind",
    "image-folder",
    "--images.root",
    root,
  ];
  const run = await runCommand("deno", [
    ...[
      "run",
      "--no-prompt",
      `--allow-read`,
      `--allow-write=${root}`,
      "--unstable-worker-options",
      ...(wide ? engineFlags("dump") : []),
    ],
    ...[`${HERE}../../cli.ts`, "dump", "--ckpt", `${root}/sae.pt`, "--data.shard-root", `${root}/shards`],
    ...["--dump-to", out, "--device", "wasm", "--n-workers", String(threads), ...flags],
  ]);
  const manifest = JSON.parse(await Deno.readTextFile(`${out}/sort_by_patch/manifest.json`));
  return { seconds: run.wall, cpu: run.cpu, peakMiB: run.peakMiB, stages: manifest.timings };
}

/**
 * A style of the torch yardstick, from files to artifacts; `gemm` makes none. Its own clock leaves out the start of Python and
 * torch, reading the checkpoint and writing the artifacts.
 */
export async function timeTorch({ root }: Workload, style: string, threads: number): Promise<Timing> {
  // OpenBLAS counts its threads by itself.
  const env = { OPENBLAS_NUM_THREADS: String(threads) };
  const out = `${root}/out_torch`;
  const run: Run = await runCommand(PYTHON, [
    ...[`${HERE}yardstick/torch_yardstick.py`, "--ckpt", `${root}/sae.pt`, "--shards", `${root}/shards`],
    ...["--style", style, "--threads", String(threads), "--out", out],
  ], env);
  await Deno.remove(out, { recursive: true }).catch(() => {});
  const { seconds } = JSON.parse(run.stdout.trim().split("\n").at(-1) as string);
  return { seconds: run.wall, own: seconds.total, cpu: run.cpu, peakMiB: run.peakMiB, stages: seconds };
}

/** The encoder on onnxruntime-web, one thread, without statistics. Its own clock leaves out its start. */
export async function timeOnnx({ root }: Workload): Promise<Timing> {
  const run = await runCommand("deno", [
    ...["run", "--no-prompt", `--allow-read=${root}`, "--v8-flags=--max-old-space-size=8192"],
    ...[`${HERE}_onnx_once.ts`, root],
  ]);
  const { seconds } = JSON.parse(run.stdout.trim().split("\n").at(-1) as string);
  return { seconds: run.wall, own: seconds.total, cpu: run.cpu, peakMiB: run.peakMiB, stages: seconds };
}
