/** The ring of pieces in flight: what is submitted when, and what is read back. */
import assert from "node:assert/strict";
import { gpuTest, openBackend } from "./_adapter.ts";
import { makePass, runPass } from "./_pass_cases.ts";

/** Runs `body` and returns what was submitted (s), asked to be mapped (m) and done with (u), in order, and bytes mapped. */
async function watch(body: () => Promise<unknown>): Promise<{ events: string; mapped: number[] }> {
  const { submit } = GPUQueue.prototype;
  const { mapAsync, unmap } = GPUBuffer.prototype;
  let events = "";
  const mapped: number[] = [];
  Object.assign(GPUQueue.prototype, {
    submit(this: GPUQueue, ...args: Parameters<typeof submit>): void {
      events += "s";
      submit.apply(this, args);
    },
  });
  Object.assign(GPUBuffer.prototype, {
    async mapAsync(this: GPUBuffer, ...args: Parameters<typeof mapAsync>): Promise<void> {
      events += "m";
      mapped.push(this.size);
      await mapAsync.apply(this, args);
    },
    unmap(this: GPUBuffer): void {
      events += "u";
      unmap.apply(this);
    },
  });
  try {
    await body();
  } finally {
    Object.assign(GPUQueue.prototype, { submit });
    Object.assign(GPUBuffer.prototype, { mapAsync, unmap });
  }
  return { events, mapped };
}

gpuTest("a ring of pieces is in flight, and the next one is submitted before results are waited for", async () => {
  const backend = await openBackend({ tuning: { ring: 3, pieceBytes: 1 } });
  try {
    const pass = makePass("ring", { nImages: 13, dSae: 70, plan: { batchImages: 1, nDistributions: 2 } });
    const { sae, plan, block } = pass;
    const stride = block.length / 13;
    const fold = await backend.open(sae, plan);
    const { events, mapped } = await watch(async () => {
      // The last of 13 is uploaded after the caller's turn, so not here.
      for (let image = 0; image < 13; image++) {
        const lent = await fold.lend();
        lent.set(block.subarray(image * stride, (image + 1) * stride));
        await fold.fold({ block: lent, firstImage: image, nImages: 1 });
      }
    });
    // Three in flight; then all are asked for, a fourth keeps the device at work, and only then results are looked at.
    assert.equal(events, "sss" + "mmmsuuuss".repeat(3));
    // What comes back: two counts, padded to 16 bytes, and the distributions of 2 latents on 4 patches. No activations.
    assert.deepEqual([...new Set(mapped)], [16 + 4 * 2 * 4]);
    await fold.close();
  } finally {
    await backend.close();
  }
});

gpuTest("results do not depend on how many pieces are in flight", async () => {
  const pass = makePass("ring lengths", { nImages: 12, dSae: 70, plan: { batchImages: 3 } });
  const states = [];
  for (const ring of [2, 3, 50]) {
    const backend = await openBackend({ tuning: { ring, pieceBytes: 1 } });
    states.push(await runPass(backend, pass));
    await backend.close();
  }
  assert.deepEqual(states[1], states[0]);
  assert.deepEqual(states[2], states[0]);
});
