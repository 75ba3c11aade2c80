import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  ArtifactError,
  BackendUnavailableError,
  CheckpointError,
  ConfigError,
  DatasetError,
  DeviceLimitError,
  DeviceLostError,
  NonFiniteError,
  PictureError,
  RenderError,
  ShardFormatError,
  TorchFileError,
  UnsafePickleError,
} from "../../compute/errors.ts";
import { describeFailure } from "../../cli/exit_codes.ts";
import { run } from "./_fake.ts";

const permissions = "none";

/** Words → the exact line. All of these exit with 2. */
const USAGE_ERRORS: readonly (readonly [words: string, line: string])[] = [
  [
    "",
    "No command was given, expected visuals, dump, measure, merge, render, export, study, compare, submit, activations, check, inspect, serve, completions or help; see --help",
  ],
  [
    "visual",
    "Found visual where a command was expected: visuals, dump, measure, merge, render, export, study, compare, submit, activations, check, inspect, serve, completions or help; did you mean visuals?",
  ],
  ["export", "export lacks --export, expected npz or json"],
  [
    "dump --part 0/2 --export npz",
    "--export reads all rows, so it makes no sense with --part; give it to merge, or export afterwards",
  ],
  [
    "render --study",
    "--study was given to render, but belongs to visuals; use the command study afterwards; see --help",
  ],
  ["export --export csv", "--export is csv, expected a list of one of npz, json"],
  [
    "compare a",
    "compare lacks two directories of artifacts first, as in compare a/sort_by_patch b/sort_by_patch",
  ],
  ["compare a b --data.layer 3", "compare takes --data.layer from the runs' manifests; leave it out"],
  ["completions", "completions lacks its shell, expected bash, zsh or fish"],
  ["completions sh", "completions knows no shell sh, expected bash, zsh or fish"],
  [
    "completions bash $(x)",
    "Found the name $(x), expected the plain word that the program is installed under",
  ],
  ["serve", "serve lacks what to serve; give the directory of an index.html, as in serve data/sort_by_patch"],
  ["serve a b", "serve takes one directory, found a and b"],
  ["serve a --port 70000", "Found --port 70000, expected 0 to 65535"],
  ["serve a --host 0.0.0.0", "serve knows no --host, only --port"],
  [
    "--top-k 8",
    "Found --top-k where a command was expected: visuals, dump, measure, merge, render, export, study, compare, submit, activations, check, inspect, serve, completions or help; see --help",
  ],
  [
    "toString",
    "Found toString where a command was expected: visuals, dump, measure, merge, render, export, study, compare, submit, activations, check, inspect, serve, completions or help; see --help",
  ],
  ["visuals --topk 8", "There is no flag --topk; did you mean --top-k?"],
  ["visuals --shard-root s", "There is no flag --shard-root; did you mean --data.shard-root?"],
  ["visuals --learning-rate 1", "There is no flag --learning-rate; see --help"],
  ["visuals sae.pt", "Found the word sae.pt where a flag was expected; flags start with --, see --help"],
  ["visuals -k 8", "Found the word -k where a flag was expected; flags start with --, see --help"],
  ["visuals --seed 1 2", "Found the word 2 where a flag was expected; flags start with --, see --help"],
  ["visuals --top-k", "--top-k lacks its value, expected an integer of at least 1"],
  ["visuals --top-k --force", "--top-k lacks its value, expected an integer of at least 1"],
  ["visuals --top-k=", "--top-k is empty, expected an integer of at least 1"],
  ["visuals --top-k 0", "--top-k is 0, expected an integer of at least 1"],
  ["visuals --top-k 1.5", "--top-k is 1.5, expected an integer of at least 1"],
  ["visuals --top-k many", "--top-k is many, expected an integer of at least 1"],
  ["visuals --top_k -1", "--top_k is -1, expected an integer of at least 1"],
  ["visuals --top-k 8 --top_k 9", "--top-k and --top_k set topK twice; give it once"],
  ["visuals --force --force", "--force sets force twice; give it once"],
  ["visuals --scale-mean --no-scale-mean", "--scale-mean and --no-scale-mean set data.scaleMean twice; give it once"],
  ["visuals --no-force=true", "--no-force takes no value, found true; give --no-force alone"],
  ["visuals --force=yes", "--force is yes, expected true or false"],
  ["visuals --log-freq-range -6", "--log-freq-range is -6, expected two numbers"],
  ["visuals --log-freq-range -6 x", "--log-freq-range is -6 x, expected two numbers"],
  ["visuals --log-freq-range=1,2,3", "--log-freq-range is 1 2 3, expected two numbers"],
  [
    "visuals --log-freq-range -2 -6",
    "--log-freq-range -2 -6 is empty, expected the smaller number first; give them the other way round",
  ],
  ["visuals --percentile 101", "--percentile is 101, expected a number from 0 to 100"],
  ["visuals --percentile 1e999", "--percentile is Infinity, expected a number from 0 to 100"],
  ["visuals --data.layer last", "--data.layer is last, expected an integer, or meanpool"],
  [
    "visuals --checkpoint-every soon",
    "--checkpoint-every is soon, expected a number of at least 0, or a time such as 90s or 5m",
  ],
  ["visuals --data.patches token", "--data.patches is token, expected one of cls, patches, meanpool"],
  ["visuals --device cuda", "--device is cuda, expected one of auto, webgpu, wasm, reference"],
  ["visuals --max-memory lots", "--max-memory is lots, expected an integer of at least 0, or a size such as 512MiB"],
  ["visuals --include-latents 1 -2", "--include-latents is 1 -2, expected a list of integers of at least 0"],
  ["visuals --grid 7", "--grid is 7, expected two integers of at least 1"],
  ["visuals --config", "--config lacks its value, expected a .json or .toml file"],
  [
    "visuals --sort-by img",
    "--sort-by img needs one row per image, found --data.patches patches; " +
    "give --data.patches cls or meanpool, or --sort-by patch or sum",
  ],
  [
    "dump --data.patches cls",
    "--sort-by patch needs --data.patches patches, found cls; give --sort-by img or --data.patches patches",
  ],
  [
    "visuals --sort-by sum --data.patches meanpool",
    "--sort-by sum needs --data.patches patches, found meanpool; give --sort-by img or --data.patches patches",
  ],
  [
    "visuals --images.kind ade20k --images.split test",
    'ade20k has no split "test", expected training or validation; change --images.split',
  ],
  [
    "visuals --images.kind image-folder --images.split val",
    "image-folder has no splits, found --images.split val; give the split's own directory as --images.root",
  ],
  [
    "visuals --force --resume --top-k 1",
    "--force recomputes and --resume goes on, so they exclude each other; give one of them",
  ],
  ["visuals --config a.json", "There is no setting topp_k, found in a.json; did you mean topK?"],
  ["visuals --config b.json", "data in b.json is 3, expected a table of settings"],
  ["visuals --config c.json", "data.layer in c.json is last, expected an integer, or meanpool"],
  ["visuals --config d.json", "top_k and topK in d.json are the same setting; keep one"],
  ["visuals --config e.json", "There is no setting data.shardroot, found in e.json; did you mean data.shardRoot?"],
  ["help topp-k", "There is no command or flag topp-k; did you mean --top-k?"],
];

const FILES = {
  "a.json": { topp_k: 8 },
  "b.json": { data: 3 },
  "c.json": { data: { layer: "last" } },
  "d.json": { top_k: 8, topK: 8 },
  "e.json": { "data.shardroot": "s" },
};

Deno.test({
  name: "runCli() answers wrong usage with one exact line and 2, before any work",
  permissions,
  async fn(): Promise<void> {
    for (const [words, line] of USAGE_ERRORS) {
      const { code, out, err, config } = await run(words.split(" ").filter((word) => word !== ""), { files: FILES });
      deepStrictEqual({ words, err, code, out, config }, {
        words,
        err: `error: ${line}\n`,
        code: 2,
        out: "",
        config: undefined,
      });
    }
  },
});

/** An error of the operating system, as Deno makes it. */
function fileError(name: keyof typeof Deno.errors, message: string, code?: string): Error {
  return Object.assign(new Deno.errors[name](message), code === undefined ? {} : { code });
}

const FAILURES: readonly (readonly [error: Error, code: number, line: string])[] = [
  [new ConfigError("Wrong", { path: "topK" }), 2, "Wrong"],
  [new ShardFormatError("Short file", { path: "a" }), 3, "Short file"],
  [new CheckpointError("No W_enc", { path: "a", key: "W_enc", found: "", expected: "" }), 3, "No W_enc"],
  [new TorchFileError("Truncated", { path: "a" }), 3, "Truncated"],
  [new UnsafePickleError("Refused posix.system", { path: "a", symbol: "posix.system" }), 3, "Refused posix.system"],
  [new DatasetError("Empty", { path: "a" }), 3, "Empty"],
  [new PictureError("Not a picture", { path: "a" }), 3, "Not a picture"],
  [new ArtifactError("Incomplete", { path: "a" }), 3, "Incomplete"],
  [new ArtifactError("Cannot write data/x: disk full", { path: "data/x" }), 5, "Cannot write data/x: disk full"],
  [new NonFiniteError("NaN", { image: 0, patch: 0, dimension: 0, value: NaN }), 3, "NaN"],
  [new BackendUnavailableError("webgpu", "no adapter"), 4, "Cannot use the webgpu backend: no adapter"],
  [new DeviceLostError("Lost"), 4, "Lost"],
  [new DeviceLimitError("Too big", { limit: "max-memory", requested: 2, available: 1 }), 4, "Too big"],
  [new RenderError("Cannot draw"), 5, "Cannot draw"],
  [new DOMException("Stopped", "AbortError"), 75, "Interrupted; run the same command with --resume to go on"],
  [
    fileError("NotFound", "No such file or directory (os error 2): open './data/imagenet/a.parquet'", "ENOENT"),
    3,
    "Cannot read an input: No such file or directory (os error 2): open './data/imagenet/a.parquet'; check the path",
  ],
  [
    fileError("PermissionDenied", "Permission denied (os error 13): open './data/sort_by_patch/sparsity.pt'", "EACCES"),
    5,
    "Cannot write the output: Permission denied (os error 13): open './data/sort_by_patch/sparsity.pt'; check --dump-to",
  ],
  [
    fileError("NotADirectory", "Not a directory (os error 20): mkdir '/home/u/data/x'"),
    5,
    "Cannot write the output: Not a directory (os error 20): mkdir '/home/u/data/x'; check --dump-to",
  ],
  [
    fileError("NotFound", "No such file or directory (os error 2): open 'mydata/x'", "ENOENT"),
    3,
    "Cannot read an input: No such file or directory (os error 2): open 'mydata/x'; check the path",
  ],
  [
    Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" }),
    5,
    "Cannot write the output: No space left on device (os error 28); free some space or give another --dump-to",
  ],
  [
    fileError("NotCapable", 'Requires read access to "a,b.pt", run again with the --allow-read flag'),
    2,
    'Requires read access to "a,b.pt", run again with the --allow-read flag: ' +
    'add --allow-read=a,,b.pt after "deno run", or see the whole command with --dry-run',
  ],
  [
    fileError("NotCapable", "Requires read access to <CWD>, run again with the --allow-read flag"),
    2,
    "Requires read access to <CWD>, run again with the --allow-read flag: " +
    'add --allow-read after "deno run", or see the whole command with --dry-run',
  ],
];

Deno.test({
  name: "runCli() maps what the work throws to an exit status and one line",
  permissions,
  async fn(): Promise<void> {
    const paths = ["--ckpt", "sae.pt", "--images.root", "./data/imagenet", "--dump-to", "./data"];
    for (const [error, code, line] of FAILURES) {
      const result = await run(["visuals", ...paths], { jobs: { main: () => Promise.reject(error) } });
      const prefix = code === 75 ? "" : "error: ";
      deepStrictEqual({ code: result.code, err: result.err, out: result.out }, {
        code,
        err: `${prefix}${line}\n`,
        out: "",
      });
    }
  },
});

Deno.test({
  name: "runCli() calls anything unforeseen a bug, with the stack and its causes",
  permissions,
  async fn(): Promise<void> {
    const error = new TypeError("x is undefined", { cause: new Error("deep down") });
    const { code, err } = await run(["dump"], { jobs: { dumpActivations: () => Promise.reject(error) } });
    strictEqual(code, 1);
    strictEqual(err.startsWith("error: TypeError: x is undefined\n    at "), true, err);
    strictEqual(err.includes("\nCaused by Error: deep down\n    at "), true, err);
    strictEqual(err.endsWith("\nThis is a bug in saev-visuals; please report it with the lines above\n"), true, err);
    strictEqual(describeFailure("text").code, 1);
  },
});

Deno.test({
  name: "describeFailure() takes Deno's own permission error apart",
  permissions,
  async fn(): Promise<void> {
    const error = await Deno.readTextFile("some file.txt").catch((error) => error);
    const { code, message } = describeFailure(error);
    strictEqual(code, 2);
    strictEqual(message.includes(`add '--allow-read=some file.txt' after "deno run"`), true, message);
  },
});
