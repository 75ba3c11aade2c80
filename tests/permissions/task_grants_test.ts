import assert from "node:assert/strict";
import { path, ROOT, runDeno, TMP, withEngineFlags, withFolder } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };

const tasks = (): Record<string, string> => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT))) as {
    tasks: Record<string, string | { command: string }>;
  };
  return Object.fromEntries(
    Object.entries(tasks).map((
      [name, task],
    ) => [name, withEngineFlags(typeof task === "string" ? task : task.command)]),
  );
};

/** The calls of `deno run` and `deno test` in a task, each as its words after `deno`. */
function calls(command: string): string[][] {
  return command.split(/ && | \| /).map((call) => call.replace(/^.*?\bdeno (?=run|test)/, "deno ").split(" "))
    .filter(([program, verb]) => program === "deno" && (verb === "run" || verb === "test"))
    .map(([, ...words]) => words.slice(0, words.includes(">") ? words.indexOf(">") : undefined));
}

const KINDS = ["read", "write", "net", "run", "env", "ffi", "sys", "import", "all"] as const;
/** Tasks whose paths come from the user's arguments. */
const ANYWHERE = [
  ...["visuals", "dump", "dump:local", "measure", "merge", "render", "export", "activations", "inspect", "preflight"],
  ...["study", "compare", "submit", "serve"],
];
/** Tasks that start programs which read where they like, and look for them first. */
const TESTS_OF_OTHERS = [
  ...["test:python", "test:node", "test:jupyter", "test:browser", "test:cluster", "test:docs", "docs:images"],
];

Deno.test({
  name: "no task has all permissions, nor a whole kind of them but where paths come from the user's arguments",
  permissions: PERMISSIONS,
  fn(): void {
    const text = Deno.readTextFileSync(new URL("docs/permissions.md", ROOT));
    for (const [name, command] of Object.entries(tasks())) {
      assert.doesNotMatch(command, /--allow-all|(?:^| )-A\b|--allow-(?:ffi|sys|import)/, name);
      assert.ok(text.includes(`\`${name}\``), `docs/permissions.md lacks the task ${name}`);
      for (const words of calls(command)) {
        assert.ok(words.includes("--no-prompt"), `${name} may ask`);
        const whole = words.filter((word) => /^--allow-\w+$/.test(word));
        const allowed = ANYWHERE.includes(name)
          ? ["--allow-read", "--allow-write"]
          : TESTS_OF_OTHERS.includes(name)
          ? ["--allow-read"]
          : [];
        assert.deepEqual(whole.filter((flag) => !allowed.includes(flag)), [], name);
      }
    }
  },
});

/** A quick way to do what a task does: which of its calls, what replaces its last words, and what it says without a grant. */
interface Quick {
  readonly task: string;
  readonly call?: number;
  /** Replaces the files of a test task; added to any other. */
  readonly words?: (folder: string) => readonly string[];
  /** A task that is run before it, with the same words. */
  readonly after?: string;
  /** Whether it is also run as it is; other steps of continuous integration do the rest. */
  readonly whole?: boolean;
}

const TEST_FILES: Readonly<Record<string, readonly string[]>> = {
  "test": ["tests/io/write_torch_test.ts", "tests/io/atomic_write_test.ts"],
  "test:permissions": [
    ...["tests/permissions/serve_test.ts", "tests/permissions/commands_test.ts"],
    ...["--filter", "/^serve:|^inspect shards/"],
  ],
  "test:faults": ["tests/faults/limits_test.ts", "--filter", "a lock that is a link"],
};

const golden = (out: string): string[] => [
  ...[
    "--ckpt",
    path(new URL("fixtures/golden/patch/sae.pt", ROOT)),
    "--device",
    "reference",
    "--top-k",
    "2",
    "--quiet",
  ],
  ...["--data.shard-root", path(new URL("fixtures/golden/patch/shards", ROOT)), "--dump-to", out],
];

const demo = (out: string): string[] => {
  const root = path(new URL("fixtures/demo/emoji/", ROOT));
  return [
    ...["--ckpt", `${root}sae.pt`, "--data.shard-root", `${root}shards`, "--device", "wasm", "--top-k", "2"],
    ...[
      "--images.kind",
      "image-folder",
      "--images.root",
      `${root}images`,
      "--n-latents",
      "2",
      "--n-distributions",
      "1",
    ],
    ...["--log-freq-range", "-6", "0", "--log-value-range", "-3", "3", "--quiet", "--dump-to", out],
  ];
};

const QUICK: readonly Quick[] = [
  { task: "dump", words: golden, whole: true },
  { task: "measure", words: golden, whole: true },
  // Pictures, the viewer, and examples, for which the shards are read again.
  { task: "render", words: demo, after: "dump", whole: true },
  { task: "dump:local", words: (out) => [...golden(out), "--parts", "2"], whole: true },
  { task: "submit", words: (out) => golden(out) },
  { task: "serve", words: (out) => [out.slice(0, out.lastIndexOf("/")), "--port", "0"] },
  { task: "fixtures", whole: true },
  { task: "fixtures:update" },
  { task: "docs:settings", whole: true },
  { task: "deps:check" },
  { task: "fuzz", words: () => ["--target", "ledger", "--cases", "4"], whole: true },
  { task: "test:kill", words: () => ["1"] },
  { task: "test:long", words: () => ["20"], whole: true },
  { task: "viewer:check" },
  { task: "wasm:check", call: 0 },
  { task: "wasm:check", call: 1 },
  { task: "test", whole: true },
  { task: "test:permissions", whole: true },
  { task: "test:faults", whole: true },
];

function wordsOf({ task, call = 0, words }: Quick, folder: string): string[] {
  const all = calls(tasks()[task]!)[call]!;
  const files = TEST_FILES[task];
  if (files === undefined) return [...all, ...words?.(`${folder}out`) ?? []];
  return [...all.filter((word) => word === "test" || /^--(?:no-|allow|v8|permit)/.test(word)), "--no-check", ...files];
}

for (const quick of QUICK) {
  Deno.test({
    name: `the task ${quick.task}${quick.call ? `, call ${quick.call}` : ""} has no permission that it can do without`,
    permissions: PERMISSIONS,
    fn: (): Promise<void> =>
      withFolder(async (folder) => {
        const words = wordsOf(quick, path(folder));
        if (quick.after !== undefined) {
          const { code, stderr } = await runDeno(wordsOf({ ...quick, task: quick.after }, path(folder)));
          assert.equal(code, 0, stderr);
        }
        const grants = words.filter((word) => KINDS.some((kind) => word.split("=")[0] === `--allow-${kind}`));
        for (const grant of grants) {
          const { code, stdout, stderr } = await runDeno(words.filter((word) => word !== grant), { stdin: "" });
          const kind = grant.slice("--allow-".length).split("=")[0];
          assert.notEqual(code, 0, `${quick.task} without ${grant} ends well: ${stderr}`);
          // A test's own `permissions` may not exceed those it runs with.
          const refusal = new RegExp(`Requires (?:${kind}|all) access|escalate parent thread permissions`);
          assert.match(stdout + stderr, refusal, `${quick.task} without ${grant}`);
        }
        if (!quick.whole) return;
        const { code, stdout, stderr } = await runDeno(words, { stdin: "" });
        assert.equal(code, 0, stdout + stderr);
      }),
  });
}
