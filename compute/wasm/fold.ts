/**
 * A pass on WebAssembly: buffers out, batches in, the state at the end.
 * @module
 */
import type { Batch, Fold, FoldPlan } from "../backend.ts";
import type { LatentState } from "../latent_state.ts";
import { nonFiniteError } from "../prepare_rows.ts";
import { imageStride, rowsPerImage } from "../rows.ts";
import { prepareScreening } from "./screening.ts";
import type { MemoryPlan } from "./plan_memory.ts";
import type { Pool } from "./pool.ts";
import { FOLDED_SO_FAR, SKIPPED_SO_FAR, viewState } from "./state_views.ts";

/** What a pass runs on; its memory is set up. */
export interface FoldParts {
  /** The plan. */
  readonly plan: FoldPlan;
  /** Where things lie. */
  readonly memoryPlan: MemoryPlan;
  /** The shared memory. */
  readonly memory: WebAssembly.Memory;
  /** The threads. */
  readonly pool: Pool;
}

/** Byte offsets within a worker's scratch region; the same as in `kernels/sync.as`. */
const BAD_ROW = 72;
const SCREENED = 96;
/** Rows a batch must have for its sample to be worth something. */
const SCREEN_ROWS = 512;
const STAGES = ["prepare", "screen", "exact", "dense", "statistics", "rank", "wait", "heatmaps"];

/** See {@linkcode Fold}. */
export class WasmFold implements Fold {
  readonly #parts: FoldParts;
  readonly #free: number[];
  readonly #inFlight: Promise<void>[] = [];
  #failure: unknown;
  #nextImage: number | undefined;
  #closed = false;
  #screening: Promise<void> | undefined;
  #setUpSeconds: number;

  constructor(parts: FoldParts, setUpSeconds: number) {
    this.#parts = parts;
    this.#free = [...parts.memoryPlan.raw];
    this.#setUpSeconds = setUpSeconds;
  }

  async lend(): Promise<Float32Array> {
    this.#check();
    if (this.#free.length === 0) await this.#inFlight[0];
    this.#check();
    const { plan, memoryPlan, memory } = this.#parts;
    const at = this.#free.shift() as number;
    return new Float32Array(memory.buffer, at, memoryPlan.rawImages * imageStride(plan.layout));
  }

  // deno-lint-ignore require-await -- so that a failure rejects instead of being thrown
  async fold({ block, firstImage, nImages }: Batch): Promise<void> {
    this.#check();
    const { plan, memoryPlan, memory, pool } = this.#parts;
    const at = block.byteOffset;
    if (block.buffer !== memory.buffer || !memoryPlan.raw.includes(at) || this.#free.includes(at)) {
      throw new TypeError("Cannot fold a block that lend() did not give");
    }
    if (this.#nextImage !== undefined && firstImage !== this.#nextImage) {
      throw new RangeError(`Cannot fold a batch from image ${firstImage}: expected image ${this.#nextImage}`);
    }
    if (!(nImages >= 0 && nImages <= memoryPlan.rawImages && firstImage + nImages <= plan.nImages)) {
      throw new RangeError(
        `Cannot fold ${nImages} images from ${firstImage}: expected at most ${memoryPlan.rawImages} ` +
          `of a job of ${plan.nImages}`,
      );
    }
    this.#nextImage = firstImage + nImages;
    const rows = nImages * rowsPerImage(plan.layout);
    // Without a sample the first batch large enough gives one; later ones queue behind it.
    if (memoryPlan.canScreen && plan.sample === undefined && this.#screening === undefined && rows >= SCREEN_ROWS) {
      this.#screening = this.#prepareScreening(at, rows);
    }
    const start = (): Promise<void> => pool.run("foldBatch", at, firstImage, nImages);
    const done = (this.#screening?.then(start) ?? start()).then(() => this.#refuseBad()).catch(
      (error) => {
        this.#failure ??= error;
      },
    ).finally(() => {
      this.#inFlight.shift();
      this.#free.push(at);
    });
    this.#inFlight.push(done);
  }

  /** Views on the pass's memory: valid until the pass goes on. */
  async state(): Promise<LatentState> {
    while (this.#inFlight.length > 0) await this.#inFlight[0];
    this.#check();
    const { plan, memoryPlan, memory, pool } = this.#parts;
    await pool.run("sealAll");
    const scratch = new Uint32Array(memory.buffer, memoryPlan.fields.scratch, 32);
    return viewState(plan, memoryPlan, memory, {
      rows: scratch[FOLDED_SO_FAR / 4],
      skippedRows: scratch[SKIPPED_SO_FAR / 4],
    });
  }

  profile(): Readonly<Record<string, number>> {
    const { memoryPlan: { fields }, memory, pool } = this.#parts;
    const seconds: Record<string, number> = { setUp: this.#setUpSeconds };
    STAGES.forEach((stage, i) => {
      let sum = 0;
      for (let worker = 0; worker < pool.threads; worker++) {
        const at = (fields.scratch ?? 0) + worker * (fields.scratchBytes ?? 0);
        sum += new Float64Array(memory.buffer, at, STAGES.length)[i];
      }
      seconds[stage] = sum / pool.threads;
    });
    const [pairs, survivors, large] = this.#screened();
    if (pairs > 0) {
      seconds.survivorShare = survivors / pairs;
      seconds.largeTileShare = large / pairs;
    }
    return seconds;
  }

  // deno-lint-ignore require-await -- the interface is asynchronous, stopping threads is not
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.pool.close();
  }

  /** Pairs screened, how many of them had to be computed, and how many were screened in large tiles. */
  #screened(): [number, number, number] {
    const { memoryPlan: { fields }, memory, pool } = this.#parts;
    const sums: [number, number, number] = [0, 0, 0];
    for (let worker = 0; worker < pool.threads; worker++) {
      const at = (fields.scratch ?? 0) + worker * (fields.scratchBytes ?? 0) + SCREENED;
      new Float64Array(memory.buffer, at, 3).forEach((value, i) => sums[i] += value);
    }
    return sums;
  }

  async #prepareScreening(raw: number, rows: number): Promise<void> {
    const started = performance.now();
    const { memoryPlan, memory, pool } = this.#parts;
    await prepareScreening({ memoryPlan, memory, pool, from: { raw, rows } });
    this.#setUpSeconds += (performance.now() - started) / 1000;
  }

  #check(): void {
    if (this.#closed) throw new TypeError("Cannot use a pass that was closed");
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** @throws {NonFiniteError} If a worker refused a row of this batch. */
  #refuseBad(): void {
    const { plan, memoryPlan: { fields }, memory, pool } = this.#parts;
    let first: DataView | undefined;
    for (let worker = 0; worker < pool.threads; worker++) {
      const at = (fields.scratch ?? 0) + worker * (fields.scratchBytes ?? 0) + BAD_ROW;
      const bad = new DataView(memory.buffer, at, 12);
      const row = bad.getUint32(0, true);
      if (row !== 0 && (first === undefined || row < first.getUint32(0, true))) first = bad;
    }
    if (first === undefined) return;
    const per = rowsPerImage(plan.layout);
    const row = first.getUint32(0, true) - 1;
    throw nonFiniteError(Math.floor(row / per), row % per, first.getUint32(4, true), first.getFloat32(8, true));
  }
}
