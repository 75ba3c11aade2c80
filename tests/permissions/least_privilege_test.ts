import assert from "node:assert/strict";
import { type Finished, path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };
const DEMO = path(new URL("fixtures/demo/emoji/", ROOT));
const TASK = ["run", "--no-prompt", "--allow-read", "--allow-write", "--unstable-worker-options"];

const flags = (out: string): string[] => [
  ...["--ckpt", `${DEMO}sae.pt`, "--data.shard-root", `${DEMO}shards`, "--data.no-scale-mean", "--data.no-scale-norm"],
  ...["--images.kind", "image-folder", "--images.root", `${DEMO}images`, "--top-k", "2", "--n-latents", "1"],
  ...["--log-freq-range", "-6", "-1", "--log-value-range", "-3", "3", "--n-distributions", "1", "--dump-to", out],
];

/** What the program's own workers are loaded from: without them one thread draws. */
const WORKER_ROOMS = ["render", "compute"].map((room) => path(new URL(room, ROOT)));

/** Splits a line as a POSIX shell does, as far as `--dry-run` uses its quoting. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g)].map(([word]) => word.replaceAll(/'([^']*)'|\\(')/g, "$1$2"));
}

/** The arguments after `deno` of the command that `--dry-run` prints. */
async function narrowCommand(command: string, device: string, out: string): Promise<string[]> {
  const words = [command, ...flags(out), "--device", device];
  const { code, stdout, stderr } = await runDeno([...TASK, "cli.ts", ...words, "--dry-run"]);
  assert.equal(code, 0, stderr);
  const line = shellWords(stdout.trimEnd().split("\n").at(-1)!);
  assert.equal(line[0], "deno");
  return line.slice(1);
}

const isFile = (file: URL): boolean => Deno.statSync(file).isFile;

for (const device of ["reference", "wasm"]) {
  Deno.test({
    name: `the command that --dry-run prints runs as it is: visuals on ${device}`,
    permissions: PERMISSIONS,
    fn: (): Promise<void> =>
      withFolder(async (folder) => {
        const out = new URL("out/", folder);
        const args = await narrowCommand("visuals", device, path(out));
        assert.deepEqual([...Deno.readDirSync(folder)], [], "--dry-run wrote something");
        assert.ok(args.every((arg) => !/^(?:-A|--allow-all|--allow-(?:read|write))$/.test(arg)), args.join(" "));
        const { code, stderr } = await runDeno(args);
        assert.equal(code, 0, stderr);
        for (const file of ["manifest.json", "top_values.pt"]) assert.ok(isFile(new URL(`sort_by_patch/${file}`, out)));
      }),
  });
}

Deno.test({
  name:
    "the command that --dry-run prints starts the workers that draw; with one of their folders removed one thread draws",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const out = new URL("out/", folder);
      // Enough pictures for workers to be worth it.
      const narrow = await narrowCommand("visuals", "wasm", path(out));
      const args = [...narrow.with(narrow.indexOf("--n-latents") + 1, "12"), "--n-workers", "2"];
      const drawn = async (args: readonly string[]): Promise<string> => {
        const { code, stderr } = await runDeno([...args, "--force"]);
        assert.equal(code, 0, stderr);
        assert.match(stderr, /render: (?:1[6-9]|[2-9]\d) pictures/);
        return stderr;
      };
      assert.doesNotMatch(await drawn(args), /Requires|Uncaught/);
      for (const room of WORKER_ROOMS) {
        const fewer = args.map((arg) => arg.replace(`${room},`, ""));
        assert.notDeepEqual(fewer, args);
        assert.match(await drawn(fewer), /in worker .*Requires read access to/);
      }
    }),
});

Deno.test({
  name: "with one grant removed the command stops with Deno's own words and the flag to add",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const args = await narrowCommand("visuals", "reference", path(new URL("out/", folder)));
      const grants = args.flatMap((arg, i) => {
        const [flag, list] = arg.split("=") as [string, string];
        const paths = arg.startsWith("--allow-") ? list.split(",").filter((item) => !WORKER_ROOMS.includes(item)) : [];
        return paths.map((item) => ({ i, flag, item, rest: list.split(",").filter((other) => other !== item) }));
      });
      assert.ok(grants.length >= 4, args.join(" "));
      for (const { i, flag, item, rest } of grants) {
        // The project's folder would cover what lies below it.
        const kept = rest.filter((other) => !item.startsWith(`${other}/`));
        const fewer = args.flatMap((arg, at) =>
          at !== i ? [arg] : kept.length > 0 ? [`${flag}=${kept.join(",")}`] : []
        );
        assertDenied(await runDeno(fewer), flag, `${flag} ${item}`);
      }
    }),
});

function assertDenied({ code, stderr }: Finished, flag: string, removed: string): void {
  assert.equal(code, 2, `without ${removed}: ${stderr}`);
  const errors = stderr.trimEnd().split("\n").filter((line) => line.startsWith("error: "));
  assert.equal(errors.length, 1, stderr);
  assert.match(errors[0]!, /^error: Requires (?:read|write) access to /);
  assert.ok(errors[0]!.includes(`add ${flag}=`), `without ${removed}: ${stderr}`);
  assert.doesNotMatch(stderr, /^\s+at /m, "a stack is printed");
}
