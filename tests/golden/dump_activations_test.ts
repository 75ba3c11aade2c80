import assert from "node:assert/strict";
import type { BackendName } from "../../compute/backend.ts";
import { dumpActivations } from "../../visuals.ts";
import { emojiConfig, FIXTURES, goldenCase, TMP, withFolder } from "./_cases.ts";
import { compareArtifacts, loadTensor } from "./_compare.ts";
import { openOracle } from "./_oracle.ts";

const ROOT = new URL("../../", import.meta.url);
const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP] };
const DEVICES: BackendName[] = ["reference", "wasm", "webgpu"];
const NAMES = ["patch", "patch-scaled", "outliers", "img-cls", "img-cls-sampled"];

// A software adapter does; where there is none at all nothing can be compared.
const noAdapter = !(await navigator.gpu?.requestAdapter());
// deno-lint-ignore no-console -- a skipped test has to say why
if (noAdapter) console.log("skipped: webgpu has no adapter here, not even Mesa's (Debian: mesa-vulkan-drivers)");

for (const device of DEVICES) {
  for (const name of NAMES) {
    Deno.test({
      name: `dumpActivations() on ${device} writes what upstream wrote: ${name}`,
      ignore: device === "webgpu" && noAdapter,
      permissions: PERMISSIONS,
      fn: (): Promise<void> =>
        withFolder(async (folder) => {
          const golden = goldenCase(name);
          const config = golden.config(device, folder);
          await dumpActivations(config);
          const actual = new URL(`sort_by_${golden.sortBy}/`, folder);
          await compareArtifacts({ ...golden, actual, oracle: await openOracle(config) });
        }),
    });
  }
}

for (const device of ["wasm", "webgpu"] as const) {
  Deno.test({
    name: `dumpActivations() on ${device} writes what upstream wrote: the demo`,
    ignore: device === "webgpu" && noAdapter,
    permissions: PERMISSIONS,
    fn: (): Promise<void> =>
      withFolder(async (folder) => {
        const config = emojiConfig(device, folder);
        await dumpActivations(config);
        const expected = new URL("golden/emoji-sort_by_patch/", FIXTURES);
        const actual = new URL("sort_by_patch/", folder);
        await compareArtifacts({ expected, actual, sortBy: "patch", percentile: 99, oracle: await openOracle(config) });
      }),
  });
}

Deno.test({
  name: "compareArtifacts() tells two of upstream's runs apart, and accepts one against itself",
  permissions: { read: [FIXTURES] },
  async fn(): Promise<void> {
    const golden = goldenCase("img-cls");
    const oracle = await openOracle(golden.config("reference", TMP));
    await compareArtifacts({ ...golden, actual: golden.expected, oracle });
    const actual = goldenCase("img-cls-sampled").expected;
    await assert.rejects(compareArtifacts({ ...golden, actual, oracle }), assert.AssertionError);
    const images = await loadTensor(golden.expected, "top_img_i.pt");
    assert.ok(images.data instanceof BigInt64Array);
  },
});
