/**
 * The one interface between the pass over rows and whatever computes it.
 *
 * A backend works at the level of operations: encode a batch and fold it into the state. The three rooms
 * `reference/`, `wasm/` and `webgpu/` implement it and never import each other.
 * @module
 */
import type { LatentState } from "./latent_state.ts";
import type { RowLayout } from "./rows.ts";
import type { Sae } from "./sae.ts";
import type { Tensor } from "./tensor.ts";

/** Names of the backends. */
export type BackendName = "reference" | "wasm" | "webgpu";

/** What to rank: patches by activation, images by activation, or images by the sum over their patches. */
export type SortBy = "patch" | "img" | "sum";

/** Everything a pass needs to know before its first row. */
export interface FoldPlan {
  /** How raw blocks become rows. */
  readonly layout: RowLayout;
  /** Images in the whole job; at most 2^32 − 1, and so rows. */
  readonly nImages: number;
  /** Images that a lent buffer should hold; a backend that has reason to lends smaller or larger ones. */
  readonly batchImages: number;
  /** Entries kept per latent, ≥ 1. */
  readonly k: number;
  /** Ranking. `patch` and `sum` need `layout.kind = "patches"`, `img` the other two. */
  readonly sortBy: SortBy;
  /** `image` keeps only the best patch of each image; `none` may list an image several times. */
  readonly dedupe: "none" | "image";
  /** Percentile of the online estimator, 0 … 100. */
  readonly percentile: number;
  /** Its learning rate. */
  readonly percentileLr: number;
  /** Latents whose every activation is kept: the first m. 0 for none. */
  readonly nDistributions: number;
  /** What to do with a row holding NaN or an infinity before the clamp. */
  readonly nonFinite: "error" | "skip";
  /** Upper bound of memory the backend may take, in bytes. */
  readonly maxMemoryBytes: number;
  /** Worker threads; backends that have none ignore it. */
  readonly threads: number;
  /**
   * Gives `f32 [≤ n, dVit]`: rows from all over the job, ascending, made as `layout` says; one that holds NaN or an infinity is
   * all zeros. A backend may choose by them how it computes, never what. Called once, if at all.
   */
  readonly sample?: ((n: number) => Promise<Float32Array>) | undefined;
}

/** A filled buffer: `nImages` images from `firstImage` on, at the start of `block`. */
export interface Batch {
  /** A buffer that {@linkcode Fold.lend} gave, `f32 [≥ nImages, layers, tokens, dVit]`. */
  readonly block: Float32Array;
  /** Index of the first image; batches come in increasing order without gaps. */
  readonly firstImage: number;
  /** Images in the block; ≥ 0. */
  readonly nImages: number;
}

/** A pass under way. Not reentrant: call `lend` and `fold` from one place, in order. */
export interface Fold {
  /** Resolves to a free buffer to read raw images into; waits while all are in flight. */
  lend(): Promise<Float32Array>;
  /**
   * Takes a filled buffer and folds it in. Resolves when the batch is accepted, which may be before it is computed, so
   * that the next read overlaps; a failure then rejects a later call.
   *
   * @throws {NonFiniteError} If `plan.nonFinite` is `error` and a row holds NaN or an infinity.
   */
  fold(batch: Batch): Promise<void>;
  /** Waits for everything accepted and returns the state so far. The pass can go on afterwards. */
  state(): Promise<LatentState>;
  /** Seconds spent per stage so far, for `--profile`; keys are stage names. */
  profile(): Readonly<Record<string, number>>;
  /** Frees workers, memory and device objects. Idempotent. */
  close(): Promise<void>;
}

/** A way to compute. */
export interface Backend {
  /** Which one. */
  readonly name: BackendName;
  /** What the manifest records: the path that was probed and chosen, adapter, threads, … JSON values only. */
  readonly details: Readonly<Record<string, unknown>>;
  /**
   * Starts a pass, or takes one up again from `from`.
   *
   * @throws {DeviceLimitError} If the plan needs more memory than it may take.
   */
  open(sae: Sae, plan: FoldPlan, from?: LatentState): Promise<Fold>;
  /**
   * Activations of rows, dense: `f32 [n, dSae]` for `x: f32 [n, dVit]`. For small n: nothing is streamed.
   *
   * @throws {TypeError} If `x` is not `[n, dVit]`.
   */
  encode(x: Tensor, sae: Sae): Promise<Tensor>;
  /** Frees what the backend holds. Idempotent. */
  close(): Promise<void>;
}
