import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { loadConfig } from "../../cli/load_config.ts";
import { parseConfigText, readConfigFile } from "../../io/config_file.ts";
import { checkConfig, parseConfig, resolveDumpTo, type VisualsConfig } from "../../config.ts";
import { run } from "./_fake.ts";

const permissions = "none";

const TOML = `
# The spellings may be mixed
top_k = 16
seed = 7
"data.shard-root" = "from-file"
max_memory = "1.5G"
log_freq_range = [-5, -3]

[data]
scale-mean = false
layer = "meanpool"
`;

function load(words: readonly string[], file = TOML): Promise<VisualsConfig> {
  return loadConfig(words, {
    readFile: (path) => Promise.resolve(parseConfigText(file, { path, format: "toml" })),
    demoRoot: false,
  }).then(({ config }) => config);
}

Deno.test({
  name: "parseConfig() gives upstream's defaults",
  permissions,
  fn(): void {
    const { nWorkers, ...config } = parseConfig();
    strictEqual(nWorkers, navigator.hardwareConcurrency);
    deepStrictEqual(config, {
      ckpt: "./checkpoints/sae.pt",
      images: { kind: "imagenet", root: "./data/imagenet", split: "train" },
      data: {
        shardRoot: "./shards",
        patches: "patches",
        layer: -2,
        clamp: 1e5,
        scaleMean: true,
        scaleNorm: true,
        nRandomSamples: 524288,
      },
      verify: false,
      nonFinite: "error",
      sortBy: "patch",
      topK: 128,
      dedupe: "none",
      percentile: 99,
      nDistributions: 25,
      distributionsLimit: 2 ** 30,
      epsilon: 1e-9,
      logFreqRange: [-6, -2],
      logValueRange: [-1, 1],
      includeLatents: [],
      nLatents: 400,
      seed: 42,
      intervalImages: 4096,
      render: "png",
      diverse: false,
      diverseDistance: 10,
      fit: "square",
      gridScale: 2,
      exif: false,
      maxPixels: 178_956_970,
      export: [],
      study: false,
      device: "auto",
      precision: "f32",
      topkBatchSize: 16384,
      saeBatchSize: 16384,
      readAhead: 1,
      maxMemory: 2 ** 33,
      dumpTo: "./data",
      force: false,
      resume: false,
      checkpointEvery: 60,
      usr2: "stop",
      breakLock: false,
      local: false,
      layers: [],
      outputs: [],
      cls: "auto",
      resize: [],
      crop: [],
      mean: [],
      std: [],
      layout: "current",
      tokensPerShard: 2_400_000,
      vitBatchSize: 16,
      modelFamily: "onnx",
      fromPictures: false,
      slurm: { array: 8, cpus: 8, renderArray: 1 },
      dryRun: false,
      quiet: false,
      profile: false,
    });
    checkConfig(parseConfig());
  },
});

Deno.test({
  name: "parseConfig() accepts its own result and leaves it as it is, and never changes its input",
  permissions,
  fn(): void {
    const input = Object.freeze({
      run: "runs/a",
      maxMemory: "1.5 GiB",
      images: Object.freeze({ kind: "ade20k" as const }),
    });
    const once = parseConfig(input);
    strictEqual(once.maxMemory, 1.5 * 2 ** 30);
    strictEqual(once.images.split, "training");
    deepStrictEqual(parseConfig(once), once);
  },
});

Deno.test({
  name: "parseConfig() fills paths from a run directory, and given ones win",
  permissions,
  fn(): void {
    const filled = parseConfig({ run: "runs/a" });
    strictEqual(filled.ckpt, "runs/a/checkpoint/sae.pt");
    strictEqual(filled.data.shardRoot, "runs/a/links/train-shards");
    strictEqual(resolveDumpTo(filled, "feadabea"), "runs/a/inference/feadabea");
    // A name is put in as it is, also where replacement patterns would mean something.
    strictEqual(resolveDumpTo(filled, "$&"), "runs/a/inference/$&");
    const given = parseConfig({ run: "runs/a", ckpt: "b.pt", data: { shardRoot: "s" }, dumpTo: "d" });
    deepStrictEqual([given.ckpt, given.data.shardRoot, given.dumpTo], ["b.pt", "s", "d"]);
  },
});

Deno.test({
  name: "parseConfig() names the nearest setting for an unknown one",
  permissions,
  async fn(): Promise<void> {
    const parse = (input: object): Promise<VisualsConfig> => Promise.resolve().then(() => parseConfig(input));
    await rejects(parse({ topk: 8 }), { name: "ConfigError", message: "There is no setting topk; did you mean topK?" });
    await rejects(parse({ data: { shards: "s" } }), {
      message: "There is no setting data.shards; did you mean data.shardRoot?",
    });
  },
});

Deno.test({
  name: "loadConfig() lets flags win over the file and the file over the defaults",
  permissions,
  async fn(): Promise<void> {
    const config = await load(["--config", "run.toml", "--top-k", "4", "--data.scale-norm", "false"]);
    strictEqual(config.topK, 4);
    strictEqual(config.seed, 7);
    strictEqual(config.nLatents, 400);
    strictEqual(config.maxMemory, 1.5 * 2 ** 30);
    deepStrictEqual(config.logFreqRange, [-5, -3]);
    deepStrictEqual(config.data, {
      shardRoot: "from-file",
      patches: "patches",
      layer: "meanpool",
      clamp: 1e5,
      scaleMean: false,
      scaleNorm: false,
      nRandomSamples: 524288,
    });
  },
});

Deno.test({
  name: "loadConfig() does not read a file that no flag names",
  permissions,
  async fn(): Promise<void> {
    const readFile = (): Promise<never> => Promise.reject(new Error("was read"));
    strictEqual((await loadConfig(["--seed", "1"], { readFile, demoRoot: false })).config.seed, 1);
  },
});

Deno.test({
  name: "`visuals` runs the demo only when no input is given, and says so",
  permissions,
  async fn(): Promise<void> {
    const { config, err, code } = await run(["visuals"]);
    strictEqual(code, 0);
    strictEqual(err, "No inputs were given: running the demo (240 emoji pictures, 768 latents) into ./data/demo\n");
    strictEqual(config?.ckpt, "/opt/saev/fixtures/demo/emoji/sae.pt");
    strictEqual(config.data.shardRoot, "/opt/saev/fixtures/demo/emoji/shards");
    deepStrictEqual(config.images, { kind: "image-folder", root: "/opt/saev/fixtures/demo/emoji/images", split: "" });
    deepStrictEqual([config.topK, config.nLatents, config.dumpTo], [8, 12, "./data/demo"]);

    const moved = await run(["visuals", "--dump-to", "out", "--quiet"]);
    deepStrictEqual([moved.config?.topK, moved.config?.dumpTo, moved.err], [8, "out", ""]);
    for (const words of [["--top-k", "8"], ["--ckpt", "a.pt"], ["--config", "run.json"]]) {
      strictEqual((await run(["visuals", ...words])).config?.data.shardRoot, "./shards", words.join(" "));
    }
    strictEqual((await run(["dump"])).config?.ckpt, "./checkpoints/sae.pt");
  },
});

Deno.test({
  name: "`visuals` over a URL says why it has no demo",
  permissions,
  async fn(): Promise<void> {
    const { code, err } = await run(["visuals"], { env: { moduleUrl: "https://example.org/cli.ts" } });
    strictEqual(code, 2);
    strictEqual(
      err,
      "error: The demo's files are not on disk, as this program was loaded from a URL; " +
        "give --ckpt, --data.shard-root and --images.root, or run it from a clone\n",
    );
  },
});

Deno.test({
  name: "parseConfigText() says where a file is malformed, in one line",
  permissions,
  fn(): void {
    const cases: readonly (readonly [text: string, format: "json" | "toml", start: string])[] = [
      ["a = \n", "toml", "The config file run.x is not valid TOML: line 1, column "],
      ["a = 1\na = 2\n", "toml", "The config file run.x is not valid TOML: line 2, column "],
      ['{"a": }', "json", "The config file run.x is not valid JSON: "],
      ["[1, 2]", "json", "The config file run.x holds [1,2], expected a table of settings"],
      ["null", "json", "The config file run.x holds null, expected a table of settings"],
    ];
    for (const [text, format, start] of cases) {
      let message = "";
      try {
        parseConfigText(text, { path: "run.x", format });
      } catch (error) {
        message = (error as Error).message;
      }
      strictEqual(message.slice(0, start.length), start);
      strictEqual(message.includes("\n"), false, message);
    }
    deepStrictEqual(parseConfigText('\uFEFF{"top_k": 8}', { path: "run.json", format: "json" }), { top_k: 8 });
  },
});

Deno.test({
  name: "readConfigFile() reads JSON and TOML from disk, and names a missing file",
  permissions: { read: [new URL(".", import.meta.url)] },
  async fn(): Promise<void> {
    const here = decodeURIComponent(new URL(".", import.meta.url).pathname);
    // The TOML reader's tables have no prototype; a round trip leaves only what they hold.
    deepStrictEqual(JSON.parse(JSON.stringify(await readConfigFile(`${here}run.toml`))), {
      top_k: 8,
      data: { layer: -2 },
    });
    deepStrictEqual(await readConfigFile(`${here}run.json`), { topK: 8 });
    await rejects(readConfigFile(`${here}none.json`), {
      name: "ConfigError",
      message: `There is no config file ${here}none.json; check the path given to --config`,
    });
    await rejects(readConfigFile("/elsewhere/run.json"), { name: "NotCapable" });
  },
});

Deno.test({
  name: "parseConfig() reads times with units as seconds",
  permissions: "none",
  fn(): void {
    const seconds = ["60s", "500ms", "1.5 min", "5m", "2h", "0", 7.5].map((checkpointEvery) =>
      parseConfig({ checkpointEvery }).checkpointEvery
    );
    deepStrictEqual(seconds, [60, 0.5, 90, 300, 7200, 0, 7.5]);
  },
});
