import { engineFlags } from "../../cli/engine_flags.ts";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { CliEnvironment } from "../../cli/run_cli.ts";
import { SchedulerError } from "../../io/run_program.ts";
import { type FakeRun, PLAN, run } from "./_fake.ts";

/** Depends on the processor. */
const FLAGS = engineFlags("dump").map((word) => `  ${word} \\\n`).join("");
const ABOUT_FLAGS = FLAGS === ""
  ? ""
  : "# --v8-flags is for x86-64 processors: delete that line for others, where Deno refuses it.\n";

const permissions = "none";

/** What `submit` wrote and handed to the scheduler. */
interface Handed extends FakeRun {
  readonly scripts: ReadonlyMap<string, string>;
  readonly calls: readonly (readonly string[])[];
}

async function submit(words: readonly string[], env: Partial<CliEnvironment> = {}): Promise<Handed> {
  const scripts = new Map<string, string>();
  const calls: (readonly string[])[] = [];
  const found = await run(["submit", ...words], {
    env: {
      realPath: (path) => Promise.resolve(path === "." ? "/home/me" : path),
      writeText: (path, text) => Promise.resolve(void scripts.set(path.replace(/^.*\/slurm\//, ""), text)),
      sbatch: (words) => Promise.resolve(`${100 + calls.push(words)}`),
      ...env,
    },
  });
  return { ...found, scripts, calls };
}

const SLURM = ["--slurm.array", "64", "--slurm.partition", "gpu", "--slurm.gpus", "a100:1", "--slurm.time", "02:00:00"];

Deno.test({
  name: "submit writes one script a step: limits as directives, then one exec of deno that may do only this",
  permissions,
  async fn(): Promise<void> {
    const { code, err, scripts } = await submit([
      ...SLURM,
      "--slurm.mem",
      "16G",
      "--ckpt",
      "my sae.pt",
      "--top-k",
      "8",
    ]);
    strictEqual(code, 0, err);
    deepStrictEqual([...scripts.keys()], ["measure.sh", "dump.sh", "merge.sh", "render.sh", "again.sh", "logs/README"]);
    strictEqual(
      scripts.get("dump.sh"),
      `#!/bin/bash
# Computes one part of the shards. A task that is requeued goes on from its last saved state; one whose part is there ends.
# Written by \`submit\`; change what you like, and submit it with sbatch or all steps with again.sh.
#SBATCH --job-name=saev-dump
#SBATCH --partition=gpu
#SBATCH --array=0-63
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus=a100:1
#SBATCH --mem=16G
#SBATCH --time=02:00:00
#SBATCH --chdir=/home/me
#SBATCH --output=/home/me/data/sort_by_patch/slurm/logs/dump-%A_%a.out
#SBATCH --open-mode=append
# Warned a minute before the time limit, and where preemption is announced: USR2 says save the state and go on.
#SBATCH --signal=B:USR2@60
# After preemption or the loss of a node it begins again, and goes on from the state it saved.
#SBATCH --requeue

# exec, so that Slurm's signals reach the program and not a shell around it.
${ABOUT_FLAGS}exec deno run \\
  --no-prompt \\
  --unstable-worker-options \\
${FLAGS}  '--allow-read=my sae.pt,cfg.json,config.json,./shards,./data' \\
  --allow-write=./data \\
  /opt/saev/cli.ts dump \\
  --ckpt 'my sae.pt' \\
  --top-k 8 \\
  --n-workers 8 \\
  --resume \\
  --usr2 go-on \\
  --part "$SLURM_ARRAY_TASK_ID/64"
`,
    );
    for (const [name, text] of scripts) {
      if (!/^(?:measure|merge|render)\.sh$/.test(name)) continue;
      strictEqual(text.match(/^exec deno run /gm)?.length, 1, name);
      // One that stopped at a warning would count as failed, and not be requeued.
      match(text, /--signal=B:USR2@60[^]*--requeue[^]*--usr2 go-on/, name);
      ok(!/--gpus|--array|--allow-(?:all|run|net|env|sys|ffi)|-A\b/.test(text), `${name}\n${text}`);
    }
    match(scripts.get("merge.sh")!, /^ {2}--parts 64 \\$/m);
    ok(!/\.\/data\/imagenet/.test(scripts.get("dump.sh")!), "a dump may read pictures");
    match(scripts.get("render.sh")!, /--allow-read=.*\.\/data\/imagenet/);
  },
});

Deno.test({
  name: "submit makes merging wait for the array to end in whatever way, and prints jobs and how to follow them",
  permissions,
  async fn(): Promise<void> {
    const { out, calls } = await submit([...SLURM, "--slurm.render-array", "4"]);
    const names = calls.map((words) => words.map((word) => word.replace(/^\/.*\//, "")));
    deepStrictEqual(names, [
      ["measure.sh"],
      ["--dependency=afterok:101", "--kill-on-invalid-dep=yes", "dump.sh"],
      // afterok would stay unsatisfiable once a task has failed, even if it is requeued and succeeds.
      ["--dependency=afterany:102", "merge.sh"],
      ["--dependency=afterok:103", "--kill-on-invalid-dep=yes", "render.sh"],
      ["--dependency=afterany:104", "page.sh"],
    ]);
    match(out, /^Submitted measure as job 101$[^]*^Submitted page {4}as job 105$/m);
    match(out, /^Follow them: {2}squeue --jobs=101,102,103,104,105$/m);
    match(out, /^Their output: tail -F \/home\/me\/data\/sort_by_patch\/slurm\/logs\/\*\.out$/m);
    match(out, /^Cancel them: {2}scancel 101 102 103 104 105$/m);
    match(out, /^63 of the 64 tasks will have nothing to do: there are 1 shards$/m);
  },
});

Deno.test({
  name: "submit without centring and scaling needs no measuring, and one render task no gathering",
  permissions,
  async fn(): Promise<void> {
    const { scripts, calls } = await submit(["--data.no-scale-mean", "--data.no-scale-norm", "--slurm.array", "1"]);
    deepStrictEqual([...scripts.keys()], ["dump.sh", "merge.sh", "render.sh", "again.sh", "logs/README"]);
    deepStrictEqual(calls.map((words) => words.length), [1, 2, 3]);
  },
});

Deno.test({
  name: "submit --dry-run writes the scripts and submits nothing",
  permissions,
  async fn(): Promise<void> {
    const { code, out, scripts, calls } = await submit([...SLURM, "--dry-run"]);
    deepStrictEqual([code, calls.length, scripts.size], [0, 0, 6]);
    match(out, /\nNothing was submitted\n$/);
  },
});

Deno.test({
  name: "submit says which jobs are submitted when the scheduler refuses one of them",
  permissions,
  async fn(): Promise<void> {
    let job = 0;
    const sbatch = (words: readonly string[]): Promise<string> =>
      job < 2 ? Promise.resolve(`${++job}`) : Promise.reject(new SchedulerError(`Cannot submit ${words.at(-1)}: full`));
    const { code, err } = await submit(SLURM, { sbatch });
    strictEqual(code, 4);
    match(err, /merge\.sh: full \(at the step merge; jobs 1, 2 are submitted: scancel 1 2\)/);
  },
});

Deno.test({
  name: "submit hands on what a config file says, and takes nothing that could end a line of a script",
  permissions,
  async fn(): Promise<void> {
    const files = { "job.toml": { topK: 8, slurm: { array: 2, mem: "16G\n#SBATCH --uid=0" } } };
    const { code, err } = await run(["submit", "--config", "job.toml"], { files });
    strictEqual(code, 2);
    match(err, /slurm\.mem/);
    const { scripts } = await submit(["--config", "job.toml"], {
      readFile: () => Promise.resolve({ topK: 8, slurm: { array: 2 }, dumpTo: "a $(b) 'c'" }),
    });
    const dump = scripts.get("dump.sh")!;
    match(dump, /^ {2}--top-k 8 \\$/m);
    match(dump, /^ {2}--dump-to 'a \$\(b\) '\\''c'\\''' \\$/m);
    match(dump, /^#SBATCH --output="[^"\n]+"$|^#SBATCH --output=\S+$/m);
  },
});

Deno.test({
  name: "submit refuses --force and a --part of its own",
  permissions,
  async fn(): Promise<void> {
    match((await submit(["--force"])).err, /goes on from what is there, so --force makes no sense/);
    match((await submit(["--part", "1/2"])).err, /--part was given to submit, but belongs to dump or render/);
    strictEqual(PLAN.shards, 1);
  },
});
