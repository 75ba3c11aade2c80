/** How jobs are cut. */
import assert from "node:assert/strict";
import { DeviceLimitError } from "../../../compute/errors.ts";
import { cutJob, type GeometryRequest } from "../../../compute/webgpu/geometry.ts";

const JOB: GeometryRequest = {
  dVit: 768,
  dSae: 12288,
  perImage: 49,
  imageValues: 50 * 768,
  k: 128,
  patches: 49,
  capacity: 512,
  kept: 25,
  wholeRows: false,
  rowPad: 128,
  colPad: 128,
  storedBytes: 4,
  stripRows: 1024,
  pieceBytes: 2 ** 26,
  maxImages: 2 ** 20,
  maxChunk: 32768,
  maxBindingBytes: 128 * 2 ** 20,
};

Deno.test({
  name: "cutJob() covers every latent once and keeps every buffer within the binding limit",
  permissions: "none",
  fn: () => {
    for (
      const change of [{}, { wholeRows: true }, { dSae: 1 }, { dSae: 40_000, k: 1000 }, { perImage: 256, patches: 256 }]
    ) {
      for (const maxBindingBytes of [128 * 2 ** 20, 2 ** 31 - 4]) {
        const job = { ...JOB, ...change, maxBindingBytes };
        const { chunks, ldF, kPad, stripImages, stripRowsPad, pieceImages } = cutJob(job);
        let next = 0;
        for (const { from, cols, colsPad, colOffset } of chunks) {
          assert.equal(from, next);
          next += cols;
          assert(cols >= 1 && cols <= colsPad && colsPad % 128 === 0 && colOffset + colsPad <= ldF);
          for (const perLatent of [8192, 4 * job.k * job.patches, 12 * job.k, 8 * job.capacity]) {
            assert(cols * perLatent <= maxBindingBytes);
          }
          assert(colsPad * kPad * 4 <= maxBindingBytes);
        }
        assert.equal(next, job.dSae);
        assert(stripRowsPad >= stripImages * job.perImage && stripRowsPad % 128 === 0);
        assert(4 * stripRowsPad * Math.max(ldF, kPad) <= maxBindingBytes);
        assert(pieceImages >= 1 && 4 * pieceImages * job.imageValues <= maxBindingBytes);
      }
    }
  },
});

Deno.test({
  name: "cutJob() refuses what cannot be split further",
  permissions: "none",
  fn: () => {
    const refused = (change: Partial<GeometryRequest>): void => {
      assert.throws(() => cutJob({ ...JOB, ...change }), DeviceLimitError);
    };
    refused({ k: 2 ** 20, patches: 49 });
    refused({ perImage: 2048, wholeRows: true, dSae: 131072, k: 1 });
    refused({ imageValues: 2 ** 26 });
    refused({
      perImage: 70_000,
      dVit: 1,
      dSae: 1,
      k: 1,
      patches: 1,
      imageValues: 70_000,
      maxBindingBytes: 2 ** 31 - 4,
    });
  },
});
