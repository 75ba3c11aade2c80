import assert from "node:assert/strict";
import { path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";
import { withServer } from "./_serve.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"], net: ["127.0.0.1"] };

/** Encodes and ranks a small batch; prints the result as JSON. What it does with whole numbers is exact on any backend. */
const script = (origin: string, device: string): string => `
import { chooseBackend, finalize, getNewTopk, getSaeActs, tensor } from "${origin}/mod.ts";
const sae = {
  dVit: 2, dSae: 3, activation: { kind: "relu" }, bPre: new Float32Array([1, 0]), bEnc: new Float32Array([0, 0, 1]),
  wEnc: new Float32Array([1, -1, 0, 0, 2, 1]),
};
const { backend } = await chooseBackend("${device}", { threads: 1 });
const x = tensor(new Float32Array([3, 1, 0, 2, 5, 0, 1, -1]), [4, 2]);
const f = await getSaeActs(x, sae, { saeBatchSize: 3, backend });
const plan = {
  layout: { kind: "cls", layers: 1, tokens: 1, firstToken: 1, dVit: 2, clamp: 1e5, mean: undefined, scalar: 1 },
  nImages: 4, batchImages: 4, k: 2, sortBy: "img", dedupe: "none", percentile: 99, percentileLr: 1e-3,
  nDistributions: 0, nonFinite: "error", maxMemoryBytes: 2 ** 28, threads: 1,
};
const fold = await backend.open(sae, plan);
const block = await fold.lend();
block.set(x.data);
await fold.fold({ block, firstImage: 0, nImages: 4 });
const top = finalize(await fold.state(), { percentile: 99, percentileLr: 1e-3, totalRows: 4 });
await fold.close();
await backend.close();
const merged = getNewTopk(
  tensor(new Float32Array([3, 1]), [1, 2]), tensor(new Int32Array([7, 8]), [1, 2]),
  tensor(new Float32Array([2, 0]), [1, 2]), tensor(new Int32Array([9, 6]), [1, 2]), 2,
);
console.log(JSON.stringify({
  backend: backend.name, f: [...f.data], topI: [...top.topI.data], topValues: [...top.topValues.data],
  merged: [[...merged.values.data], [...merged.indices.data].map(Number)],
}));
`;

// x − bPre: (2, 1) (−1, 2) (4, 0) (0, −1); latent 0 weighs the first by 1, latent 1 by −1 and the second by 2, latent 2 the second by 1, plus 1.
const EXPECTED = {
  f: [2, 0, 2, 0, 5, 3, 4, 0, 1, 0, 0, 0],
  topI: [2, 0, 1, 0, 1, 0],
  topValues: [4, 2, 5, -1, 3, 2],
  merged: [[3, 2], [7, 9]],
};

/** Folds integers in two compute workers that have no permission at all, and in the reference; prints what ran, and whether the bits agree. */
const threaded = (origin: string): string => `
import { createWasmBackend } from "${origin}/compute/wasm/mod.ts";
import { createReferenceBackend } from "${origin}/compute/reference/mod.ts";
const started = [];
globalThis.Worker = class extends Worker {
  constructor(url, options) {
    super(url, options);
    started.push([String(url).slice(0, 5), options.deno?.permissions]);
  }
};
const [dVit, dSae, n] = [32, 100, 300];
const whole = (n, by, mod) => Float32Array.from({ length: n }, (_, i) => (i * by) % mod - (mod >> 1));
const sae = {
  dVit, dSae, activation: { kind: "relu" }, bPre: new Float32Array(dVit), bEnc: whole(dSae, 3, 7), wEnc: whole(dVit * dSae, 29, 11),
};
const x = whole(n * dVit, 37, 13);
const plan = {
  layout: { kind: "cls", layers: 1, tokens: 1, firstToken: 1, dVit, clamp: 1e5, mean: undefined, scalar: 1 },
  nImages: n, batchImages: n, k: 4, sortBy: "img", dedupe: "none", percentile: 99, percentileLr: 1e-3,
  nDistributions: 0, nonFinite: "error", maxMemoryBytes: 2 ** 28, threads: 2,
};
const states = [];
for (const backend of [await createWasmBackend({ workersAbove: 0, workerPermissions: "none" }), createReferenceBackend()]) {
  const fold = await backend.open(sae, plan);
  const block = await fold.lend();
  block.set(x);
  await fold.fold({ block, firstImage: 0, nImages: n });
  const { topValue, topImage, count, sumBins } = await fold.state();
  states.push([topValue, topImage, count, sumBins].map(String).join());
  await backend.close();
}
console.log(JSON.stringify({ started, same: states[0] === states[1] }));
`;

Deno.test({
  name: "over a URL too, compute workers start with no permission at all, and compute",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withServer(({ origin, host }) =>
      withFolder(async (folder) => {
        await Deno.writeTextFile(new URL("main.ts", folder), threaded(origin));
        const { code, stdout, stderr } = await runDeno(
          [
            "run",
            "--no-config",
            "--no-lock",
            "--no-prompt",
            `--allow-import=${host}`,
            "--unstable-worker-options",
            "main.ts",
          ],
          { cwd: folder },
        );
        assert.equal(code, 0, stderr);
        assert.deepEqual(JSON.parse(stdout), { started: [["data:", "none"], ["data:", "none"]], same: true }, stderr);
      })
    ),
});

for (const device of ["reference", "wasm"]) {
  Deno.test({
    name: `mod.ts imports over a URL from an empty directory, and ${device} encodes and ranks`,
    permissions: PERMISSIONS,
    fn: (): Promise<void> =>
      withServer(({ origin, host, requests }) =>
        withFolder(async (folder) => {
          await Deno.writeTextFile(new URL("main.ts", folder), script(origin, device));
          const { code, stdout, stderr } = await runDeno(
            ["run", "--no-config", "--no-lock", "--no-prompt", `--allow-import=${host}`, "main.ts"],
            { cwd: folder },
          );
          assert.equal(code, 0, stderr);
          assert.deepEqual(JSON.parse(stdout), { backend: device, ...EXPECTED }, stderr);
          assert.ok(requests.includes("/mod.ts"), requests.join(" "));
        })
      ),
  });
}

Deno.test({
  name: "importing mod.ts needs no permission and does nothing",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withFolder(async (folder) => {
      const { code, stdout, stderr } = await runDeno(["run", "--no-prompt", path(new URL("mod.ts", ROOT))], {
        cwd: folder,
      });
      assert.deepEqual([code, stdout, stderr], [0, "", ""]);
      assert.deepEqual([...Deno.readDirSync(folder)], []);
    }),
});

/** What each room does where it may do nothing but load code; the last expression is printed. */
const ROOMS: Readonly<Record<string, string>> = {
  "compute/mod.ts": `
const { backend } = await room.chooseBackend("wasm");
const x = room.tensor(new Float32Array([2, 3, -1, 4]), [2, 2]);
const sae = {
  dVit: 2, dSae: 2, activation: { kind: "topk", k: 1 }, bPre: new Float32Array(2), bEnc: new Float32Array(2),
  wEnc: new Float32Array([1, 0, 0, 1]),
};
const f = await backend.encode(x, sae);
await backend.close();
console.log([...f.data].join());`,
  "render/mod.ts": `
const black = room.encodePng(room.picture(8, 8));
const decoded = await room.decodePicture(black);
const shown = room.makeImg({ img: decoded, label: "", patches: new Float32Array([0, 0, 0, 1]) }, 1, { scale: 0.25 });
const plot = await room.svgToPng('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="8">a</text></svg>');
console.log([shown.width, shown.data.some((v) => v > 200), plot[1]].join());`,
  "io/mod.ts": `
const header = new TextEncoder().encode('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}');
const file = new Uint8Array(8 + header.length + 8);
new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
file.set(header, 8);
file.set(new Uint8Array(new Float32Array([1, 2]).buffer), 8 + header.length);
const read = await room.readSafetensors(room.memorySource("made", file));
console.log([...read.get("x").data].join());`,
  "config.ts": `console.log(room.parseConfig({ topK: 3, maxMemory: "1KiB" }).maxMemory);`,
};
const PRINTED: Readonly<Record<string, string>> = {
  "compute/mod.ts": "0,3,0,4",
  "render/mod.ts": "56,true,80",
  "io/mod.ts": "1,2",
  "config.ts": "1024",
};

for (const [module, body] of Object.entries(ROOMS)) {
  Deno.test({
    name: `${module} alone imports over a URL and works without any permission`,
    permissions: PERMISSIONS,
    fn: (): Promise<void> =>
      withServer(({ origin, host, requests }) =>
        withFolder(async (folder) => {
          await Deno.writeTextFile(new URL("main.ts", folder), `import * as room from "${origin}/${module}";\n${body}`);
          const flags = ["--no-check", "--no-config", "--no-lock", "--no-prompt", `--allow-import=${host}`];
          const { code, stdout, stderr } = await runDeno(["run", ...flags, "main.ts"], { cwd: folder });
          assert.equal(code, 0, stderr);
          assert.equal(stdout.trim(), PRINTED[module], stderr);
          const others = ["compute/", "io/", "render/", "visuals", "cli"].filter((room) => !module.startsWith(room));
          if (!module.startsWith("c")) others.splice(others.indexOf("compute/"), 1);
          const strangers = requests.filter((path) => others.some((room) => path.startsWith(`/${room}`)));
          assert.deepEqual(strangers.filter((path) => module !== "config.ts" || !path.startsWith("/compute/")), []);
        })
      ),
  });
}

Deno.test({
  name: "mod.ts over a URL folds on several threads without any permission but to load code",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withServer(({ origin, host, requests }) =>
      withFolder(async (folder) => {
        const threaded = script(origin, "wasm").replaceAll("threads: 1", "threads: 2");
        await Deno.writeTextFile(new URL("main.ts", folder), threaded);
        const flags = ["--no-check", "--no-config", "--no-lock", "--no-prompt", `--allow-import=${host}`];
        const { code, stdout, stderr } = await runDeno(["run", ...flags, "main.ts"], { cwd: folder });
        assert.equal(code, 0, stderr);
        assert.deepEqual(JSON.parse(stdout), { backend: "wasm", ...EXPECTED }, stderr);
        assert.ok(requests.some((path) => /worker/.test(path)), requests.join(" "));
      })
    ),
});

Deno.test({
  name: "mod.ts over a URL encodes and ranks with its shaders, without any permission but to load code",
  permissions: PERMISSIONS,
  ignore: (await navigator.gpu?.requestAdapter() ?? null) === null,
  fn: (): Promise<void> =>
    withServer(({ origin, host, requests }) =>
      withFolder(async (folder) => {
        await Deno.writeTextFile(new URL("main.ts", folder), script(origin, "webgpu"));
        const flags = ["--no-check", "--no-config", "--no-lock", "--no-prompt", `--allow-import=${host}`];
        const { code, stdout, stderr } = await runDeno(["run", ...flags, "main.ts"], { cwd: folder });
        assert.equal(code, 0, stderr);
        assert.deepEqual(JSON.parse(stdout), { backend: "webgpu", ...EXPECTED }, stderr);
        assert.ok(requests.some((path) => path.endsWith(".wgsl")), requests.join(" "));
      })
    ),
});

Deno.test({
  name: "the command line runs over a URL from an empty directory: a job, a check, a look, with the job's paths only",
  permissions: PERMISSIONS,
  fn: (): Promise<void> =>
    withServer(({ origin, host }) =>
      withFolder(async (folder) => {
        const demo = path(new URL("fixtures/demo/emoji", ROOT));
        const out = path(new URL("out", folder));
        const flags = ["run", "--no-config", "--no-lock", "--no-prompt", `--allow-import=${host}`];
        const inputs = [
          "--ckpt",
          `${demo}/sae.pt`,
          "--data.shard-root",
          `${demo}/shards`,
          "--images.kind",
          "image-folder",
        ];
        const job = [...inputs, "--images.root", `${demo}/images`, "--data.no-scale-mean", "--data.no-scale-norm"];
        const few = [
          "--top-k",
          "3",
          "--n-latents",
          "2",
          "--log-freq-range",
          "-6",
          "-1",
          "--log-value-range",
          "-3",
          "3",
        ];
        const reads = `--allow-read=${demo}/sae.pt,${demo}/shards,${demo}/images`;
        const visuals = await runDeno(
          [
            ...flags,
            `${reads},${out}`,
            `--allow-write=${out}`,
            `${origin}/cli.ts`,
            "visuals",
            ...job,
            ...few,
            "--dump-to",
            out,
          ],
          { cwd: folder },
        );
        assert.equal(visuals.code, 0, visuals.stderr);
        assert.match(visuals.stdout, /Encoded 15,360 rows .*\n.*\nShowed 2 latents/);
        assert.ok(Deno.statSync(new URL("out/sort_by_patch/index.html", folder)).size > 1000);
        // The output is read too, as the job would.
        const check = await runDeno([...flags, `${reads},./data`, `${origin}/cli.ts`, "check", ...job], {
          cwd: folder,
        });
        assert.equal(check.code, 0, check.stderr);
        assert.match(check.stdout, /encoder +0\.9\d+ of the variance explained, 2\d\.\d latents fire on a row/);
        const look = await runDeno([
          ...flags,
          `--allow-read=${demo}/sae.pt`,
          `${origin}/cli.ts`,
          "inspect",
          `${demo}/sae.pt`,
        ], {
          cwd: folder,
        });
        assert.equal(look.code, 0, look.stderr);
        assert.match(look.stdout, /shape +768 latents, width 96/);
        const refused = await runDeno([...flags, `${origin}/cli.ts`, "inspect", `${demo}/sae.pt`], { cwd: folder });
        assert.equal(refused.code, 2, refused.stderr);
        assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["out"]);
      })
    ),
});
