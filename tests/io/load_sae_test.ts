import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { CheckpointError } from "../../compute/errors.ts";
import { saevCheckpoint } from "../../io/checkpoint_saev.ts";
import type { Checkpoint } from "../../io/checkpoint.ts";
import { loadSae } from "../../io/load_sae.ts";
import { safeLoad } from "../../io/safe_load.ts";
import type { TorchTensor } from "../../io/torch_tensor.ts";

const permissions = { read: ["fixtures"] };

function f32(shape: number[], fill: (i: number) => number = (i) => i): TorchTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return { dtype: "float32", shape, data: Float32Array.from({ length }, (_, i) => fill(i)) };
}

function made(header: Record<string, unknown> | undefined, tensors: Record<string, TorchTensor> = {}): Checkpoint {
  const all = { W_enc: f32([3, 5]), b_enc: f32([5]), W_dec: f32([5, 3]), b_dec: f32([3], (i) => i + 7), ...tensors };
  return { path: "made.pt", header, value: new Map(Object.entries(all)) };
}

function cfg(activation: unknown): Record<string, unknown> {
  return { d_model: 3, d_sae: 5, activation };
}

Deno.test({
  name: "loadSae() reads a January 2025 checkpoint: ReLU, b_dec subtracted",
  permissions,
  fn: async () => {
    const { sae, info } = await loadSae("fixtures/golden/patch/sae.pt");
    deepStrictEqual([sae.dVit, sae.dSae, sae.activation], [32, 128, { kind: "relu" }]);
    deepStrictEqual([info.kind, info.schema, info.warnings], ["saev", 0, []]);
    ok(sae.bPre.some((value) => value !== 0));
    strictEqual(info.sha256, await sha256("fixtures/golden/patch/sae.pt"));
  },
});

Deno.test({
  name: "loadSae() reads the demo's schema 5 checkpoint: b_dec not subtracted",
  permissions,
  fn: async () => {
    const { sae, info } = await loadSae("fixtures/demo/current-layout/saev/runs/emoji/checkpoint/sae.pt");
    deepStrictEqual([sae.dVit, sae.dSae, info.schema, info.activation], [96, 768, 5, "ReLU"]);
    ok(sae.bPre.every((value) => value === 0));
    strictEqual(sae.bPre.length, 96);
  },
});

Deno.test({
  name: "loadSae() names what it found in a torch file that is no checkpoint",
  permissions,
  fn: async () => {
    await rejects(loadSae("fixtures/golden/torch-files/nested.pt"), /the keys \["cfg","t"\]/);
    await rejects(loadSae("fixtures/golden/torch-files/f32.pt"), CheckpointError);
    await rejects(loadSae("fixtures/none.pt"), (error: Error) => error instanceof CheckpointError);
  },
});

Deno.test({
  name: "saevCheckpoint() reads every schema and activation",
  permissions: "none",
  fn: () => {
    const threshold = { "activation.threshold": f32([], () => 0.25) };
    const relu = { cls: "Relu", params: {} };
    const topk = { cls: "TopK", params: { key: "top-k", top_k: 4 } };
    const batch = { cls: "BatchTopK", params: { top_k: 4 } };
    const read = (checkpoint: Checkpoint): unknown => {
      const { sae, info } = saevCheckpoint(checkpoint)!;
      return [sae.activation, sae.bPre[0], info.warnings.length];
    };
    deepStrictEqual(read(made({ d_vit: 3, exp_factor: 2 })), [{ kind: "relu" }, 7, 0]);
    deepStrictEqual(read(made(undefined)), [{ kind: "relu" }, 7, 1]);
    deepStrictEqual(read(made({ schema: 1, cls: "Relu" })), [{ kind: "relu" }, 7, 1]);
    deepStrictEqual(read(made({ schema: 1, cfg: cfg(topk) })), [{ kind: "topk", k: 4 }, 7, 1]);
    const early = { schema: 1, cls: "TopK", cfg: { d_vit: 3, top_k: 4 } };
    deepStrictEqual(read(made(early)), [{ kind: "topk", k: 4 }, 7, 1]);
    deepStrictEqual(read(made({ schema: 1, cls: "SparseAutoencoderConfig", cfg: {} })), [{ kind: "relu" }, 7, 1]);
    for (const schema of [2, 3, 4, 5]) {
      deepStrictEqual(read(made({ schema, cfg: cfg(relu) })), [{ kind: "relu" }, 0, 0]);
      deepStrictEqual(read(made({ schema, cfg: cfg(topk) })), [{ kind: "topk", k: 4 }, 0, 0]);
      deepStrictEqual(read(made({ schema, cfg: cfg(batch) }, threshold)), [
        { kind: "threshold", threshold: 0.25 },
        0,
        0,
      ]);
    }
    const none = { "activation.threshold": f32([1], () => -1) };
    deepStrictEqual(read(made({ schema: 5, cfg: cfg(batch) }, none)), [{ kind: "relu" }, 0, 1]);
  },
});

const bad: [string, Checkpoint, string, RegExp][] = [
  ["an unknown activation", made({ schema: 5, cfg: cfg({ cls: "Gelu" }) }), "cfg.activation", /"Gelu", and Relu, TopK/],
  ["no activation", made({ schema: 5, cfg: cfg(undefined) }), "cfg.activation", /null/],
  ["a TopK without k", made({ schema: 5, cfg: cfg({ cls: "TopK" }) }), "cfg.activation", /integer of at least 1/],
  ["no threshold", made({ schema: 5, cfg: cfg({ cls: "BatchTopK" }) }), "activation.threshold", /nothing/],
  ["a newer schema", made({ schema: 6, cfg: cfg({ cls: "Relu" }) }), "schema", /6, and a schema from 1 to 5/],
  ["a bias of another length", made({}, { b_enc: f32([4]) }), "b_enc", /shape \[4\], and \[5\] was expected/],
  ["a NaN weight", made({}, { W_enc: f32([3, 5], (i) => i === 7 ? NaN : i) }), "W_enc", /NaN at element 7/],
  ["an infinite bias", made({}, { b_dec: f32([3], () => Infinity) }), "b_dec", /Infinity at element 0/],
  ["a width other than its first line's", made({ d_vit: 4 }), "W_enc", /d = d_vit = 4/],
  [
    "a latent count other than its first line's",
    made({ schema: 5, cfg: { ...cfg({ cls: "Relu" }), d_sae: 6 } }),
    "W_enc",
    /n = d_sae = 6/,
  ],
  ["integer weights", made({}, { b_enc: { dtype: "int32", shape: [5], data: new Int32Array(5) } }), "b_enc", /int32/],
  ["a flat W_enc", made({}, { W_enc: f32([15]) }), "W_enc", /\[15\], and \[d, n\]/],
];
for (const key of ["W_enc", "b_enc", "W_dec", "b_dec"]) {
  const checkpoint = made({});
  (checkpoint.value as Map<string, unknown>).delete(key);
  bad.push([`no ${key}`, checkpoint, key, /nothing, and a tensor was expected/]);
}
for (const [what, checkpoint, key, message] of bad) {
  Deno.test({
    name: `saevCheckpoint() refuses a checkpoint with ${what}`,
    permissions: "none",
    fn: () => {
      throws(() => saevCheckpoint(checkpoint), (error: Error) => {
        ok(error instanceof CheckpointError, String(error));
        strictEqual(error.key, key);
        ok(error.path === "made.pt" && message.test(error.message), error.message);
        return true;
      });
    },
  });
}

Deno.test({
  name: "saevCheckpoint() widens other floating point weights to f32",
  permissions,
  fn: async () => {
    const f64 = await safeLoad("fixtures/golden/torch-files/f64.pt") as TorchTensor;
    const { sae } = saevCheckpoint(made({}, {
      W_enc: f64,
      b_enc: f32([6]),
      W_dec: f32([6, 4]),
      b_dec: f32([4]),
    }))!;
    ok(sae.wEnc instanceof Float32Array && sae.wEnc[23] === 23);
  },
});

async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
