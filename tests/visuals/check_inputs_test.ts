import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { parseConfig, type VisualsConfigInput } from "../../config.ts";
import { loadSae } from "../../io/load_sae.ts";
import { checkInputs, type CheckReport } from "../../visuals/check_inputs.ts";
import { gridNotes } from "../../visuals/grid_notes.ts";
import { inTemporary } from "../io/_temporary.ts";
import { makeShards } from "../io/_make_shards.ts";
import { writeSaelens } from "./_write_saelens.ts";

const permissions = { read: ["."], write: ["tests/tmp"] };
const EMOJI = "fixtures/demo/emoji";
const SHARDS = "fixtures/demo/current-layout/saev/shards/feadabea";
const RUN = "fixtures/demo/current-layout/saev/runs/emoji/checkpoint/sae.pt";
const PLAIN = { scaleMean: false, scaleNorm: false } as const;

function check(input: VisualsConfigInput): Promise<CheckReport> {
  return checkInputs(parseConfig({ device: "wasm", ...input }));
}

Deno.test({
  name: "checkInputs() finds nothing wrong with the demo",
  permissions,
  fn: async () => {
    const report = await check({
      ckpt: `${EMOJI}/sae.pt`,
      data: { shardRoot: `${EMOJI}/shards`, ...PLAIN },
      images: { kind: "image-folder", root: `${EMOJI}/images` },
    });
    deepStrictEqual([report.warnings, report.problems, report.pictures?.count], [[], [], 240]);
    // The demo's README: mean L0 27.7 over the data it was trained on; the sample is 4096 of its rows.
    ok(Math.abs(report.found.meanL0 - 27.7) < 2, `${report.found.meanL0}`);
    ok(report.found.explainedVariance > 0.9, `${report.found.explainedVariance}`);
    deepStrictEqual(report.sample, { images: 64, rows: 4096, nonFiniteRows: 0 });
    ok(report.silentLatents > 0 && report.silentLatents < 200);
  },
});

Deno.test({
  name: "checkInputs() lets the right layer win, and names it at the wrong one",
  permissions,
  fn: async () => {
    const at = (layer: number, scaling = PLAIN as VisualsConfigInput["data"]): Promise<CheckReport> =>
      check({ ckpt: RUN, data: { shardRoot: SHARDS, layer, ...scaling } });
    const right = await at(4);
    deepStrictEqual(right.warnings, []);
    const wrong = await at(5);
    strictEqual(wrong.tried[1].layer, 4);
    ok(wrong.tried[1].explainedVariance > wrong.tried[0].explainedVariance);
    ok(wrong.tried[1].meanL0 < wrong.tried[0].meanL0 / 3);
    strictEqual(wrong.warnings.length, 1);
    ok(/^At layer 5 as configured .* if you give --data\.layer 4$/.test(wrong.warnings[0]), wrong.warnings[0]);
    const both = await at(5, { scaleMean: true, scaleNorm: true });
    ok(/give --data\.layer 4, --data\.no-scale-mean, --data\.no-scale-norm$/.test(both.warnings[0]), both.warnings[0]);
  },
});

Deno.test({
  name: "checkInputs() doubts a convention that does not fit: the pre-bias, the checkpoint's own normalisation",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const loaded = await loadSae(RUN, { decoder: true });
      const data = { shardRoot: SHARDS, layer: 4, ...PLAIN };
      await writeSaelens(directory, loaded, {});
      const biased = await check({ ckpt: directory, data });
      strictEqual(biased.found.preBias, true);
      ok(/if you give b_dec not subtracted first/.test(biased.warnings[0]), biased.warnings[0]);
      await writeSaelens(directory, loaded, { apply_b_dec_to_input: false, normalize_activations: "layer_norm" });
      const normed = await check({ ckpt: directory, data });
      strictEqual(normed.found.inputNorm, true);
      ok(/if you give the checkpoint's own normalisation left out$/.test(normed.warnings[0]), normed.warnings[0]);
      await writeSaelens(directory, loaded, { apply_b_dec_to_input: false });
      const plain = await check({ ckpt: directory, data });
      deepStrictEqual(plain.warnings, []);
      const reference = await check({ ckpt: RUN, data });
      deepStrictEqual(plain.found, reference.found);
    }),
});

Deno.test({
  name: "checkInputs() says when nothing fits, and which rows are bad",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const loaded = await loadSae("fixtures/checkpoints/saelens/v6-standard", { decoder: true });
      await writeSaelens(directory, loaded, {});
      const shardRoot = await makeShards({ dVit: 8, layers: [3], nImages: 5, patches: 4 });
      const path = `${shardRoot}/acts000000.bin`;
      const values = new Float32Array((await Deno.readFile(path)).buffer);
      values[(1 * 5 + 2) * 8 + 6] = Infinity;
      await Deno.writeFile(path, new Uint8Array(values.buffer));
      const report = await check({ ckpt: directory, data: { shardRoot, layer: 3, ...PLAIN } });
      deepStrictEqual(report.sample, { images: 5, rows: 19, nonFiniteRows: 1 });
      ok(/1 rows of the sample .* image 1, patch 1; leave such rows out/.test(report.warnings[0]), report.warnings[0]);
      ok(
        /explains -12\.4\d+ of .* layer, scaling or convention more than -1\.\d+: the checkpoint was probably/.test(
          report.warnings[1],
        ),
        report.warnings.join("\n"),
      );
      await Deno.remove(shardRoot, { recursive: true });
    }),
});

Deno.test({
  name: "checkInputs() counts pictures, and refuses what cannot be joined",
  permissions,
  fn: async () => {
    const data = { shardRoot: SHARDS, layer: 4, ...PLAIN };
    const images = { kind: "image-folder", root: `${EMOJI}/images` } as const;
    const { problems } = await check({ ckpt: RUN, data, images });
    deepStrictEqual(problems, [`${EMOJI}/images holds 240 pictures, but ${SHARDS} was recorded from 60`]);
    await rejects(check({ ckpt: RUN, data: { ...data, layer: 3 } }), /Cannot find layer 3 .* it holds 4, 5/);
    await rejects(check({ ckpt: "fixtures/golden/patch/sae.pt", data }), /width 32, but .* width 96/);
  },
});

Deno.test({
  name: "gridNotes() names tokens that were recorded as patches",
  permissions: "none",
  fn: () => {
    deepStrictEqual(gridNotes({ patches: 256, clsToken: true }), []);
    const [registers] = gridNotes({ patches: 260, clsToken: true });
    ok(/256 would make 16 x 16, so 4 register tokens may have/.test(registers), registers);
    const [cls] = gridNotes({ patches: 197, clsToken: false });
    ok(/196 would make 14 x 14, so a CLS token may have/.test(cls), cls);
    const [both] = gridNotes({ patches: 261, clsToken: false });
    ok(/so a CLS token and 4 register tokens may have/.test(both), both);
    const [neither] = gridNotes({ patches: 192, clsToken: true });
    ok(/give its rows and columns with --grid/.test(neither), neither);
  },
});
