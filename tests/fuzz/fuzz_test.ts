import assert from "node:assert/strict";
import { ConfigError } from "../../compute/errors.ts";
import { parseConfigText } from "../../io/config_file.ts";
import { compareManifest, parseManifest } from "../../io/manifest.ts";
import { parseMetadata } from "../../io/_shard_metadata.ts";
import { torchHost } from "../../io/_torch_globals.ts";
import { unpickle } from "../../io/unpickle.ts";
import { decodePicture } from "../../render/decode_picture.ts";
import { judge, loadSeeds, makeCase } from "./_cases.ts";
import { fc } from "./_fast_check.ts";
import { type Target, TARGETS } from "./_targets.ts";
import { startTimer } from "./_time.ts";

const permissions = { read: ["."], write: ["tests/tmp"] };
/** Seeds that hold several tensors: the reader of a single one refuses them. */
const NOT_ONE_TENSOR = /(nested|shared|state_dict|sketch)\.pt$/;
const RUNS = { numRuns: 300, seed: 42 };
const TYPED = /^(Artifact|Config|Picture|ShardFormat|TorchFile|UnsafePickle)Error$/;

/** Whether a reader ends well or in one of our errors; anything else fails the property with what was thrown. */
async function endsWell(read: () => unknown): Promise<void> {
  try {
    await read();
  } catch (error) {
    assert.match((error as Error).name, TYPED, (error as Error).stack);
  }
}

Deno.test({
  name: "readers of JSON take any JSON value",
  permissions: "none",
  async fn(): Promise<void> {
    const keys = [
      "n_imgs",
      "n_examples",
      "layers",
      "cls_token",
      "protocol",
      "d_vit",
      "d_model",
      "format",
      "config",
      "inputs",
    ];
    const json = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...keys, "__proto__", "toString", "files", "rows", "backend"), fc.jsonValue()),
    );
    await fc.assert(
      fc.asyncProperty(json, async (value) => {
        await endsWell(() => parseMetadata(value, "metadata.json"));
        await endsWell(() => {
          const manifest = parseManifest(value, "manifest.json");
          compareManifest(manifest, manifest);
        });
        const text = JSON.stringify(value);
        await endsWell(() => parseConfigText(text, { path: "a.json", format: "json" }));
        await endsWell(() => parseConfigText(text, { path: "a.toml", format: "toml" }));
      }),
      RUNS,
    );
  },
});

Deno.test({
  name: "the pickle reader and the picture decoders take any bytes, behind any of the magics",
  permissions: "none",
  async fn(): Promise<void> {
    const magics = [
      "",
      "\x80\x02",
      "\xff\xd8\xff",
      "\x89PNG\r\n\x1a\n",
      "P6 ",
      "BM",
      "GIF89a",
      "RIFF\0\0\0\0WEBPVP8L",
      "II*\0",
      "MM\0*",
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 400 }), async (magic, rest) => {
        const bytes = Uint8Array.from([...[...magic].map((unit) => unit.charCodeAt(0)), ...rest]);
        await endsWell(() => decodePicture(bytes, { maxPixels: 1 << 16, applyExif: true }));
        await endsWell(() => unpickle(bytes, torchHost("a.pkl", (ref) => ref)));
      }),
      RUNS,
    );
  },
});

Deno.test({
  name: "a config never gains settings from a prototype",
  permissions: "none",
  fn(): void {
    const tables = parseConfigText('{"__proto__": {"polluted": 1}}', { path: "a.json", format: "json" });
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
    assert.deepEqual(Object.keys(tables), ["__proto__"]);
  },
});

Deno.test({
  name: "the fuzzer names a case by its seed, and sees what is untyped, unprintable and slow",
  permissions,
  async fn(): Promise<void> {
    const target = TARGETS[0];
    const seeds = loadSeeds(target);
    assert.deepEqual(makeCase(target, seeds, "1/5"), makeCase(target, seeds, "1/5"));
    assert.notDeepEqual(makeCase(target, seeds, "1/5").bytes, makeCase(target, seeds, "1/6").bytes);
    const place = { seed: "", directory: "" };
    const judged = (run: Target["run"]): Promise<string | undefined> =>
      judge({ ...target, run }, new Uint8Array(1), place);
    assert.match((await judged(() => Promise.reject(new TypeError("x is undefined"))))!, /^untyped: TypeError/);
    assert.equal(await judged(() => Promise.reject(new ConfigError("x is wrong", { path: "x" }))), undefined);
    const raw = Object.assign(new ConfigError("x", { path: "x" }), { message: "a\nb" });
    assert.match((await judged(() => Promise.reject(raw)))!, /not one printable line/);
    // deno-lint-ignore require-await -- as readers are
    const busy = async (): Promise<void> => {
      const elapsed = startTimer();
      while (elapsed() < 2100) continue;
    };
    assert.match((await judged(busy))!, /^slow/);
  },
});

Deno.test({
  name: "inputs that once were findings end in a typed error, at once",
  permissions,
  async fn(): Promise<void> {
    const found = new URL("../../fixtures/fuzz/found/", import.meta.url);
    let count = 0;
    for (const { name } of Deno.readDirSync(found)) {
      const target = TARGETS.find((one) => name.startsWith(`${one.name}-`))!;
      const directory = decodeURIComponent(new URL(`../tmp/found-${name}`, import.meta.url).pathname);
      await Deno.mkdir(directory, { recursive: true });
      const good = new URL("../../fixtures/fuzz/seeds/artifacts/sort_by_img/", import.meta.url);
      for (const file of Deno.readDirSync(good)) {
        await Deno.copyFile(new URL(file.name, good), `${directory}/${file.name}`);
      }
      const place = { seed: "/sketch.pt", directory };
      assert.equal(await judge(target, Deno.readFileSync(new URL(name, found)), place), undefined, name);
      await Deno.remove(directory, { recursive: true });
      count++;
    }
    assert.ok(count >= 4);
  },
});

Deno.test({
  name: "every golden file is made hostile by some target",
  permissions,
  fn(): void {
    const seeds = new Set(TARGETS.flatMap((target) => loadSeeds(target).map(({ path }) => path)));
    const walk = (directory: URL): string[] =>
      [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) =>
        isDirectory
          ? walk(new URL(`${name}/`, directory))
          : [decodeURIComponent(new URL(encodeURIComponent(name), directory).pathname)]
      );
    const golden = walk(new URL("../../fixtures/golden/", import.meta.url));
    assert.ok(golden.length > 150);
    // What is read by tests and people only.
    const left = golden.filter((path) => !seeds.has(path) && !/\/(?:expected\.json|README\.md)$/.test(path));
    assert.deepEqual(left, []);
  },
});

for (const target of TARGETS) {
  // Each reader of bytes in memory gets a taste here; continuous integration runs many more by `deno task fuzz:ci`.
  if (target.onDisk) continue;
  Deno.test({
    name: `hostile bytes end in a typed error or not at all: ${target.name}`,
    permissions,
    async fn(): Promise<void> {
      const seeds = loadSeeds(target);
      for (const { path: seed, bytes } of seeds) {
        assert.equal(await judge(target, bytes, { seed, directory: "" }), undefined, `the good file ${seed}`);
        // Cases made from a file that is refused at the door would test nothing behind it.
        const isGood = !seed.includes("/hostile/") && !(target.name === "tensor" && NOT_ONE_TENSOR.test(seed));
        if (isGood) await target.run(bytes, { seed, directory: "" });
      }
      for (let number = 0; number < 200; number++) {
        const { bytes, from } = makeCase(target, seeds, `test/${number}`);
        assert.equal(await judge(target, bytes, { seed: from.path, directory: "" }), undefined, `test/${number}`);
      }
    },
  });
}
