import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { run } from "./_fake.ts";

const permissions = "none";
const PLAIN = ["--data.no-scale-mean", "--data.no-scale-norm"];

/** Words of the processes that a local dump starts; the one of part `failing` ends with status 3. */
async function local(
  words: readonly string[],
  failing?: number,
): Promise<{ started: string[][]; steps: string[]; code: number; err: string }> {
  const started: string[][] = [];
  const steps: string[] = [];
  const step = (name: string) => (): Promise<Record<never, never>> => {
    steps.push(name);
    return Promise.resolve({});
  };
  const { code, err } = await run(["dump", ...words], {
    jobs: { measureSample: step("measure"), mergeParts: step("merge"), dumpActivations: step("dump") },
    env: {
      runDeno: (words, { onLine }) => {
        const index = started.push([...words]) - 1;
        onLine(`computing ${words.at(-1)}`);
        return Promise.resolve(index === failing ? 3 : 0);
      },
    },
  });
  return { started, steps, code, err };
}

Deno.test({
  name: "dump --parts N --local measures once, starts N narrow processes that share the threads, and merges",
  permissions,
  async fn(): Promise<void> {
    const { started, steps, code, err } = await local(["--parts", "4", "--local", "--n-workers", "9", "--resume"]);
    strictEqual(code, 0, err);
    deepStrictEqual(steps, ["measure", "merge"]);
    deepStrictEqual(started.map((words) => words.slice(-2)), [0, 1, 2, 3].map((i) => ["--part", `${i}/4`]));
    const [words] = started;
    deepStrictEqual(words.slice(0, 3), ["run", "--no-prompt", "--unstable-worker-options"]);
    match(words.join(" "), /--allow-write=\.\/data .* dump --n-workers 2 --resume --part 0\/4$/);
    ok(!words.some((word) => word.startsWith("--allow-run") || word === "--local"), words.join(" "));
    match(err, /^part 3: computing 3\/4$/m);
  },
});

Deno.test({
  name: "dump --parts N --local leaves other parts alone when one fails, says so, and merges to name what is missing",
  permissions,
  async fn(): Promise<void> {
    const { started, steps, err } = await local([...PLAIN, "--parts", "3", "--local"], 1);
    deepStrictEqual([started.length, steps], [3, ["merge"]]);
    match(err, /Part 1 of 3 ended with exit status 3/);
  },
});

Deno.test({
  name: "dump --local lacks --parts; --parts and --local belong to their commands",
  permissions,
  async fn(): Promise<void> {
    match((await local(["--local"])).err, /--local lacks --parts, the number of processes/);
    match((await local(["--parts", "3"])).err, /--parts was given to dump, but belongs to merge, or dump with --local/);
    const { err } = await local(["--local", "--parts", "3", "--part", "1/3"]);
    match(err, /--local was given to dump, but belongs to dump, without --part/);
  },
});

Deno.test({
  name: "`--part env:INDEX/COUNT` is read from the environment before any work",
  permissions,
  async fn(): Promise<void> {
    const variables: Record<string, string> = { INDEX: "3", FROM_ONE: "4", COUNT: "8", BAD: "x" };
    const part = async (text: string): Promise<string | undefined> => {
      const { config, err } = await run(["dump", "--part", text], { env: { variable: (name) => variables[name] } });
      return config?.part ?? err;
    };
    strictEqual(await part("env:INDEX/COUNT"), "3/8");
    strictEqual(await part("env:FROM_ONE-1/COUNT"), "3/8");
    strictEqual(await part("env:INDEX/16"), "3/16");
    match((await part("env:NONE/COUNT"))!, /needs a whole number in the variable NONE, found none/);
    match((await part("env:INDEX/BAD"))!, /needs a whole number in the variable BAD, found x/);
    match((await part("env:INDEX"))!, /expected an index from 0 and a count/);
  },
});
