import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { CheckpointError } from "../../compute/errors.ts";
import { getSaeActs } from "../../compute/get_sae_acts.ts";
import { tensor } from "../../compute/tensor.ts";
import { normalizeRows } from "../../compute/with_input_norm.ts";
import { dictionaryLearningCheckpoint } from "../../io/checkpoint_dictionary_learning.ts";
import { prismaCheckpoint } from "../../io/checkpoint_prisma.ts";
import { saelensCheckpoint } from "../../io/checkpoint_saelens.ts";
import type { Recogniser } from "../../io/checkpoint.ts";
import { loadSae } from "../../io/load_sae.ts";
import type { TorchTensor } from "../../io/torch_tensor.ts";

const ROOT = "fixtures/checkpoints";
const permissions = { read: ["fixtures"] };
const U = 2 ** -24;

/** Folder, kind, activation, and how many warnings there are. */
const CASES: readonly (readonly [folder: string, activation: string, warnings?: number])[] = [
  ["saelens/v6-standard", "ReLU"],
  ["saelens/v6-topk", "TopK(5)"],
  ["saelens/v6-topk-rescaled", "TopK(5)"],
  ["saelens/v6-jumprelu", "JumpReLU"],
  ["saelens/v6-gated", "Gated, as JumpReLU"],
  ["saelens/v6-batchtopk", "JumpReLU"],
  ["saelens/v6-batchtopk-training", "BatchTopK(threshold 0.75)"],
  ["saelens/v6-no-b-dec", "ReLU"],
  ["saelens/v6-layer-norm", "ReLU"],
  ["saelens/v6-constant-norm", "ReLU"],
  ["saelens/v6-expected-average", "ReLU"],
  ["saelens/v6-bfloat16", "ReLU"],
  ["saelens/v5-standard", "ReLU"],
  ["saelens/v5-topk", "TopK(4)"],
  ["saelens/v5-gated", "Gated, as JumpReLU"],
  ["saelens/v5-jumprelu", "JumpReLU"],
  ["saelens/v5-batchtopk", "JumpReLU"],
  ["dictionary_learning/AutoEncoder", "ReLU"],
  ["dictionary_learning/AutoEncoder-unit", "ReLU"],
  ["dictionary_learning/AutoEncoderNew", "ReLU"],
  ["dictionary_learning/AutoEncoderTopK", "TopK(5)"],
  ["dictionary_learning/GatedAutoEncoder", "Gated, as JumpReLU"],
  ["dictionary_learning/JumpReluAutoEncoder", "JumpReLU"],
  ["dictionary_learning/BatchTopKSAE", "BatchTopK(threshold 0.75)"],
  ["dictionary_learning/BatchTopKSAE-no-threshold", "BatchTopK without a threshold, as ReLU", 1],
  ["dictionary_learning/MatryoshkaBatchTopKSAE", "BatchTopK(threshold 0.625)"],
  ["prisma/wrapped", "ReLU"],
  ["prisma/state-dict", "TopK(5)"],
  ["saev/january-2025", "ReLU"],
  ["saev/january-2025-shared", "ReLU"],
  ["saev/schema-1-topk", "TopK(5)", 1],
  ["saev/schema-1-relu", "ReLU", 1],
  ["saev/schema-2-relu", "ReLU"],
  ["saev/schema-5-topk", "TopK(5)"],
  ["saev/schema-5-batchtopk", "BatchTopK(threshold 0.75)"],
  ["saev/schema-5-batchtopk-no-threshold", "BatchTopK without a threshold, as ReLU", 1],
];

for (const [folder, activation, warnings = 0] of CASES) {
  Deno.test({
    name: `loadSae() reads ${folder} and encodes and decodes as its tool does`,
    permissions,
    fn: async () => {
      const path = `${ROOT}/${folder}`;
      const { sae, info, decoder } = await loadSae(path, { decoder: true });
      deepStrictEqual([info.kind, info.activation], [folder.split("/")[0], activation]);
      strictEqual(info.warnings.length, warnings, info.warnings.join("\n"));
      const expected = JSON.parse(await Deno.readTextFile(`${path}/expected.json`));
      const rows = expected.x.length;
      const x = tensor(Float32Array.from(expected.x.flat() as number[]), [rows, sae.dVit]);
      const f = (await getSaeActs(x, sae)).data;
      const want: number[] = expected.f.flat();
      const magnitude: number[] = expected.magnitude.flat();
      for (let i = 0; i < want.length; i++) {
        strictEqual(f[i] > 0, want[i] > 0, `${folder} fires at ${i}: ${f[i]}, expected ${want[i]}`);
        // One rounding each of: the normalised row, the pre-bias, x', a folded weight, the bias, the result.
        const bound = 6 * U * (1 + 6 * U) * magnitude[i];
        ok(Math.abs(f[i] - want[i]) <= bound, `${folder} at ${i}: ${f[i]}, expected ${want[i]} within ${bound}`);
      }
      for (let r = 0; r < rows; r++) {
        for (let d = 0; d < sae.dVit; d++) {
          let [sum, bound] = [decoder!.bDec[d], 3 * U * Math.abs(decoder!.bDec[d])];
          for (let j = 0; j < sae.dSae; j++) {
            const weight = decoder!.wDec[j * sae.dVit + d];
            sum += f[r * sae.dSae + j] * weight;
            if (f[r * sae.dSae + j] > 0) {
              bound += (6.1 * magnitude[r * sae.dSae + j] + 3 * f[r * sae.dSae + j]) * U * Math.abs(weight);
            }
          }
          ok(Math.abs(sum - expected.x_hat[r][d]) <= bound, `${folder} x_hat ${r}, ${d}: ${sum}`);
        }
      }
    },
  });
}

Deno.test({
  name: "loadSae() takes the weights file for its directory, and hashes the settings with it",
  permissions,
  fn: async () => {
    const root = `${ROOT}/saelens/v6-standard`;
    const byFile = await loadSae(`${root}/sae_weights.safetensors`);
    const byDirectory = await loadSae(`${root}/`);
    deepStrictEqual(byFile, byDirectory);
    strictEqual(byFile.decoder, undefined);
    const files = [`${root}/sae_weights.safetensors`, `${root}/cfg.json`];
    deepStrictEqual(byFile.info.files, files);
    const bytes = await Promise.all(files.map((file) => Deno.readFile(file)));
    const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes.flatMap((part) => [...part])));
    strictEqual(byFile.info.sha256, new Uint8Array(digest).toHex());
    strictEqual(byFile.info.trainedOn, "blocks.4.hook_resid_post of tiny-vit");
  },
});

Deno.test({
  name: "loadSae() reads a file without looking beside it where it may not",
  permissions: { read: [`${ROOT}/dictionary_learning/AutoEncoder/ae.pt`] },
  fn: async () => {
    const { info } = await loadSae(`${ROOT}/dictionary_learning/AutoEncoder/ae.pt`);
    deepStrictEqual([info.kind, info.files.length, info.trainedOn], ["dictionary_learning", 1, undefined]);
  },
});

Deno.test({
  name: "loadSae() says what a directory lacks",
  permissions,
  fn: async () => {
    await rejects(loadSae(ROOT), /Cannot tell the checkpoint in .*it holds no weights; give the file itself/);
    await rejects(loadSae("fixtures/golden/torch-files"), /holds \d+ files of weights/);
  },
});

Deno.test({
  name: "normalizeRows() keeps finite rows finite and bad rows bad",
  permissions: "none",
  fn: () => {
    for (const norm of [{ kind: "constant_norm", norm: 2 }, { kind: "layer_norm", epsilon: 1e-5 }] as const) {
      const rows = new Float32Array([0, 0, 0, 1, NaN, 2, Infinity, 1, 1, 3e38, -3e38, 3e38]);
      normalizeRows(rows, 3, norm);
      deepStrictEqual([...rows.subarray(0, 9)], [0, 0, 0, NaN, NaN, NaN, NaN, NaN, NaN]);
      ok(rows.subarray(9).every(Number.isFinite), rows.join());
    }
    const same = new Float32Array([7, 7, 7]);
    normalizeRows(same, 3, { kind: "layer_norm", epsilon: 1e-5 });
    deepStrictEqual([...same], [0, 0, 0]);
    throws(() => normalizeRows(new Float32Array(4), 3, { kind: "constant_norm", norm: 1 }), TypeError);
  },
});

const f32 = (...shape: number[]): TorchTensor => ({
  dtype: "float32",
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5),
});
const saelens = { W_enc: f32(4, 6), b_enc: f32(6), W_dec: f32(6, 4), b_dec: f32(4) };
const linear = { "encoder.weight": f32(6, 4), "encoder.bias": f32(6), "decoder.weight": f32(4, 6) };

const BAD: readonly (readonly [
  what: string,
  recogniser: Recogniser,
  tensors: Record<string, unknown>,
  config: Record<string, unknown> | undefined,
  key: string,
  message: RegExp,
])[] = [
  ["no cfg.json", saelensCheckpoint, saelens, undefined, "cfg.json", /no such file beside it/],
  ["another width", saelensCheckpoint, saelens, { d_in: 5 }, "W_enc", /d_in = 5/],
  ["an unknown architecture", saelensCheckpoint, saelens, { architecture: "transcoder" }, "architecture", /transcoder/],
  ["no k", saelensCheckpoint, saelens, { architecture: "topk" }, "k", /an integer of at least 1/],
  ["no threshold", saelensCheckpoint, saelens, { architecture: "jumprelu" }, "threshold", /nothing/],
  ["no topk_threshold", saelensCheckpoint, saelens, { architecture: "batchtopk" }, "topk_threshold", /nothing/],
  ["tanh-relu", saelensCheckpoint, saelens, { activation_fn_str: "tanh-relu" }, "activation_fn_str", /relu or topk/],
  [
    "an unknown norm",
    saelensCheckpoint,
    saelens,
    { normalize_activations: "z" },
    "normalize_activations",
    /layer_norm/,
  ],
  [
    "a factor of 0",
    saelensCheckpoint,
    saelens,
    { normalize_activations: true, norm_scaling_factor: 0 },
    "norm_scaling_factor",
    /above 0/,
  ],
  ["a gate missing", saelensCheckpoint, saelens, { architecture: "gated" }, "b_gate", /nothing/],
  [
    "an unknown class",
    dictionaryLearningCheckpoint,
    linear,
    { trainer: { dict_class: "CrossCoder" } },
    "trainer.dict_class",
    /CrossCoder/,
  ],
  [
    "no class",
    dictionaryLearningCheckpoint,
    { ...linear, b_dec: f32(4) },
    undefined,
    "trainer.dict_class",
    /directory/,
  ],
  [
    "a bias missing",
    dictionaryLearningCheckpoint,
    linear,
    { trainer: { dict_class: "AutoEncoder" } },
    "bias",
    /nothing/,
  ],
  [
    "no k",
    dictionaryLearningCheckpoint,
    { ...linear, b_dec: f32(4) },
    { trainer: { dict_class: "AutoEncoderTopK" } },
    "k",
    /an integer of at least 1/,
  ],
  [
    "a decoder of another shape",
    dictionaryLearningCheckpoint,
    { ...linear, bias: f32(4), "decoder.weight": f32(6, 4) },
    { trainer: { dict_class: "AutoEncoder" } },
    "decoder.weight",
    /\[6, 4\], and \[4, 6\]/,
  ],
  ["no settings", prismaCheckpoint, { state_dict: new Map(Object.entries(saelens)) }, undefined, "cfg", /no settings/],
];
for (const [what, recogniser, tensors, config, key, message] of BAD) {
  Deno.test({
    name: `${recogniser.name}() refuses a checkpoint with ${what}`,
    permissions: "none",
    fn: () => {
      const container = recogniser === saelensCheckpoint ? "safetensors" : "torch";
      const value = new Map(Object.entries(tensors)) as Map<string, TorchTensor>;
      throws(() => recogniser({ path: "made", header: undefined, value, config, container }), (error: Error) => {
        ok(error instanceof CheckpointError && message.test(error.message), error.message);
        strictEqual(error.key, key);
        return true;
      });
    },
  });
}

Deno.test({
  name: "saelensCheckpoint() warns when a factor is missing",
  permissions: "none",
  fn: () => {
    const value = new Map(Object.entries(saelens));
    const config = { normalize_activations: "expected_average_only_in" };
    const found = saelensCheckpoint({ path: "made", header: undefined, value, config, container: "safetensors" });
    ok(/--data.scale-norm --data.no-scale-mean/.test(found!.info.warnings[0]));
  },
});
