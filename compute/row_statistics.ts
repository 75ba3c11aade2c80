/**
 * What centres and scales rows: the mean of a sample and its mean norm, streamed in f64.
 * @module
 */
import type { PreparedRows } from "./prepare_rows.ts";

/** Sampled activations are not what an encoder can have been trained on. */
export class AbnormalRowsError extends Error {
  /** The class, also after bundling. */
  override readonly name = "AbnormalRowsError";
  /** The value found. */
  readonly value: number;
  /** What it must not exceed. */
  readonly limit: number;
  /** Takes the message and the facts it is made of. */
  constructor(message: string, facts: { value: number; limit: number }) {
    super(message);
    this.value = facts.value;
    this.limit = facts.limit;
  }
}

/** Largest magnitude of a sampled value, of a mean component, and of the mean norm. */
export const MAX_NORMAL_VALUE: number = 1e3;

/** See {@linkcode rowStatistics}. */
export interface RowStatisticsOptions {
  /** Width of a row. */
  readonly dVit: number;
  /** Whether rows are to be centred. */
  readonly scaleMean: boolean;
  /** Whether rows are to be scaled. */
  readonly scaleNorm: boolean;
}

/** What goes into a `RowLayout`. */
export interface RowStatistics {
  /** `f32 [dVit]`: the mean of the sample; undefined if rows are not centred. */
  readonly mean: Float32Array | undefined;
  /** The mean norm of the (centred) sample over `sqrt(dVit)`, rounded to f32; 1 if rows are not scaled. */
  readonly scalar: number;
  /** Rows in the sample, skipped ones left out. */
  readonly rows: number;
}

/**
 * Computes the mean and the scalar of a sample in two passes over it.
 *
 * `mean_d = Σ x_d/n`, rounded to f32; `scalar = (Σ ‖x − mean‖₂/n)/sqrt(dVit)`, rounded to f32. Sums are taken in f64 in the
 * order of the chunks, so the chunks' lengths do not matter. The norm is of `x − mean` only if rows are centred. A pass
 * that is not needed is not made.
 *
 * @param sample Called once a pass; gives the sample's rows in chunks, clamped but neither centred nor scaled
 * (`prepareRows` with no mean and scalar 1). Chunks may reuse one array.
 * @param options What is wanted.
 * @throws {AbnormalRowsError} If a sampled value, a mean component or the mean norm exceeds 1,000 in magnitude, or the
 * sample is empty or constant, so that rows cannot be scaled.
 * @throws {TypeError} If a chunk is not a whole number of rows.
 *
 * Source: upstream's dataset (`act_mean`, `scalar` and its checks).
 *
 * @example
 * ```ts
 * import { rowStatistics } from "./row_statistics.ts";
 * const sample = () => [{ rows: new Float32Array([1, 5, 3, 5]), skipped: undefined }];
 * const { mean, scalar } = await rowStatistics(sample, { dVit: 2, scaleMean: true, scaleNorm: true });
 * console.assert(mean?.join() === "2,5" && scalar === Math.fround(1 / Math.SQRT2));
 * ```
 */
export async function rowStatistics(
  sample: () => AsyncIterable<PreparedRows> | Iterable<PreparedRows>,
  options: RowStatisticsOptions,
): Promise<RowStatistics> {
  const { dVit, scaleMean, scaleNorm } = options;
  if (!scaleMean && !scaleNorm) return { mean: undefined, scalar: 1, rows: 0 };
  const sums = new Float64Array(dVit);
  let rows = await eachRow(sample(), dVit, (row) => {
    for (let d = 0; d < dVit; d++) {
      refuseAbove(row[d], "a sampled activation");
      sums[d] += row[d];
    }
  });
  if (rows === 0) throw new AbnormalRowsError("Found no row to sample, expected at least 1", { value: 0, limit: 1 });
  const mean = Float32Array.from(sums, (sum) => sum / rows);
  for (const component of mean) refuseAbove(component, "a component of the mean activation");
  if (!scaleNorm) return { mean, scalar: 1, rows };

  let norms = 0;
  rows = await eachRow(sample(), dVit, (row) => {
    let squares = 0;
    for (let d = 0; d < dVit; d++) squares += (scaleMean ? row[d] - mean[d] : row[d]) ** 2;
    norms += Math.sqrt(squares);
  });
  const meanNorm = norms / rows;
  refuseAbove(meanNorm, "the mean norm of activations");
  const scalar = Math.fround(meanNorm / Math.sqrt(dVit));
  if (!(scalar > 0)) {
    throw new AbnormalRowsError(
      "Found a mean norm of 0, expected activations that vary: turn off --data.scale-norm",
      { value: meanNorm, limit: 0 },
    );
  }
  return { mean: scaleMean ? mean : undefined, scalar, rows };
}

/** Calls back with every row that counts, and returns how many there were. */
async function eachRow(
  chunks: AsyncIterable<PreparedRows> | Iterable<PreparedRows>,
  dVit: number,
  visit: (row: Float32Array) => void,
): Promise<number> {
  let counted = 0;
  for await (const { rows, skipped } of chunks) {
    const n = rows.length / dVit;
    if (!Number.isInteger(n)) throw new TypeError(`Cannot split ${rows.length} values into rows of ${dVit}`);
    for (let r = 0; r < n; r++) {
      if (skipped !== undefined && skipped[r] === 1) continue;
      visit(rows.subarray(r * dVit, (r + 1) * dVit));
      counted += 1;
    }
  }
  return counted;
}

function refuseAbove(value: number, what: string): void {
  // The negated comparison also refuses NaN.
  if (Math.abs(value) <= MAX_NORMAL_VALUE) return;
  throw new AbnormalRowsError(
    `Found ${what} of ${value}, expected at most ${MAX_NORMAL_VALUE} in magnitude: ` +
      "check the shards, or turn off --data.scale-mean and --data.scale-norm",
    { value, limit: MAX_NORMAL_VALUE },
  );
}
