/**
 * One pass on one device: a piece of rows goes in, the state on the device moves on.
 * @module
 */
import { rowsPerImage } from "../rows.ts";
import { tileColumns, tileRows } from "./encode.ts";
import { type Chunk, type Geometry, MAX_ROWS_BETWEEN_CARRIES } from "./geometry.ts";
import type { Gpu } from "./gpu.ts";
import { foldGroups, LATENTS_PER_GROUP } from "./kernels.ts";
import { allocateLane, type ChunkState, FOUND_BYTES, freeLane, type LaneBuffers } from "./lane_buffers.ts";
import { cutLane, imageValues, keptLatents, laneParams, type LaneRequest } from "./lane_request.ts";
import { bindLane, dispatch, type LaneSteps } from "./lane_steps.ts";
import { type Params, PARAMS_STRIDE_BYTES, writeParams } from "./params.ts";

/** Nothing was found. */
const NONE = 0xffffffff;

/** A piece whose results have not been looked at. */
interface Flight {
  readonly staging: GPUBuffer;
  readonly rows: number;
  readonly done: (result: PieceResult) => void;
}

/** Pieces whose results have been asked for. */
interface Drained {
  readonly flights: readonly Flight[];
  readonly maps: Promise<PromiseSettledResult<unknown>[]>;
}

/** What comes back of a piece. */
export interface PieceResult {
  /** Index of the first NaN or infinity in the piece's rows, or −1. */
  readonly firstBad: number;
  /** What it is: NaN, Infinity or −Infinity. */
  readonly badValue: number;
  /** Rows that held one. */
  readonly skipped: number;
  /** `f32 [rows, kept]`: distributions. */
  readonly kept: Float32Array;
}

/** See the module. Made by {@linkcode Lane.create}; pieces are run in order. */
export class Lane {
  /** How the job is cut. */
  readonly geometry: Geometry;
  readonly #gpu: Gpu;
  readonly #request: LaneRequest;
  readonly #buffers: LaneBuffers;
  #steps!: LaneSteps;
  /** Buffers for results that no piece in flight uses. */
  readonly #idle: GPUBuffer[];
  #flights: Flight[] = [];
  #rowsSinceCarry = 0;
  #freed = false;

  private constructor(gpu: Gpu, request: LaneRequest) {
    this.#gpu = gpu;
    this.#request = request;
    this.geometry = cutLane(request, gpu.facts.maxBindingBytes);
    this.#buffers = allocateLane(gpu, request, this.geometry);
    this.#idle = [...this.#buffers.staging];
  }

  /**
   * Allocates everything and compiles the kernels.
   *
   * @throws {DeviceLimitError} If the job does not fit the device.
   */
  static async create(gpu: Gpu, request: LaneRequest): Promise<Lane> {
    const lane = new Lane(gpu, request);
    try {
      lane.#steps = await bindLane(gpu, request, lane.#buffers);
      await gpu.check();
    } catch (error) {
      lane.free();
      throw error;
    }
    return lane;
  }

  /** State buffers of each chunk. */
  get states(): readonly ChunkState[] {
    return this.#buffers.states;
  }

  /** Images that one piece takes at most. */
  get pieceImages(): number {
    return this.geometry.pieceImages;
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
    const { params: blockBuffer, raw, found, kept: keptBuffer } = this.#buffers;
    // With the ring full the device is first let run dry (see drain). This piece is submitted before those results are
    // handed out, so that the device is at work again meanwhile.
    const drained = this.#flights.length === this.#buffers.staging.length - 1 ? this.#drain() : undefined;
    const staging = this.#idle.pop()!;
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
    queue.writeBuffer(blockBuffer, 0, blocks);
    queue.writeBuffer(raw, 0, values, 0, images * imageValues(this.#request));
    queue.writeBuffer(found, 0, new Uint32Array([NONE, 0, NONE, NONE]));
    const kept = keptLatents(this.#request);
    gpu.submit("a piece of rows", (encoder) => {
      for (let s = 0; s < strips; s++) this.#strip(encoder, all, s);
      encoder.copyBufferToBuffer(found, 0, staging, 0, FOUND_BYTES);
      if (kept > 0) encoder.copyBufferToBuffer(keptBuffer, 0, staging, FOUND_BYTES, 4 * kept * rows);
    });
    this.#flights.push({ staging, rows, done });
    if (drained !== undefined) await this.#handOut(drained);
  }

  /** Waits for all pieces in flight and hands out their results, in order. */
  async collect(): Promise<void> {
    await this.#handOut(this.#drain());
  }

  /**
   * Asks for the results of all pieces in flight.
   *
   * All at once, because Deno's `mapAsync` returns only when the device has done everything submitted, and its promise
   * resolves some 10 ms later: asked piece by piece, the device would stand idle while the next one is read.
   */
  #drain(): Drained {
    const flights = this.#flights;
    this.#flights = [];
    return { flights, maps: Promise.allSettled(flights.map(({ staging }) => staging.mapAsync(GPUMapMode.READ))) };
  }

  async #handOut({ flights, maps }: Drained): Promise<void> {
    const kept = keptLatents(this.#request);
    for (const map of await maps) if (map.status === "rejected") throw map.reason;
    for (const { staging, rows, done } of flights) {
      const found = new Uint32Array(staging.getMappedRange(0, FOUND_BYTES));
      const [first, skipped, positive, negative] = found;
      const firstBad = first === NONE ? -1 : first;
      const badValue = first === positive ? Infinity : first === negative ? -Infinity : NaN;
      const values = kept === 0
        ? new Float32Array(0)
        : new Float32Array(staging.getMappedRange(FOUND_BYTES, 4 * kept * rows).slice(0));
      const result = { firstBad, badValue, skipped, kept: values };
      staging.unmap();
      this.#idle.push(staging);
      done(result);
    }
    await this.#gpu.check();
  }

  /** Moves running sums into totals, so that these can be read. */
  carry(): void {
    if (this.#rowsSinceCarry === 0) return;
    const { params } = this.#buffers;
    const blocks = new ArrayBuffer(PARAMS_STRIDE_BYTES * this.states.length);
    for (const [i, { chunk }] of this.states.entries()) {
      writeParams(blocks, PARAMS_STRIDE_BYTES * i, this.#params(chunk, 0, 0, 0, 0));
    }
    this.#gpu.device.queue.writeBuffer(params, 0, blocks);
    this.#gpu.submit("carrying sums", (encoder) => {
      const pass = encoder.beginComputePass();
      for (const [i, { chunk }] of this.states.entries()) {
        pass.setBindGroup(0, this.#steps.params, [PARAMS_STRIDE_BYTES * i]);
        dispatch(pass, this.#steps.chunks[i].carry, Math.ceil(chunk.cols / 2));
      }
      pass.end();
    });
    this.#rowsSinceCarry = 0;
  }

  /** Submits `times` products of a full strip with all chunks, for timing. */
  encodeOnly(times: number): void {
    const { params } = this.#buffers;
    const { stripRowsPad, chunks } = this.geometry;
    const blocks = new ArrayBuffer(PARAMS_STRIDE_BYTES * chunks.length);
    for (const [i, chunk] of chunks.entries()) {
      writeParams(blocks, PARAMS_STRIDE_BYTES * i, this.#params(chunk, 0, 0, stripRowsPad, stripRowsPad));
    }
    this.#gpu.device.queue.writeBuffer(params, 0, blocks);
    this.#gpu.submit("timing the product", (encoder) => {
      const pass = encoder.beginComputePass();
      for (let i = 0; i < times * chunks.length; i++) {
        pass.setBindGroup(0, this.#steps.params, [PARAMS_STRIDE_BYTES * (i % chunks.length)]);
        this.#encode(pass, i % chunks.length, stripRowsPad);
      }
      pass.end();
    });
  }

  /** Uploads a piece once and submits its first strip `times` times, all kernels included, for timing. */
  stripOnly(values: Float32Array<ArrayBuffer>, times: number): void {
    const { params, raw } = this.#buffers;
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
    if (!this.#freed) freeLane(this.#gpu, this.#buffers);
    this.#freed = true;
  }

  #params(chunk: Chunk, firstRow: number, pieceRow: number, rows: number, pieceRows: number): Params {
    return laneParams(this.#request, this.geometry, chunk, { firstRow, pieceRow, rows, pieceRows });
  }

  #strip(encoder: GPUCommandEncoder, all: readonly Params[], strip: number): void {
    const { prepare, topk } = this.#steps;
    const { kPad, chunks } = this.geometry;
    const base = strip * chunks.length;
    const { rows, rowsPad } = all[base];
    encoder.clearBuffer(this.#buffers.skip);
    const pass = encoder.beginComputePass();
    const use = (i: number): void => pass.setBindGroup(0, this.#steps.params, [PARAMS_STRIDE_BYTES * (base + i)]);
    use(0);
    dispatch(pass, prepare, Math.ceil(kPad / 32), Math.ceil(rowsPad / 32));
    if (topk !== undefined) {
      for (let i = 0; i < chunks.length; i++) {
        use(i);
        this.#encode(pass, i, rowsPad);
      }
      dispatch(pass, topk.cut, rows);
      dispatch(pass, topk.mark, Math.ceil(this.geometry.ldF / 64), Math.ceil(rows / 32));
    }
    this.#rowsSinceCarry += rows;
    const carry = this.#rowsSinceCarry + this.geometry.stripRowsPad > MAX_ROWS_BETWEEN_CARRIES;
    for (let i = 0; i < chunks.length; i++) {
      use(i);
      if (topk === undefined) this.#encode(pass, i, rowsPad);
      this.#fold(pass, i, rows);
      if (carry) dispatch(pass, this.#steps.chunks[i].carry, Math.ceil(chunks[i].cols / 2));
      const { kept } = all[base + i];
      if (kept > 0) dispatch(pass, this.#steps.chunks[i].distribution, Math.ceil(kept / 16), Math.ceil(rows / 16));
    }
    if (carry) this.#rowsSinceCarry = 0;
    pass.end();
  }

  #encode(pass: GPUComputePassEncoder, i: number, rowsPad: number): void {
    const { tile } = this.#request;
    const { colsPad } = this.geometry.chunks[i];
    dispatch(pass, this.#steps.chunks[i].encode, colsPad / tileColumns(tile), rowsPad / tileRows(tile));
  }

  #fold(pass: GPUComputePassEncoder, i: number, rows: number): void {
    const { fold, merge, heatmap } = this.#steps.chunks[i];
    const { cols } = this.geometry.chunks[i];
    dispatch(pass, fold, ...foldGroups(this.#request.tuning.fold, cols, rows));
    const groups = Math.ceil(cols / LATENTS_PER_GROUP);
    dispatch(pass, merge, groups);
    if (this.#request.plan.sortBy !== "img") dispatch(pass, heatmap, groups);
  }
}
