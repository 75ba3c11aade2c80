/** Who computes what must not matter: threads, batches, chunks, cuts of the data, resuming. */
import assert from "node:assert/strict";
import { NonFiniteError } from "../../../compute/errors.ts";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import { createWasmBackend } from "../../../compute/wasm/mod.ts";
import { assertSameState, type Case, type CaseOptions, makeCase, makePlan, runFold } from "../_cases.ts";

/** Enough rows for several chunks of 2,048 and parts of 256, with an image count that leaves incomplete ones. */
const MANY: CaseOptions = { dVit: 24, dSae: 203, nImages: 251, patches: 9, bias: -1 };
const THREADED = { variant: "auto", workersAbove: 0, workerPermissions: "none" } as const;

Deno.test({
  name: "wasm: the bits do not depend on threads or batch size",
  permissions: "none",
  fn: async () => {
    const backend = await createWasmBackend(THREADED);
    for (const activation of ["relu", "topk", "jumprelu"] as const) {
      const given = makeCase({ ...MANY, activation });
      const plan = makePlan(given, { k: 20 });
      const expected = await runFold(backend, given.sae, plan, given.block, given.nImages);
      for (const [threads, batch] of [[1, 1], [2, 50], [3, 211], [5, 7]]) {
        const actual = await runFold(backend, given.sae, { ...plan, threads }, given.block, batch);
        assertSameState(actual, expected);
      }
    }
    await backend.close();
  },
});

Deno.test({
  name: "wasm: a state taken up goes on as if the pass had never stopped",
  permissions: "none",
  fn: async () => {
    const backend = await createWasmBackend(THREADED);
    const given = makeCase(MANY);
    for (const sortBy of ["patch", "sum"] as const) {
      const plan = makePlan(given, { k: 20, sortBy, threads: 2 });
      const expected = await runFold(backend, given.sae, plan, given.block);
      const from = await runFold(backend, given.sae, plan, given.block, 30, { end: 100 });
      assertSameState(await runFold(backend, given.sae, plan, given.block, 40, { first: 100, from }), expected);
    }
    await backend.close();
  },
});

Deno.test({
  name: "wasm: reading the state in the middle of a pass changes nothing",
  permissions: "none",
  fn: async () => {
    const backend = await createWasmBackend(THREADED);
    const given = makeCase(MANY);
    const plan = makePlan(given, { k: 20, threads: 2, batchImages: 60 });
    const expected = await runFold(backend, given.sae, plan, given.block);
    const stride = given.block.length / given.nImages;
    const fold = await backend.open(given.sae, plan);
    for (let image = 0; image < given.nImages; image += 60) {
      const nImages = Math.min(60, given.nImages - image);
      const block = await fold.lend();
      block.set(given.block.subarray(image * stride, (image + nImages) * stride));
      await fold.fold({ block, firstImage: image, nImages });
      assert.equal((await fold.state()).rows, (image + nImages) * 9);
    }
    assertSameState(await fold.state(), expected);
    await backend.close();
  },
});

/** A case with bad values in rows 40 (dimension 5, and 9), 41 and 700. */
function withBadRows(): Case {
  const given = makeCase({ ...MANY, cls: false, integers: true });
  const put = (row: number, dimension: number, value: number): void => {
    given.block[row * 24 + dimension] = value;
  };
  put(700, 0, NaN);
  put(40, 9, -Infinity);
  put(40, 5, Infinity);
  put(41, 0, NaN);
  return given;
}

Deno.test({
  name: "wasm: non-finite rows are skipped as the reference skips them",
  permissions: "none",
  fn: async () => {
    const given = withBadRows();
    const backend = await createWasmBackend(THREADED);
    const plan = makePlan(given, { nonFinite: "skip", threads: 2, nDistributions: 203 });
    const expected = await runFold(createReferenceBackend(), given.sae, plan, given.block);
    assert.equal(expected.skippedRows, 3);
    assertSameState(await runFold(backend, given.sae, plan, given.block, 64), expected);
    await backend.close();
  },
});

Deno.test({
  name: "wasm: the first non-finite element is refused by name",
  permissions: "none",
  fn: async () => {
    const given = withBadRows();
    const backend = await createWasmBackend(THREADED);
    for (const threads of [1, 3]) {
      await assert.rejects(
        runFold(backend, given.sae, makePlan(given, { threads }), given.block, 50),
        (error) =>
          error instanceof NonFiniteError && error.image === 4 && error.patch === 4 && error.dimension === 5 &&
          error.value === Infinity,
      );
    }
    await backend.close();
  },
});
