/**
 * The pass over rows in plain loops, one image at a time.
 * @module
 */
import type { Batch, Fold, FoldPlan } from "../backend.ts";
import { copyState } from "../copy_state.ts";
import { emptyState, stateBytes } from "../empty_state.ts";
import { DeviceLimitError } from "../errors.ts";
import { addExact } from "../exact_sum.ts";
import { type LatentState, SKETCH_BINS, SUM_BINS } from "../latent_state.ts";
import { advanceZeros, type EstimatorRule, estimatorRule, updateEstimate } from "../percentile_estimator.ts";
import { prepareRows } from "../prepare_rows.ts";
import { sketchBin } from "../quantile_sketch.ts";
import { imageStride, rowsPerImage } from "../rows.ts";
import type { Sae } from "../sae.ts";
import { encodeRow } from "./encode.ts";
import { offerEntry } from "./ranking.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Folds batches into the canonical state, which it holds at all times.
 *
 * Beside the state it keeps one lent block, its rows, and the activations of one image (`f32 [dSae, rows per image]`);
 * nothing grows with the number of images but the distributions asked for. A batch is computed before `fold` resolves,
 * and one that is refused leaves the state as it was.
 */
export class ReferenceFold implements Fold {
  readonly #sae: Sae;
  readonly #plan: FoldPlan;
  readonly #rule: EstimatorRule;
  readonly #state: Mutable<LatentState>;
  readonly #perImage: number;
  readonly #block: Float32Array;
  readonly #rows: Float32Array;
  readonly #pre: Float64Array;
  readonly #f: Float32Array;
  /** `f32 [dSae, perImage]`: one image's activations, by latent, so that a heatmap is a slice. */
  readonly #acts: Float32Array;
  readonly #seconds = { prepare: 0, encode: 0, fold: 0 };
  #nextImage: number | undefined;
  #closed = false;

  /**
   * Starts a pass; the arguments have been checked.
   *
   * @throws {DeviceLimitError} If it needs more than `plan.maxMemoryBytes`.
   */
  constructor(sae: Sae, plan: FoldPlan, from?: LatentState) {
    const perImage = rowsPerImage(plan.layout);
    const blockLength = plan.batchImages * imageStride(plan.layout);
    const rowsLength = plan.batchImages * perImage * sae.dVit;
    const bytes = stateBytes(sae.dSae, plan) + 4 * (blockLength + rowsLength + sae.dSae * (perImage + 3));
    if (bytes > plan.maxMemoryBytes) {
      throw new DeviceLimitError(
        `Found a pass that needs ${bytes} bytes, expected at most ${plan.maxMemoryBytes}: ` +
          "take fewer images per batch, a smaller k or fewer distributions, or raise --max-memory",
        { limit: "max-memory", requested: bytes, available: plan.maxMemoryBytes },
      );
    }
    this.#sae = sae;
    this.#plan = plan;
    this.#perImage = perImage;
    this.#rule = estimatorRule(plan.percentile, Math.max(1, plan.nImages * perImage), plan.percentileLr);
    this.#state = from === undefined ? emptyState(sae.dSae, plan) : copyState(from);
    this.#block = new Float32Array(blockLength);
    this.#rows = new Float32Array(rowsLength);
    this.#pre = new Float64Array(sae.dSae);
    this.#f = new Float32Array(sae.dSae);
    this.#acts = new Float32Array(sae.dSae * perImage);
  }

  /** The one buffer: free whenever `fold` is not running. */
  // deno-lint-ignore require-await -- async so that a refusal is a rejection.
  async lend(): Promise<Float32Array> {
    this.#refuseClosed();
    return this.#block;
  }

  // deno-lint-ignore require-await -- async so that a refusal is a rejection.
  async fold(batch: Batch): Promise<void> {
    this.#refuseClosed();
    const { firstImage, nImages } = batch;
    if (this.#nextImage !== undefined && firstImage !== this.#nextImage) {
      throw new RangeError(`Cannot fold a batch from image ${firstImage}: expected image ${this.#nextImage}`);
    }
    if (!(nImages >= 0 && nImages <= this.#plan.batchImages && firstImage + nImages <= this.#plan.nImages)) {
      throw new RangeError(
        `Cannot fold ${nImages} images from ${firstImage}: expected at most ${this.#plan.batchImages} ` +
          `of a job of ${this.#plan.nImages}`,
      );
    }
    const start = performance.now();
    const { layout, nonFinite } = this.#plan;
    const { rows, skipped } = prepareRows(batch.block, nImages, firstImage, layout, nonFinite, this.#rows);
    this.#seconds.prepare += (performance.now() - start) / 1000;
    for (let i = 0; i < nImages; i++) this.#foldImage(rows, skipped, i, firstImage + i);
    this.#nextImage = firstImage + nImages;
  }

  /** A copy of the state. */
  state(): Promise<LatentState> {
    return Promise.resolve(copyState(this.#state));
  }

  /** Seconds in `prepare`, `encode` and `fold`. */
  profile(): Readonly<Record<string, number>> {
    return { ...this.#seconds };
  }

  /** Ends the pass; what it holds is freed with it. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #refuseClosed(): void {
    if (this.#closed) throw new TypeError("Cannot use a pass that was closed");
  }

  #foldImage(rows: Float32Array, skipped: Uint8Array | undefined, indexInBatch: number, image: number): void {
    const start = performance.now();
    const perImage = this.#perImage;
    const { dVit, dSae } = this.#sae;
    const acts = this.#acts;
    /** Number of each counted row, −1 for a skipped one. */
    const numbers: number[] = [];
    for (let p = 0; p < perImage; p++) {
      const row = indexInBatch * perImage + p;
      const skip = skipped !== undefined && skipped[row] === 1;
      numbers.push(skip ? -1 : this.#state.rows);
      if (skip) this.#state.skippedRows += 1;
      else this.#state.rows += 1;
      if (skip) this.#f.fill(0);
      else encodeRow(rows, row * dVit, this.#sae, this.#pre, this.#f);
      for (let j = 0; j < dSae; j++) acts[j * perImage + p] = this.#f[j];
    }
    const encoded = performance.now();
    for (let j = 0; j < dSae; j++) {
      const f = acts.subarray(j * perImage, (j + 1) * perImage);
      for (let p = 0; p < perImage; p++) if (f[p] > 0) this.#count(j, numbers[p], f[p]);
      this.#rank(j, image, f);
    }
    this.#keepDistributions(image, numbers);
    this.#seconds.encode += (encoded - start) / 1000;
    this.#seconds.fold += (performance.now() - encoded) / 1000;
  }

  /** Statistics of latent j firing with value f on row number `row`. */
  #count(j: number, row: number, f: number): void {
    const state = this.#state;
    state.count[j] += 1;
    addExact(state.sumBins, j * SUM_BINS, f);
    state.histogram[j * SKETCH_BINS + sketchBin(f)] += 1;
    if (f < state.min[j]) state.min[j] = f;
    if (f > state.max[j]) state.max[j] = f;
    const seen = state.estimateRow[j];
    const before = advanceZeros(state.estimate[j], seen, row - seen, this.#rule);
    state.estimate[j] = updateEstimate(before, row, f, this.#rule);
    state.estimateRow[j] = row + 1;
  }

  /** Offers what one image gives latent j: every firing patch, its best patch, or their sum. */
  #rank(j: number, image: number, f: Float32Array): void {
    let best = 0;
    let sum = 0;
    for (let p = 0; p < f.length; p++) {
      sum += f[p];
      if (f[p] > f[best]) best = p;
    }
    if (!(sum > 0)) return;
    if (this.#plan.sortBy === "sum") {
      offerEntry(this.#state, j, { value: Math.fround(sum), image, patch: best }, f);
    } else if (this.#plan.dedupe === "image") {
      offerEntry(this.#state, j, { value: f[best], image, patch: best }, f);
    } else {
      for (let p = 0; p < f.length; p++) {
        if (f[p] > 0) offerEntry(this.#state, j, { value: f[p], image, patch: p }, f);
      }
    }
  }

  /** Column = row of the data set, so a skipped row has one too: NaN. */
  #keepDistributions(image: number, numbers: readonly number[]): void {
    const { distributions } = this.#state;
    const perImage = this.#perImage;
    const nRows = this.#plan.nImages * perImage;
    const kept = Math.min(this.#plan.nDistributions, this.#sae.dSae);
    for (let j = 0; j < kept; j++) {
      for (let p = 0; p < perImage; p++) {
        distributions[j * nRows + image * perImage + p] = numbers[p] < 0 ? NaN : this.#acts[j * perImage + p];
      }
    }
  }
}
