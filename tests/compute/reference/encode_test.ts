import assert from "node:assert/strict";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import { getSaeActs } from "../../../compute/get_sae_acts.ts";
import type { Activation, Sae } from "../../../compute/sae.ts";
import { tensor } from "../../../compute/tensor.ts";
import { makeCase, Random } from "../_cases.ts";

const backend = createReferenceBackend();

/** An encoder whose pre-activations are its input: f = act(x). */
function identity(dSae: number, activation: Activation): Sae {
  const wEnc = new Float32Array(dSae * dSae);
  for (let j = 0; j < dSae; j++) wEnc[j * dSae + j] = 1;
  return { dVit: dSae, dSae, wEnc, bEnc: new Float32Array(dSae), bPre: new Float32Array(dSae), activation };
}

async function activate(activation: Activation, ...pre: number[]): Promise<number[]> {
  const x = tensor(new Float32Array(pre), [1, pre.length]);
  return [...(await backend.encode(x, identity(pre.length, activation))).data];
}

Deno.test({
  name: "reference `encode()` equals a dot product per element, rounded once",
  permissions: "none",
  async fn(): Promise<void> {
    const { sae } = makeCase({ dVit: 37, dSae: 19, bias: 0 });
    const x = new Random(8).normals(11 * 37);
    const { data, shape } = await backend.encode(tensor(x, [11, 37]), sae);
    assert.deepEqual(shape, [11, 19]);
    data.forEach((f, at) => {
      const [row, j] = [Math.floor(at / 19), at % 19];
      const pre = Array.from(sae.bPre, (b, d) => Math.fround(x[row * 37 + d] - b) * sae.wEnc[d * 19 + j])
        .reduce((sum, term) => sum + term, 0) + sae.bEnc[j];
      assert.equal(f, pre > 0 ? Math.fround(pre) : 0);
    });
  },
});

Deno.test({
  name: "reference `encode()` sums in f64 where f32 would lose the answer",
  permissions: "none",
  async fn(): Promise<void> {
    const sae: Sae = {
      ...identity(1, { kind: "relu" }),
      dVit: 3,
      wEnc: new Float32Array([1, 1, 1]),
      bPre: new Float32Array(3),
    };
    const f = await backend.encode(tensor(new Float32Array([2 ** 30, 1, -(2 ** 30)]), [1, 3]), sae);
    assert.equal(f.data[0], 1);
  },
});

Deno.test({
  name: "`relu`: negatives, zeros of either sign and NaN do not fire and are +0",
  permissions: "none",
  async fn(): Promise<void> {
    assert.deepEqual(await activate({ kind: "relu" }, -1, 0, -0, 2 ** -149, 3), [0, 0, 0, 2 ** -149, 3]);
    // NaN in the input reaches every pre-activation.
    assert.deepEqual(await activate({ kind: "relu" }, NaN, 1), [0, 0]);
  },
});

Deno.test({
  name: "`threshold`: strictly above it, and one at or below 0 is ReLU",
  permissions: "none",
  async fn(): Promise<void> {
    assert.deepEqual(await activate({ kind: "threshold", threshold: 0.5 }, 0.25, 0.5, 0.75, -1), [0, 0, 0.75, 0]);
    for (const threshold of [0, -3]) {
      assert.deepEqual(await activate({ kind: "threshold", threshold }, 0.25, 0, -1, -0), [0.25, 0, 0, 0]);
    }
  },
});

Deno.test({
  name: "`jumprelu`: a threshold per latent, negative ones act as 0",
  permissions: "none",
  async fn(): Promise<void> {
    const threshold = new Float32Array([0.5, 1, -1, 0]);
    assert.deepEqual(await activate({ kind: "jumprelu", threshold }, 0.75, 1, 0.25, -0.5), [0.75, 0, 0.25, 0]);
    assert.deepEqual(await activate({ kind: "jumprelu", threshold }, 0.5, 1.5, -0.5, 2), [0, 1.5, 0, 2]);
  },
});

Deno.test({
  name: "`topk`: the k largest of a row, ties to the lower latent, kept negatives do not fire",
  permissions: "none",
  async fn(): Promise<void> {
    const top = (k: number, ...pre: number[]): Promise<number[]> => activate({ kind: "topk", k }, ...pre);
    assert.deepEqual(await top(2, 1, 4, 2, 3), [0, 4, 0, 3]);
    assert.deepEqual(await top(3, 2, 1, 2, 3, 2), [2, 0, 2, 3, 0]);
    assert.deepEqual(await top(1, 2, 2, 2), [2, 0, 0]);
    assert.deepEqual(await top(3, 1, -2, -1, -3), [1, 0, 0, 0]);
    assert.deepEqual(await top(9, 1, -2, 3), [1, 0, 3]);
    assert.deepEqual(await top(2, Infinity, 1, 2).then((f) => f.slice(1)), [0, 0], "infinity times 0 is NaN");
  },
});

Deno.test({
  name: "`encode()` takes no rows and refuses other widths and malformed encoders",
  permissions: "none",
  async fn(): Promise<void> {
    const sae = identity(3, { kind: "relu" });
    assert.deepEqual((await backend.encode(tensor(new Float32Array(0), [0, 3]), sae)).shape, [0, 3]);
    await assert.rejects(backend.encode(tensor(new Float32Array(4), [1, 4]), sae), TypeError);
    await assert.rejects(backend.encode(tensor(new Float32Array(3), [3]), sae), TypeError);
    const x = tensor(new Float32Array(3), [1, 3]);
    await assert.rejects(backend.encode(x, { ...sae, bEnc: new Float32Array(2) }), TypeError);
    await assert.rejects(backend.encode(x, { ...sae, activation: { kind: "topk", k: 0 } }), RangeError);
  },
});

Deno.test({
  name: "`getSaeActs()` is the same for any batch size",
  permissions: "none",
  async fn(): Promise<void> {
    const { sae } = makeCase({ dVit: 8, dSae: 10, activation: "topk" });
    const x = tensor(new Random(9).normals(13 * 8), [13, 8]);
    const whole = await getSaeActs(x, sae);
    assert.deepEqual(whole, await backend.encode(x, sae));
    for (const saeBatchSize of [1, 5, 13]) assert.deepEqual(await getSaeActs(x, sae, { saeBatchSize, backend }), whole);
    await assert.rejects(getSaeActs(x, sae, { saeBatchSize: 0 }), RangeError);
    await assert.rejects(getSaeActs(tensor(new Float32Array(9), [1, 9]), sae), TypeError);
  },
});
