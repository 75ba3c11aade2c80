/** The WebAssembly backend against kernels nobody here wrote. */
import assert from "node:assert/strict";
import { prepareRows } from "../../../compute/prepare_rows.ts";
import { createWasmBackend } from "../../../compute/wasm/mod.ts";
import { gammaBound, makeCase, makePlan, runFold } from "../_cases.ts";
import { openOnnx } from "./_onnx_encoder.ts";

Deno.test({
  name: "wasm and onnxruntime agree on activations and ranking within twice the summation bound",
  permissions: "none",
  fn: async () => {
    const given = makeCase({ dVit: 96, dSae: 200, nImages: 150, patches: 5, bias: -1.2 });
    const { sae } = given;
    const k = 12;
    const { rows } = prepareRows(given.block, given.nImages, 0, given.layout, "error");
    const n = rows.length / sae.dVit;
    const centred = rows.map((x, i) => x - sae.bPre[i % sae.dVit]);
    const theirs = await (await openOnnx(sae, k))(centred);

    const backend = await createWasmBackend({ screenAbove: 0 });
    const ours = await backend.encode({ data: rows, shape: [n, sae.dVit] }, sae);
    const state = await runFold(backend, sae, makePlan(given, { k }), given.block);
    await backend.close();

    const slack = new Float64Array(sae.dSae); // largest bound over rows, per latent
    for (let r = 0; r < n; r++) {
      const bound = gammaBound(rows.subarray(r * sae.dVit, (r + 1) * sae.dVit), sae);
      for (let j = 0; j < sae.dSae; j++) {
        slack[j] = Math.max(slack[j], 2 * bound[j]);
        const at = r * sae.dSae + j;
        assert(Math.abs(ours.data[at] - theirs.f[at]) <= 2 * bound[j], `row ${r}, latent ${j}`);
      }
    }
    let exact = 0;
    for (let j = 0; j < sae.dSae; j++) {
      for (let e = 0; e < state.topCount[j]; e++) {
        const value = theirs.values[e * sae.dSae + j];
        assert(Math.abs(state.topValue[j * k + e] - value) <= slack[j], `latent ${j}, rank ${e}`);
        const row = state.topImage[j * k + e] * 5 + state.topPatch[j * k + e];
        if (BigInt(row) === theirs.rows[e * sae.dSae + j]) exact += 1;
      }
    }
    const entries = state.topCount.reduce((a, b) => a + b, 0);
    assert(entries > 500 && exact >= 0.99 * entries, `${exact} of ${entries} ranks name the same row`);
  },
});
