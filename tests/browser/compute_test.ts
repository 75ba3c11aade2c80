import assert from "node:assert/strict";
import { removeProfile } from "./_remove_profile.ts";

const ROOT = new URL("../../", import.meta.url);
const TMP = new URL("../tmp/", import.meta.url);
const CHROMIUM = "/usr/bin/chromium";
const PERMISSIONS: Deno.PermissionOptions = { read: true, write: [TMP], run: [CHROMIUM, "deno"], net: ["127.0.0.1"] };
const TIMEOUT_MS = 60_000;

// In continuous integration a missing browser is a failure: the tests run and say so.
const ignore = !(await exists(CHROMIUM)) && Deno.env.get("CI") !== "true";
// deno-lint-ignore no-console -- a skipped test has to say why
if (ignore) console.log(`skipped: there is no ${CHROMIUM} (Debian: chromium)`);

/** Ranks three rows on a backend and posts what came out, or the error. */
const page = (device: string): string =>
  `<!doctype html><title>compute</title><script type="module">
const post = (value) => fetch("/result", { method: "POST", body: JSON.stringify(value) });
try {
  const { chooseBackend, finalize } = await import("./compute.js");
  const { backend } = await chooseBackend("${device}", { threads: 1 });
  const sae = {
    dVit: 2, dSae: 3, activation: { kind: "relu" }, bPre: new Float32Array([1, 0]), bEnc: new Float32Array([0, 0, 1]),
    wEnc: new Float32Array([1, -1, 0, 0, 2, 1]),
  };
  const plan = {
    layout: { kind: "cls", layers: 1, tokens: 1, firstToken: 1, dVit: 2, clamp: 1e5, mean: undefined, scalar: 1 },
    nImages: 4, batchImages: 4, k: 2, sortBy: "img", dedupe: "none", percentile: 99, percentileLr: 1e-3,
    nDistributions: 0, nonFinite: "error", maxMemoryBytes: 2 ** 28, threads: 1,
  };
  const rows = new Float32Array([3, 1, 0, 2, 5, 0, 1, -1]);
  const f = await backend.encode({ data: rows, shape: [4, 2] }, sae);
  const fold = await backend.open(sae, plan);
  const block = await fold.lend();
  block.set(rows);
  await fold.fold({ block, firstImage: 0, nImages: 4 });
  const top = finalize(await fold.state(), { percentile: 99, percentileLr: 1e-3, totalRows: 4 });
  await post({ backend: backend.name, f: [...f.data], topI: [...top.topI.data], topValues: [...top.topValues.data] });
} catch (error) {
  await post({ error: error.name + ": " + error.message });
}
</script>`;

/** Opens the page in Chromium, served from loopback, and returns what it posted. */
async function inChromium(device: string, folder: URL): Promise<unknown> {
  const script = await Deno.readTextFile(new URL("compute.js", folder));
  const posted = Promise.withResolvers<unknown>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    // Shared memory is given to isolated pages only.
    const headers = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
    if (pathname === "/result") posted.resolve(await request.json());
    if (pathname === "/compute.js") {
      return new Response(script, { headers: { ...headers, "content-type": "text/javascript" } });
    }
    return new Response(page(device), { headers: { ...headers, "content-type": "text/html" } });
  });
  const profile = decodeURIComponent(new URL("profile/", folder).pathname);
  const browser = new Deno.Command(CHROMIUM, {
    args: [
      ...["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
      ...[`--user-data-dir=${profile}`, `http://127.0.0.1:${server.addr.port}/`],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => posted.reject(new Error(`Chromium did not answer in ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  try {
    return await posted.promise;
  } finally {
    clearTimeout(timer);
    browser.kill("SIGTERM");
    await browser.status;
    await server.shutdown();
  }
}

for (const device of ["reference", "wasm", "webgpu"]) {
  Deno.test({
    name: `compute/ bundled for a browser encodes and ranks in Chromium on ${device}`,
    ignore,
    permissions: PERMISSIONS,
    async fn(): Promise<void> {
      const folder = new URL(`browser-${crypto.randomUUID()}/`, TMP);
      await Deno.mkdir(folder, { recursive: true });
      try {
        await bundle(folder);
        assert.deepEqual(await inChromium(device, folder), {
          backend: device,
          f: [2, 0, 2, 0, 5, 3, 4, 0, 1, 0, 0, 0],
          topI: [2, 0, 1, 0, 1, 0],
          topValues: [4, 2, 5, -1, 3, 2],
        });
      } finally {
        await removeProfile(folder);
      }
    },
  });
}

/** Writes `compute.js`: all of compute/ in one module. */
async function bundle(folder: URL): Promise<void> {
  const output = decodeURIComponent(new URL("compute.js", folder).pathname);
  const args = ["bundle", "--quiet", "--platform", "browser", "-o", output, "compute/mod.ts"];
  const { code, stderr } = await new Deno.Command("deno", { args, cwd: ROOT, stdout: "null", stderr: "piped" })
    .output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
