import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Backend, FoldPlan } from "../../compute/backend.ts";
import { finalize } from "../../compute/finalize.ts";
import type { LatentState } from "../../compute/latent_state.ts";
import { prepareRows } from "../../compute/prepare_rows.ts";
import { createReferenceBackend } from "../../compute/reference/mod.ts";
import { imageStride, type RowLayout, rowsPerImage } from "../../compute/rows.ts";
import type { Sae } from "../../compute/sae.ts";
import { tensor } from "../../compute/tensor.ts";
import { normalizeRows, withInputNorm } from "../../compute/with_input_norm.ts";

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
