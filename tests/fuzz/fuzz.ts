/**
 * Fuzzes every reader: `deno task fuzz [--cases N] [--seed N] [--target NAME] [--case TARGET/NUMBER] [--workers N]`.
 *
 * A case is named by its seed and number and can be run again alone. Exits with 1 when a reader threw what is not one of
 * our errors, hung, took too long or too much memory; the inputs at fault are written to tests/tmp/fuzz.
 * @module
 */
import { judge, loadSeeds, makeCase } from "./_cases.ts";
import type { Answer, Task } from "./_worker.ts";
import { TARGETS } from "./_targets.ts";

/** A worker that stays at one case for longer hangs. */
const HANG_MS = 15_000;
/** More findings than this are shown by number only. */
const MAX_SHOWN = 12;

const options = readOptions(Deno.args);
const scratch = decodeURIComponent(new URL("../tmp/fuzz", import.meta.url).pathname);
const findings = new Map<string, { count: number; first: string; text: string }>();
let ran = 0;

function readOptions(
  words: readonly string[],
): { cases: number; seed: number; workers: number; target?: string; one?: string } {
  const value = (name: string): string | undefined => {
    const at = words.indexOf(`--${name}`);
    return at < 0 ? undefined : words[at + 1];
  };
  return {
    cases: Number(value("cases") ?? 1_000_000),
    seed: Number(value("seed") ?? 1),
    workers: Number(value("workers") ?? 2),
    target: value("target"),
    one: value("case"),
  };
}

function report(target: string, number: number, text: string): void {
  // Findings of one kind at one place are one finding.
  const place = /(?:at |\()[^\n]*?((?:io|render|cli|config|compute|registry)[\w./@-]*:\d+)/.exec(text)?.[1] ?? "";
  const key = `${target}: ${text.split("\n")[0].replaceAll(/\d+/g, "#").slice(0, 160)} ${place}`;
  const known = findings.get(key);
  if (known !== undefined) {
    known.count++;
    return;
  }
  const first = `${target}/${number}`;
  findings.set(key, { count: 1, first, text });
  Deno.mkdirSync(scratch, { recursive: true });
  const made = TARGETS.find(({ name }) => name === target)!;
  const { bytes, from } = makeCase(made, loadSeeds(made), `${options.seed}/${number}`);
  Deno.writeFileSync(`${scratch}/${target}-${options.seed}-${number}.${from.path.split(".").at(-1)}`, bytes);
  if (findings.size <= MAX_SHOWN) say(`${first}: ${text.split("\n").slice(0, 6).join("\n")}`);
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Every worker's share: the same range of numbers of every target. */
function shares(): Task["targets"][] {
  const targets = TARGETS.filter(({ name }) => options.target === undefined || name === options.target);
  const weights = targets.reduce((sum, { weight }) => sum + weight, 0);
  return Array.from({ length: options.workers }, (_, worker) =>
    targets.map(({ name, weight }) => {
      const count = Math.max(options.workers, Math.ceil(options.cases * weight / weights));
      const at = (share: number): number => Math.floor(count * share / options.workers);
      return { name, from: at(worker), to: at(worker + 1) };
    }));
}

async function runShare(share: Task["targets"], id: number): Promise<void> {
  let rest = [...share];
  while (rest.length > 0) {
    const beat = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(new URL("./_worker.ts", import.meta.url), { type: "module" });
    const ended = await new Promise<"done" | "hang">((resolve, reject) => {
      let [last, since, isReady] = [-1, performance.now(), false];
      const watchdog = setInterval(() => {
        const now = Atomics.load(beat, 0) + Atomics.load(beat, 1) * 2 ** 31;
        if (now !== last || !isReady) [last, since] = [now, performance.now()];
        else if (performance.now() - since > HANG_MS) finish("hang");
      }, 1000);
      const finish = (how: "done" | "hang"): void => {
        clearInterval(watchdog);
        resolve(how);
      };
      worker.onerror = (event): void => {
        clearInterval(watchdog);
        reject(new Error(`The worker died at ${Atomics.load(beat, 1)}/${Atomics.load(beat, 0)}: ${event.message}`));
      };
      worker.onmessage = ({ data }: MessageEvent<Answer>): void => {
        if ("finding" in data) report(data.target, data.number, data.finding);
        else if (isReady) finish("done");
        else {
          isReady = true;
          worker.postMessage({ targets: rest, seed: options.seed, scratch: `${scratch}-${id}`, beat } satisfies Task);
        }
      };
    });
    worker.terminate();
    if (ended === "done") break;
    const [number, index] = [Atomics.load(beat, 0), Atomics.load(beat, 1)];
    const { name } = TARGETS[index];
    report(name, number, `hang: more than ${HANG_MS} ms`);
    const at = rest.findIndex((target) => target.name === name);
    rest = [{ ...rest[at], from: number + 1 }, ...rest.slice(at + 1)];
  }
  for (const { from, to } of share) ran += to - from;
}

if (options.one !== undefined) {
  const [name, number] = options.one.split("/");
  const target = TARGETS.find((one) => one.name === name)!;
  const { bytes, from } = makeCase(target, loadSeeds(target), `${options.seed}/${number}`);
  say(`${from.path}, ${bytes.length} bytes`);
  say(await judge(target, bytes, { seed: from.path, directory: scratch }) ?? "nothing is wrong");
} else {
  const start = performance.now();
  await Promise.all(shares().map(runShare));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  for (const { count, first, text } of findings.values()) {
    say(`${count} x ${first}: ${text.split("\n")[0].slice(0, 200)}`);
  }
  say(`${ran} cases of seed ${options.seed} in ${seconds} s: ${findings.size} findings`);
  if (findings.size > 0) Deno.exit(1);
}
