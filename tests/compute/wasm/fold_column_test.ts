/**
 * What the kernels fold by ways of their own, a percentile's crossings and rankings full of ties, has the reference's bits.
 * Everything is whole numbers, so that both compute the same activations.
 */
import assert from "node:assert/strict";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import { createWasmBackend } from "../../../compute/wasm/mod.ts";
import { assertSameState, makeCase, makePlan, runFold } from "../_cases.ts";

/** Latents from those that fire on almost every row to some that fire once in a thousand. */
function manyRates(nImages: number): ReturnType<typeof makeCase> {
  const given = makeCase({ seed: 3, dVit: 24, dSae: 48, nImages, patches: 7, integers: true });
  const { sae } = given;
  for (let j = 0; j < sae.dSae; j++) sae.bEnc[j] = 4 - j;
  return given;
}

Deno.test("a percentile's estimate has the reference's bits, whatever it is and however steps shrink", async () => {
  const given = manyRates(600);
  const backends = [await createWasmBackend(), createReferenceBackend()];
  try {
    for (const percentile of [0, 0.1, 1, 50, 90, 99, 99.9, 99.999, 100]) {
      for (const percentileLr of [1e-3, 1, 1e3]) {
        const plan = makePlan(given, { percentile, percentileLr, batchImages: 64 });
        const [actual, expected] = await Promise.all(
          backends.map((each) => runFold(each, given.sae, plan, given.block)),
        );
        assertSameState(actual, expected);
        assert(expected.estimate.some((e) => e !== 0) || percentile === 50, `${percentile} moves no estimate`);
      }
    }
  } finally {
    await backends[0].close();
  }
});

Deno.test("rankings of any size, full of ties and overtaken again and again, have the reference's order", async () => {
  const given = manyRates(300);
  const backends = [await createWasmBackend(), createReferenceBackend()];
  try {
    for (const k of [1, 2, 3, 4, 5, 8, 17, 64, 129]) {
      for (const dedupe of ["none", "image"] as const) {
        const plan = makePlan(given, { k, dedupe, batchImages: 50 });
        const [actual, expected] = await Promise.all(
          backends.map((each) => runFold(each, given.sae, plan, given.block)),
        );
        assertSameState(actual, expected);
        const full = expected.topCount.filter((n) => n === k).length;
        assert(full > 10 && expected.topCount.some((n) => n < 129), `${full} rankings are full`);
      }
    }
  } finally {
    await backends[0].close();
  }
});
