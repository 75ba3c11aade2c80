/**
 * Measures the WebGPU backend on the card at hand, beside torch on the same card where Python has CUDA.
 *
 * ```
 * deno run -A tests/bench/webgpu_bench.ts [--python python3] [--rounds 5] [--imgs 21504] [--dir tests/tmp/bench]
 *                                         [--precision f32|f16] [--tile always|NAME] [--no-job] [--software] [--json FILE]
 * ```
 *
 * 1. The product alone, after timing every tile shape: GFLOP/s, and the share of torch's f32 matmul (no TF32).
 * 2. All that is done with rows that are on the device (statistics, ranking of 128, heatmaps): its cost over the product.
 * 3. The whole job from files to artifacts, in turns with `torch_yardstick.py --device cuda`: gemm, tuned, seed.
 *
 * Writes JSON with the adapter's name. A software adapter is refused unless `--software`, which also makes everything small.
 * @module
 */
import { parseArgs } from "node:util";
import type { FoldPlan } from "../../compute/backend.ts";
import { BackendUnavailableError } from "../../compute/errors.ts";
import { createWebgpuBackend } from "../../compute/webgpu/mod.ts";
import { runCommand, show, type Spread, spread } from "./_measure.ts";

const HERE = new URL(".", import.meta.url).pathname;

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "5" },
    imgs: { type: "string", default: "21504" },
    dir: { type: "string", default: new URL("../tmp/bench", import.meta.url).pathname },
    precision: { type: "string", default: "f32" },
    tile: { type: "string", default: "always" },
    "no-job": { type: "boolean", default: false },
    software: { type: "boolean", default: false },
    json: { type: "string", default: "" },
  },
});

const print = (line: string): Promise<number> => Deno.stdout.write(new TextEncoder().encode(line + "\n"));

/** The widths of the published checkpoints; on a CPU a small fraction. */
const dVit = options.software ? 64 : 768;
const dSae = 16 * dVit;
const patches = 49;
const K = 128;

/** Standard normal (Box–Muller on Math.random: timing needs no seed). */
function normals(n: number, spread = 1, mean = 0): Float32Array<ArrayBuffer> {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return Float32Array.from({ length: n }, () => mean + spread * normal());
}

/** Rates of torch's product of the same shape, in GFLOP/s; undefined without CUDA. */
async function torchMatmul(rows: number): Promise<number | undefined> {
  const script = `
import time, torch
assert torch.cuda.is_available()
torch.backends.cuda.matmul.allow_tf32 = False
a = torch.randn(${rows}, ${dVit}, device="cuda"); b = torch.randn(${dVit}, ${dSae}, device="cuda")
c = a @ b
rates = []
for _ in range(5):
    torch.cuda.synchronize(); t = time.perf_counter()
    for _ in range(100): torch.mm(a, b, out=c)
    torch.cuda.synchronize(); rates.append(100 * 2 * ${rows} * ${dVit} * ${dSae} / (time.perf_counter() - t) / 1e9)
print(sorted(rates)[2])`;
  try {
    return Number((await runCommand(options.python, ["-c", script])).stdout.trim());
  } catch {
    return undefined;
  }
}

/** Kernels on synthetic rows of which about 1 % of activations are positive. */
async function timeKernels(): Promise<Record<string, unknown>> {
  const precision = options.precision as "f32" | "f16";
  const backend = await createWebgpuBackend({ allowSoftware: options.software, precision, tile: options.tile });
  try {
    const layout = { kind: "patches", layers: 1, tokens: patches, firstToken: 0, dVit, clamp: 1e5 } as const;
    const plan: FoldPlan = {
      layout: { ...layout, mean: undefined, scalar: 1 },
      nImages: 100_000,
      batchImages: 84,
      k: K,
      sortBy: "patch",
      dedupe: "none",
      percentile: 99,
      percentileLr: 1e-3,
      nDistributions: 25,
      nonFinite: "error",
      maxMemoryBytes: 2 ** 33,
      threads: 1,
    };
    const wEnc = normals(dVit * dSae, 1 / Math.sqrt(dVit));
    const bEnc = new Float32Array(dSae).fill(-2.33);
    const sae = { dVit, dSae, wEnc, bEnc, bPre: new Float32Array(dVit), activation: { kind: "relu" } } as const;
    const block = normals(128 * patches * dVit);
    const seconds = options.software ? 0.2 : 1;
    const { product, strip, tile } = await backend.time(sae, plan, { seconds, block });
    const gflops = product.flops / product.seconds / 1e9;
    const torch = await torchMatmul(product.rows);
    const stripCost = strip!.seconds / strip!.rows / (product.seconds / product.rows);
    await print(`${backend.details.adapter}, ${dVit} x ${dSae}, ${precision}, tile ${tile}`);
    await print(`product alone: ${gflops.toFixed(0)} GFLOP/s${ratio(gflops, torch, "of torch's matmul")}`);
    await print(`rows, product, statistics, top ${K}, heatmaps: ${stripCost.toFixed(3)} x the product alone`);
    const rowsPerSecond = strip!.rows / strip!.seconds;
    await print(`${rowsPerSecond.toFixed(0)} rows/s on the device`);
    return { ...backend.details, dVit, dSae, tile, gflops, torchMatmulGflops: torch, stripCost, rowsPerSecond };
  } finally {
    await backend.close();
  }
}

const ratio = (a: number, b: number | undefined, what: string): string =>
  b === undefined ? " (no torch with CUDA to compare with)" : `, ${(100 * a / b).toFixed(0)} % ${what}`;

/** Whole jobs in turns. */
async function timeJobs(): Promise<Record<string, unknown> | undefined> {
  const root = `${options.dir}/webgpu-${options.imgs}`;
  try {
    if (!await Deno.stat(`${root}/sae.pt`).then(() => true, () => false)) {
      await Deno.mkdir(root, { recursive: true });
      await runCommand(options.python, [`${HERE}yardstick/make_workload.py`, root, "--imgs", options.imgs]);
    }
  } catch (error) {
    await print(`no workload: ${(error as Error).message.split("\n")[0]}`);
    return undefined;
  }
  const cuda = await runCommand(options.python, ["-c", "import torch; assert torch.cuda.is_available()"])
    .then(() => true, () => false);
  const styles = cuda ? ["gemm", "tuned", "seed"] : [];
  const times: Record<string, number[]> = { ours: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    times.ours.push(await ourJob(root));
    for (const style of styles) {
      const run = await runCommand(options.python, [
        ...[`${HERE}yardstick/torch_yardstick.py`, "--ckpt", `${root}/sae.pt`, "--shards", `${root}/shards`],
        ...["--style", style, "--device", "cuda"],
      ]);
      (times[style] ??= []).push(JSON.parse(run.stdout.trim().split("\n").at(-1)!).seconds.total);
    }
  }
  const seconds: Record<string, Spread> = {};
  for (const [who, runs] of Object.entries(times)) {
    seconds[who] = spread(runs);
    const faster = who === "ours"
      ? ""
      : `, ours is ${(seconds[who].median / seconds.ours.median).toFixed(2)} x as fast`;
    await print(`whole job, ${options.imgs} images, ${who}: ${show(seconds[who])} s${faster}`);
  }
  return { imgs: Number(options.imgs), seconds };
}

/** This program from start to exit. */
async function ourJob(root: string): Promise<number> {
  const out = `${root}/out`;
  await Deno.remove(out, { recursive: true }).catch(() => {});
  const run = await runCommand(Deno.execPath(), [
    ...["run", "--no-prompt", "--allow-read", `--allow-write=${root}`, "--unstable-worker-options"],
    ...[`${HERE}../../cli.ts`, "dump", "--ckpt", `${root}/sae.pt`, "--data.shard-root", `${root}/shards`],
    ...["--dump-to", out, "--device", "webgpu", "--data.no-scale-mean", "--data.no-scale-norm"],
    ...["--images.kind", "image-folder", "--images.root", root],
  ]);
  return run.wall;
}

const kernels = await timeKernels().catch(async (error) => {
  if (!(error instanceof BackendUnavailableError)) throw error;
  await print(error.message);
  Deno.exit(4);
});
const jobs = options["no-job"] ? undefined : await timeJobs();
const report = { when: new Date().toISOString(), ...kernels, jobs };
if (options.json !== "") await Deno.writeTextFile(options.json, JSON.stringify(report, undefined, 2) + "\n");
