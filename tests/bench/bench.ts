/**
 * Times whole jobs, from files to artifacts, beside what a Python user has, on the same files, in turns.
 *
 * ```
 * deno task bench [--rounds 5] [--peers gemm,tuned,seed,onnx,no-flags] [--threads 2] [--imgs 1344] [--l0 120] [--exp 16]
 *                 [--sweep rows|dsae|l0|threads] [--profile] [--dir tests/tmp/bench] [--json FILE]
 * deno task bench --device webgpu [the flags of webgpu_bench.ts]
 * ```
 *
 * Each round times ours and every peer once, one after the other, each from its start to its exit; what is printed are ratios
 * of the same round, because the speed of shared machines changes within minutes. Without torch only ours is timed, on a
 * workload that is already there.
 * @module
 */
import { parseArgs } from "node:util";
import { show, type Spread, spread } from "./_measure.ts";
import { hasTorch, makeWorkload, timeOnnx, timeOurs, timeTorch, type Timing, type Workload } from "./_peers.ts";

/** Where results and workloads go unless told otherwise. */
const DIR = new URL("../tmp/bench", import.meta.url).pathname;

const device = Deno.args.indexOf("--device");
if (device >= 0 && Deno.args[device + 1] === "webgpu") {
  // A card has other stages, other peers and another kind of workload: it has a script of its own.
  Deno.args.splice(device, 2);
  await import("./webgpu_bench.ts");
  Deno.exit();
}

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    peers: { type: "string", default: "gemm,tuned" },
    threads: { type: "string", default: "2" },
    imgs: { type: "string", default: "1344" },
    l0: { type: "string", default: "120" },
    exp: { type: "string", default: "16" },
    sweep: { type: "string", default: "" },
    device: { type: "string", default: "wasm" },
    profile: { type: "boolean", default: false },
    dir: { type: "string", default: DIR },
    json: { type: "string", default: "" },
  },
});

const print = (line: string): Promise<number> => Deno.stdout.write(new TextEncoder().encode(line + "\n"));

/** One point of a sweep. */
interface Point {
  label: string;
  imgs: number;
  l0: number;
  exp: number;
  threads: number;
}

/** The points asked for. */
function points(): Point[] {
  const base = {
    imgs: Number(options.imgs),
    l0: Number(options.l0),
    exp: Number(options.exp),
    threads: Number(options.threads),
  };
  switch (options.sweep) {
    case "rows":
      return [1, 2, 4, 8].map((by) => ({ ...base, label: `rows x${by}`, imgs: Math.round((base.imgs * by) / 4) }));
    case "dsae":
      return [8, 16, 32].map((exp) => ({ ...base, label: `dSae ${exp * 768}`, exp }));
    case "l0":
      return [20, 120, 600].map((l0) => ({ ...base, label: `L0 ${l0}`, l0 }));
    case "threads":
      return [1, 2].map((threads) => ({ ...base, label: `${threads} threads`, threads }));
    case "":
      return [{ ...base, label: "whole job" }];
    default:
      throw new RangeError(`Cannot sweep ${options.sweep}: expected rows, dsae, l0 or threads`);
  }
}

/** What is known of one point after its rounds. */
interface Result {
  label: string;
  seconds: Record<string, Spread>;
  ratios: Record<string, Spread>;
  /** Ours from start to exit to what a peer's own clock says, for those that have one. */
  own: Record<string, { seconds: Spread; ratios: Spread }>;
  processor: Record<string, Spread>;
  processorRatios: Record<string, Spread>;
  peakMiB: number;
  stages: Record<string, Spread>;
}

/** `no-flags` is this program without the flags for V8 that the task has. */
function timePeer(peer: string, workload: Workload, threads: number): Promise<Timing> {
  if (peer === "onnx") return timeOnnx(workload);
  return peer === "no-flags" ? timeOurs(workload, threads, false) : timeTorch(workload, peer, threads);
}

const ownOf = ({ own }: Timing): string => own === undefined ? "" : `its own clock ${own.toFixed(2)} s, `;

async function measure(point: Point, peers: readonly string[]): Promise<Result> {
  const root = `${options.dir}/i${point.imgs}-l${point.l0}-e${point.exp}`;
  const workload: Workload = { name: point.label, root };
  if (torch) {
    await makeWorkload(root, ["--imgs", `${point.imgs}`, "--l0", `${point.l0}`, "--exp", `${point.exp}`]);
  }
  const times: Record<string, Timing[]> = { ours: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    times.ours.push(await timeOurs(workload, point.threads));
    for (const peer of peers) {
      (times[peer] ??= []).push(await timePeer(peer, workload, point.threads));
    }
    const latest = Object.entries(times).map(([who, runs]) =>
      `${who} ${runs[round].seconds.toFixed(2)} s (${ownOf(runs[round])}processor ${runs[round].cpu.toFixed(1)} s)`
    );
    await print(`${point.label}, round ${round + 1}: ${latest.join(", ")}`);
  }
  const seconds = Object.fromEntries(
    Object.entries(times).map(([who, runs]) => [who, spread(runs.map((run) => run.seconds))]),
  );
  const ratios = Object.fromEntries(
    peers.map((peer) => [peer, spread(times.ours.map((run, i) => run.seconds / times[peer][i].seconds))]),
  );
  const own = Object.fromEntries(
    peers.filter((peer) => times[peer][0].own !== undefined).map((peer) => {
      const clocks = times[peer].map((run) => run.own ?? NaN);
      return [peer, { seconds: spread(clocks), ratios: spread(times.ours.map((run, i) => run.seconds / clocks[i])) }];
    }),
  );
  const processor = Object.fromEntries(
    Object.entries(times).map(([who, runs]) => [who, spread(runs.map((run) => run.cpu))]),
  );
  const processorRatios = Object.fromEntries(
    peers.map((peer) => [peer, spread(times.ours.map((run, i) => run.cpu / times[peer][i].cpu))]),
  );
  const names = Object.keys(times.ours[0].stages);
  const stages = Object.fromEntries(
    names.map((name) => [name.trim(), spread(times.ours.map((run) => run.stages[name] ?? 0))]),
  );
  const peakMiB = Math.max(...times.ours.map((run) => run.peakMiB));
  return { label: point.label, seconds, ratios, own, processor, processorRatios, peakMiB, stages };
}

const torch = await hasTorch();
const peers = torch ? options.peers.split(",").filter(Boolean) : [];
const results: Result[] = [];
for (const point of points()) {
  const result = await measure(point, peers);
  results.push(result);
  await print(
    `${result.label}: ours ${show(result.seconds.ours)} s (least – median – largest), peak ${
      result.peakMiB.toFixed(0)
    } MiB`,
  );
  for (const peer of peers) {
    await print(`  ours / ${peer}: ${show(result.ratios[peer])}   (${peer} ${show(result.seconds[peer])} s)`);
    const own = result.own[peer];
    if (own) await print(`    by its own clock: ${show(own.ratios)}   (${show(own.seconds)} s)`);
    await print(`    of processor time: ${show(result.processorRatios[peer])}   (${show(result.processor[peer])} s)`);
  }
  await print(`  processor time of ours: ${show(result.processor.ours)} s`);
  if (options.profile) {
    for (const [stage, seconds] of Object.entries(result.stages)) await print(`  ${stage}: ${show(seconds, 3)}`);
  }
}
if (options.sweep === "rows") {
  const [first, last] = [results[0], results[results.length - 1]];
  await print(`rows x8 cost x${(last.seconds.ours.median / first.seconds.ours.median).toFixed(2)}`);
}
const report = { when: new Date().toISOString(), cores: navigator.hardwareConcurrency, options, results };
await Deno.mkdir(options.dir, { recursive: true });
await Deno.writeTextFile(options.json || `${options.dir}/result.json`, JSON.stringify(report, undefined, 2) + "\n");
