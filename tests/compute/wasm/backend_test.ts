/** What the WebAssembly backend promises beside its numbers: refusals, limits, the probe, dense encoding. */
import assert from "node:assert/strict";
import { BackendUnavailableError, DeviceLimitError } from "../../../compute/errors.ts";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import type { Tensor } from "../../../compute/tensor.ts";
import { loadKernels } from "../../../compute/wasm/kernel_module.ts";
import { createWasmBackend } from "../../../compute/wasm/mod.ts";
import { openPass } from "../../../compute/wasm/open_pass.ts";
import { probe } from "../../../compute/wasm/probe.ts";
import { gammaBound, makeCase, makePlan, Random } from "../_cases.ts";

Deno.test({
  name: "wasm: a pass that does not fit says what it needs and what there is",
  permissions: "none",
  fn: async () => {
    const given = makeCase();
    const backend = await createWasmBackend();
    const open = (maxMemoryBytes: number, k: number): Promise<unknown> =>
      backend.open(given.sae, makePlan(given, { maxMemoryBytes, k }));
    await assert.rejects(
      open(1e5, 5),
      (error) =>
        error instanceof DeviceLimitError && error.limit === "max-memory" && error.available === 1e5 &&
        error.requested > 1e5 && error.requested < 4e6,
    );
    await assert.rejects(
      open(Infinity, 1e7),
      (error) => error instanceof DeviceLimitError && error.available === 2 ** 32 && error.requested > 40 * 1e7 * 16,
    );
    await backend.close();
  },
});

Deno.test({
  name: "wasm: encode() gives the reference's activations, exactly on integers",
  permissions: "none",
  fn: async () => {
    const [wasm, reference] = [await createWasmBackend(), createReferenceBackend()];
    for (const activation of ["relu", "topk", "threshold", "jumprelu"] as const) {
      for (const n of [0, 1, 63, 64, 65, 131]) {
        const { sae } = makeCase({ activation, integers: true, dVit: 19, dSae: 33 });
        const random = new Random(n);
        const x: Tensor = { data: Float32Array.from({ length: n * 19 }, () => random.below(7) - 3), shape: [n, 19] };
        const [a, b] = [await wasm.encode(x, sae), await reference.encode(x, sae)];
        assert.deepEqual(a, b);
      }
    }
    const { sae } = makeCase({ dVit: 50, dSae: 20, bias: 0 });
    const x: Tensor = { data: new Random(3).normals(500), shape: [10, 50] };
    const [a, b] = [await wasm.encode(x, sae), await reference.encode(x, sae)];
    for (let r = 0; r < 10; r++) {
      const bound = gammaBound(x.data.subarray(r * 50, r * 50 + 50), sae);
      for (let j = 0; j < 20; j++) assert(Math.abs(a.data[r * 20 + j] - b.data[r * 20 + j]) <= bound[j]);
    }
    await assert.rejects(wasm.encode({ data: new Float32Array(6), shape: [2, 3] }, sae), TypeError);
  },
});

Deno.test({
  name: "wasm: a pass refuses foreign blocks, gaps, and use after close",
  permissions: "none",
  fn: async () => {
    const given = makeCase();
    const backend = await createWasmBackend();
    const fold = await backend.open(given.sae, makePlan(given, { batchImages: 3 }));
    const block = await fold.lend();
    await assert.rejects(fold.fold({ block: new Float32Array(block.length), firstImage: 0, nImages: 1 }), TypeError);
    await assert.rejects(fold.fold({ block, firstImage: 0, nImages: 4 }), RangeError);
    block.fill(0);
    await fold.fold({ block, firstImage: 0, nImages: 3 });
    await assert.rejects(fold.fold({ block: await fold.lend(), firstImage: 4, nImages: 1 }), RangeError);
    await fold.close();
    await fold.close();
    await assert.rejects(fold.lend(), TypeError);
    await backend.close();
  },
});

Deno.test({
  name: "wasm: what is probed is recorded, and the plain build asks for nothing relaxed",
  permissions: "none",
  fn: async () => {
    const { modules } = await loadKernels("relaxed");
    const { fused, dotBits, pairBits } = await probe(modules);
    const relaxed = await createWasmBackend();
    assert.equal(relaxed.details.variant, "relaxed");
    assert.equal(relaxed.details.fused, fused);
    assert.equal(relaxed.details.dotBits, dotBits);
    assert.equal(relaxed.details.pairBits, pairBits);
    const plain = await createWasmBackend({ variant: "plain" });
    assert.equal(plain.details.variant, "plain");
    assert.equal(plain.details.dotBits, 0);
  },
});

Deno.test({
  name: "wasm: what the screen works on may lie above 2 GiB",
  permissions: "none",
  fn: async () => {
    const given = makeCase({ dVit: 64, dSae: 72, nImages: 600, kind: "cls", bias: -1 });
    const states = [];
    for (const screenAbove of [Infinity, 0]) {
      const backend = await createWasmBackend({ screenAbove, workersAbove: Infinity });
      // Distributions of a long job push everything behind them up; nothing of that memory is ever touched.
      const plan = makePlan(given, { k: 4, nDistributions: 50, maxMemoryBytes: Infinity });
      const fold = await backend.open(given.sae, { ...plan, nImages: 12_000_000, batchImages: 600 });
      const block = await fold.lend();
      block.set(given.block);
      await fold.fold({ block, firstImage: 0, nImages: 600 });
      const { topValue, topImage, count } = await fold.state();
      states.push([topValue.slice(), topImage.slice(), count.slice()]);
      assert.equal((fold.profile().survivorShare ?? 1) < 1, screenAbove === 0);
      await backend.close();
    }
    assert.deepEqual(states[0], states[1]);
  },
});

Deno.test({
  name: "wasm: an engine whose sums are wrong is a backend that cannot be used, in workers and without",
  permissions: "none",
  fn: async () => {
    // A screen that finds its shapes to disagree at once: (func (export "screen") (param i32 i32 i32 i32) (result i32) i32.const -1)
    const types = [0x01, 0x09, 0x01, 0x60, 0x04, 0x7f, 0x7f, 0x7f, 0x7f, 0x01, 0x7f];
    const exported = [0x07, 0x0a, 0x01, 0x06, ...new TextEncoder().encode("screen"), 0x00, 0x00];
    const code = [0x0a, 0x06, 0x01, 0x04, 0x00, 0x41, 0x7f, 0x0b];
    const head = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    const wrong = Uint8Array.from([...head, ...types, 0x03, 0x02, 0x01, 0x00, ...exported, ...code]);
    const { modules: { main } } = await loadKernels("relaxed");
    const modules = { main, screen: await WebAssembly.compile(wrong) };
    const given = makeCase({ dVit: 64, dSae: 72, nImages: 600, kind: "cls" });
    for (const workersAbove of [Infinity, 0]) {
      const plan = makePlan(given, { threads: 2, batchImages: 600 });
      const settings = { modules, permissions: "inherit", workersAbove, screenAbove: 0 } as const;
      const fold = await openPass(given.sae, plan, undefined, {
        ...settings,
        probed: { fused: false, dotBits: 7, pairBits: 7 },
      });
      const block = await fold.lend();
      block.set(given.block);
      await fold.fold({ block, firstImage: 0, nImages: 600 });
      await assert.rejects(
        fold.state(),
        (error) =>
          error instanceof BackendUnavailableError && /wrong sums of bytes; start it without/.test(error.message),
      );
      await fold.close();
    }
  },
});
