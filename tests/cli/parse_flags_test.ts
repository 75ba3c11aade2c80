import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { parseFlags } from "../../cli/parse_flags.ts";
import { listSettings, type Setting } from "../../config.ts";

const permissions = "none";

/** Words → settings, every form that is promised. */
const FORMS: readonly (readonly [words: string, settings: Record<string, unknown>])[] = [
  ["", {}],
  ["--ckpt a/b.pt", { ckpt: "a/b.pt" }],
  ["--ckpt=a=b.pt", { ckpt: "a=b.pt" }],
  ["--ckpt=--odd", { ckpt: "--odd" }],
  ["--ckpt 5", { ckpt: "5" }],
  ["--ckpt -odd", { ckpt: "-odd" }],
  ["--data.shard-root s", { data: { shardRoot: "s" } }],
  ["--data.shard_root s", { data: { shardRoot: "s" } }],
  ["--data.shardRoot s", { data: { shardRoot: "s" } }],
  ["--data.layer -2", { data: { layer: -2 } }],
  ["--data.layer=-2", { data: { layer: -2 } }],
  ["--data.layer meanpool", { data: { layer: "meanpool" } }],
  ["--data.no-scale-mean --data.no-scale-norm", { data: { scaleMean: false, scaleNorm: false } }],
  ["--no-data.scale-mean", { data: { scaleMean: false } }],
  ["--no-scale-mean --no-scale-norm", { data: { scaleMean: false, scaleNorm: false } }],
  ["--data.no_scale_mean", { data: { scaleMean: false } }],
  ["--data.scale-mean false", { data: { scaleMean: false } }],
  ["--data.scale-mean=False", { data: { scaleMean: false } }],
  ["--data.scale-mean --seed 1", { data: { scaleMean: true }, seed: 1 }],
  ["--scale-norm true", { data: { scaleNorm: true } }],
  ["--force --resume=false --no-verify", { force: true, resume: false, verify: false }],
  ["--top_k 8 --topk-batch-size 16", { topK: 8, topkBatchSize: 16 }],
  ["--log-freq-range -6 -2", { logFreqRange: [-6, -2] }],
  ["--log-freq-range=-6,-2", { logFreqRange: [-6, -2] }],
  ["--log-value-range -.5 1e1", { logValueRange: [-0.5, 10] }],
  ["--include-latents 1 2 3 --n-latents 4", { includeLatents: [1, 2, 3], nLatents: 4 }],
  ["--include-latents=1,2,3", { includeLatents: [1, 2, 3] }],
  ["--include-latents", { includeLatents: [] }],
  ["--grid 7 9", { grid: [7, 9] }],
  ["--max-memory 8G", { maxMemory: "8G" }],
  ["--max-memory 1024", { maxMemory: 1024 }],
  ["--images.kind image-folder --images.root d", { images: { kind: "image-folder", root: "d" } }],
  ["images:image-folder-dataset --images.root d", { images: { kind: "image-folder", root: "d" } }],
  ["--epsilon 1e-9", { epsilon: 1e-9 }],
];

Deno.test({
  name: "parseFlags() reads every form of a flag",
  permissions,
  fn(): void {
    for (const [words, settings] of FORMS) {
      deepStrictEqual(parseFlags(words.split(" ").filter((word) => word !== "")).settings, settings, words);
    }
  },
});

Deno.test({
  name: "parseFlags() tells which flags were given, as typed, and the config file",
  permissions,
  fn(): void {
    const { given, configFile } = parseFlags(["--top_k", "8", "--config", "run.toml", "--no-scale-mean"]);
    deepStrictEqual([...given], [["topK", "--top_k"], ["config", "--config"], ["data.scaleMean", "--no-scale-mean"]]);
    strictEqual(configFile, "run.toml");
  },
});

Deno.test({
  name: "parseFlags() reads back whatever is written as words",
  permissions,
  fn(): void {
    // A small linear congruential generator (Numerical Recipes): the test is the same every time.
    let state = 1;
    const random = (n: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
    const value = (setting: Setting): unknown => {
      if (setting.isSwitch) return random(2) === 1;
      const one = (): unknown =>
        setting.takesNumbers ? random(2000) - 1000 + random(4) / 4 : `w${random(1000)} =,'"-_${random(10)}`;
      if (setting.arity === 1) return one();
      return Array.from({ length: setting.arity === "many" ? random(5) : setting.arity }, one);
    };
    for (let round = 0; round < 300; round++) {
      const expected: Record<string, unknown> = {};
      const words: string[] = [];
      for (const setting of listSettings()) {
        if (random(4) !== 0) continue;
        const given = value(setting);
        const [table, key] = setting.path.split(".");
        if (key === undefined) expected[table] = given;
        else expected[table] = { ...expected[table] as object, [key]: given };
        const spelled = random(2) === 0 ? setting.flag : setting.flag.replaceAll("-", "_").replace("__", "--");
        if (setting.arity === 1 && random(2) === 0) words.push(`${spelled}=${given}`);
        else words.push(spelled, ...[given].flat().map(String));
      }
      deepStrictEqual(parseFlags(words).settings, expected, words.join(" "));
    }
  },
});

Deno.test({
  name: "parseFlags() answers any words with settings or one ConfigError of one line",
  permissions,
  fn(): void {
    let state = 7;
    const random = (n: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
    const pieces = ["--", "-", "top", "k", "=", "no-", "data.", "scale-mean", "__proto__", "é", "1", "e", ".", "", " "];
    for (let round = 0; round < 2000; round++) {
      const words = Array.from(
        { length: random(5) },
        () => Array.from({ length: random(6) }, () => pieces[random(pieces.length)]).join(""),
      );
      try {
        parseFlags(words);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "ConfigError") throw error;
        strictEqual(error.message.includes("\n"), false, error.message);
      }
    }
    strictEqual(({} as Record<string, unknown>).scaleMean, undefined);
  },
});

Deno.test({
  name: "listSettings() gives every flag once, with a meaning and without a final period",
  permissions,
  fn(): void {
    const settings = listSettings();
    strictEqual(new Set(settings.map(({ flag }) => flag)).size, settings.length);
    for (const { flag, description, expected } of settings) {
      strictEqual(/^--[a-z][a-z0-9-]*(\.[a-z][a-z-]*)?$/.test(flag), true, flag);
      strictEqual(/^[A-Z].*[^.]$/.test(description), true, `${flag}: ${description}`);
      strictEqual(expected.length > 0, true, flag);
    }
    throws(() => parseFlags(["--learning-rate", "1"]), { name: "ConfigError" });
  },
});
