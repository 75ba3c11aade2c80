/** `activations` as a user starts it. */
import assert from "node:assert/strict";
import { path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";
import { withServer } from "./_serve.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"], net: ["127.0.0.1"] };
const DEMO = new URL("fixtures/demo/", ROOT);
const CLI = path(new URL("cli.ts", ROOT));

/** Copies six pictures, and gives the flags that record them into `out`. */
async function flags(folder: URL): Promise<string[]> {
  const group = new URL("emoji/images/flags/", DEMO);
  await Deno.mkdir(new URL("pictures/flags/", folder), { recursive: true });
  const names = [...Deno.readDirSync(group)].map(({ name }) => name).sort().slice(0, 6);
  for (const name of names) await Deno.copyFile(new URL(name, group), new URL(`pictures/flags/${name}`, folder));
  return [
    ...["--model", path(new URL("vit.onnx", DEMO)), "--layers", "4", "5", "--mean", "0.5", "--std", "0.25"],
    ...["--images.kind", "image-folder", "--images.root", path(new URL("pictures", folder))],
    ...["--dump-to", path(new URL("out", folder)), "--device", "wasm"],
  ];
}

async function shards(folder: URL): Promise<Map<string, string>> {
  const [hash] = [...Deno.readDirSync(new URL("out/", folder))].map(({ name }) => name);
  const root = new URL(`out/${hash}/`, folder);
  const files = new Map<string, string>();
  for (const { name } of Deno.readDirSync(root)) {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(new URL(name, root)));
    files.set(name, new Uint8Array(digest).toHex());
  }
  return files;
}

Deno.test({
  name: "activations runs with the permissions that its dry run prints, the same on one thread and two",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const words = await flags(folder);
      const plan = await runDeno(["run", "--no-prompt", "-R", "-W", CLI, "activations", ...words, "--dry-run"]);
      assert.equal(plan.code, 0, plan.stderr);
      assert.match(
        plan.stdout,
        /Would record layers 4, 5 of 6 images .*\n(.*\n)* {2}Tokens: 65, which are CLS, 8 x 8 patches\n/,
      );
      assert.ok(!plan.stdout.includes("allow-net") && !plan.stdout.includes("allow-run"), plan.stdout);
      assert.throws(() => Deno.statSync(new URL("out", folder)), Deno.errors.NotFound);
      const narrow = plan.stdout.trimEnd().split("\n").at(-1)!.split(" ");
      assert.deepEqual(narrow.slice(0, 2), ["deno", "run"]);
      const found: Map<string, string>[] = [];
      for (const threads of ["1", "2"]) {
        const { code, stdout, stderr } = await runDeno([...narrow.slice(1), "--n-workers", threads, "--force"]);
        assert.equal(code, 0, stderr);
        assert.match(stdout, /^Recorded 6 images in 1 shard of /);
        found.push(await shards(folder));
      }
      assert.deepEqual(found[0], found[1]);
      assert.deepEqual([...found[0].keys()].sort(), [
        "acts000000.bin",
        "metadata.json",
        "recording.json",
        "shards.json",
      ]);
      const inspected = await runDeno([
        "run",
        "--no-prompt",
        "-R",
        CLI,
        "inspect",
        path(new URL("out/", folder)) +
        [...Deno.readDirSync(new URL("out/", folder))][0].name,
      ]);
      assert.match(inspected.stdout, /images +6\n.*tokens +64 patches and CLS\n.*layers +4, 5\n/s, inspected.stderr);
    }),
});

Deno.test({
  name: "activations runs over a URL, without a network for the runtime",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withServer(({ origin, host }) =>
      withFolder(async (folder) => {
        const words = await flags(folder);
        const { code, stderr } = await runDeno([
          ...["run", "--no-config", "--no-lock", "--no-prompt", `--allow-import=${host}`],
          `--allow-read=${path(DEMO)},${path(folder)}`,
          `--allow-write=${path(new URL("out", folder))}`,
          ...[`${origin}/cli.ts`, "activations", ...words, "--quiet"],
        ], { cwd: folder });
        assert.equal(code, 0, stderr);
        assert.equal((await shards(folder)).size, 4);
      })
    ),
});

Deno.test({
  name: "activations ends with the status of what is wrong, in one line, and leaves nothing half-written",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const words = await flags(folder);
      const run = (more: string[]): ReturnType<typeof runDeno> => {
        const given = words.filter((_, i) => !more.includes(words[i]) && !more.includes(words[i - 1]));
        return runDeno(["run", "--no-prompt", "-R", "-W", CLI, "activations", ...given, ...more, "--quiet"]);
      };
      const cases: [string[], number, RegExp][] = [
        [["--model", "none.onnx"], 3, /Cannot find the model none\.onnx: give an ONNX file with --model/],
        [["--device", "reference"], 2, /--device reference cannot run a model; give auto, wasm or webgpu/],
        [["--preprocessor", "none.json"], 2, /both say how pictures are prepared/],
        [["--cls", "drop", "--registers", "9"], 2, /give --cls and --registers, or --grid/],
        [["--from-pictures"], 2, /--from-pictures was given to activations, but belongs to visuals/],
      ];
      for (const [more, status, message] of cases) {
        const { code, stderr } = await run(more);
        assert.match(stderr, message);
        assert.equal(code, status, stderr);
        assert.equal(
          stderr.split("\n").filter((line) => line.startsWith("error: ") && !line.includes("XDG")).length,
          1,
          stderr,
        );
      }
      await Deno.writeTextFile(new URL("pictures/flags/zz.jpg", folder), "no picture");
      const { code, stderr } = await run([]);
      assert.equal(code, 3, stderr);
      assert.match(stderr, /flags\/zz\.jpg/);
      for (const { name } of Deno.readDirSync(new URL("out/", folder))) {
        const left = [...Deno.readDirSync(new URL(`out/${name}/`, folder))].map((entry) => entry.name);
        assert.deepEqual(left, ["recording.json"]);
      }
    }),
});
