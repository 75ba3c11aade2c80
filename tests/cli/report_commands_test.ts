import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { CheckReport, Inspection, InspectRequest } from "../../cli/jobs.ts";
import { grantsToInspect } from "../../cli/grants.ts";
import type { Grants } from "../../cli/grants.ts";
import { run } from "./_fake.ts";

const WAY = { layer: 4, scaleMean: false, scaleNorm: false, preBias: true, inputNorm: false } as const;
const FOUND = { ...WAY, explainedVariance: 0.9251, meanL0: 28.31 };
const REPORT: CheckReport = {
  checkpoint: {
    path: "sae.pt",
    kind: "saev",
    activation: "ReLU",
    convention: "act((x - b_dec) W_enc + b_enc)",
    trainedOn: "layer 4 of vit",
    dVit: 96,
    dSae: 768,
  },
  shards: { root: "shards", layout: "current", images: 60, patches: 64, clsToken: true, layers: [4, 5], dVit: 96 },
  pictures: { root: "pictures", count: 60 },
  sample: { images: 60, rows: 3840, nonFiniteRows: 2 },
  found: FOUND,
  silentLatents: 3,
  tried: [FOUND, { ...FOUND, layer: 5, explainedVariance: NaN, meanL0: 190.2 }],
  backend: { name: "wasm", reason: "no GPU" },
  warnings: ["layer 5 is worse"],
  problems: [],
};
const PICTURES: Inspection = {
  what: "pictures",
  kind: "image-folder",
  root: "cats",
  count: 1200,
  labels: 3,
  first: ["a.jpg", "b.jpg"],
};

Deno.test({
  name: "`check` prints its report and warnings, and exits 0",
  permissions: "none",
  async fn(): Promise<void> {
    const words = ["check", "--ckpt", "sae.pt", "--data.shard-root", "shards", "--data.layer", "4"];
    const { code, out, err, config } = await run(words, { jobs: { checkInputs: () => Promise.resolve(REPORT) } });
    strictEqual(code, 0);
    strictEqual(err, "warning: layer 5 is worse\n");
    deepStrictEqual([config?.ckpt, config?.data.layer], ["sae.pt", 4]);
    ok(/encoder +0\.925 of the variance explained, 28\.3 latents fire on a row, 3 \(0\.4 %\) on none/.test(out), out);
    ok(/3,840 rows of 60 images, 2 rows more hold NaN or an infinity, on wasm/.test(out), out);
    ok(/^ +n\/a +190\.2 +5 +no +no +yes +no$/m.test(out), out);
    ok(/^ +0\.925 +28\.3 +4 .*\(configured\)$/m.test(out), out);
  },
});

Deno.test({
  name: "`check` exits 3 after its report when the job would fail",
  permissions: "none",
  async fn(): Promise<void> {
    const jobs = { checkInputs: () => Promise.resolve({ ...REPORT, problems: ["61 pictures, but 60 images"] }) };
    const { code, out, err } = await run(["check", "--ckpt", "sae.pt"], { jobs });
    strictEqual(code, 3);
    ok(out.includes("0.925") && /error: 61 pictures, but 60 images; give the data set/.test(err), err);
  },
});

Deno.test({
  name: "`check --json` prints the report as JSON, warnings within; without flags it checks the demo",
  permissions: "none",
  async fn(): Promise<void> {
    const { out, err, config } = await run(["check", "--json"], {
      jobs: { checkInputs: () => Promise.resolve(REPORT) },
    });
    strictEqual(err, "");
    deepStrictEqual(JSON.parse(out), JSON.parse(JSON.stringify(REPORT)));
    strictEqual(config?.ckpt, "/opt/saev/fixtures/demo/emoji/sae.pt");
  },
});

Deno.test({
  name: "`inspect` asks for what it is told, may read that and write nothing",
  permissions: "none",
  async fn(): Promise<void> {
    let asked: InspectRequest | undefined;
    let granted: Grants | undefined;
    const jobs = {
      inspectPath: (request: InspectRequest): Promise<Inspection> => {
        asked = request;
        return Promise.resolve(PICTURES);
      },
    };
    const { code, out } = await run(["inspect", "cats"], { jobs });
    strictEqual(code, 0);
    deepStrictEqual(asked, { path: "cats", shardRoot: undefined });
    strictEqual(out.split("\n")[0], "Pictures: cats");
    ok(/pictures +1,200/.test(out) && /first +a\.jpg, b\.jpg/.test(out), out);
    const json = await run(["inspect", "cats", "--json", "--data.shard-root", "shards"], {
      jobs,
      env: {
        loadJobs: (grants) => {
          granted = grants;
          return Promise.resolve(jobs as never);
        },
      },
    });
    deepStrictEqual(JSON.parse(json.out), PICTURES);
    deepStrictEqual(asked, { path: "cats", shardRoot: "shards" });
    deepStrictEqual(granted, { read: ["cats", "shards"], write: [] });
  },
});

Deno.test({
  name: "`inspect` without a path says what is missing",
  permissions: "none",
  async fn(): Promise<void> {
    for (const words of [["inspect"], ["inspect", "--json"], ["inspect", "--data.shard-root", "shards"]]) {
      const { code, err } = await run(words);
      strictEqual(code, 2);
      ok(/inspect lacks what to look at/.test(err), err);
    }
  },
});

Deno.test({
  name: "grantsToInspect() lets settings beside weights be read, and the directory that a file stands for",
  permissions: "none",
  fn(): void {
    const read = (path: string): readonly string[] => grantsToInspect(path, undefined).read;
    deepStrictEqual(read("a/ae.pt"), ["a/ae.pt", "a/cfg.json", "a/config.json"]);
    deepStrictEqual(read("w.safetensors"), ["w.safetensors", "cfg.json", "config.json"]);
    deepStrictEqual(read("a/sae.pt"), ["a/sae.pt"]);
    deepStrictEqual(read("a/metadata.json"), ["a/metadata.json", "a"]);
    deepStrictEqual(read("manifest.json"), ["manifest.json", "."]);
    deepStrictEqual(read("/metadata.json"), ["/metadata.json", "/"]);
    deepStrictEqual(read("runs/a"), ["runs/a"]);
  },
});
