/**
 * Dense activations of a few rows.
 * @module
 */
import type { Sae } from "../sae.ts";
import { tileColumns, tileRows } from "./encode.ts";
import { cutJob, type Geometry } from "./geometry.ts";
import type { Gpu, Kernel } from "./gpu.ts";
import { encodeKernel, prepareKernel, topkKernel } from "./kernels.ts";
import { makeParams, type Params, PARAMS_STRIDE_BYTES, writeParams } from "./params.ts";
import type { LaneSetup } from "./pass.ts";
import { centreOf, type ChunkWeights, uploadWeights } from "./weights.ts";

/** Rows computed at a time. */
const STRIP_ROWS = 1024;

/** An encoder on the device, kept between calls. */
export interface ResidentEncoder {
  /** The encoder itself. */
  readonly sae: Sae;
  /** How it is cut. */
  readonly geometry: Geometry;
  /** Buffers of each chunk. */
  readonly weights: readonly ChunkWeights[];
  /** `f32 [2, kPad]`: zeros, bPre. */
  readonly centre: GPUBuffer;
}

/** Uploads an encoder. */
export function makeResident(gpu: Gpu, sae: Sae, setup: LaneSetup): ResidentEncoder {
  const geometry = cutJob({
    dVit: sae.dVit,
    dSae: sae.dSae,
    perImage: 1,
    imageValues: sae.dVit,
    k: 1,
    patches: 0,
    capacity: 1,
    kept: 0,
    wholeRows: sae.activation.kind === "topk",
    rowPad: setup.rowPad,
    colPad: setup.colPad,
    storedBytes: setup.half ? 2 : 4,
    stripRows: STRIP_ROWS,
    pieceBytes: 0,
    maxImages: STRIP_ROWS,
    maxChunk: setup.tuning.maxChunk,
    maxBindingBytes: gpu.facts.maxBindingBytes,
  });
  const centre = centreOf(undefined, sae.bPre, geometry.kPad);
  const buffer = gpu.storage("centre", centre.byteLength);
  gpu.device.queue.writeBuffer(buffer, 0, centre);
  return { sae, geometry, weights: uploadWeights(gpu, sae, geometry, setup.half), centre: buffer };
}

/** Releases its buffers. */
export function freeResident(gpu: Gpu, resident: ResidentEncoder): void {
  for (const { w, bias } of resident.weights) {
    gpu.release(w);
    gpu.release(bias);
  }
  gpu.release(resident.centre);
}

/**
 * Activations of rows.
 *
 * @param gpu The device.
 * @param x `f32 [n, dVit]`; NaN and infinities go through the arithmetic as they are.
 * @param n Rows.
 * @param resident The encoder.
 * @param setup Tile and padding.
 * @returns `f32 [n, dSae]`.
 */
export async function encodeRows(
  gpu: Gpu,
  x: Float32Array,
  n: number,
  resident: ResidentEncoder,
  setup: LaneSetup,
): Promise<Float32Array<ArrayBuffer>> {
  const { sae, geometry } = resident;
  const { tile, half, rowPad } = setup;
  const rowsPad = geometry.stripRowsPad;
  const out = new Float32Array(n * sae.dSae);
  const [prepare, encode, topk] = await Promise.all([
    gpu.kernel(prepareKernel({ centre: false, scale: false, half })),
    gpu.kernel(encodeKernel(tile, half, "all")),
    gpu.kernel(topkKernel()),
  ]);
  const buffers = {
    raw: gpu.storage("upload", 4 * geometry.stripImages * sae.dVit),
    x: gpu.storage("rows", (half ? 2 : 4) * geometry.kPad * rowsPad),
    skip: gpu.storage("skipped rows", 4 * Math.ceil(rowsPad / 32)),
    found: gpu.storage("non-finite rows", 16),
    f: gpu.storage("activations", 4 * rowsPad * geometry.ldF),
    params: gpu.acquire(
      "parameters",
      PARAMS_STRIDE_BYTES * geometry.chunks.length,
      GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    ),
  };
  const { raw, skip, found, f } = buffers;
  const bound = {
    params: gpu.bindParams(buffers.params),
    prepare: gpu.bind(prepare, [raw, resident.centre, buffers.x, skip, found]),
    encode: resident.weights.map(({ w, bias }) => gpu.bind(encode, [buffers.x, w, bias, skip, f])),
    topk: gpu.bind(topk, [f]),
  };
  try {
    for (let first = 0; first < n; first += geometry.stripImages) {
      const rows = Math.min(geometry.stripImages, n - first);
      const all = geometry.chunks.map((chunk): Params =>
        makeParams({
          rows,
          rowsPad: Math.ceil(rows / rowPad) * rowPad,
          ldF: geometry.ldF,
          colOffset: chunk.colOffset,
          cols: chunk.cols,
          colsPad: chunk.colsPad,
          dVit: sae.dVit,
          kPad: geometry.kPad,
          tokens: 1,
          perImage: 1,
          sparse: sae.activation.kind === "topk" ? Math.min(sae.activation.k, 0xffffffff) : 0,
          keepNonFinite: 1,
        })
      );
      const blocks = new ArrayBuffer(PARAMS_STRIDE_BYTES * all.length);
      all.forEach((params, i) => writeParams(blocks, PARAMS_STRIDE_BYTES * i, params));
      gpu.device.queue.writeBuffer(buffers.params, 0, blocks);
      gpu.device.queue.writeBuffer(raw, 0, x as Float32Array<ArrayBuffer>, first * sae.dVit, rows * sae.dVit);
      const head = (encoder: GPUCommandEncoder): GPUComputePassEncoder => {
        encoder.clearBuffer(skip);
        const pass = encoder.beginComputePass();
        pass.setBindGroup(0, bound.params, [0]);
        run(pass, prepare, bound.prepare, Math.ceil(geometry.kPad / 32), Math.ceil(all[0].rowsPad / 32));
        return pass;
      };
      const product = (pass: GPUComputePassEncoder, i: number): void => {
        pass.setBindGroup(0, bound.params, [PARAMS_STRIDE_BYTES * i]);
        run(pass, encode, bound.encode[i], all[i].colsPad / tileColumns(tile), all[i].rowsPad / tileRows(tile));
      };
      const copyOut = async (): Promise<Float32Array> => {
        return new Float32Array(await gpu.read(f, 0, 4 * rows * geometry.ldF));
      };
      const place = (strip: Float32Array, i: number): void => {
        const { from, cols, colOffset } = geometry.chunks[i];
        for (let r = 0; r < rows; r++) {
          const at = r * geometry.ldF + colOffset;
          out.set(strip.subarray(at, at + cols), (first + r) * sae.dSae + from);
        }
      };
      if (sae.activation.kind === "topk") {
        gpu.submit("encoding rows", (encoder) => {
          const pass = head(encoder);
          for (let i = 0; i < all.length; i++) product(pass, i);
          run(pass, topk, bound.topk, rows, 1);
          pass.end();
        });
        const strip = await copyOut();
        for (let i = 0; i < all.length; i++) place(strip, i);
      } else {
        for (let i = 0; i < all.length; i++) {
          gpu.submit("encoding rows", (encoder) => {
            const pass = head(encoder);
            product(pass, i);
            pass.end();
          });
          place(await copyOut(), i);
        }
      }
    }
    await gpu.check();
  } finally {
    for (const buffer of Object.values(buffers)) gpu.release(buffer);
  }
  return out;
}

function run(pass: GPUComputePassEncoder, kernel: Kernel, group: GPUBindGroup, x: number, y: number): void {
  pass.setPipeline(kernel.pipeline);
  pass.setBindGroup(1, group);
  pass.dispatchWorkgroups(x, y);
}
