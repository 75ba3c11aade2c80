import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { inspectText } from "../../cli/inspect_text.ts";
import { detectPath } from "../../io/detect_path.ts";
import { inspectPath } from "../../visuals/inspect_path.ts";
import { inTemporary } from "../io/_temporary.ts";

const permissions = { read: ["."] };

Deno.test({
  name: "inspectPath() describes a checkpoint, and what is wrong with given shards",
  permissions,
  fn: async () => {
    const path = "fixtures/checkpoints/saelens/v6-layer-norm";
    const found = await inspectPath({ path, shardRoot: "fixtures/demo/emoji/shards" });
    ok(found.what === "checkpoint");
    deepStrictEqual(
      [found.kind, found.schema, found.dVit, found.dSae, found.activation, found.convention],
      ["saelens", 6, 8, 24, "ReLU", "act((layer_norm(x) - b_dec) W_enc + b_enc)"],
    );
    strictEqual(found.problems.length, 1);
    ok(/width 8, but fixtures\/demo\/emoji\/shards holds width 96/.test(found.problems[0]));
    const text = inspectText(found);
    for (const part of [/rows first +layer norm, epsilon 0.00001/, /trained on +blocks\.4/, /config +.*cfg\.json/]) {
      ok(part.test(text), text);
    }
    const [least, , median, , most] = found.norms.decoder;
    ok(0 < least && least < median && median < most);
    ok(found.norms.threshold === undefined && found.norms.preBias === found.norms.decoderBias);
  },
});

Deno.test({
  name: "inspectPath() gives norms that decoders of unit norm and thresholds must have",
  permissions,
  fn: async () => {
    const demo = await inspectPath({ path: "fixtures/demo/emoji/sae.pt" });
    ok(demo.what === "checkpoint" && demo.norms.decoder.every((norm) => Math.abs(norm - 1) < 1e-6));
    const batch = await inspectPath({ path: "fixtures/checkpoints/dictionary_learning/BatchTopKSAE/ae.pt" });
    ok(batch.what === "checkpoint");
    deepStrictEqual(batch.norms.threshold, [0.75, 0.75, 0.75, 0.75, 0.75]);
  },
});

Deno.test({
  name: "inspectPath() describes shards, artifacts, pictures and runs",
  permissions,
  fn: async () => {
    const root = "fixtures/demo/current-layout/saev/shards/feadabea";
    const byFile = await inspectPath({ path: `${root}/metadata.json` });
    deepStrictEqual(byFile, await inspectPath({ path: root }));
    ok(byFile.what === "shards");
    deepStrictEqual([byFile.images, byFile.patches, byFile.layers, byFile.files], [60, 64, [4, 5], 3]);
    ok(/layers +4, 5/.test(inspectText(byFile)));
    const artifacts = await inspectPath({ path: "fixtures/golden/emoji-sort_by_patch" });
    ok(artifacts.what === "artifacts");
    deepStrictEqual([artifacts.kind, artifacts.dSae, artifacts.k, artifacts.deadLatents], ["patch", 768, 8, 24]);
    ok(/upstream, or unfinished/.test(inspectText(artifacts)));
    const pictures = await inspectPath({ path: "fixtures/demo/emoji/images" });
    ok(pictures.what === "pictures");
    deepStrictEqual([pictures.kind, pictures.count, pictures.labels], ["image-folder", 240, 9]);
    const run = await inspectPath({ path: "fixtures/demo/current-layout/saev/runs/emoji" });
    ok(run.what === "checkpoint" && run.schema === 5);
  },
});

Deno.test({
  name: "detectPath() goes by the names of files",
  permissions: { read: ["."], write: ["tests/tmp"] },
  fn: () =>
    inTemporary(async (directory) => {
      const touch = async (path: string): Promise<void> => {
        const at = path.lastIndexOf("/");
        await Deno.mkdir(`${directory}/${path.slice(0, at)}`, { recursive: true });
        await Deno.writeTextFile(`${directory}/${path}`, "");
      };
      await touch("tables/data/train-0.parquet");
      await touch("ade/sceneCategories.txt");
      await touch("out/sort_by_patch/manifest.json");
      await touch("folders/cats/a.jpg");
      await touch("prisma/n_images_100.pt");
      const kinds = await Promise.all(["tables", "ade", "out", "folders", "prisma"].map(async (name) => {
        const found = await detectPath(`${directory}/${name}/`);
        return found.what === "pictures" ? found.spec.kind : found.what;
      }));
      deepStrictEqual(kinds, ["imagenet", "ade20k", "artifacts", "image-folder", "checkpoint"]);
      await rejects(detectPath(`${directory}/none`), /there is no such file or directory/);
    }),
});
