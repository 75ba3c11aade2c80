/**
 * Chooses the constants of screening from a sample of rows; docs/screening.md has the mathematics.
 *
 * Everything here only decides how good the screen is, never whether it is right: the bound holds for any mean, scale,
 * directions and signs. So plain f32 products and a loose eigensolver are enough.
 * @module
 */
import { dot, jacobiEigen, orthonormalise } from "./eigen.ts";
import { fieldAddress } from "./fields.ts";
import type { MemoryPlan } from "./plan_memory.ts";
import type { Pool } from "./pool.ts";

/** Rows sampled, at most; a multiple of 16. */
export const SAMPLE_ROWS = 1024;
/** Columns whose average decides scale and balance, at most; a multiple of 4. */
export const SAMPLE_COLUMNS = 256;
/** Rows of the sample that the columns' spread is taken over. */
const SPREAD_ROWS = 512;
/** Directions balanced, at most; a multiple of 4. */
export const MAX_RANK = 32;
/** Of the subspace; five leave no fewer survivors than three. */
const ITERATIONS = 3;

/** What is needed to choose. */
export interface ScreeningParts {
  /** The pass's layout. */
  readonly memoryPlan: MemoryPlan;
  /** The shared memory. */
  readonly memory: WebAssembly.Memory;
  /** The threads. */
  readonly pool: Pool;
  /** Rows as a plan's `sample` gives them; or the address of a raw buffer, and how many rows its images make. */
  readonly from: Float32Array | { readonly raw: number; readonly rows: number };
}

/** Bytes that {@linkcode prepareScreening} works in. */
export function screenWorkBytes(dPad: number): number {
  const floats = 2 * SAMPLE_ROWS * dPad + SAMPLE_COLUMNS * dPad + SAMPLE_ROWS * SAMPLE_COLUMNS +
    MAX_RANK * (2 * dPad + SAMPLE_ROWS);
  return 4 * floats + 1024;
}

/** Chooses mean, scale, directions, balance and signs, and quantises all columns. */
export async function prepareScreening(parts: ScreeningParts): Promise<void> {
  const { memory, pool, from } = parts;
  const at = parts.memoryPlan.fields as Record<string, number>;
  const { dPad, dVit, dSae, dScreen, rank } = at;
  const work = workspace(at, memory);
  const sampleRows = SAMPLE_ROWS;
  const floats = (address: number, n: number): Float32Array => new Float32Array(memory.buffer, address, n);
  if (from instanceof Float32Array) spreadRows(work.sample, from, floats(at.bPre, dVit), { dPad, dVit });
  else await pool.run("sampleRows", from.raw, from.rows, sampleRows, work.sample.byteOffset);

  const mean = centre(work.sample, sampleRows, dPad, dVit);
  floats(at.screenMean, dScreen).set(mean);
  const columns = Math.min(SAMPLE_COLUMNS, dSae - (dSae % 4));
  const weights = floats(at.wt, at.nPad * dPad);
  for (let i = 0; i < columns; i++) {
    const j = Math.floor((i * dSae) / columns);
    work.columns.set(weights.subarray(j * dPad, (j + 1) * dPad), i * dPad);
  }
  await pool.run(
    "productNT",
    work.sample.byteOffset,
    work.columns.byteOffset,
    work.projected.byteOffset,
    SPREAD_ROWS,
    columns,
    dPad,
  );
  const spread = columnSpread(work.projected, SPREAD_ROWS, columns);
  const scale = floats(at.screenScale, dScreen);
  chooseScale(scale, work.sample, work.columns, spread, { sampleRows, columns, dPad, dVit });

  const trace = scaleRows(work.sample, work.transposed, scale, { sampleRows, dPad, dVit });
  const { vectors, values } = await leadingDirections(parts, work, rank, dPad);
  const v = floats(at.screenV, rank * dScreen);
  for (let i = 0; i < rank; i++) v.set(vectors.subarray(i * dPad, i * dPad + dVit), i * dScreen);
  const balance = chooseBalance(vectors, values, trace, work.columns, spread, scale, { columns, dPad, dVit, rank });
  const skew = skewOf(Float64Array.from(v), rank, dScreen);
  new DataView(memory.buffer).setFloat64(fieldAddress("skew"), skew, true);
  // Beyond, the bound's constants would be wrong: nothing is balanced then.
  floats(at.screenT, rank).set(skew < 1e-5 ? balance : new Float32Array(rank));

  let state = 1;
  const sign = floats(at.screenSign, dScreen);
  for (let i = 0; i < dScreen; i++) {
    state = nextRandom(state);
    sign[i] = state < 0 ? -1 : 1;
  }
  await pool.run("quantiseColumns");
  new DataView(memory.buffer).setUint32(fieldAddress("screening"), 1, true);
}

/** The next of a row of i32 that look random. */
function nextRandom(state: number): number {
  return Math.imul(state, 1664525) + 1013904223 | 0;
}

/** Views on the work space. */
function workspace(at: Record<string, number>, memory: WebAssembly.Memory): Record<
  "sample" | "transposed" | "columns" | "projected" | "directions" | "along" | "products",
  Float32Array
> {
  const { dPad } = at;
  let top = at.screenWork;
  const take = (n: number): Float32Array => {
    const view = new Float32Array(memory.buffer, top, n);
    top += Math.ceil((n * 4) / 64) * 64;
    return view;
  };
  return {
    sample: take(SAMPLE_ROWS * dPad),
    transposed: take(SAMPLE_ROWS * dPad),
    columns: take(SAMPLE_COLUMNS * dPad),
    projected: take(SAMPLE_ROWS * SAMPLE_COLUMNS),
    directions: take(MAX_RANK * dPad),
    along: take(MAX_RANK * SAMPLE_ROWS),
    products: take(MAX_RANK * dPad),
  };
}

/** Takes bPre off the rows that were given, in an order of which any beginning is spread over all of them as well. */
function spreadRows(
  sample: Float32Array,
  given: Float32Array,
  bPre: Float32Array,
  { dPad, dVit }: { dPad: number; dVit: number },
): void {
  const n = given.length / dVit;
  for (let r = 0; r < SAMPLE_ROWS; r++) {
    // 389 is odd, and the number of rows a power of two; as in `kernels/products.as`.
    const row = Math.floor((r * 389 % SAMPLE_ROWS) * n / SAMPLE_ROWS) * dVit;
    for (let d = 0; d < dVit; d++) sample[r * dPad + d] = given[row + d] - bPre[d];
  }
}

/** Subtracts the mean of the rows in place and returns it. */
function centre(sample: Float32Array, rows: number, dPad: number, dVit: number): Float32Array {
  const sums = new Float64Array(dVit);
  for (let i = 0; i < rows; i++) for (let d = 0; d < dVit; d++) sums[d] += sample[i * dPad + d];
  const mean = Float32Array.from(sums, (sum) => finite(sum / rows));
  for (let i = 0; i < rows; i++) for (let d = 0; d < dVit; d++) sample[i * dPad + d] -= mean[d];
  return mean;
}

const finite = (x: number): number => Number.isFinite(x) && Math.abs(x) < 1e30 ? x : 0;

/** Root mean square of every column's pre-activation about the mean row. */
function columnSpread(projected: Float32Array, rows: number, columns: number): Float64Array {
  const squares = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) squares[j] += projected[i * columns + j] ** 2;
  return squares.map((sum) => Math.sqrt(sum / rows));
}

/** D: the power of two nearest √(rms(w / σ) / std), per dimension. */
function chooseScale(
  scale: Float32Array,
  sample: Float32Array,
  columns: Float32Array,
  spread: Float64Array,
  size: { sampleRows: number; columns: number; dPad: number; dVit: number },
): void {
  const { dPad } = size;
  for (let d = 0; d < size.dVit; d++) {
    let x = 0;
    let w = 0;
    for (let i = 0; i < size.sampleRows; i++) x += sample[i * dPad + d] ** 2;
    for (let j = 0; j < size.columns; j++) if (spread[j] > 0) w += (columns[j * dPad + d] / spread[j]) ** 2;
    const ratio = Math.sqrt(w / size.columns) / Math.sqrt(x / size.sampleRows);
    const exponent = Math.round(Math.log2(Math.sqrt(ratio)));
    scale[d] = 2 ** (Number.isFinite(exponent) ? Math.max(-40, Math.min(40, exponent)) : 0);
  }
}

/** Scales rows in place and writes them column by column too; returns the sum of their squares. */
function scaleRows(
  sample: Float32Array,
  transposed: Float32Array,
  scale: Float32Array,
  { sampleRows, dPad, dVit }: { sampleRows: number; dPad: number; dVit: number },
): number {
  let trace = 0;
  // As many rows at a time as values lie in a line of the cache.
  for (let from = 0; from < sampleRows; from += 16) {
    for (let d = 0; d < dPad; d++) {
      for (let i = from; i < from + 16; i++) {
        const value = d < dVit ? sample[i * dPad + d] * scale[d] : 0;
        sample[i * dPad + d] = transposed[d * sampleRows + i] = value;
        trace += value * value;
      }
    }
  }
  return trace;
}

/**
 * The largest eigenpairs of the scaled rows' covariance by subspace iteration: rows of `vectors`, and values summed over the
 * sample. The covariance itself, dVit² numbers, is not needed: Q is multiplied with the rows, then with their transpose.
 */
async function leadingDirections(
  { pool }: ScreeningParts,
  work: ReturnType<typeof workspace>,
  rank: number,
  dPad: number,
): Promise<{ vectors: Float64Array; values: Float64Array }> {
  const { sample, transposed, directions, along, products } = work;
  const [d, a, p] = [directions, along, products].map(({ byteOffset }) => byteOffset);
  const q = new Float64Array(rank * dPad);
  let state = 1;
  for (let i = 0; i < q.length; i++) q[i] = state = nextRandom(state);
  for (let i = 0; i <= ITERATIONS; i++) {
    orthonormalise(q, rank, dPad, i < ITERATIONS ? 1 : 2);
    directions.set(q);
    await pool.run("productNT", d, sample.byteOffset, a, rank, SAMPLE_ROWS, dPad);
    await pool.run("productNT", a, transposed.byteOffset, p, rank, dPad, SAMPLE_ROWS);
    if (i < ITERATIONS) q.set(products.subarray(0, q.length));
  }
  const small = new Float64Array(rank * rank);
  const turned = Float64Array.from(products.subarray(0, rank * dPad));
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j <= i; j++) {
      const value = dot(q.subarray(i * dPad, (i + 1) * dPad), turned.subarray(j * dPad, (j + 1) * dPad));
      small[i * rank + j] = small[j * rank + i] = value;
    }
  }
  const turn = jacobiEigen(small, rank);
  const vectors = new Float64Array(rank * dPad);
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j < rank; j++) {
      const by = turn[i * rank + j];
      for (let d = 0; d < dPad; d++) vectors[i * dPad + d] += by * q[j * dPad + d];
    }
  }
  return { vectors, values: Float64Array.from({ length: rank }, (_, i) => small[i * rank + i]) };
}

/** t = min(1, a / ā) − 1 with a = (ω / λ)^¼: the directions in which rows are large but columns are not. */
function chooseBalance(
  vectors: Float64Array,
  values: Float64Array,
  trace: number,
  columns: Float32Array,
  spread: Float64Array,
  scale: Float32Array,
  size: { columns: number; dPad: number; dVit: number; rank: number },
): Float32Array {
  const { dPad, dVit, rank } = size;
  const along = new Float64Array(rank);
  let all = 0;
  const g = new Float64Array(dPad);
  for (let j = 0; j < size.columns; j++) {
    if (!(spread[j] > 0)) continue;
    for (let d = 0; d < dVit; d++) g[d] = columns[j * dPad + d] / scale[d] / spread[j];
    all += dot(g, g);
    for (let i = 0; i < rank; i++) along[i] += dot(g, vectors.subarray(i * dPad, (i + 1) * dPad)) ** 2;
  }
  const rest = Math.max(1, dVit - rank);
  const otherOmega = (all - along.reduce((a, b) => a + b, 0)) / rest;
  const otherLambda = (trace - values.reduce((a, b) => a + b, 0)) / rest;
  const other = (otherOmega / otherLambda) ** 0.25;
  return Float32Array.from(along, (omega, i) => {
    const t = Math.min(1, (omega / values[i]) ** 0.25 / other) - 1;
    return Number.isFinite(t) ? Math.max(-0.99, t) : 0;
  });
}

/** ‖VᵀV − I‖, of all elements together, with room for its own rounding. */
function skewOf(v: Float64Array, rank: number, n: number): number {
  let squares = 0;
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j <= i; j++) {
      const value = dot(v.subarray(i * n, (i + 1) * n), v.subarray(j * n, (j + 1) * n));
      squares += i === j ? (value - 1) ** 2 : 2 * value ** 2;
    }
  }
  return Math.sqrt(squares) + 1e-10;
}
