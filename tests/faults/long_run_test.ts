import assert from "node:assert/strict";
import { longRun } from "./long_run.ts";

for (const device of ["wasm", "reference"] as const) {
  Deno.test(`ten thousand batches take no more memory and files at the end than half way: ${device}`, async () => {
    const { heap, external, files } = await longRun(device, 10_000, () => {});
    // A small object kept per batch would be 120 KB more; garbage waits for its collection where gc() is not to be had.
    const slack = "gc" in globalThis ? 80_000 : 8_000_000;
    assert.ok(heap[1] - heap[0] < slack, `heap ${heap}`);
    assert.ok(external[1] - external[0] < 1_000_000, `outside ${external}`);
    // The reader keeps eight open, and 157 are read one after the other.
    assert.ok(files[1] <= files[0] + 8, `files ${files}`);
  });
}

Deno.test("a thousand batches take no more of the GPU's buffers and memory at the end than half way", async () => {
  const { heap, external, files, buffers } = await longRun("webgpu", 1_000, () => {});
  assert.ok(buffers[0] > 0 && buffers[1] <= buffers[0], `buffers ${buffers}`);
  const slack = "gc" in globalThis ? 200_000 : 8_000_000;
  assert.ok(heap[1] - heap[0] < slack, `heap ${heap}`);
  assert.ok(external[1] - external[0] < 1_000_000, `outside ${external}`);
  assert.ok(files[1] <= files[0] + 8, `files ${files}`);
});
