import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { ArtifactError } from "../../compute/errors.ts";
import { compareManifest, type Manifest, MANIFEST_FORMAT, parseManifest } from "../../io/manifest.ts";

const config = {
  ckpt: "sae.pt",
  topK: 8,
  sortBy: "patch",
  dedupe: "none",
  percentile: 99,
  nDistributions: 25,
  distributionsLimit: 2 ** 30,
  nonFinite: "error",
  nLatents: 400,
  device: "auto",
  data: { patches: "patches", layer: -2, clamp: 1e5, scaleMean: true, scaleNorm: true, nRandomSamples: 100 },
};
const inputs = {
  checkpoint: { path: "sae.pt", sha256: "a" },
  metadata: { path: "shards/metadata.json", sha256: "b" },
  shards: [{ name: "acts000000.bin", bytes: 4 }],
};
const manifest: Manifest = {
  format: MANIFEST_FORMAT,
  startedAt: "2025-01-01T00:00:00.000Z",
  config,
  inputs,
  backend: { name: "wasm", reason: "fastest here", details: {} },
  rows: 10,
  skippedRows: 0,
  versions: {},
  timings: {},
  notes: [],
  files: {},
};

Deno.test({
  name: "compareManifest() finds no difference in what does not change the numbers",
  permissions: "none",
  fn: () => {
    deepStrictEqual(compareManifest(manifest, { config, inputs }), []);
    const rendering = { ...config, nLatents: 3, ckpt: "moved.pt", logFreqRange: [-1, 0], nWorkers: 7, device: "wasm" };
    const moved = { ...inputs, checkpoint: { path: "moved.pt", sha256: "a" } };
    deepStrictEqual(compareManifest(manifest, { config: rendering, inputs: moved }), []);
    const reread = JSON.parse(JSON.stringify(manifest));
    deepStrictEqual(compareManifest(reread, { config, inputs }), []);
  },
});

const changed: [string, object, RegExp][] = [
  ["topK", { topK: 16 }, /^topK was 8 and is now 16$/],
  ["sortBy", { sortBy: "sum" }, /^sortBy was "patch" and is now "sum"$/],
  ["dedupe", { dedupe: "image" }, /dedupe/],
  ["percentile", { percentile: 99.9 }, /percentile was 99 and is now 99.9/],
  ["nDistributions", { nDistributions: 1 }, /nDistributions/],
  ["nonFinite", { nonFinite: "skip" }, /nonFinite/],
  ["data.layer", { data: { ...config.data, layer: "meanpool" } }, /data\.layer was -2 and is now "meanpool"/],
  ["data.scaleMean", { data: { ...config.data, scaleMean: false } }, /data\.scaleMean was true and is now false/],
  ["data.nRandomSamples", { data: { ...config.data, nRandomSamples: 5 } }, /data\.nRandomSamples/],
  ["a backend asked for by name", { device: "reference" }, /the wasm backend computed them and "reference"/],
];
for (const [what, change, message] of changed) {
  Deno.test({
    name: `compareManifest() names ${what} when it differs`,
    permissions: "none",
    fn: () => {
      const differences = compareManifest(manifest, { config: { ...config, ...change }, inputs });
      strictEqual(differences.length, 1);
      match(differences[0], message);
    },
  });
}

Deno.test({
  name: "compareManifest() names inputs of other content",
  permissions: "none",
  fn: () => {
    const compare = (part: object): string =>
      compareManifest(manifest, { config, inputs: { ...inputs, ...part } }).join();
    match(compare({ checkpoint: { path: "sae.pt", sha256: "x" } }), /checkpoint sae.pt has other content/);
    match(compare({ metadata: { path: "m", sha256: "x" } }), /metadata|shards' m/);
    match(compare({ shards: [{ name: "acts000000.bin", bytes: 5 }] }), /other names or sizes/);
  },
});

Deno.test({
  name: "compareManifest() ignores the sample's size when nothing is scaled",
  permissions: "none",
  fn: () => {
    const data = { ...config.data, scaleMean: false, scaleNorm: false };
    const found = { ...manifest, config: { ...config, data } };
    const request = { config: { ...config, data: { ...data, nRandomSamples: 5 } }, inputs };
    deepStrictEqual(compareManifest(found, request), []);
  },
});

Deno.test({
  name: "parseManifest() takes what was written and names what is wrong",
  permissions: "none",
  fn: () => {
    deepStrictEqual(parseManifest(JSON.parse(JSON.stringify(manifest)), "m"), manifest);
    for (
      const [wrong, message] of [
        [null, /object/],
        [{ ...manifest, format: 2 }, /format is 2, expected 1/],
        [{ ...manifest, inputs: { ...inputs, checkpoint: "a" } }, /inputs/],
        [{ ...manifest, files: { a: "b" } }, /files/],
        [{ ...manifest, backend: undefined }, /backend/],
      ] as const
    ) {
      throws(() => parseManifest(wrong, "m"), (error: Error) => {
        ok(error instanceof ArtifactError && message.test(error.message), error.message);
        return true;
      });
    }
  },
});
