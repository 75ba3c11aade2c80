import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Backend, FoldPlan } from "../../compute/backend.ts";
import { copyState } from "../../compute/copy_state.ts";
import { finalize } from "../../compute/finalize.ts";
import type { LatentState } from "../../compute/latent_state.ts";
import { prepareRows } from "../../compute/prepare_rows.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../../compute/rows.ts";
import type { Sae } from "../../compute/sae.ts";
import { tensor } from "../../compute/tensor.ts";
import { createWasmBackend } from "../../compute/wasm/mod.ts";
import { normalizeRows, withInputNorm } from "../../compute/with_input_norm.ts";
import { assertSameState, makeCase, makePlan } from "./_cases.ts";

const [D, N, IMAGES] = [5, 7, 6];
const wave = (length: number, step: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * step) * 2 + Math.cos(i * i));
const plain: Sae = {
  dVit: D,
  dSae: N,
  wEnc: wave(D * N, 0.7),
  bEnc: wave(N, 0.3),
  bPre: wave(D, 1.1),
  activation: { kind: "relu" },
};
const norms = [{ kind: "layer_norm", epsilon: 1e-5 }, { kind: "constant_norm", norm: Math.sqrt(D) }] as const;
const layouts: readonly (Partial<RowLayout> & Pick<RowLayout, "kind">)[] = [
  { kind: "patches" },
  { kind: "patches", layers: 2, mean: wave(D, 0.2), scalar: Math.fround(1.7), clamp: 1.5 },
  { kind: "cls" },
  { kind: "meanpool", layers: 2 },
];

function planFor(layout: RowLayout, nonFinite: "error" | "skip" = "error"): FoldPlan {
  return {
    layout,
    nImages: IMAGES,
    batchImages: 4,
    k: 3,
    sortBy: layout.kind === "patches" ? "patch" : "img",
    dedupe: "none",
    percentile: 90,
    percentileLr: 1e-3,
    nDistributions: 2,
    nonFinite,
    maxMemoryBytes: 2 ** 30,
    threads: 1,
  };
}

async function foldAll(backend: Backend, sae: Sae, plan: FoldPlan, data: Float32Array): Promise<LatentState> {
  const stride = imageStride(plan.layout);
  const fold = await backend.open(sae, plan);
  for (let first = 0; first < IMAGES; first += plan.batchImages) {
    const nImages = Math.min(plan.batchImages, IMAGES - first);
    const block = await fold.lend();
    block.set(data.subarray(first * stride, (first + nImages) * stride));
    await fold.fold({ block, firstImage: first, nImages });
  }
  const state = await fold.state();
  await fold.close();
  return state;
}

for (const inputNorm of norms) {
  for (const given of layouts) {
    Deno.test({
      name: `withInputNorm() folds ${given.kind} of ${given.layers ?? 1} layers as the rows after ${inputNorm.kind}`,
      permissions: "none",
      fn: async () => {
        const layout: RowLayout = {
          layers: 1,
          tokens: 4,
          firstToken: 1,
          dVit: D,
          clamp: 1e5,
          mean: undefined,
          scalar: 1,
          ...given,
        };
        const data = wave(IMAGES * imageStride(layout), 0.9);
        const plan = planFor(layout);
        const found = await foldAll(withInputNorm(createReferenceBackend()), { ...plain, inputNorm }, plan, data);
        const { rows } = prepareRows(data, IMAGES, 0, layout, "error");
        normalizeRows(rows, D, inputNorm);
        const finished: RowLayout = {
          kind: layout.kind === "patches" ? "patches" : "cls",
          layers: 1,
          tokens: rowsPerImage(layout),
          firstToken: 0,
          dVit: D,
          clamp: 1e9,
          mean: undefined,
          scalar: 1,
        };
        const expected = await foldAll(createReferenceBackend(), plain, planFor(finished), rows);
        deepStrictEqual(found, expected);
        ok(found.count.some((count) => count > 0));
      },
    });
  }
}

Deno.test({
  name: "withInputNorm() leaves out the rows that the backend would",
  permissions: "none",
  fn: async () => {
    const layout: RowLayout = {
      kind: "patches",
      layers: 1,
      tokens: 3,
      firstToken: 1,
      dVit: D,
      clamp: 1e5,
      mean: undefined,
      scalar: 1,
    };
    const data = wave(IMAGES * imageStride(layout), 0.9);
    data[(4 * 3 + 2) * D + 3] = NaN;
    const sae = { ...plain, inputNorm: norms[0] };
    const backend = withInputNorm(createReferenceBackend());
    const state = await foldAll(backend, sae, planFor(layout, "skip"), data);
    deepStrictEqual([state.rows, state.skippedRows], [11, 1]);
    const result = finalize(state, { percentile: 90, percentileLr: 1e-3, totalRows: 12 });
    strictEqual(Number.isNaN(result.distributions.data[9]), true);
    await rejects(foldAll(backend, sae, planFor(layout), data), /Found NaN in image 4, patch 1, dimension 3/);
  },
});

Deno.test({
  name: "withInputNorm() encodes rows after the norm, and passes other encoders on",
  permissions: "none",
  fn: async () => {
    const backend = createReferenceBackend();
    const x = tensor(wave(3 * D, 0.4), [3, D]);
    const before = x.data.slice();
    const rows = x.data.slice();
    normalizeRows(rows, D, norms[1]);
    const found = await withInputNorm(backend).encode(x, { ...plain, inputNorm: norms[1] });
    deepStrictEqual(found, await backend.encode(tensor(rows, [3, D]), plain));
    deepStrictEqual(x.data, before);
    deepStrictEqual(await withInputNorm(backend).encode(x, plain), await backend.encode(x, plain));
    await rejects(backend.encode(x, { ...plain, inputNorm: norms[1] }), /wrap the backend in withInputNorm/);
    await rejects(
      withInputNorm(backend).encode(tensor(wave(4, 1), [1, 4]), { ...plain, inputNorm: norms[1] }),
      TypeError,
    );
  },
});

/** Folds all images, as many at a time as the buffers lent hold; says how many that were. */
async function foldAsLent(
  backend: Backend,
  sae: Sae,
  plan: FoldPlan,
  data: Float32Array,
): Promise<{ state: LatentState; lentImages: number[] }> {
  const stride = imageStride(plan.layout);
  const fold = await backend.open(sae, plan);
  const lentImages: number[] = [];
  for (let first = 0; first < plan.nImages;) {
    const block = await fold.lend();
    strictEqual(block.length % stride, 0);
    lentImages.push(block.length / stride);
    const nImages = Math.min(block.length / stride, plan.nImages - first);
    block.set(data.subarray(first * stride, (first + nImages) * stride));
    await fold.fold({ block, firstImage: first, nImages });
    first += nImages;
  }
  const state = copyState(await fold.state());
  await fold.close();
  return { state, lentImages };
}

/** A reference backend whose buffers hold other numbers of images than it was asked for. */
function lendingOthers(images: number): Backend {
  const inner = createReferenceBackend();
  return {
    ...inner,
    open: (sae, plan, from) => inner.open(sae, { ...plan, batchImages: images }, from),
  };
}

for (const kind of ["patches", "meanpool", "cls"] as const) {
  Deno.test({
    name:
      `withInputNorm() lends no more than was asked for and the backend's own buffers hold, and wasm folds that, ${kind}`,
    permissions: "none",
    fn: async () => {
      // More than wasm's buffers hold, which are two chunks of 2,048 rows.
      const nImages = kind === "patches" ? 1000 : 4500;
      const given = makeCase({ dVit: 8, dSae: 24, nImages, patches: 5, kind, scale: true, bias: -1 });
      const data = given.block;
      const inputNorm = norms[0];
      const sae = { ...given.sae, inputNorm };
      const plan = makePlan(given, { nonFinite: "skip" });
      const { rows } = prepareRows(data, nImages, 0, given.layout, "skip");
      normalizeRows(rows, 8, inputNorm);
      const finished: RowLayout = {
        ...{
          kind: kind === "patches" ? "patches" : "cls",
          layers: 1,
          tokens: rowsPerImage(given.layout),
          firstToken: 0,
        },
        ...{ dVit: 8, clamp: 1e9, mean: undefined, scalar: 1 },
      };
      const wasm = await createWasmBackend();
      const plainWasm = await foldAsLent(wasm, given.sae, { ...plan, layout: finished }, rows);
      ok(plainWasm.lentImages[0] < nImages, "wasm's own buffers hold the whole job: nothing is tried");
      ok(plainWasm.state.count.some((count) => count > 0));
      for (const batchImages of [nImages, 70]) {
        const found = await foldAsLent(withInputNorm(wasm), sae, { ...plan, batchImages }, data);
        ok(Math.max(...found.lentImages) <= Math.min(batchImages, plainWasm.lentImages[0]), `${found.lentImages}`);
        assertSameState(found.state, plainWasm.state);
      }
      await wasm.close();
      const reference = await foldAsLent(createReferenceBackend(), given.sae, { ...plan, layout: finished }, rows);
      for (const [own, batchImages, lends] of [[13, 100, 13], [100, 13, 13], [nImages, nImages, nImages]]) {
        const found = await foldAsLent(withInputNorm(lendingOthers(own)), sae, { ...plan, batchImages }, data);
        strictEqual(Math.max(...found.lentImages), lends);
        assertSameState(found.state, reference.state);
      }
    },
  });
}

Deno.test({
  name: "withInputNorm() takes one buffer of the backend's for a batch, however often it is asked to lend",
  permissions: "none",
  fn: async () => {
    const given = makeCase({ dVit: 8, dSae: 24, nImages: 6 });
    const inner = createReferenceBackend();
    let taken = 0;
    const backend = withInputNorm({
      ...inner,
      open: async (...to) => {
        const fold = await inner.open(...to);
        const lend = fold.lend.bind(fold);
        return Object.assign(fold, { lend: () => (taken++, lend()) });
      },
    });
    const fold = await backend.open({ ...given.sae, inputNorm: norms[0] }, makePlan(given));
    for (let image = 0; image < 6; image += 3) {
      const [block, again] = [await fold.lend(), await fold.lend()];
      deepStrictEqual([again.byteOffset, again.length], [block.byteOffset, block.length]);
      await fold.fold({ block, firstImage: image, nImages: 3 });
      strictEqual(taken, 1 + image / 3);
    }
    await fold.close();
  },
});

Deno.test({
  name: "withInputNorm() gives the backend a sample of normalised rows, and none where there is none",
  permissions: "none",
  fn: async () => {
    const given = makeCase({ dVit: 8, dSae: 24, nImages: 6 });
    const plans: FoldPlan[] = [];
    const inner = createReferenceBackend();
    const backend = withInputNorm({
      ...inner,
      open: (sae, plan, from) => {
        plans.push(plan);
        return inner.open(sae, plan, from);
      },
    });
    const sae = { ...given.sae, inputNorm: norms[0] };
    const rows = wave(3 * 8, 0.4);
    rows.fill(0, 8, 16);
    const asked: number[] = [];
    const sample = (n: number): Promise<Float32Array> => (asked.push(n), Promise.resolve(rows.slice()));
    for (const plan of [makePlan(given, { sample }), makePlan(given)]) await (await backend.open(sae, plan)).close();
    const expected = rows.slice();
    normalizeRows(expected, 8, norms[0]);
    deepStrictEqual(await plans[0].sample!(77), expected);
    deepStrictEqual(asked, [77]);
    ok(expected.every(Number.isFinite));
    strictEqual(plans[1].sample, undefined);
  },
});
