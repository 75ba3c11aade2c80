/**
 * Measures the WebGPU backend on the card at hand, beside torch on the same card where Python has CUDA.
 *
 * ```
 * deno task bench --device webgpu [--python python3] [--rounds 5] [--imgs 21504] [--dir tests/tmp/bench]
 *                                 [--precision f32|f16] [--tile always|NAME] [--no-job] [--json FILE]
 *                                 [--peak GFLOP/s] [--peers gemm,tuned,seed]
 * ```
 *
 * 1. The product alone, after timing every tile shape: GFLOP/s, and the share of torch's f32 matmul (no TF32) and of
 *    the card's peak, which its data sheet gives and WebGPU does not.
 * 2. All that is done with rows that are on the device (statistics, ranking of 128, heatmaps): its cost over the product,
 *    for several lengths of a strip.
 * 3. A pass from the host's memory to a state: rows/s, and for how much of the time the device computes.
 * 4. The whole job from files to artifacts, in turns with `torch_yardstick.py --device cuda`: gemm, tuned, seed. Needs torch.
 *
 * Writes JSON with the adapter's name. On a software adapter everything is small, and the numbers say nothing.
 * For a bare machine: `deno bundle -o webgpu_bench.js tests/bench/webgpu_bench.ts`, and there
 * `deno run --allow-write=. --allow-run=python3 webgpu_bench.js --no-job --dir .`
 * @module
 */
import { parseArgs } from "node:util";
import type { FoldPlan } from "../../compute/backend.ts";
import { BackendUnavailableError } from "../../compute/errors.ts";
import type { Sae } from "../../compute/sae.ts";
import { createWebgpuBackend } from "../../compute/webgpu/mod.ts";
import { runCommand, show, type Spread, spread } from "./_measure.ts";

const HERE = new URL(".", import.meta.url).pathname;

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    imgs: { type: "string", default: "" },
    dir: { type: "string", default: new URL("../tmp/bench", import.meta.url).pathname },
    precision: { type: "string", default: "f32" },
    tile: { type: "string", default: "always" },
    "no-job": { type: "boolean", default: false },
    peak: { type: "string", default: "" },
    json: { type: "string", default: "" },
    peers: { type: "string", default: "gemm,tuned,seed" },
  },
});

const print = (line: string): Promise<number> => Deno.stdout.write(new TextEncoder().encode(line + "\n"));

/** What is measured, by kind of adapter. */
interface Scale {
  /** Whether it is a CPU. */
  software: boolean;
  /** The widths of the published checkpoints; on a CPU a small fraction. */
  dVit: number;
  /** Seconds a measurement takes. */
  seconds: number;
  /** Rows of a strip to try. */
  strips: readonly number[];
  /** Images of the pass from memory and of the whole job. */
  images: number;
}
const CARD: Scale = { software: false, dVit: 768, seconds: 1, strips: [2048, 4096, 8192], images: 21504 };
const CPU: Scale = { software: true, dVit: 64, seconds: 0.2, strips: [128, 256], images: 64 };
const patches = 49;
const K = 128;

/** Standard normal (Box–Muller on Math.random: timing needs no seed). */
function normals(n: number, spread = 1, mean = 0): Float32Array<ArrayBuffer> {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return Float32Array.from({ length: n }, () => mean + spread * normal());
}

/** The first Python that has torch; undefined where none has. */
async function findPython(): Promise<string | undefined> {
  for (const python of options.python === "" ? ["python3", "/usr/bin/python3"] : [options.python]) {
    if (await runCommand(python, ["-c", "import torch"]).then(() => true, () => false)) return python;
  }
  return undefined;
}

/** Rates of torch's product of the same shape, in GFLOP/s; undefined without CUDA. */
async function torchMatmul(rows: number, dVit: number): Promise<number | undefined> {
  const script = `
import time, torch
assert torch.cuda.is_available()
torch.backends.cuda.matmul.allow_tf32 = False
a = torch.randn(${rows}, ${dVit}, device="cuda"); b = torch.randn(${dVit}, ${16 * dVit}, device="cuda")
c = a @ b
rates = []
for _ in range(5):
    torch.cuda.synchronize(); t = time.perf_counter()
    for _ in range(100): torch.mm(a, b, out=c)
    torch.cuda.synchronize(); rates.append(100 * 2 * ${rows} * ${dVit} * ${16 * dVit} / (time.perf_counter() - t) / 1e9)
print(sorted(rates)[2])`;
  if (python === undefined) return undefined;
  return await runCommand(python, ["-c", script]).then(({ stdout }) => Number(stdout.trim()), () => undefined);
}

/** A pass over `nImages` and an encoder of which about 1 % of activations are positive. */
function makeJob({ dVit }: Scale, nImages: number): { sae: Sae; plan: FoldPlan } {
  const layout = { kind: "patches", layers: 1, tokens: patches, firstToken: 0, dVit, clamp: 1e5 } as const;
  const plan: FoldPlan = {
    layout: { ...layout, mean: undefined, scalar: 1 },
    nImages,
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
  const dSae = 16 * dVit;
  const wEnc = normals(dVit * dSae, 1 / Math.sqrt(dVit));
  const bEnc = new Float32Array(dSae).fill(-2.33);
  return { sae: { dVit, dSae, wEnc, bEnc, bPre: new Float32Array(dVit), activation: { kind: "relu" } }, plan };
}

/** Kernels on synthetic rows. */
async function timeKernels(scale: Scale): Promise<Record<string, unknown>> {
  const { dVit, seconds } = scale;
  const { sae, plan } = makeJob(scale, 100_000);
  const block = normals(Math.ceil(scale.strips.at(-1)! / patches) * patches * dVit);
  const precision = options.precision as "f32" | "f16";
  let tile = options.tile;
  let gflops = 0;
  let torch: number | undefined;
  const strips: Record<string, number>[] = [];
  let details: Readonly<Record<string, unknown>> = {};
  for (const stripRows of scale.strips) {
    const backend = await createWebgpuBackend({ allowSoftware: true, precision, tile, tuning: { stripRows } });
    try {
      details = backend.details;
      const { product, strip, tile: used } = await backend.time(sae, plan, { seconds, block });
      if (strips.length === 0) await print(`${details.adapter}, ${dVit} x ${sae.dSae}, ${precision}, tile ${used}`);
      tile = used;
      const rate = product.flops / product.seconds / 1e9;
      gflops = Math.max(gflops, rate);
      torch ??= await torchMatmul(4096, dVit);
      const cost = strip!.seconds / strip!.rows / (product.seconds / product.rows);
      const rowsPerSecond = strip!.rows / strip!.seconds;
      strips.push({ stripRows, gflops: rate, cost, rowsPerSecond });
      await print(`strips of ${stripRows} rows: product alone ${rate.toFixed(1)} GFLOP/s${ratio(rate, torch)}`);
      await print(`  with rows, statistics, top ${K} and heatmaps ${cost.toFixed(3)} x the product alone`);
      await print(`  ${rowsPerSecond.toFixed(0)} rows/s on the device`);
    } finally {
      await backend.close();
    }
  }
  return {
    ...details,
    dVit,
    dSae: sae.dSae,
    tile,
    gflops,
    peakGflops: Number(options.peak) || undefined,
    torchMatmulGflops: torch,
    strips,
  };
}

/** A pass from the host's memory: uploads, kernels and read-backs overlap as they do in a job. */
async function timePass(scale: Scale, tile: string, deviceRate: number): Promise<Record<string, unknown>> {
  const precision = options.precision as "f32" | "f16";
  const { sae, plan } = makeJob(scale, images(scale));
  const backend = await createWebgpuBackend({ allowSoftware: true, precision, tile });
  try {
    const pass = await backend.open(sae, plan);
    const stride = patches * scale.dVit;
    const filled = new WeakSet<Float32Array>();
    const start = performance.now();
    let filling = 0;
    for (let image = 0; image < plan.nImages;) {
      const block = await pass.lend();
      const began = performance.now();
      if (!filled.has(block)) block.set(normals(block.length));
      filled.add(block);
      filling += performance.now() - began;
      const nImages = Math.min(Math.floor(block.length / stride), plan.nImages - image);
      await pass.fold({ block, firstImage: image, nImages });
      image += nImages;
    }
    await pass.state();
    const took = (performance.now() - start - filling) / 1000;
    const rowsPerSecond = plan.nImages * patches / took;
    const busy = rowsPerSecond / deviceRate;
    const seconds = pass.profile();
    await pass.close();
    await print(
      `a pass from memory, ${plan.nImages} images: ${rowsPerSecond.toFixed(0)} rows/s, device busy ${percent(busy)}`,
    );
    return { images: plan.nImages, rowsPerSecond, busy, seconds };
  } finally {
    await backend.close();
  }
}

const images = ({ images }: Scale): number => options.imgs === "" ? images : Number(options.imgs);
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const ratio = (a: number, b: number | undefined): string =>
  (options.peak === "" ? "" : `, ${percent(a / Number(options.peak))} of peak`) +
  (b === undefined ? " (no torch with CUDA to compare with)" : `, ${percent(a / b)} of torch's matmul`);

/** Whole jobs in turns. */
async function timeJobs(scale: Scale): Promise<Record<string, unknown> | undefined> {
  if (python === undefined) {
    await print("no whole job: its workload is made with torch, which no Python here has");
    return undefined;
  }
  const imgs = String(images(scale));
  const root = `${options.dir}/webgpu-${imgs}-${scale.dVit}`;
  if (!await Deno.stat(`${root}/sae.pt`).then(() => true, () => false)) {
    await Deno.mkdir(root, { recursive: true });
    const args = [`${HERE}yardstick/make_workload.py`, root, "--imgs", imgs, "--d-vit", String(scale.dVit)];
    await runCommand(python, [...args, "--l0", String(Math.round(scale.dVit / 6.4))]);
  }
  const cuda = await runCommand(python, ["-c", "import torch; assert torch.cuda.is_available()"])
    .then(() => true, () => false);
  const styles = cuda ? options.peers.split(",").filter(Boolean) : [];
  const times: Record<string, number[]> = { ours: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    times.ours.push(await ourJob(root));
    for (const style of styles) {
      const run = await runCommand(python, [
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
    await print(`whole job, ${imgs} images, ${who}: ${show(seconds[who])} s${faster}`);
  }
  return { imgs: Number(imgs), seconds };
}

/** This program from start to exit. */
async function ourJob(root: string): Promise<number> {
  const out = `${root}/out`;
  await Deno.remove(out, { recursive: true }).catch(() => {});
  const run = await runCommand("deno", [
    ...["run", "--no-prompt", "--allow-read", `--allow-write=${root}`, "--unstable-worker-options"],
    ...[`${HERE}../../cli.ts`, "dump", "--ckpt", `${root}/sae.pt`, "--data.shard-root", `${root}/shards`],
    ...["--dump-to", out, "--device", "webgpu", "--data.no-scale-mean", "--data.no-scale-norm"],
    ...["--images.kind", "image-folder", "--images.root", root],
  ]);
  return run.wall;
}

/** What adapter there is; ends with exit code 4 where there is none. */
async function findScale(): Promise<Scale> {
  try {
    const backend = await createWebgpuBackend({ allowSoftware: true });
    const { software } = backend.details;
    await backend.close();
    if (software === true) {
      await print("a software adapter: everything is small, and the numbers say nothing of a card");
    }
    return software === true ? CPU : CARD;
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    await print(error.message);
    Deno.exit(4);
  }
}

const scale = await findScale();
const python = await findPython();
const kernels = await timeKernels(scale);
const fastest = Math.max(...(kernels.strips as { rowsPerSecond: number }[]).map(({ rowsPerSecond }) => rowsPerSecond));
const pass = await timePass(scale, kernels.tile as string, fastest);
const job = options["no-job"] ? undefined : await timeJobs(scale);
const report = { when: new Date().toISOString(), software: scale.software, ...kernels, pass, job };
await Deno.mkdir(options.dir, { recursive: true });
const file = options.json || `${options.dir}/webgpu.json`;
await Deno.writeTextFile(file, JSON.stringify(report, undefined, 2) + "\n");
await print(`written: ${file}`);
