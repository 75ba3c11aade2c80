/**
 * Encoders that normalise each row first, on any backend.
 * @module
 */
import type { Backend, Batch, Fold, FoldPlan } from "./backend.ts";
import { checkPlan } from "./check_plan.ts";
import type { LatentState } from "./latent_state.ts";
import { prepareRows } from "./prepare_rows.ts";
import { imageStride, type RowLayout, rowsPerImage } from "./rows.ts";
import type { InputNorm, Sae } from "./sae.ts";
import { type Tensor, tensor } from "./tensor.ts";

/** Rows are clamped before they are normalised; after that nothing may be. */
const NO_CLAMP = 3.4028234663852886e38;

/**
 * Normalises rows in place, each on its own.
 *
 * Sums are taken in f64 in order, and each value is rounded to f32 once. Finite rows stay finite: a row of zeros, or one
 * without spread, becomes zeros. A row holding NaN or an infinity becomes all NaN.
 *
 * @param rows `f32 [n, dVit]`, overwritten.
 * @param dVit Width of a row.
 * @param norm What to do.
 * @throws {TypeError} If `rows` is not a whole number of rows.
 *
 * Source: SAELens, `normalize_activations` (the standard deviation is torch's, with n − 1 below).
 *
 * @example
 * ```ts
 * import { normalizeRows } from "./with_input_norm.ts";
 * const rows = new Float32Array([3, 4]);
 * normalizeRows(rows, 2, { kind: "constant_norm", norm: 10 });
 * console.assert(rows.join() === "6,8");
 * ```
 */
export function normalizeRows(rows: Float32Array, dVit: number, norm: InputNorm): void {
  if (rows.length % dVit !== 0) throw new TypeError(`Cannot split ${rows.length} values into rows of ${dVit}`);
  for (let at = 0; at < rows.length; at += dVit) {
    let mean = 0;
    if (norm.kind === "layer_norm") {
      for (let d = 0; d < dVit; d++) mean += rows[at + d];
      mean /= dVit;
    }
    let squares = 0;
    for (let d = 0; d < dVit; d++) squares += (rows[at + d] - mean) ** 2;
    const divisor = norm.kind === "layer_norm"
      ? Math.sqrt(squares / Math.max(1, dVit - 1)) + norm.epsilon
      : Math.sqrt(squares) / norm.norm;
    for (let d = 0; d < dVit; d++) {
      // Zeros over zero would be NaN; NaN and infinities, though, must stay bad.
      rows[at + d] = squares === 0 ? 0 : Number.isFinite(squares) ? (rows[at + d] - mean) / divisor : NaN;
    }
  }
}

/**
 * A backend that also takes encoders with `inputNorm`; for others it is the backend itself.
 *
 * Rows are made here (means, the non-finite policy, clamp, centring, scaling, then the norm) and the backend gets them as
 * finished rows, so every backend gives what it would give for those. One thread does that, while the backend computes.
 *
 * @param backend What encodes; closing either closes both.
 *
 * @example
 * ```ts
 * import { createReferenceBackend } from "./reference/mod.ts";
 * import { tensor } from "./tensor.ts";
 * import { withInputNorm } from "./with_input_norm.ts";
 * const sae = {
 *   dVit: 2, dSae: 1, wEnc: new Float32Array([1, 0]), bEnc: new Float32Array(1), bPre: new Float32Array(2),
 *   activation: { kind: "relu" }, inputNorm: { kind: "constant_norm", norm: 10 },
 * } as const;
 * const f = await withInputNorm(createReferenceBackend()).encode(tensor(new Float32Array([3, 4]), [1, 2]), sae);
 * console.assert(f.data[0] === 6);
 * ```
 */
export function withInputNorm(backend: Backend): Backend {
  return {
    name: backend.name,
    details: backend.details,
    async open(sae: Sae, plan: FoldPlan, from?: LatentState): Promise<Fold> {
      const { inputNorm, ...plain } = sae;
      if (inputNorm === undefined) return await backend.open(sae, plan, from);
      checkPlan(plain, plan, from);
      const raw = new Float32Array(plan.batchImages * imageStride(plan.layout));
      const inner: FoldPlan = {
        ...plan,
        layout: finishedRows(plan.layout),
        maxMemoryBytes: Math.max(0, plan.maxMemoryBytes - raw.byteLength),
        sample: plan.sample && (async (n) => {
          const rows = await plan.sample!(n);
          normalizeRows(rows, sae.dVit, inputNorm);
          return rows;
        }),
      };
      return new NormFold(await backend.open(plain, inner, from), plan, inputNorm, raw);
    },
    async encode(x: Tensor, sae: Sae): Promise<Tensor> {
      const { inputNorm, ...plain } = sae;
      if (inputNorm === undefined || x.shape.length !== 2 || x.shape[1] !== sae.dVit) {
        return await backend.encode(x, plain);
      }
      const rows = x.data.slice();
      normalizeRows(rows, sae.dVit, inputNorm);
      return await backend.encode(tensor(rows, x.shape), plain);
    },
    close: () => backend.close(),
  };
}

/** The layout of blocks that hold nothing but finished rows. */
function finishedRows(layout: RowLayout): RowLayout {
  return {
    kind: layout.kind === "patches" ? "patches" : "cls",
    layers: 1,
    tokens: rowsPerImage(layout),
    firstToken: 0,
    dVit: layout.dVit,
    clamp: NO_CLAMP,
    mean: undefined,
    scalar: 1,
  };
}

/** Lends one raw buffer, and makes rows of it straight into the backend's. */
class NormFold implements Fold {
  readonly #inner: Fold;
  readonly #plan: FoldPlan;
  readonly #norm: InputNorm;
  readonly #raw: Float32Array;
  #seconds = 0;
  /** The backend's buffer that rows go to next. */
  #lent: Float32Array | undefined;

  constructor(inner: Fold, plan: FoldPlan, norm: InputNorm, raw: Float32Array) {
    this.#inner = inner;
    this.#plan = plan;
    this.#norm = norm;
    this.#raw = raw;
  }

  /** Free whenever `fold` is not running: it is read before that resolves. Holds what goes into a buffer of the backend's. */
  async lend(): Promise<Float32Array> {
    const { layout } = this.#plan;
    this.#lent ??= await this.#inner.lend();
    const images = Math.floor(this.#lent.length / (rowsPerImage(layout) * layout.dVit));
    return this.#raw.subarray(0, Math.min(this.#plan.batchImages, images) * imageStride(layout));
  }

  async fold({ block, firstImage, nImages }: Batch): Promise<void> {
    const { layout, nonFinite } = this.#plan;
    const lent = this.#lent ?? await this.#inner.lend();
    this.#lent = undefined;
    const start = performance.now();
    const { rows, skipped } = prepareRows(block, nImages, firstImage, layout, nonFinite, lent);
    normalizeRows(rows, layout.dVit, this.#norm);
    // The backend has to leave out what was left out here.
    skipped?.forEach((skip, r) => {
      if (skip === 1) rows.fill(NaN, r * layout.dVit, (r + 1) * layout.dVit);
    });
    this.#seconds += (performance.now() - start) / 1000;
    await this.#inner.fold({ block: lent, firstImage, nImages });
  }

  state(): Promise<LatentState> {
    return this.#inner.state();
  }

  profile(): Readonly<Record<string, number>> {
    return { normalise: this.#seconds, ...this.#inner.profile() };
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
