/**
 * Starts a program and notes what it took; medians of rounds.
 * @module
 */

/** One run. */
export interface Run {
  /** From start to exit, in seconds, the program's own start included. */
  wall: number;
  /** Largest resident memory seen, in MiB; 0 where /proc does not tell. */
  peakMiB: number;
  /** What it printed. */
  stdout: string;
}

/** Runs a command to its end. Throws with its last words if it fails. */
export async function runCommand(command: string, args: readonly string[]): Promise<Run> {
  const started = performance.now();
  const child = new Deno.Command(command, { args: [...args], stdout: "piped", stderr: "piped" }).spawn();
  let peakMiB = 0;
  const watch = setInterval(async () => {
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`).catch(() => "");
    peakMiB = Math.max(peakMiB, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }, 50);
  const { success, stdout, stderr } = await child.output();
  clearInterval(watch);
  const wall = (performance.now() - started) / 1000;
  const text = new TextDecoder();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${text.decode(stderr).slice(-500)}`);
  return { wall, peakMiB, stdout: text.decode(stdout) };
}

/** Least, middle and largest of some numbers. */
export interface Spread {
  /** Least. */
  min: number;
  /** Median: the middle one, or the mean of the two in the middle. */
  median: number;
  /** Largest. */
  max: number;
}

/** The spread of some numbers, at least one. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { min: sorted[0], median, max: sorted[sorted.length - 1] };
}

/** As `0.61 – 0.66 – 0.71`. */
export function show({ min, median, max }: Spread, digits = 2): string {
  return [min, median, max].map((x) => x.toFixed(digits)).join(" – ");
}
