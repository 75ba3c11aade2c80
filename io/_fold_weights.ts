/**
 * Encoders of other tools in the one form that is computed with: weights moved, scales folded in.
 *
 * Everything is folded in f64 and rounded to f32 once, so a folded weight is within half a unit in the last place of the
 * product it stands for.
 * @module
 */

/** `[rows, columns]` to `[columns, rows]`, row-major. */
export function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j];
  }
  return out;
}

/** L2 norm of each row of `f32 [rows, columns]`, in f64. */
export function rowNorms(matrix: Float32Array, columns: number): Float64Array {
  return Float64Array.from({ length: matrix.length / columns }, (_, row) => {
    let squares = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) squares += matrix[i] ** 2;
    return Math.sqrt(squares);
  });
}

/** Every row of `f32 [rows, columns]` times its own factor. */
export function scaleRows(matrix: Float32Array, factors: ArrayLike<number>): Float32Array {
  const columns = matrix.length / factors.length;
  return matrix.map((value, i) => value * factors[Math.floor(i / columns)]);
}

/** Every column of `f32 [rows, columns]` times its own factor. */
export function scaleColumns(matrix: Float32Array, factors: ArrayLike<number>): Float32Array {
  return matrix.map((value, i) => value * factors[i % factors.length]);
}

/** The parameters of a gated encoder, per latent. */
export interface GateParameters {
  /** Bias of the gate, `f32 [n]`. */
  readonly gate: Float32Array;
  /** Bias of the magnitude, `f32 [n]`. */
  readonly magnitude: Float32Array;
  /** Logarithm of the magnitude's scale, `f32 [n]`. */
  readonly logScale: Float32Array;
}

/**
 * A gated encoder as a JumpReLU, which it is.
 *
 * With `z = x'·W`: a latent is open where `z + gate > 0`, and then has `max(0, r·z + magnitude)`, `r = exp(logScale) > 0`.
 * Let `pre = r·z + magnitude`: open is the same as `pre > magnitude − r·gate`, so `f = pre` where
 * `pre > max(0, magnitude − r·gate)` and 0 elsewhere, with the columns of W times r.
 */
export function foldGate(
  wEnc: Float32Array,
  { gate, magnitude, logScale }: GateParameters,
): { wEnc: Float32Array; bEnc: Float32Array; threshold: Float32Array } {
  const r = Float64Array.from(logScale, Math.exp);
  return {
    wEnc: scaleColumns(wEnc, r),
    bEnc: magnitude,
    threshold: magnitude.map((bias, j) => Math.max(0, bias - r[j] * gate[j])),
  };
}
