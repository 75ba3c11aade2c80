import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { projectFiles, readProject, ROOT } from "../house/_files.ts";
import { type Block, codeBlocks } from "./_blocks.ts";

/** What is shown and not run; `ts` is run by `deno test --doc`. */
const SHOWN = new Set(["", "text", "mermaid", "ts"]);
/** What runs a block that holds no file. */
const RUN_BY: Readonly<Record<string, readonly string[]>> = {
  sh: ["bash", "-eu", "-o", "pipefail", "-c"],
  python: ["/usr/bin/python3", "-c"],
};
/** What is read to see that it is what it says. */
const PARSED: Readonly<Record<string, (text: string) => unknown>> = { json: JSON.parse };
const hasPython = await isThere("/usr/bin/python3");
const inCi = Deno.env.get("CI") === "true";

const pages = projectFiles().filter((path) => path.endsWith(".md")).map((path) => ({
  path,
  blocks: codeBlocks(readProject(path)).filter(({ language }) => !SHOWN.has(language)),
})).filter(({ blocks }) => blocks.length > 0);

/** A copy of the project, with what a researcher would have beside it. */
let copied: Promise<string> | undefined;
function workplace(): Promise<string> {
  return copied ??= (async () => {
    const to = new URL(`tests/tmp/docs-${crypto.randomUUID()}/`, ROOT).pathname;
    await Deno.mkdir(to, { recursive: true });
    for await (const { name, isDirectory } of Deno.readDir(ROOT)) {
      if (name.startsWith(".") || name === "data" || name === "coverage" || name === "tests") continue;
      await run(["cp", isDirectory ? "-r" : "-p", new URL(name, ROOT).pathname, to], to);
    }
    const demo = `${to}fixtures/demo/emoji`;
    await Deno.mkdir(`${to}checkpoints`);
    await run(["cp", `${demo}/sae.pt`, `${to}checkpoints/`], to);
    await run(["cp", "-r", `${demo}/shards`, to], to);
    await run(["cp", "-r", `${demo}/images`, `${to}pictures`], to);
    return to;
  })();
}

Deno.test({
  name: "every code block of the documents is of a kind that is run, or says why it is not",
  permissions: { read: [ROOT] },
  fn(): void {
    const strange = pages.flatMap(({ path, blocks }) =>
      blocks.filter(({ language, file, notRun }) =>
        !(language in RUN_BY || language in PARSED) && file === "" && notRun === undefined
      )
        .map(({ language, line }) => `${path}:${line}: ${language}`)
    );
    deepStrictEqual(strange, []);
  },
});

for (const { path, blocks } of pages) {
  const needsPython = blocks.some(({ language, file, notRun }) => language === "python" && file === "" && !notRun);
  Deno.test({
    name: `the commands of ${path} do what they say`,
    ignore: needsPython && !hasPython && !inCi,
    async fn(t): Promise<void> {
      const cwd = await workplace();
      for (const block of blocks) {
        if (block.notRun !== undefined) continue;
        // A page is read from top to bottom: a later block may need what an earlier one left.
        await t.step(`${path}:${block.line}`, async () => await perform(block, cwd, path));
      }
    },
  });
}

Deno.test({
  name: "the copy of the project is removed",
  fn: async () => await Deno.remove(await workplace(), { recursive: true }),
});

async function perform(block: Block, cwd: string, page: string): Promise<void> {
  if (block.file !== "") {
    ok(!block.file.includes(".."), block.file);
    await Deno.writeTextFile(`${cwd}${block.file}`, block.text);
    return;
  }
  if (block.language in PARSED) {
    PARSED[block.language](block.text);
    return;
  }
  const { code, said } = await run([...RUN_BY[block.language], block.text], cwd);
  strictEqual(code, 0, `${page}:${block.line} ended with ${code}:\n${said}`);
}

async function run([program, ...args]: string[], cwd: string): Promise<{ code: number; said: string }> {
  const env = { NO_COLOR: "1" };
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd, env, stdin: "null" }).output();
  return { code, said: [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("") };
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
