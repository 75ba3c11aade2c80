/**
 * Kills a job at random moments, lets it go on, and compares what it leaves with what an undisturbed one left.
 *
 * `deno task test:kill 200 7` does it 200 times from seed 7.
 * @module
 */
import { EXAMPLES_NAME } from "../../io/examples_file.ts";
import { openState } from "../../io/open_state.ts";
import { contents } from "../visuals/_jobs.ts";
import { inTemporary, ROOT, type Running, start } from "./_process.ts";

/** What was seen. */
export interface KillReport {
  /** Processes killed while they worked. */
  readonly kills: number;
  /** Times the whole job got through after all. */
  readonly jobs: number;
  /** Kills after which a state lay there, an unfinished file, a set of artifacts on its way. */
  readonly found: { states: number; temporaries: number; incoming: number; pictures: number };
  /** Whatever was not as it should be. */
  readonly faults: readonly string[];
}

/** Names that come and go: the lock, states, the record of pictures, unfinished files. */
const PASSING = /\/(?:\.lock|\.state\/.*|\.drawn\.json|\..*\.tmp)$/;

/** Kills at least `count` jobs, and up to three times as many until a state and a picture have been seen to survive. */
export async function killJobs(count: number, seed: number, log: (line: string) => void): Promise<KillReport> {
  const random = mulberry32(seed);
  const report = { kills: 0, jobs: 0, found: { states: 0, temporaries: 0, incoming: 0, pictures: 0 } };
  const faults: string[] = [];
  await inTemporary(async (directory) => {
    const began = performance.now();
    await finish(job(`${directory}/whole`));
    const { expected, workMs } = { expected: await whole(`${directory}/whole`), workMs: await timed(directory) };
    log(`Undisturbed in ${Math.round(performance.now() - began)} ms, of which ${Math.round(workMs)} ms are work`);
    const isEnough = (): boolean =>
      report.kills >= 3 * count || report.kills >= count && report.found.states > 0 && report.found.pictures > 0;
    while (!isEnough()) {
      const place = `${directory}/${report.jobs}`;
      for (let isDone = false; !isDone;) {
        const running = job(place);
        await running.said("started");
        // Once enough were killed, the last one may get through.
        if (!isEnough()) {
          const left = setTimeout(() => running.kill("SIGKILL"), random() * workMs * 0.6);
          const { signal, stderr, code } = await running.finished;
          clearTimeout(left);
          isDone = signal === null;
          if (isDone && code !== 0) throw new Error(`The job failed with ${code}: ${stderr}`);
        } else {
          await finish(running);
          isDone = true;
        }
        if (!isDone) report.kills++;
        const undisturbed = { whole: `${directory}/whole`, expected };
        faults.push(...(await look(place, undisturbed, report.found)).map((fault) => `kill ${report.kills}: ${fault}`));
      }
      const [found, names] = [await whole(place), [...expected.keys()]];
      if ([...found.keys()].join() !== names.join()) faults.push(`job ${report.jobs}: other files`);
      faults.push(...names.filter((name) => found.get(name) !== expected.get(name)).map((name) => `differs: ${name}`));
      report.jobs++;
      await Deno.remove(place, { recursive: true });
      log(`${report.kills} killed, ${report.jobs} jobs done`);
    }
  });
  return { ...report, faults };
}

function job(directory: string): Running {
  // Only the output may be written, and the host's name makes a lock left behind known at once.
  return start("deno", [
    "run",
    "--no-prompt",
    "--no-check",
    "--quiet",
    `--allow-read=${ROOT}`,
    `--allow-write=${directory}`,
    "--allow-sys=hostname",
    "tests/faults/_job.ts",
    directory,
  ]);
}

async function finish(running: Running): Promise<void> {
  const { code, stderr } = await running.finished;
  if (code !== 0) throw new Error(`The job failed with ${code}: ${stderr}`);
}

/** Milliseconds from where a job starts to where it ends. */
async function timed(directory: string): Promise<number> {
  const running = job(`${directory}/timed`);
  await running.said("started");
  const began = performance.now();
  await finish(running);
  await Deno.remove(`${directory}/timed`, { recursive: true });
  return performance.now() - began;
}

/** All files that are to stay. */
async function whole(directory: string): Promise<Map<string, string>> {
  return new Map([...await contents(directory)].filter(([name]) => !name.endsWith("/.drawn.json")));
}

/** Every file that has its name is whole, also those on their way; every state can be read. */
async function look(
  directory: string,
  { whole, expected }: { readonly whole: string; readonly expected: ReadonlyMap<string, string> },
  found: KillReport["found"],
): Promise<string[]> {
  const faults: string[] = [];
  const files = await contents(directory).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return new Map<string, string>();
    throw error;
  });
  const names = [...files.keys()];
  found.states += Number(names.some((name) => name.endsWith(".state")));
  found.temporaries += Number(names.some((name) => name.endsWith(".tmp")));
  found.incoming += Number(names.some((name) => name.includes("/.incoming/")));
  found.pictures += Number(names.some((name) => name.endsWith(".png")));
  for (const [name, digest] of files) {
    if (name.endsWith(".state")) {
      const state = await openState(`${directory}${name}`);
      await state.read().catch((error: Error) => faults.push(error.message));
      state.close();
    }
    if (PASSING.test(name)) continue;
    const final = name.replace("/.incoming/", "/");
    if (expected.get(final) === digest || await isEarlier(`${directory}${name}`, `${whole}${final}`)) continue;
    faults.push(`${name} is torn or does not belong there`);
  }
  return faults;
}

/**
 * Whether a file is whole and of an earlier moment of the same job: the manifest before examples were added, the viewer's
 * state before it was done. These two alone are replaced as a job goes on.
 */
async function isEarlier(path: string, final: string): Promise<boolean> {
  const [now, then] = await Promise.all([path, final].map((file) => Deno.readTextFile(file).catch(() => "")));
  try {
    const [found, last] = [JSON.parse(now), JSON.parse(then)];
    if (path.endsWith("/viewer/state.json")) {
      const { build, pages, of, done } = found;
      return build === last.build && of === last.of && done === false && pages >= 0 && pages <= of;
    }
    if (!path.endsWith("/manifest.json")) return false;
    const { [EXAMPLES_NAME]: _, ...files } = last.files;
    const same = ({ inputs, backend, rows, versions }: Record<string, unknown>): string =>
      JSON.stringify({ inputs, backend, rows, versions });
    return JSON.stringify(found.files) === JSON.stringify(files) && same(found) === same(last);
  } catch {
    return false;
  }
}

/** Uniform in [0, 1), the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.main) {
  const [count = 20, seed = 1] = Deno.args.map(Number);
  // deno-lint-ignore no-console -- what this script is for
  const print = console.log;
  const report = await killJobs(count, seed, print);
  print(JSON.stringify(report, undefined, 2));
  if (report.faults.length > 0 || report.kills < count) Deno.exit(1);
}
