/// <reference lib="deno.worker" />
/**
 * Runs cases in a worker, so that the main thread can see one that hangs.
 * @module
 */
import { setImmediate } from "node:timers";
import { installMeter } from "./_meter.ts";

/** What a worker is told. */
export interface Task {
  readonly targets: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  readonly seed: number;
  /** A directory of its own, for readers that want files. */
  readonly scratch: string;
  /** `[case now running, index of its target]`, read by the watchdog. */
  readonly beat: Int32Array;
}

/** What it answers. */
export type Answer =
  | { readonly finding: string; readonly target: string; readonly number: number }
  | { readonly done: true };

installMeter();
// Loaded after the meter is in place.
const { TARGETS } = await import("./_targets.ts");
const { judge, loadSeeds, makeCase } = await import("./_cases.ts");

let running = { target: "", number: 0 };

self.onmessage = async ({ data }: MessageEvent<Task>): Promise<void> => {
  const { seed, scratch, beat } = data;
  for (const { name, from, to } of data.targets) {
    const target = TARGETS.find((one) => one.name === name)!;
    const seeds = loadSeeds(target);
    Atomics.store(beat, 1, TARGETS.indexOf(target));
    for (let number = from; number < to; number++) {
      Atomics.store(beat, 0, number);
      running = { target: name, number };
      const { bytes, from: good } = makeCase(target, seeds, `${seed}/${number}`);
      const directory = fresh(name, good.path, scratch);
      const finding = await judge(target, bytes, { seed: good.path, directory });
      // A rejection that nobody waits for is told between two turns of the loop; only this library is known for them.
      if (name === "parquet") await new Promise((resolve) => setImmediate(resolve));
      if (finding !== undefined) self.postMessage({ finding, target: name, number } satisfies Answer);
    }
  }
  self.postMessage({ done: true } satisfies Answer);
};
/** A promise that nobody waits for ends the whole program when it rejects. */
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const stack = event.reason instanceof Error ? event.reason.stack : String(event.reason);
  const answer = { finding: `unhandled rejection: ${stack}`, target: running.target, number: running.number };
  self.postMessage(answer satisfies Answer);
});
self.postMessage({ done: true } satisfies Answer);

/** A copy of the directory that a seed lies in, for readers of whole directories. */
function fresh(target: string, seed: string, scratch: string): string {
  if (target !== "artifacts" && target !== "shards") return scratch;
  Deno.mkdirSync(scratch, { recursive: true });
  for (const { name } of [...Deno.readDirSync(scratch)]) Deno.removeSync(`${scratch}/${name}`);
  const from = seed.slice(0, seed.lastIndexOf("/"));
  for (const { name } of Deno.readDirSync(from)) Deno.copyFileSync(`${from}/${name}`, `${scratch}/${name}`);
  return scratch;
}
