/** Whole passes on the WebGPU backend: against the reference, and against themselves cut otherwise. */
import assert from "node:assert/strict";
import { NonFiniteError } from "../../../compute/errors.ts";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import { tensor } from "../../../compute/tensor.ts";
import { assertSameState, assertWithinBounds, makeCase, makePlan, oracle, runFold } from "../_cases.ts";
import { gpuTest, hasHalf, openBackend } from "./_adapter.ts";
import { checkPass, makePass, PASS_CASES, runPass, sameExactParts } from "./_pass_cases.ts";

gpuTest("a pass gives the reference's state, whatever the sizes, activation, ranking and values", async () => {
  const backend = await openBackend();
  try {
    for (const pass of PASS_CASES) await checkPass(backend, pass);
  } finally {
    await backend.close();
  }
});

gpuTest("a pass gives the same bits for any batch, strip, chunk, list and resume", async () => {
  const given = makeCase({ nImages: 21, dSae: 75, dVit: 20, scale: true, bias: -0.3 });
  const plan = makePlan(given, { k: 7 });
  const whole = await openBackend({ tuning: { stripRows: 1000, capacity: 128 } });
  const cut = await openBackend({ tuning: { stripRows: 8, capacity: 2, maxChunk: 10, pieceBytes: 2000, ring: 2 } });
  try {
    const expected = await runFold(whole, given.sae, plan, given.block, 21);
    for (const batch of [1, 5, 21]) assertSameState(await runFold(cut, given.sae, plan, given.block, batch), expected);
    const from = await runFold(whole, given.sae, plan, given.block, 4, { end: 8 });
    assertSameState(await runFold(cut, given.sae, plan, given.block, 3, { first: 8, from }), expected);
    for (const options of [{ dedupe: "image" }, { sortBy: "sum" }] as const) {
      const other = { ...plan, ...options };
      const once = await runFold(whole, given.sae, other, given.block, 21);
      assertSameState(await runFold(cut, given.sae, other, given.block, 2), once);
    }
    const sparse = { ...given.sae, activation: { kind: "topk", k: 6 } } as const;
    const once = await runFold(whole, sparse, plan, given.block, 21);
    assertSameState(await runFold(cut, sparse, plan, given.block, 2), once);
  } finally {
    await whole.close();
    await cut.close();
  }
});

gpuTest("a pass resumes from another backend's state", async () => {
  const pass = makePass("resume", { nImages: 20, dSae: 33, plan: { nDistributions: 0 } });
  const reference = createReferenceBackend();
  const backend = await openBackend();
  try {
    const from = await runPass(reference, pass, { end: 9 });
    const expected = await runPass(reference, pass);
    sameExactParts("resumed", await runPass(backend, pass, { first: 9, from }), expected);
  } finally {
    await backend.close();
  }
});

gpuTest("rows are counted in 32 bits without a sign, and past what f32 can tell apart", async () => {
  const backend = await openBackend();
  try {
    // The last images of a job of 3.6 thousand million rows.
    const small = makePass("far", { nImages: 6, patches: 3, dSae: 70 });
    const nImages = 1_200_000_000;
    const plan = { ...small.plan, nImages, nDistributions: 0, sortBy: "patch" } as const;
    const states = [];
    for (const each of [backend, createReferenceBackend()]) {
      const fold = await each.open(small.sae, plan);
      const stride = small.block.length / 6;
      for (const image of [0, 3]) {
        const block = await fold.lend();
        block.set(small.block.subarray(image * stride, (image + 3) * stride));
        await fold.fold({ block, firstImage: nImages - 6 + image, nImages: 3 });
      }
      states.push(await fold.state());
      await fold.close();
    }
    sameExactParts("far", states[0], states[1]);
    assert(states[0].topCount.some((n) => n > 0) && states[0].topImage.every((i) => i === 0 || i >= nImages - 6));
  } finally {
    await backend.close();
  }
});

gpuTest("values stay within the derived bound of the exact ones, for every tile that compiles quickly", async () => {
  for (const tile of ["auto", "32x32x16/4x4"]) {
    const backend = await openBackend({ tile });
    try {
      for (const options of [{}, { scale: true, clamp: 1.5 }, { activation: "jumprelu", cls: false }] as const) {
        const given = makeCase({ dVit: 37, dSae: 50, nImages: 12, ...options });
        for (const plan of [makePlan(given), makePlan(given, { sortBy: "sum" })]) {
          assertWithinBounds(await runFold(backend, given.sae, plan, given.block, 5), given, plan);
        }
      }
    } finally {
      await backend.close();
    }
  }
});

gpuTest("a NaN is refused with its image, patch, dimension and value", async () => {
  const backend = await openBackend();
  const stride = 5 * 5;
  try {
    for (
      const [kind, at, where] of [
        ["patches", 6 * stride + 3 * 5 + 2, { image: 6, patch: 2, dimension: 2 }],
        ["cls", 3 * stride + 4, { image: 3, patch: 0, dimension: 4 }],
        ["meanpool", 3 * stride + 9, { image: 3, patch: 0, dimension: 4 }],
      ] as const
    ) {
      const spoil = (block: Float32Array): void => {
        block[at] = -Infinity;
        block[at + 3 * stride] = NaN;
      };
      const pass = makePass(`refused ${kind}`, { kind, nImages: 12, spoil });
      await assert.rejects(runPass(backend, pass), (error) => {
        assert(error instanceof NonFiniteError);
        const { image, patch, dimension, value } = error;
        assert.deepEqual({ image, patch, dimension, value }, { ...where, value: -Infinity });
        return true;
      });
    }
  } finally {
    await backend.close();
  }
});

gpuTest("encode() is within the bound, in strips and chunks, for every activation", async () => {
  const backend = await openBackend({ tuning: { maxChunk: 16 } });
  try {
    for (const activation of ["relu", "topk", "threshold", "jumprelu"] as const) {
      const given = makeCase({ activation, dVit: 19, dSae: 45, kind: "cls", nImages: 37, cls: true, patches: 0 });
      const { sae } = given;
      const x = tensor(given.block, [37, 19]);
      const f = await backend.encode(x, sae);
      assert.deepEqual(f.shape, [37, 45]);
      const truth = await createReferenceBackend().encode(x, sae);
      const { bound } = oracle(given);
      f.data.forEach((value, i) => {
        const off = Math.abs(value - truth.data[i]);
        assert(off <= bound[i], `${activation} [${i}]: ${value}, reference ${truth.data[i]}`);
      });
    }
    assert.deepEqual((await backend.encode(tensor(new Float32Array(0), [0, 5]), makePass("none").sae)).shape, [0, 20]);
    await assert.rejects(backend.encode(tensor(new Float32Array(4), [1, 4]), makePass("none").sae), TypeError);
  } finally {
    await backend.close();
  }
});

const halfTest = hasHalf ? gpuTest : (): void => {}; // That it is refused then is tested with the reasons.
halfTest("precision f16 rounds rows and weights to 11 bits", async () => {
  const backend = await openBackend({ precision: "f16" });
  try {
    const given = makeCase({ dVit: 64, dSae: 48, kind: "cls", nImages: 32, patches: 0 });
    const { sae } = given;
    const x = tensor(given.block, [32, 64]);
    const f = (await backend.encode(x, sae)).data;
    const truth = (await createReferenceBackend().encode(x, sae)).data;
    const { bound } = oracle(given);
    // gamma·Σ|x·w| is the f32 bound; two roundings of 2^-11 replace its (n + 2)·2^-24.
    const more = (2 * 2 ** -11 + 2 ** -22) / (66 * 2 ** -24) + 1;
    let worst = 0;
    f.forEach((value, i) => {
      const off = Math.abs(value - truth[i]);
      worst = Math.max(worst, off);
      assert(off <= bound[i] * more, `[${i}]: ${value}, reference ${truth[i]}`);
    });
    assert(worst > 0, "f16 storage changed nothing");
    const pass = makePass("f16", { nImages: 12 });
    sameExactParts("f16", await runPass(backend, pass), await runPass(createReferenceBackend(), pass));
  } finally {
    await backend.close();
  }
});
