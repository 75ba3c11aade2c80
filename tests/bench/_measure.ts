/**
 * Starts a program and notes what it took; medians of rounds.
 * @module
 */

/** Python; it measures what others use, and runs the yardsticks. */
export const PYTHON = "/usr/bin/python3";
const USAGE = new URL("yardstick/usage.py", import.meta.url).pathname;

/** One run. */
export interface Run {
  /** From start to exit, in seconds, the program's own start included. */
  wall: number;
  /** Processor seconds, of user and system; 0 without Python. */
  cpu: number;
  /** Largest resident memory, in MiB; 0 without Python. */
  peakMiB: number;
  /** What it printed. */
  stdout: string;
}

/** Runs a command to its end. Throws with its last words if it fails. */
export async function runCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const words = hasPython() ? [PYTHON, USAGE, command, ...args] : [command, ...args];
  const started = performance.now();
  const child = new Deno.Command(words[0], { args: words.slice(1), env, stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await child.output();
  const wall = (performance.now() - started) / 1000;
  const text = new TextDecoder();
  const said = text.decode(stderr);
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${said.slice(-500)}`);
  const usage = hasPython() ? JSON.parse(said.trimEnd().split("\n").at(-1)!) : { cpu: 0, peakKiB: 0 };
  return { wall, cpu: usage.cpu, peakMiB: usage.peakKiB / 1024, stdout: text.decode(stdout) };
}

let python: boolean | undefined;

/** Whether Python starts. */
function hasPython(): boolean {
  if (python === undefined) {
    try {
      python = new Deno.Command(PYTHON, { args: ["-c", ""] }).outputSync().success;
    } catch {
      python = false;
    }
  }
  return python;
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
