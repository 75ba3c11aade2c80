/** The library in a cell of Deno's Jupyter kernel, imported over a URL. */
import assert from "node:assert/strict";
import { path, ROOT, TMP, withFolder } from "../permissions/_deno.ts";
import { withServer } from "../permissions/_serve.ts";

const PYTHON = "/usr/bin/python3";

// In continuous integration a missing client is a failure: the test runs and says so.
const probe = await new Deno.Command(PYTHON, { args: ["-c", "import jupyter_client"], stderr: "null" }).output().catch(
  () => undefined,
);
const ignore = probe?.code !== 0 && Deno.env.get("CI") !== "true";
// deno-lint-ignore no-console -- a skipped test has to say why
if (ignore) console.log("skipped: there is no jupyter_client (Debian: python3-jupyter-client)");

Deno.test({
  name: "mod.ts in a notebook's cell encodes on threads, keeps its state for the next cell, and draws",
  ignore,
  permissions: { read: true, write: [TMP], run: [PYTHON], net: ["127.0.0.1"] },
  fn: (): Promise<void> =>
    withServer(({ origin, requests }) =>
      withFolder(async (folder) => {
        const cells = [
          `import { chooseBackend, encodePng, getSaeActs, loadSae, picture, tensor } from "${origin}/mod.ts";
const { sae } = await loadSae("${path(new URL("fixtures/demo/emoji/sae.pt", ROOT))}");
const rows = tensor(new Float32Array(2 * sae.dVit).fill(0.1), [2, sae.dVit]);
const { backend } = await chooseBackend("wasm");
const { shape, data } = await getSaeActs(rows, sae, { backend });
await backend.close();
console.log(shape.join(), data.some((v) => v > 0), data.every((v, i) => v === data[(i + sae.dSae) % data.length]));`,
          "encodePng(picture(4, 4)).length > 50 && sae.dSae",
          "throw new RangeError('as it should')",
        ];
        // The kernel looks for settings upwards, and would note what it loads in this project's lockfile.
        await Deno.writeTextFile(new URL("deno.json", folder), `{ "lock": false }`);
        const names = await Promise.all(cells.map(async (cell, i) => {
          await Deno.writeTextFile(new URL(`${i}.ts`, folder), cell);
          return `${i}.ts`;
        }));
        const script = path(new URL("tests/jupyter/run_cells.py", ROOT));
        const { code, stdout, stderr } = await new Deno.Command(PYTHON, { args: [script, ...names], cwd: folder })
          .output();
        const text = new TextDecoder();
        assert.equal(code, 0, text.decode(stderr));
        const [first, second, third] = text.decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
        assert.equal(first.error, null);
        assert.match(first.text, /^2,768 true true$/m);
        assert.deepEqual([second.result, second.error], ["768", null]);
        assert.match(third.error, /RangeError: .*as it should/);
        assert.ok(requests.includes("/mod.ts"));
      })
    ),
});
