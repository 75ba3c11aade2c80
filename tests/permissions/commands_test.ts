import assert from "node:assert/strict";
import { path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

// The PATH is read to put a scheduler of our own in front of it.
const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"], env: ["PATH"] };
const GOLDEN = path(new URL("fixtures/golden/patch/", ROOT));
const DEMO = path(new URL("fixtures/demo/emoji/", ROOT));
const CLI = path(new URL("cli.ts", ROOT));

/** Grants by the flag's name, each a list of which every item is needed. */
type Needs = Readonly<Partial<Record<"read" | "write" | "net" | "run" | "env", readonly string[]>>>;

/** One command: what it needs, and nothing else. */
interface Case {
  readonly name: string;
  readonly needs: (out: string) => Needs;
  readonly words: (out: string) => readonly string[];
  /** Runs first, with all permissions that a task has. */
  readonly before?: readonly ((out: string) => readonly string[])[];
  readonly env?: (out: string) => Record<string, string>;
  /** Whether it runs in an empty directory, whose own path it needs. */
  readonly elsewhere?: boolean;
}

const CKPT = `${GOLDEN}sae.pt`;
const SHARDS = `${GOLDEN}shards`;
const golden = (out: string): string[] => [
  ...[
    "--ckpt",
    CKPT,
    "--data.shard-root",
    SHARDS,
    "--dump-to",
    out,
    "--device",
    "reference",
    "--top-k",
    "2",
    "--quiet",
  ],
];
const demo = (out: string): string[] => [
  ...["--ckpt", `${DEMO}sae.pt`, "--data.shard-root", `${DEMO}shards`, "--data.no-scale-mean", "--data.no-scale-norm"],
  ...["--images.kind", "image-folder", "--images.root", `${DEMO}images`, "--top-k", "2", "--n-latents", "1"],
  ...["--log-freq-range", "-6", "-1", "--log-value-range", "-3", "3", "--n-distributions", "1", "--dump-to", out],
  ...["--quiet"],
];
const computing = (out: string): Needs => ({ read: [CKPT, SHARDS, out], write: [out] });
const part = (which: string) => (out: string): string[] => ["dump", ...golden(out), "--part", which];

const CASES: readonly Case[] = [
  { name: "dump", needs: computing, words: (out) => ["dump", ...golden(out)] },
  { name: "measure", needs: computing, words: (out) => ["measure", ...golden(out)] },
  {
    name: "dump --part env:",
    needs: (out) => ({ ...computing(out), env: ["INDEX", "COUNT"] }),
    words: part("env:INDEX/COUNT"),
    env: () => ({ INDEX: "0", COUNT: "2" }),
  },
  {
    name: "merge",
    needs: computing,
    words: (out) => ["merge", ...golden(out)],
    before: [part("0/2"), part("1/2")],
  },
  {
    name: "dump --local",
    needs: (out) => ({ ...computing(out), run: ["deno"] }),
    words: (out) => ["dump", ...golden(out), "--local", "--parts", "2"],
  },
  {
    name: "dump --config",
    needs: (out) => ({ ...computing(out), read: [CKPT, SHARDS, out, `${out}-config.toml`] }),
    words: (out) => ["dump", ...golden(out), "--config", `${out}-config.toml`],
  },
  {
    name: "render",
    // The workers that draw are the program's: without read permission for them one thread draws.
    needs: (out) => ({ read: [`${DEMO}sae.pt`, `${DEMO}shards`, `${DEMO}images`, out], write: [out] }),
    words: (out) => ["render", ...demo(out)],
    before: [(out) => ["dump", ...demo(out)]],
  },
  {
    name: "export npz",
    needs: computing,
    words: (out) => ["export", ...golden(out), "--export", "npz"],
    before: [(out) => ["dump", ...golden(out)]],
  },
  ...(["export", "study"] as const).map((name): Case => ({
    name: name === "export" ? "export json" : name,
    needs: (out) => ({ read: [`${DEMO}sae.pt`, `${DEMO}shards`, `${DEMO}images`, out], write: [out] }),
    words: (out) => [name, ...demo(out), ...(name === "export" ? ["--export", "json"] : [])],
    before: [(out) => ["dump", ...demo(out)]],
  })),
  {
    name: "compare",
    needs: (out) => ({
      read: [`${DEMO}sae.pt`, `${DEMO}shards`, `${DEMO}images`, `${out}/sort_by_patch`, `${out}-pairs`],
      write: [`${out}-pairs`],
    }),
    words: (out) => ["compare", `${out}/sort_by_patch`, `${out}/sort_by_patch`, "--dump-to", `${out}-pairs`, "--quiet"],
    before: [(out) => ["dump", ...demo(out)]],
  },
  {
    name: "check",
    needs: () => ({ read: [`${DEMO}sae.pt`, `${DEMO}shards`, `${DEMO}images`] }),
    words: (out) => ["check", ...demo(out), "--device", "reference"],
  },
  { name: "inspect a checkpoint", needs: () => ({ read: [CKPT] }), words: () => ["inspect", CKPT] },
  { name: "inspect shards", needs: () => ({ read: [SHARDS] }), words: () => ["inspect", SHARDS] },
  { name: "inspect pictures", needs: () => ({ read: [`${DEMO}images`] }), words: () => ["inspect", `${DEMO}images`] },
  {
    name: "submit --dry-run",
    needs: (out) => ({ read: [CKPT, SHARDS, out, "."], write: [out] }),
    words: (out) => ["submit", ...golden(out), "--dry-run"],
    elsewhere: true,
  },
  {
    name: "submit",
    needs: (out) => ({ read: [CKPT, SHARDS, out, "."], write: [out], run: ["sbatch"] }),
    words: (out) => ["submit", ...golden(out)],
    elsewhere: true,
    env: (out) => ({ PATH: `${out}-bin:${Deno.env.get("PATH")}` }),
  },
  { name: "help", needs: () => ({}), words: () => ["help"] },
  { name: "help --markdown", needs: () => ({}), words: () => ["help", "--markdown"] },
  { name: "--version", needs: () => ({}), words: () => ["--version"] },
];

const flags = (needs: Needs): string[] =>
  Object.entries(needs).filter(([, items]) => items.length > 0).map(([kind, items]) =>
    `--allow-${kind}=${items.join(",")}`
  );

for (const { name, needs, words, before = [], env = () => ({}), elsewhere = false } of CASES) {
  Deno.test({
    name: `${name}: works with the minimum; with any one grant removed it stops with Deno's words and the flag to add`,
    permissions: PERMISSIONS,
    fn: (): Promise<void> =>
      withFolder(async (folder) => {
        const out = `${path(folder)}out`;
        await Deno.writeTextFile(`${out}-config.toml`, "seed = 7\n");
        for (const name of ["bin", "here"]) await Deno.mkdir(`${out}-${name}`);
        await Deno.writeTextFile(`${out}-bin/sbatch`, "#!/bin/sh\necho 7\n", { mode: 0o755 });
        const start = (granted: readonly string[], given: readonly string[]): ReturnType<typeof runDeno> =>
          runDeno(["run", "--no-prompt", "--no-check", "--unstable-worker-options", ...granted, CLI, ...given], {
            // Mesa, asked for adapters, complains where there is none.
            env: { XDG_RUNTIME_DIR: path(folder), ...env(out) },
            cwd: elsewhere ? new URL("out-here/", folder) : ROOT,
          });
        for (const earlier of before) {
          const { code, stderr } = await start(["--allow-read", "--allow-write"], earlier(out));
          assert.equal(code, 0, stderr);
        }
        const whole = needs(out);
        // First what must fail: the output is then as it was before.
        for (const [kind, items] of Object.entries(whole) as [keyof Needs, readonly string[]][]) {
          for (const item of items) {
            const rest = { ...whole, [kind]: items.filter((other) => other !== item && !item.startsWith(`${other}/`)) };
            const { code, stderr } = await start(flags(rest), words(out));
            const without = `without ${kind} ${item}: ${stderr}`;
            assert.equal(code, 2, without);
            const lines = stderr.split("\n").filter((line) => line.startsWith("error: "));
            assert.equal(lines.length, 1, without);
            assert.match(lines[0]!, new RegExp(`^error: Requires ${kind} access to `), without);
            assert.ok(lines[0]!.includes(`add --allow-${kind}`) || lines[0]!.includes(`add '--allow-${kind}`), without);
            assert.doesNotMatch(stderr, /^\s+at /m, "a stack is printed");
          }
        }
        const { code, stderr } = await start(flags(whole), words(out));
        assert.equal(code, 0, stderr);
      }),
  });
}
