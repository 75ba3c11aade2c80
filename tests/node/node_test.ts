/** The library in Node, as `deno task bundle` makes it. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const PERMISSIONS: Deno.PermissionOptions = { read: true, write: [new URL("tests/tmp/", ROOT)], run: ["node", "deno"] };

const COMPUTE = `
const { chooseBackend, finalize } = await import("./compute.mjs");
const sae = {
  dVit: 2, dSae: 3, activation: { kind: "relu" }, bPre: new Float32Array([1, 0]), bEnc: new Float32Array([0, 0, 1]),
  wEnc: new Float32Array([1, -1, 0, 0, 2, 1]),
};
const plan = {
  layout: { kind: "cls", layers: 1, tokens: 1, firstToken: 1, dVit: 2, clamp: 1e5, mean: undefined, scalar: 1 },
  nImages: 4, batchImages: 4, k: 2, sortBy: "img", dedupe: "none", percentile: 99, percentileLr: 1e-3,
  nDistributions: 0, nonFinite: "error", maxMemoryBytes: 2 ** 28, threads: 1,
};
const out = [];
for (const device of ["reference", "wasm", "auto"]) {
  const { backend } = await chooseBackend(device);
  const rows = new Float32Array([3, 1, 0, 2, 5, 0, 1, -1]);
  const f = await backend.encode({ data: rows, shape: [4, 2] }, sae);
  const fold = await backend.open(sae, plan);
  const block = await fold.lend();
  block.set(rows);
  await fold.fold({ block, firstImage: 0, nImages: 4 });
  const top = finalize(await fold.state(), { percentile: 99, percentileLr: 1e-3, totalRows: 4 });
  await fold.close();
  await backend.close();
  out.push({ backend: backend.name, f: [...f.data], topI: [...top.topI.data], topValues: [...top.topValues.data] });
}
console.log(JSON.stringify(out));
`;

/** Decodes a picture of each codec, resizes, draws a heatmap and a plot; digests of pixels, as they do not depend on where it runs. */
const RENDER = `
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
const room = await import("./render.mjs");
const digest = (data) => createHash("sha256").update(data).digest("hex");
const read = (name) => room.decodePicture(readFileSync(process.argv[2] + name), { name });
const out = {};
for (const name of ["golden/pictures/webp_lossless.webp", "golden/pictures/rgb.png", "golden/pictures/tiff.tif"]) {
  out[name] = digest((await read(name)).data);
}
const photo = await read("demo/current-layout/images/flags/flag--france-1680.jpg");
out.photo = digest(photo.data);
out.resized = digest(room.resize(photo, { width: 37, height: 50, filter: "lanczos" }).data);
const shown = room.makeImg({ img: photo, label: "", patches: new Float32Array([0, 1, 2, 3]) }, 3);
out.png = digest(room.encodePng(shown));
out.plot = digest(await room.svgToPng('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text y="15">abc</text></svg>'));
console.log(JSON.stringify(out));
`;

async function run(command: string, args: string[], cwd: URL): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, cwd, env: { NO_COLOR: "1" } }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "compute and render, bundled, give in Node what they give in Deno",
  permissions: PERMISSIONS,
  async fn(t): Promise<void> {
    const name = `tests/tmp/node-${crypto.randomUUID()}`;
    const folder = new URL(`${name}/`, ROOT);
    await Deno.mkdir(folder, { recursive: true });
    try {
      const build = [
        "run",
        "--no-prompt",
        "--unstable-raw-imports",
        "--allow-read=.",
        `--allow-write=${name}`,
        "--allow-run=deno",
      ];
      await run("deno", [...build, "tests/generate/portable.ts", name], ROOT);
      assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name).sort(), ["compute.mjs", "render.mjs"]);
      const major = Number(/^v(\d+)/.exec(await run("node", ["--version"], folder))![1]);
      assert.ok(major >= 20, `Node ${major} is older than 20`);
      await Deno.writeTextFile(new URL("compute_main.mjs", folder), COMPUTE);
      await Deno.writeTextFile(new URL("render_main.mjs", folder), RENDER);
      await t.step("compute encodes and ranks on every backend that Node has", async () => {
        const expected = {
          f: [2, 0, 2, 0, 5, 3, 4, 0, 1, 0, 0, 0],
          topI: [2, 0, 1, 0, 1, 0],
          topValues: [4, 2, 5, -1, 3, 2],
        };
        assert.deepEqual(JSON.parse(await run("node", ["compute_main.mjs"], folder)), [
          { backend: "reference", ...expected },
          { backend: "wasm", ...expected },
          { backend: "wasm", ...expected },
        ]);
      });
      await t.step("render decodes, resizes and draws the same bytes", async () => {
        const fixtures = decodeURIComponent(new URL("fixtures/", ROOT).pathname);
        const inNode = await run("node", ["render_main.mjs", fixtures], folder);
        const inDeno = await run("deno", ["run", "--no-prompt", "--allow-read", "render_main.mjs", fixtures], folder);
        assert.deepEqual(JSON.parse(inNode), JSON.parse(inDeno));
        const golden = JSON.parse(await Deno.readTextFile(new URL("fixtures/recording/expected.json", ROOT)));
        const { sha256 } = golden.resized.find((one: { source: string; width: number; filter: string }) =>
          one.source.endsWith(".jpg") && one.width === 37 && one.filter === "lanczos"
        );
        assert.equal(JSON.parse(inNode).resized, sha256, "and Pillow's");
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
