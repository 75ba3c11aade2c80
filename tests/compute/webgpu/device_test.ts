/** The device: limits, leaks, loss, errors. */
import assert from "node:assert/strict";
import { copyState } from "../../../compute/copy_state.ts";
import { DeviceLimitError, DeviceLostError } from "../../../compute/errors.ts";
import { stateBytes } from "../../../compute/empty_state.ts";
import { createReferenceBackend } from "../../../compute/reference/mod.ts";
import { imageStride } from "../../../compute/rows.ts";
import { tensor } from "../../../compute/tensor.ts";
import { Gpu, MAX_POOL_BYTES } from "../../../compute/webgpu/gpu.ts";
import { assertSameState } from "../_cases.ts";
import { gpuTest, openBackend, openGpu } from "./_adapter.ts";
import { makePass, runPass, sameExactParts } from "./_pass_cases.ts";

gpuTest("100 batches, and passes one after another, leave nothing on the device", async () => {
  const backend = await openBackend({ tuning: { stripRows: 8, pieceBytes: 400 } });
  try {
    const pass = makePass("leaks", { nImages: 100, dVit: 4, dSae: 6, plan: { batchImages: 1, k: 2 } });
    await runPass(backend, pass);
    const before = backend.counts();
    assert.equal(before.bytes, before.pooledBytes, "a buffer in use outlived its pass");
    assert(before.pooledBytes <= MAX_POOL_BYTES);
    await backend.encode(tensor(new Float32Array(8), [2, 4]), pass.sae);
    const encoded = backend.counts();
    await backend.encode(tensor(new Float32Array(8), [2, 4]), pass.sae);
    assert.deepEqual(backend.counts(), encoded);

    const open = await backend.open(pass.sae, pass.plan);
    const stride = imageStride(pass.plan.layout);
    let during: unknown;
    for (let image = 0; image < 100; image++) {
      const lent = await open.lend();
      lent.set(pass.block.subarray(image * stride, (image + 1) * stride));
      await open.fold({ block: lent, firstImage: image, nImages: 1 });
      // The ring is full from here on: nothing more may be made.
      if (image === 9) during = backend.counts();
    }
    const { buffers, bytes } = backend.counts();
    const held = during as typeof before;
    assert.deepEqual({ buffers, bytes }, { buffers: held.buffers, bytes: held.bytes });
    await open.close();
    await open.close();
    const after = backend.counts();
    assert(after.bytes - after.pooledBytes === encoded.bytes - encoded.pooledBytes, "closing left buffers in use");
    assert.equal(after.pipelines, encoded.pipelines, "a kernel was compiled twice");
  } finally {
    await backend.close();
    assert.deepEqual(backend.counts(), { buffers: 0, bytes: 0, pooledBytes: 0, pipelines: 0 });
  }
});

gpuTest("a pool over its cap gives buffers back to the device", async () => {
  const gpu = await openGpu();
  try {
    const buffers = [1, 2, 3].map((i) => gpu.storage(`big ${i}`, MAX_POOL_BYTES / 2));
    for (const buffer of buffers) gpu.release(buffer);
    for (const buffer of buffers) gpu.release(buffer);
    assert.equal(gpu.counts.buffers, 2);
    assert.equal(gpu.counts.pooledBytes, MAX_POOL_BYTES);
    assert.equal(gpu.storage("again", MAX_POOL_BYTES / 2), buffers[0]);
    await gpu.check();
  } finally {
    gpu.destroy();
  }
});

gpuTest("the default limits are enough", async () => {
  const backend = await openBackend({ limits: "default" });
  try {
    assert.equal(backend.details.maxBindingBytes, 128 * 2 ** 20);
    const pass = makePass("default limits", { dSae: 70, nImages: 12 });
    sameExactParts("default limits", await runPass(backend, pass), await runPass(createReferenceBackend(), pass));
  } finally {
    await backend.close();
  }
});

gpuTest("details tell adapter, software, limits, tile and precision", async () => {
  const backend = await openBackend();
  const { adapter, software, limits, tile, precision, deviceLosses } = backend.details;
  assert.match(String(adapter), /\w/);
  assert.equal(typeof software, "boolean");
  assert.deepEqual({ limits, precision, deviceLosses }, { limits: "max", precision: "f32", deviceLosses: 0 });
  assert.match(String(tile), /^\d+x\d+x\d+a?\/\d+x\d+$/);
  assert.deepEqual(JSON.parse(JSON.stringify(backend.details)), backend.details);
  await backend.close();
  await backend.close();
  await assert.rejects(backend.encode(tensor(new Float32Array(5), [1, 5]), makePass("closed").sae), TypeError);
});

gpuTest("a pass goes on with a new device after a loss, and gives the same bits", async () => {
  for (const at of [0, 5, 12, 29]) {
    const lines: string[] = [];
    const backend = await openBackend({ log: (line) => lines.push(line) });
    try {
      const pass = makePass("loss", { nImages: 30, dSae: 33, plan: { batchImages: 1 } });
      const expected = await runPass(backend, pass);
      const lost = await runPass(backend, pass, { before: (image) => image === at && backend.loseDevice() });
      assertSameState(lost, expected);
      assert.equal(backend.details.deviceLosses, 1);
      assert.equal(lines.length, 1);
      assert.match(lines[0], /Lost the GPU .*went on with a new device/);
    } finally {
      await backend.close();
    }
  }
});

gpuTest("a loss after a snapshot replays only what came since, from wherever the pass was resumed", async () => {
  const backend = await openBackend();
  try {
    const pass = makePass("loss after state()", { nImages: 30, dSae: 33, plan: { batchImages: 2 } });
    const expected = await runPass(backend, pass);
    const from = await runPass(backend, pass, { end: 6 });
    const stride = imageStride(pass.plan.layout);
    const open = await backend.open(pass.sae, pass.plan, from);
    for (let image = 6; image < 30; image += 2) {
      const lent = await open.lend();
      lent.set(pass.block.subarray(image * stride, (image + 2) * stride));
      await open.fold({ block: lent, firstImage: image, nImages: 2 });
      if (image === 14) await open.state();
      if (image === 20) backend.loseDevice();
    }
    assertSameState(await open.state(), expected);
    await open.close();
  } finally {
    await backend.close();
  }
});

gpuTest("a loss while no pass is open goes unnoticed", async () => {
  const backend = await openBackend();
  try {
    const { sae } = makePass("idle");
    backend.loseDevice();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await backend.encode(tensor(new Float32Array(5), [1, 5]), sae)).data.length, 20);
    assert.equal(backend.details.deviceLosses, 1);
  } finally {
    await backend.close();
  }
});

gpuTest("a second loss within a minute ends the pass", async () => {
  // A loss is met when results are asked for: often, as on a software adapter.
  const backend = await openBackend({ tuning: { lentBytes: 0, ring: 3 } });
  try {
    const pass = makePass("two losses", { nImages: 30, plan: { batchImages: 1 } });
    const twice = runPass(backend, pass, { before: (image) => image % 10 === 5 && backend.loseDevice() });
    await assert.rejects(twice, (error) => {
      assert(error instanceof DeviceLostError);
      assert.match(error.message, /twice within a minute.*resume from the last checkpoint$/);
      return true;
    });
  } finally {
    await backend.close();
  }
});

gpuTest("without memory for snapshots a pass computes the same, and a loss ends it", async () => {
  const backend = await openBackend({ tuning: { lentBytes: 0 } });
  try {
    const options = { nImages: 150, dSae: 33 };
    const pass = makePass("short of memory", { ...options, plan: { batchImages: 1 } });
    const expected = await runPass(backend, pass);
    const short = { ...pass, plan: { ...pass.plan, maxMemoryBytes: Math.floor(1.5 * stateBytes(33, pass.plan)) } };
    assertSameState(await runPass(backend, short), expected);
    const lost = runPass(backend, short, { before: (image) => image === 140 && backend.loseDevice() });
    await assert.rejects(
      lost,
      (error) => error instanceof DeviceLostError && /no longer in memory/.test(error.message),
    );
  } finally {
    await backend.close();
  }
});

gpuTest("too little memory is refused before anything is computed", async () => {
  const backend = await openBackend();
  try {
    const pass = makePass("memory", { plan: { maxMemoryBytes: 1000 } });
    await assert.rejects(runPass(backend, pass), (error) => {
      return error instanceof DeviceLimitError && error.limit === "max-memory" && error.available === 1000;
    });
    assert.equal(backend.counts().bytes, backend.counts().pooledBytes);
  } finally {
    await backend.close();
  }
});

gpuTest("a backend that is closed with a batch on its way stays closed", async () => {
  const lines: string[] = [];
  const tuning = { ring: 2, pieceBytes: 1, lentBytes: 0 };
  const backend = await openBackend({ log: (line) => void lines.push(line), tuning });
  const pass = makePass("closed", { nImages: 8, plan: { batchImages: 8 } });
  const fold = await backend.open(pass.sae, pass.plan);
  const lent = await fold.lend();
  lent.set(pass.block);
  await fold.fold({ block: lent, firstImage: 0, nImages: 8 });
  await backend.close();
  await assert.rejects(fold.state());
  await fold.close();
  assert.deepEqual([lines, backend.counts().bytes], [[], 0]);
});

gpuTest("a loss that somebody else met first is made good too", async () => {
  const backend = await openBackend({ tuning: { lentBytes: 0, ring: 3 } });
  try {
    const pass = makePass("met by others", { nImages: 30, plan: { batchImages: 1 } });
    const expected = await runPass(backend, pass);
    const actual = await runPass(backend, pass, {
      before: async (image) => {
        if (image !== 10) return;
        backend.loseDevice();
        await new Promise((resolve) => setTimeout(resolve, 20));
        // This one asks for a new device.
        await backend.encode(tensor(new Float32Array(pass.sae.dVit), [1, pass.sae.dVit]), pass.sae);
      },
    });
    assertSameState(actual, expected);
  } finally {
    await backend.close();
  }
});

gpuTest("a state that was handed out at the end is the caller's", async () => {
  const backend = await openBackend();
  try {
    const { sae, plan, block } = makePass("handed out", { nImages: 3, plan: { batchImages: 3 } });
    const fold = await backend.open(sae, plan);
    const lent = await fold.lend();
    lent.set(block);
    await fold.fold({ block: lent, firstImage: 0, nImages: 3 });
    const first = await fold.state();
    const copy = copyState(first);
    for (const array of Object.values(first)) if (typeof array !== "number") array.fill(array[0] ?? 0);
    first.distributions.fill(7);
    assertSameState(await fold.state(), copy);
    await fold.close();
  } finally {
    await backend.close();
  }
});

gpuTest("a reader that throws leaves nothing mapped behind", async () => {
  const gpu = await openGpu();
  try {
    const buffer = gpu.storage("read", 4096);
    const refuse = (): void => {
      throw new Error("no");
    };
    await assert.rejects(gpu.stream(buffer, 4096, refuse, 1024), /^Error: no$/);
    let bytes = 0;
    await gpu.stream(buffer, 4096, (part) => void (bytes += part.byteLength), 1000);
    assert.equal(bytes, 4096);
  } finally {
    gpu.destroy();
  }
});

gpuTest("a command that the device refuses is an error, not a wrong result", async () => {
  const gpu = await openGpu();
  try {
    const buffer = gpu.storage("small", 16);
    gpu.submit("an impossible copy", (encoder) => encoder.copyBufferToBuffer(buffer, 0, buffer, 64, 64));
    await assert.rejects(gpu.check(), /Cannot run an impossible copy on the device/);
    await assert.rejects(gpu.kernel({ name: "nonsense", code: "fn main( {", bindings: [] }));
  } finally {
    gpu.destroy();
  }
});

gpuTest("unknown tiles and list lengths are refused", async () => {
  await assert.rejects(openBackend({ tile: "1x1" }), RangeError);
  await assert.rejects(openBackend({ tuning: { capacity: 0 } }), RangeError);
  await assert.rejects(openBackend({ tuning: { capacity: 2000 } }), RangeError);
});

Deno.test({
  name: "memory that runs out is a limit of the device, found by the scope around what asked for it",
  permissions: "none",
  async fn(): Promise<void> {
    // A device that is made up: a real one would have to be filled.
    const scopes: string[] = [];
    const device = {
      lost: new Promise(() => {}),
      createBindGroupLayout: () => ({}),
      createBuffer: () => ({
        destroy: (): void => {},
        mapAsync: () => Promise.reject(new DOMException("The buffer is invalid", "OperationError")),
      }),
      createCommandEncoder: () => ({ copyBufferToBuffer: (): void => {}, finish: () => ({}) }),
      queue: { submit: (): void => {} },
      destroy: (): void => {},
      pushErrorScope: (filter: string): void => void scopes.push(filter),
      popErrorScope: () =>
        Promise.resolve(scopes.pop() === "out-of-memory" ? { message: "Not enough memory left" } : null),
    } as unknown as GPUDevice;
    const facts = { adapter: "full", software: false, maxBindingBytes: 2 ** 31 - 4, maxBufferBytes: 2 ** 35 };
    const gpu = new Gpu(device, facts);
    for (
      const [ask, what, requested] of [
        [(): unknown => gpu.storage("heatmaps", 2 ** 30), "allocating 1073741824 bytes for heatmaps", 2 ** 30],
        [(): unknown => gpu.submit("a piece of rows", () => {}), "a piece of rows", 0],
      ] as const
    ) {
      ask();
      assert.deepEqual(scopes, [], "a scope was left open");
      await assert.rejects(gpu.check(), (error) => {
        assert(error instanceof DeviceLimitError);
        assert.deepEqual([error.limit, error.requested], ["device memory", requested]);
        assert(error.message.includes(`out of memory when ${what}: Not enough memory left`), error.message);
        return true;
      });
      await gpu.check();
    }
    // What cannot be allocated cannot be mapped either; the reason is the memory, and the buffer is not used again.
    const buffer = {} as GPUBuffer;
    const isFull = (error: unknown): boolean => error instanceof DeviceLimitError && error.limit === "device memory";
    await assert.rejects(gpu.read(buffer, 0, 64), isFull);
    await assert.rejects(gpu.stream(buffer, 64, () => {}, 16), isFull);
    assert.equal(gpu.counts.pooledBytes, 0);
    assert.throws(() => gpu.storage("too large", 2 ** 36), { name: "DeviceLimitError", limit: "maxBufferSize" });
    gpu.destroy();
  },
});
