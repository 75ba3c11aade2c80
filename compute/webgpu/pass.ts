/**
 * A pass over rows on a device that may be lost: batches are kept until a snapshot of the state makes them dispensable.
 * @module
 */
import type { Batch, Fold, FoldPlan } from "../backend.ts";
import { copyState } from "../copy_state.ts";
import { emptyState, stateBytes } from "../empty_state.ts";
import { DeviceLostError, NonFiniteError } from "../errors.ts";
import type { LatentState } from "../latent_state.ts";
import { type EstimatorRule, estimatorRule } from "../percentile_estimator.ts";
import { nonFiniteError } from "../prepare_rows.ts";
import { imageStride, rowsPerImage } from "../rows.ts";
import type { Sae } from "../sae.ts";
import type { Gpu } from "./gpu.ts";
import { Lane, type PieceResult } from "./lane.ts";
import type { LaneRequest } from "./lane_request.ts";
import { planLending } from "./lending.ts";
import { pieceValues } from "./piece_values.ts";
import { clearState, readState, uploadState } from "./state_transfer.ts";

/** Who owns the device. */
export interface DeviceOwner {
  /** The device in use. */
  readonly gpu: Gpu;
  /**
   * A new device in place of a lost one.
   *
   * @throws {DeviceLostError} If the one before was lost less than a minute ago.
   */
  renew(): Promise<Gpu>;
}

/** Above this share of the pass's time, snapshots that cost more than {@linkcode CHEAP_SECONDS} are left out. */
const MAX_SNAPSHOT_SHARE = 0.1;
const CHEAP_SECONDS = 0.05;
/** What the first snapshot is taken to cost. */
const SNAPSHOT_BYTES_PER_SECOND = 1e9;

/** What lane requests have besides the job. */
export type LaneSetup = Pick<LaneRequest, "tile" | "rowPad" | "colPad" | "half" | "tuning">;

interface Held {
  readonly block: Float32Array<ArrayBuffer>;
  readonly firstImage: number;
  readonly nImages: number;
}

/** See the module. */
export class WebgpuFold implements Fold {
  readonly #owner: DeviceOwner;
  readonly #request: LaneRequest;
  readonly #plan: FoldPlan;
  readonly #sae: Sae;
  readonly #rule: EstimatorRule;
  readonly #perImage: number;
  readonly #stride: number;
  readonly #lentImages: number;
  readonly #maxLent: number;
  readonly #distributions: Float32Array;
  readonly #free: Float32Array<ArrayBuffer>[] = [];
  readonly #lent = new Set<Float32Array>();
  readonly #seconds = { prepare: 0, submit: 0, wait: 0, snapshot: 0, recover: 0 };
  readonly #started = performance.now();
  #lane!: Lane;
  /** The device that the lane is on: the owner may have another one by now. */
  #gpu!: Gpu;
  #buffers = 0;
  /** Batches since the snapshot; in unprotected stretches none. */
  #held: Held[] = [];
  /** The batch that is being uploaded, or was last; never rejects. */
  #uploading: Promise<void> = Promise.resolve();
  #snapshots = 0;
  /** The state that held batches go on from; undefined is that of no rows. */
  #snapshot: LatentState | undefined;
  /** Whether a loss can be made good. */
  #protected: boolean;
  #rows = 0;
  #skipped = 0;
  #nextImage: number | undefined;
  #failure: unknown;
  #closed = false;

  private constructor(owner: DeviceOwner, sae: Sae, plan: FoldPlan, setup: LaneSetup, from: LatentState | undefined) {
    this.#owner = owner;
    this.#sae = sae;
    this.#plan = plan;
    const { layout } = plan;
    this.#perImage = rowsPerImage(layout);
    this.#stride = imageStride(layout);
    // Means are taken on the host: they are sums in f64.
    const prepared = layout.layers > 1 || layout.kind === "meanpool";
    this.#rule = estimatorRule(plan.percentile, Math.max(1, plan.nImages * this.#perImage), plan.percentileLr);
    const lending = planLending(sae, plan, setup.tuning);
    this.#lentImages = lending.images;
    this.#maxLent = lending.most;
    this.#protected = lending.protects;
    this.#request = { ...setup, sae, plan, prepared, maxImages: lending.images };
    this.#snapshot = from === undefined ? undefined : copyState(from);
    const kept = Math.min(plan.nDistributions, sae.dSae);
    this.#distributions = this.#snapshot?.distributions ??
      new Float32Array(kept * plan.nImages * this.#perImage);
  }

  /**
   * Starts a pass; the arguments have been checked.
   *
   * @throws {DeviceLimitError} If the job does not fit the device or `plan.maxMemoryBytes`.
   */
  static async open(
    owner: DeviceOwner,
    sae: Sae,
    plan: FoldPlan,
    setup: LaneSetup,
    from: LatentState | undefined,
  ): Promise<WebgpuFold> {
    const fold = new WebgpuFold(owner, sae, plan, setup, from);
    await fold.#load();
    return fold;
  }

  /** How the job is cut, for tuning. */
  get lane(): Lane {
    return this.#lane;
  }

  async lend(): Promise<Float32Array> {
    this.#refuse();
    if (this.#free.length === 0 && this.#buffers >= this.#wantedBuffers()) await this.#uploading;
    this.#refuse();
    if (this.#free.length === 0 && this.#buffers === this.#maxLent) {
      await this.#guarded(() => this.#makeRoom(), () => this.#makeRoom());
    }
    this.#refuse();
    let block = this.#free.pop();
    if (block === undefined) {
      if (this.#buffers === this.#maxLent) {
        throw new RangeError(`Cannot lend a buffer: all ${this.#maxLent} are lent, fold one first`);
      }
      block = new Float32Array(this.#lentImages * this.#stride);
      this.#buffers += 1;
    }
    this.#lent.add(block);
    return block;
  }

  async fold(batch: Batch): Promise<void> {
    this.#refuse();
    const { firstImage, nImages } = batch;
    if (!this.#lent.has(batch.block)) throw new TypeError("Cannot fold a block that was not lent by this pass");
    if (this.#nextImage !== undefined && firstImage !== this.#nextImage) {
      throw new RangeError(`Cannot fold a batch from image ${firstImage}: expected image ${this.#nextImage}`);
    }
    if (!(nImages >= 0 && nImages <= this.#lentImages && firstImage + nImages <= this.#plan.nImages)) {
      throw new RangeError(
        `Cannot fold ${nImages} images from ${firstImage}: expected at most ${this.#lentImages} ` +
          `of a job of ${this.#plan.nImages}`,
      );
    }
    this.#lent.delete(batch.block);
    const block = batch.block as Float32Array<ArrayBuffer>;
    this.#nextImage = firstImage + nImages;
    if (nImages === 0) {
      this.#free.push(block);
      return;
    }
    await this.#uploading;
    this.#refuse();
    // Uploading is copying, which keeps this thread: the caller gets a turn first, so that the next read is under way meanwhile.
    const upload = (): Promise<void> => this.#upload({ block, firstImage, nImages });
    this.#uploading = new Promise((resolve) => setTimeout(resolve, 0)).then(upload).catch((error) => {
      this.#failure ??= error;
    });
  }

  /** Nothing is gained by more buffers than one that is read into, one that is uploaded and one between, unless batches are held. */
  #wantedBuffers(): number {
    return this.#protected ? this.#maxLent : Math.min(this.#maxLent, 3);
  }

  async #upload(batch: Held): Promise<void> {
    if (this.#closed || this.#failure !== undefined) return;
    if (this.#protected) this.#held.push(batch);
    await this.#guarded(() => this.#run(batch), () => Promise.resolve());
    if (!this.#held.includes(batch)) this.#free.push(batch.block);
  }

  async state(): Promise<LatentState> {
    this.#refuse();
    await this.#uploading;
    this.#refuse();
    await this.#guarded(() => this.#takeSnapshot(), () => this.#takeSnapshot());
    this.#refuse();
    const state = this.#snapshot!;
    if (this.#nextImage !== this.#plan.nImages) return copyState(state);
    // Nothing is left to go on from: the caller gets what was read, and whoever asks again has it read again.
    this.#snapshot = undefined;
    this.#protected = false;
    return { ...state, distributions: this.#distributions.slice() };
  }

  profile(): Readonly<Record<string, number>> {
    return { ...this.#seconds };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#uploading;
    try {
      await this.#lane.collect();
    } catch {
      // The device may be gone, or a batch refused: it has been or will be reported by the call that met it.
    }
    this.#lane.free();
    this.#free.length = 0;
    this.#held = [];
    this.#snapshot = undefined;
  }

  #refuse(): void {
    if (this.#closed) throw new TypeError("Cannot use a pass that was closed");
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Makes a lane on the owner's device and puts the snapshot there. */
  async #load(): Promise<void> {
    const gpu = this.#gpu = this.#owner.gpu;
    this.#lane = await Lane.create(gpu, this.#request);
    if (this.#snapshot === undefined) clearState(gpu, this.#lane);
    else uploadState(gpu, this.#lane, this.#snapshot, this.#perImage, this.#rule);
    this.#rows = this.#snapshot?.rows ?? 0;
    this.#skipped = this.#snapshot?.skippedRows ?? 0;
    await gpu.check();
  }

  /** Does something on the device; if that is lost, goes on from the snapshot on a new one, then does the other thing. */
  async #guarded(action: () => Promise<void>, afterRecovery: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const isOwn = this.#closed || error === this.#failure || error instanceof NonFiniteError;
      if (isOwn || !(await this.#gpu.waitForLoss())) {
        this.#failure ??= error;
        throw error;
      }
      const start = performance.now();
      await this.#guarded(() => this.#recover(), () => Promise.resolve());
      this.#seconds.recover += (performance.now() - start) / 1000;
      await this.#guarded(afterRecovery, () => Promise.resolve());
    }
  }

  async #recover(): Promise<void> {
    if (!this.#protected) {
      throw this.#failure = new DeviceLostError(
        `Lost the GPU (${this.#gpu.lost}) while rows since the last snapshot were no longer in memory: ` +
          "resume from the last checkpoint",
      );
    }
    const reason = this.#gpu.lost;
    try {
      await this.#owner.renew();
    } catch (cause) {
      const lost = cause instanceof DeviceLostError ? cause : new DeviceLostError(
        `Lost the GPU (${reason}) and could not get it back: ${(cause as Error).message}`,
        { cause },
      );
      throw this.#failure = lost;
    }
    await this.#load();
    for (const held of this.#held) await this.#run(held);
  }

  async #run(held: Held): Promise<void> {
    const lane = this.#lane;
    for (let first = 0; first < held.nImages; first += lane.pieceImages) {
      const n = Math.min(lane.pieceImages, held.nImages - first);
      const start = performance.now();
      const values = pieceValues(this.#plan, held, { first, n, prepared: this.#request.prepared });
      const prepared = performance.now();
      await lane.run(values, held.firstImage + first, n, (result) => {
        if (lane === this.#lane) this.#receive(held, first, n, result);
      });
      this.#seconds.prepare += (prepared - start) / 1000;
      this.#seconds.submit += (performance.now() - prepared) / 1000;
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  #receive(held: Held, first: number, n: number, result: PieceResult): void {
    const { firstBad, badValue, skipped, kept } = result;
    const { nonFinite, layout, nImages } = this.#plan;
    const perImage = this.#perImage;
    if (firstBad >= 0 && nonFinite === "error") {
      const row = Math.floor(firstBad / layout.dVit);
      const image = first + Math.floor(row / perImage);
      this.#failure ??= nonFiniteError(held.firstImage + image, row % perImage, firstBad % layout.dVit, badValue);
      return;
    }
    this.#rows += n * perImage - skipped;
    this.#skipped += skipped;
    const latents = Math.min(this.#plan.nDistributions, this.#sae.dSae);
    const column = (held.firstImage + first) * perImage;
    for (let r = 0; r < n * perImage; r++) {
      for (let j = 0; j < latents; j++) {
        this.#distributions[j * nImages * perImage + column + r] = kept[r * latents + j];
      }
    }
  }

  /** Frees lent buffers: by a snapshot, or by giving up what is held for the case of a loss. */
  async #makeRoom(): Promise<void> {
    const { snapshot } = this.#seconds;
    const bytes = stateBytes(this.#sae.dSae, this.#plan);
    const next = this.#snapshots > 0 ? snapshot / this.#snapshots : bytes / SNAPSHOT_BYTES_PER_SECOND;
    const elapsed = (performance.now() - this.#started) / 1000;
    const isCheap = snapshot + next < Math.max(CHEAP_SECONDS, MAX_SNAPSHOT_SHARE * elapsed);
    if (isCheap && this.#plan.maxMemoryBytes >= 2 * bytes && this.#held.length > 0) {
      await this.#takeSnapshot();
      return;
    }
    this.#protected = false;
    for (const { block } of this.#held) this.#free.push(block);
    this.#held = [];
  }

  async #takeSnapshot(): Promise<void> {
    const start = performance.now();
    await this.#lane.collect();
    const drained = performance.now();
    this.#seconds.wait += (drained - start) / 1000;
    if (this.#failure !== undefined) throw this.#failure;
    this.#lane.carry();
    const state = {
      ...emptyState(this.#sae.dSae, { ...this.#plan, nDistributions: 0 }),
      rows: this.#rows,
      skippedRows: this.#skipped,
      distributions: this.#distributions,
    };
    await readState(this.#gpu, this.#lane, state, this.#perImage);
    this.#snapshot = state;
    this.#snapshots += 1;
    this.#protected = true;
    for (const { block } of this.#held) this.#free.push(block);
    this.#held = [];
    this.#seconds.snapshot += (performance.now() - drained) / 1000;
  }
}
