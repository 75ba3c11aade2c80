/** The WebGPU kernel and pass tests in headless Chromium, on SwiftShader. */
import assert from "node:assert/strict";
import { removeProfile } from "./_remove_profile.ts";

const ROOT = new URL("../../", import.meta.url);
const TMP = new URL("../tmp/", import.meta.url);
const CHROMIUM = "/usr/bin/chromium";
const TIMEOUT_MS = 180_000;

// In continuous integration a missing browser is a failure: the test runs and says so.
const missing = await Deno.stat(CHROMIUM).then(() => false, () => true);
const ignore = missing && Deno.env.get("CI") !== "true";
// deno-lint-ignore no-console -- a skipped test has to say why
if (ignore) console.log(`skipped: there is no ${CHROMIUM} (Debian: chromium)`);

const PAGE = `<!doctype html><title>webgpu</title><script type="module" src="page.js"></script>`;

interface Outcome {
  adapter: string;
  software: boolean;
  passed: string[];
  failed: string[];
}

/** Opens the page in Chromium, served from loopback, and returns what it posted. */
async function inChromium(folder: URL): Promise<Outcome> {
  const script = await Deno.readTextFile(new URL("page.js", folder));
  const posted = Promise.withResolvers<Outcome>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/result") posted.resolve(await request.json());
    const isScript = pathname === "/page.js";
    return new Response(isScript ? script : PAGE, {
      headers: { "content-type": isScript ? "text/javascript" : "text/html" },
    });
  });
  const browser = new Deno.Command(CHROMIUM, {
    args: [
      ...["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
      `--user-data-dir=${decodeURIComponent(new URL("profile/", folder).pathname)}`,
      `http://127.0.0.1:${server.addr.port}/`,
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

Deno.test({
  name: "the WebGPU kernels and passes agree with their twins and the reference in Chromium",
  ignore,
  permissions: { read: true, write: [TMP], run: [CHROMIUM, "deno"], net: ["127.0.0.1"] },
  async fn(): Promise<void> {
    const folder = new URL(`browser-${crypto.randomUUID()}/`, TMP);
    await Deno.mkdir(folder, { recursive: true });
    try {
      const output = decodeURIComponent(new URL("page.js", folder).pathname);
      const args = ["bundle", "--quiet", "--platform", "browser", "-o", output, "tests/browser/_webgpu_page.ts"];
      const { code, stderr } = await new Deno.Command("deno", { args, cwd: ROOT, stdout: "null", stderr: "piped" })
        .output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      const { adapter, software, passed, failed } = await inChromium(folder);
      assert.deepEqual(failed, [], `on ${adapter}`);
      assert(passed.length > 40, `only ${passed.length} cases ran`);
      assert(software, `${adapter} was not recognised as a software adapter`);
    } finally {
      await removeProfile(folder);
    }
  },
});
