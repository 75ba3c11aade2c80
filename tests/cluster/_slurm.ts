/** Jobs on the one-machine cluster, started as a user would. */
import { ok, strictEqual } from "node:assert/strict";

/** Whether `one_machine_cluster.sh` has brought a cluster up. */
export const hasCluster: boolean = Deno.env.get("SLURM_CONF") !== undefined;
// deno-lint-ignore no-console -- a skipped test has to say why
if (!hasCluster) console.log("skipped: no Slurm here (Debian: slurmctld, slurmd, slurm-client, munge)");

/** How long anything may take. */
const PATIENCE_MS = 240_000;

/** Runs a program and gives what it printed. */
export async function run(program: string, words: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...words] }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  ok(success, `${program} ${words.join(" ")}\n${out}${err}`);
  return out;
}

/** One task as Slurm sees it. */
export interface Task {
  readonly state: string;
  readonly restarts: number;
  readonly exitCode: string;
}

/** A submitted pipeline. */
export interface Submitted {
  /** Step → job. */
  readonly jobs: Readonly<Record<string, string>>;
  /** What was printed. */
  readonly said: string;
}

/** `submit` with no more permissions than it needs, and one processor a task. */
export async function submit(flags: readonly string[]): Promise<Submitted> {
  const project = Deno.cwd();
  const said = await run("deno", [
    ...["run", "--no-prompt", "--unstable-worker-options", `--allow-read=${project}`, "--allow-run=sbatch"],
    ...[`--allow-write=${flags[flags.indexOf("--dump-to") + 1]}`, "cli.ts", "submit"],
    ...flags,
    ...["--slurm.partition", "main", "--slurm.cpus", "1", "--slurm.time", "00:10:00"],
  ]);
  return { jobs: jobsIn(said, /^Submitted (\w+) +as job (\d+)$/gm), said };
}

/** `sh again.sh TASKS`. */
export async function again(directory: string, tasks: string): Promise<Submitted> {
  const said = await run("sh", [`${directory}/slurm/again.sh`, tasks]);
  return { jobs: jobsIn(said, /^(\w+) (\d+)$/gm), said };
}

function jobsIn(text: string, pattern: RegExp): Record<string, string> {
  return Object.fromEntries([...text.matchAll(pattern)].map(([, step, job]) => [step, job]));
}

/** Waits until the jobs are over. */
export async function ended({ jobs }: Submitted): Promise<void> {
  const ids = Object.values(jobs).join(",");
  await until(`jobs ${ids} to end`, async () => (await run("squeue", ["--noheader", `--jobs=${ids}`])).trim() === "");
}

/** Waits until a log holds a text. */
export async function logged(path: string, pattern: RegExp): Promise<void> {
  await until(`${pattern} in ${path}`, async () => pattern.test(await Deno.readTextFile(path).catch(() => "")));
}

/** Waits until something is so. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const start = performance.now(); !await isSo();) {
    ok(performance.now() - start < PATIENCE_MS, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The tasks of an array that were submitted, by index, with holes for others; a job that is no array has task 0. */
export async function tasksOf(job: string): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const line of (await run("scontrol", ["show", "job", job, "-o"])).trim().split("\n")) {
    const field = (name: string): string => new RegExp(`\\b${name}=(\\S+)`).exec(line)?.[1] ?? "";
    tasks[Number(field("ArrayTaskId") || 0)] = {
      state: field("JobState"),
      restarts: Number(field("Restarts")),
      exitCode: field("ExitCode"),
    };
  }
  return tasks;
}

/** Fails unless every task of a job ended well. */
export async function allCompleted({ jobs }: Submitted, directory: string): Promise<void> {
  for (const [step, job] of Object.entries(jobs)) {
    // The holes of an array that was submitted in part are left out.
    for (const { state } of Object.values(await tasksOf(job))) {
      strictEqual(state, "COMPLETED", `${step}\n${await logs(directory)}`);
    }
  }
}

/** All that the jobs printed. */
export async function logs(directory: string): Promise<string> {
  const texts: string[] = [];
  for await (const { name } of Deno.readDir(`${directory}/slurm/logs`)) {
    texts.push(`==> ${name}\n${await Deno.readTextFile(`${directory}/slurm/logs/${name}`)}`);
  }
  return texts.sort().join("\n");
}
