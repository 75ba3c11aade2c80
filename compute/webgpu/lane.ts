/**
 * One pass's buffers and kernels on one device: a piece of rows goes in, the state on the device moves on.
 * @module
 */
import { rowsPerImage } from "../rows.ts";
import { tileColumns, tileRows } from "./encode.ts";
import { type Chunk, type Geometry, MAX_ROWS_BETWEEN_CARRIES } from "./geometry.ts";
import type { Gpu, Kernel } from "./gpu.ts";
import {
  carryKernel,
  distributionKernel,
  encodeKernel,
  FOLD_THREADS,
  foldKernel,
  heatmapKernel,
  mergeKernel,
  prepareKernel,
  topkKernel,
} from "./kernels.ts";
import { cutLane, imageValues, keptLatents, laneParams, type LaneRequest } from "./lane_request.ts";
import { LATENT_WORDS } from "./latents.ts";
import { type Params, PARAMS_STRIDE_BYTES, writeParams } from "./params.ts";
import { centreOf, type ChunkWeights, uploadWeights } from "./weights.ts";

/** State buffers of one chunk, all `[cols, …]`. */
export interface ChunkState {
  /** The latents. */
  readonly chunk: Chunk;
  /** `u32 [9, cols]`, see latents.ts. */
  readonly latents: GPUBuffer;
  /** `u32 [cols, 2048]`. */
  readonly histogram: GPUBuffer;
  /** `u32 [cols, 32, 2]`. */
  readonly halves: GPUBuffer;
  /** `u64 [cols, 32]`. */
  readonly totals: GPUBuffer;
  /** `u32 [cols, 2, capacity]`. */
  readonly candidates: GPUBuffer;
  /** `u32 [cols, 3, k]`. */
  readonly top: GPUBuffer;
  /** `f32 [cols, k, patches]` by slot. */
  readonly heatmaps: GPUBuffer;
}

type Step = { readonly pipeline: GPUComputePipeline; readonly group: GPUBindGroup };

interface ChunkSteps {
  readonly encode: Step;
  readonly fold: Step;
  readonly select: Step;
  readonly merge: Step;
  readonly heatmap: Step;
  readonly carry: Step;
}

/** What a piece passes through. One set serves all pieces: the queue runs writes and commands in order. */
interface Channel {
  readonly raw: GPUBuffer;
  readonly params: GPUBuffer;
  readonly paramsGroup: GPUBindGroup;
  readonly found: GPUBuffer;
  readonly kept: GPUBuffer;
  readonly prepare: Step;
  readonly distribution: readonly Step[];
}

/** A piece whose results have not been looked at. */
interface Flight {
  readonly staging: GPUBuffer;
  readonly rows: number;
  readonly done: (result: PieceResult) => void;
}

/** What comes back of a piece. */
export interface PieceResult {
  /** Index of the first NaN or infinity in the piece's rows, or −1. */
  readonly firstBad: number;
  /** Rows that held one. */
  readonly skipped: number;
  /** `f32 [rows, kept]`: distributions. */
  readonly kept: Float32Array;
}

const FOUND_BYTES = 16;

/** See the module. Made by {@linkcode Lane.create}; pieces are run in order. */
export class Lane {
  /** How the job is cut. */
  readonly geometry: Geometry;
  /** State buffers of each chunk. */
  readonly states: readonly ChunkState[];
  readonly #gpu: Gpu;
  readonly #request: LaneRequest;
  readonly #weights: readonly ChunkWeights[];
  readonly #buffers: GPUBuffer[] = [];
  /** Where results of the pieces in flight are copied to. */
  readonly #staging: GPUBuffer[] = [];
  #flights: Flight[] = [];
  #channel!: Channel;
  readonly #steps: ChunkSteps[] = [];
  #topk: Step | undefined;
  #skip!: GPUBuffer;
  #x!: GPUBuffer;
  #f!: GPUBuffer;
  #rowsSinceCarry = 0;

  private constructor(gpu: Gpu, request: LaneRequest) {
    this.#gpu = gpu;
    this.#request = request;
    this.geometry = cutLane(request, gpu.facts.maxBindingBytes);
    this.states = this.geometry.chunks.map((chunk) => this.#makeState(chunk));
    this.#weights = uploadWeights(gpu, request.sae, this.geometry, request.half);
    for (const { w, bias } of this.#weights) this.#buffers.push(w, bias);
  }

  /**
   * Allocates everything and compiles the kernels.
   *
   * @throws {DeviceLimitError} If the job does not fit the device.
   */
  static async create(gpu: Gpu, request: LaneRequest): Promise<Lane> {
    const lane = new Lane(gpu, request);
    try {
      await lane.#build();
      await gpu.check();
    } catch (error) {
      lane.free();
      throw error;
    }
    return lane;
  }

  /** Images that one piece takes at most. */
  get pieceImages(): number {
    return this.geometry.pieceImages;
  }

  #keep(buffer: GPUBuffer): GPUBuffer {
    this.#buffers.push(buffer);
    return buffer;
  }

  #makeState(chunk: Chunk): ChunkState {
    const { k, sortBy, layout } = this.#request.plan;
    const words = (label: string, n: number): GPUBuffer => this.#keep(this.#gpu.storage(label, 4 * n));
    const { cols } = chunk;
    return {
      chunk,
      latents: words("latents", LATENT_WORDS * cols),
      histogram: words("histogram", 2048 * cols),
      halves: words("sums", 64 * cols),
      totals: words("totals", 64 * cols),
      candidates: words("candidates", 2 * this.#request.tuning.capacity * cols),
      top: words("ranking", 3 * k * cols),
      heatmaps: words("heatmaps", sortBy === "img" ? 4 : cols * k * rowsPerImage(layout)),
    };
  }

  async #build(): Promise<void> {
    const gpu = this.#gpu;
    const { plan, sae, half, tuning, prepared, tile } = this.#request;
    const { kPad, stripRowsPad, ldF, chunks } = this.geometry;
    const { layout } = plan;
    const centre = centreOf(prepared ? undefined : layout.mean, sae.bPre, kPad);
    const centreBuffer = this.#keep(gpu.storage("centre", centre.byteLength));
    gpu.device.queue.writeBuffer(centreBuffer, 0, centre);
    this.#x = this.#keep(gpu.storage("rows", kPad * stripRowsPad * (half ? 2 : 4)));
    this.#f = this.#keep(gpu.storage("activations", 4 * stripRowsPad * ldF));
    this.#skip = this.#keep(gpu.storage("skipped rows", 4 * Math.ceil(stripRowsPad / 32)));
    const by = plan.sortBy === "sum" ? "sum" : plan.dedupe === "image" ? "image" : "row";
    const { capacity } = tuning;
    const [prepare, encode, fold, select, merge, heatmap, carry, distribution, topk] = await Promise.all([
      gpu.kernel(prepareKernel({ centre: !prepared, scale: !prepared && layout.scalar !== 1, half })),
      gpu.kernel(encodeKernel(tile, half)),
      gpu.kernel(foldKernel({ statistics: true, by, capacity }, tuning.unroll)),
      gpu.kernel(foldKernel({ statistics: false, by, capacity }, tuning.unroll)),
      gpu.kernel(mergeKernel(capacity)),
      gpu.kernel(heatmapKernel()),
      gpu.kernel(carryKernel()),
      gpu.kernel(distributionKernel()),
      gpu.kernel(topkKernel()),
    ]);
    const step = ({ pipeline, ...kernel }: Kernel, buffers: GPUBuffer[]): Step => {
      return { pipeline, group: gpu.bind({ pipeline, ...kernel }, buffers) };
    };
    if (sae.activation.kind === "topk") this.#topk = step(topk, [this.#f]);
    for (const [i, state] of this.states.entries()) {
      const { latents, histogram, halves, totals, candidates, top, heatmaps } = state;
      const { w, bias } = this.#weights[i];
      const folded = [this.#f, this.#skip, latents, candidates, histogram, halves];
      this.#steps.push({
        encode: step(encode, [this.#x, w, bias, this.#skip, this.#f]),
        fold: step(fold, folded),
        select: step(select, folded),
        merge: step(merge, [latents, candidates, top]),
        heatmap: step(heatmap, [latents, top, this.#f, heatmaps]),
        carry: step(carry, [halves, totals]),
      });
    }
    const perImage = rowsPerImage(layout);
    const strips = Math.ceil(this.pieceImages / this.geometry.stripImages);
    const keptBytes = 4 * keptLatents(this.#request) * this.pieceImages * perImage;
    const pieceBytes = 4 * this.pieceImages * imageValues(this.#request);
    const raw = this.#keep(gpu.storage("upload", pieceBytes));
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const params = this.#keep(gpu.acquire("parameters", PARAMS_STRIDE_BYTES * strips * chunks.length, usage));
    const found = this.#keep(gpu.storage("non-finite rows", FOUND_BYTES));
    const kept = this.#keep(gpu.storage("distributions", keptBytes));
    this.#channel = {
      raw,
      params,
      paramsGroup: gpu.bindParams(params),
      found,
      kept,
      prepare: step(prepare, [raw, centreBuffer, this.#x, this.#skip, found]),
      distribution: chunks.map(() => step(distribution, [this.#f, this.#skip, kept])),
    };
    // Uploads wait in the host's memory until the device takes them.
    const ring = Math.max(2, Math.min(tuning.ring, Math.floor(plan.maxMemoryBytes / 8 / pieceBytes)));
    for (let i = 0; i < ring; i++) {
      const staging = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
      this.#staging.push(this.#keep(gpu.acquire("results", FOUND_BYTES + keptBytes, staging)));
    }
  }

  /**
   * Computes the images of one piece, in order. Resolves when they are submitted; `done` gets what came back later.
   *
   * @param values `f32 [images, tokens, dVit]`, or prepared rows; copied before this resolves.
   * @param firstImage Data set index of the first.
   * @param images At most `pieceImages`.
   * @param done Called when the device is through.
   */
  async run(
    values: Float32Array<ArrayBuffer>,
    firstImage: number,
    images: number,
    done: (result: PieceResult) => void,
  ): Promise<void> {
    const gpu = this.#gpu;
    const channel = this.#channel;
    if (this.#flights.length === this.#staging.length) await this.collect();
    const staging = this.#staging[this.#flights.length];
    const { geometry } = this;
    const perImage = rowsPerImage(this.#request.plan.layout);
    const rows = images * perImage;
    const strips = Math.ceil(images / geometry.stripImages);
    const blocks = new ArrayBuffer(PARAMS_STRIDE_BYTES * strips * geometry.chunks.length);
    const all: Params[] = [];
    for (let s = 0; s < strips; s++) {
      const first = s * geometry.stripImages;
      const stripRows = Math.min(geometry.stripImages, images - first) * perImage;
      for (const chunk of geometry.chunks) {
        const params = this.#params(chunk, (firstImage + first) * perImage, first * perImage, stripRows, rows);
        writeParams(blocks, PARAMS_STRIDE_BYTES * all.length, params);
        all.push(params);
      }
    }
    const { queue } = gpu.device;
    queue.writeBuffer(channel.params, 0, blocks);
    queue.writeBuffer(channel.raw, 0, values, 0, images * imageValues(this.#request));
    queue.writeBuffer(channel.found, 0, new Uint32Array([0xffffffff, 0]));
    const kept = keptLatents(this.#request);
    gpu.submit("a piece of rows", (encoder) => {
      for (let s = 0; s < strips; s++) this.#strip(encoder, all, s);
      encoder.copyBufferToBuffer(channel.found, 0, staging, 0, FOUND_BYTES);
      if (kept > 0) encoder.copyBufferToBuffer(channel.kept, 0, staging, FOUND_BYTES, 4 * kept * rows);
    });
    this.#flights.push({ staging, rows, done });
  }

  /**
   * Waits for all pieces in flight and hands out their results, in order.
   *
   * All at once, because Deno's `mapAsync` blocks until the device has done everything submitted, and then sleeps: asked
   * piece by piece, the device would stand idle while the next one is read.
   */
  async collect(): Promise<void> {
    const flights = this.#flights;
    this.#flights = [];
    const kept = keptLatents(this.#request);
    const maps = await Promise.allSettled(flights.map(({ staging }) => staging.mapAsync(GPUMapMode.READ)));
    for (const map of maps) if (map.status === "rejected") throw map.reason;
    for (const { staging, rows, done } of flights) {
      const found = new Uint32Array(staging.getMappedRange(0, FOUND_BYTES));
      const firstBad = found[0] === 0xffffffff ? -1 : found[0];
      const values = kept === 0
        ? new Float32Array(0)
        : new Float32Array(staging.getMappedRange(FOUND_BYTES, 4 * kept * rows).slice(0));
      const result = { firstBad, skipped: found[1], kept: values };
      staging.unmap();
      done(result);
    }
    await this.#gpu.check();
  }

  /** Moves running sums into totals, so that these can be read. */
  carry(): void {
    if (this.#rowsSinceCarry === 0) return;
    const { params, paramsGroup } = this.#channel;
    const blocks = new ArrayBuffer(PARAMS_STRIDE_BYTES * this.states.length);
    for (const [i, { chunk }] of this.states.entries()) {
      writeParams(blocks, PARAMS_STRIDE_BYTES * i, this.#params(chunk, 0, 0, 0, 0));
    }
    this.#gpu.device.queue.writeBuffer(params, 0, blocks);
    this.#gpu.submit("carrying sums", (encoder) => {
      const pass = encoder.beginComputePass();
      for (const [i, { chunk }] of this.states.entries()) {
        pass.setBindGroup(0, paramsGroup, [PARAMS_STRIDE_BYTES * i]);
        dispatch(pass, this.#steps[i].carry, Math.ceil(chunk.cols / 2));
      }
      pass.end();
    });
    this.#rowsSinceCarry = 0;
  }

  /** Submits `times` products of a full strip with all chunks, for timing. */
  encodeOnly(times: number): void {
    const { params, paramsGroup } = this.#channel;
    const { stripRowsPad, chunks } = this.geometry;
    const blocks = new ArrayBuffer(PARAMS_STRIDE_BYTES * chunks.length);
    for (const [i, chunk] of chunks.entries()) {
      writeParams(blocks, PARAMS_STRIDE_BYTES * i, this.#params(chunk, 0, 0, stripRowsPad, stripRowsPad));
    }
    this.#gpu.device.queue.writeBuffer(params, 0, blocks);
    this.#gpu.submit("timing the product", (encoder) => {
      const pass = encoder.beginComputePass();
      for (let i = 0; i < times * chunks.length; i++) {
        pass.setBindGroup(0, paramsGroup, [PARAMS_STRIDE_BYTES * (i % chunks.length)]);
        this.#encode(pass, i % chunks.length, stripRowsPad);
      }
      pass.end();
    });
  }

  /** Uploads a piece once and submits its first strip `times` times, all kernels included, for timing. */
  stripOnly(values: Float32Array<ArrayBuffer>, times: number): void {
    const { params, raw } = this.#channel;
    const { stripImages, chunks } = this.geometry;
    const rows = stripImages * rowsPerImage(this.#request.plan.layout);
    const blocks = new ArrayBuffer(PARAMS_STRIDE_BYTES * chunks.length);
    const all = chunks.map((chunk) => this.#params(chunk, 0, 0, rows, rows));
    all.forEach((block, i) => writeParams(blocks, PARAMS_STRIDE_BYTES * i, block));
    const { queue } = this.#gpu.device;
    queue.writeBuffer(params, 0, blocks);
    queue.writeBuffer(raw, 0, values, 0, stripImages * imageValues(this.#request));
    this.#gpu.submit("timing a strip", (encoder) => {
      for (let i = 0; i < times; i++) this.#strip(encoder, all, 0);
    });
  }

  /** Releases all buffers. Idempotent. */
  free(): void {
    for (const buffer of this.#buffers) this.#gpu.release(buffer);
    this.#buffers.length = 0;
  }

  #params(chunk: Chunk, firstRow: number, pieceRow: number, rows: number, pieceRows: number): Params {
    return laneParams(this.#request, this.geometry, chunk, { firstRow, pieceRow, rows, pieceRows });
  }

  #strip(encoder: GPUCommandEncoder, all: readonly Params[], strip: number): void {
    const { paramsGroup, prepare, distribution } = this.#channel;
    const { kPad, chunks } = this.geometry;
    const base = strip * chunks.length;
    const { rows, rowsPad } = all[base];
    encoder.clearBuffer(this.#skip);
    const pass = encoder.beginComputePass();
    const use = (i: number): void => pass.setBindGroup(0, paramsGroup, [PARAMS_STRIDE_BYTES * (base + i)]);
    use(0);
    dispatch(pass, prepare, kPad / 16, rowsPad / 16);
    if (this.#topk !== undefined) {
      for (let i = 0; i < chunks.length; i++) {
        use(i);
        this.#encode(pass, i, rowsPad);
      }
      dispatch(pass, this.#topk, rows);
    }
    this.#rowsSinceCarry += rows;
    const carry = this.#rowsSinceCarry + this.geometry.stripRowsPad > MAX_ROWS_BETWEEN_CARRIES;
    for (let i = 0; i < chunks.length; i++) {
      use(i);
      if (this.#topk === undefined) this.#encode(pass, i, rowsPad);
      this.#fold(pass, i, rows);
      if (carry) dispatch(pass, this.#steps[i].carry, Math.ceil(chunks[i].cols / 2));
      const { kept } = all[base + i];
      if (kept > 0) dispatch(pass, distribution[i], Math.ceil(kept / 16), Math.ceil(rows / 16));
    }
    if (carry) this.#rowsSinceCarry = 0;
    pass.end();
  }

  #encode(pass: GPUComputePassEncoder, i: number, rowsPad: number): void {
    const { tile } = this.#request;
    const { colsPad } = this.geometry.chunks[i];
    dispatch(pass, this.#steps[i].encode, colsPad / tileColumns(tile), rowsPad / tileRows(tile));
  }

  #fold(pass: GPUComputePassEncoder, i: number, rows: number): void {
    const { fold, select, merge, heatmap } = this.#steps[i];
    const { cols } = this.geometry.chunks[i];
    const { capacity } = this.#request.tuning;
    dispatch(pass, fold, Math.ceil(cols / FOLD_THREADS));
    dispatch(pass, merge, cols);
    // A list that filled up stopped its latent; each further round takes `capacity` candidates more, so these suffice.
    for (let taken = capacity; taken < rows; taken += capacity) {
      dispatch(pass, select, Math.ceil(cols / FOLD_THREADS));
      dispatch(pass, merge, cols);
    }
    if (this.#request.plan.sortBy !== "img") dispatch(pass, heatmap, cols);
  }
}

function dispatch(pass: GPUComputePassEncoder, step: Step, x: number, y = 1): void {
  pass.setPipeline(step.pipeline);
  pass.setBindGroup(1, step.group);
  pass.dispatchWorkgroups(x, y);
}
