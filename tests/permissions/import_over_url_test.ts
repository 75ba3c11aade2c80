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
