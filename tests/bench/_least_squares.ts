/**
 * A linear model fitted to measurements.
 * @module
 */

/**
 * Coefficients c ≥ 0 that make `Σ ((x_i · c − y_i) / y_i)²` least: relative errors, as times span orders of magnitude.
 *
 * A coefficient that would be negative is dropped (set to 0) and the rest fitted again, the most negative first.
 *
 * @param rows What each measurement consists of.
 * @param values What it took, > 0.
 */
export function fitRelative(rows: readonly (readonly number[])[], values: readonly number[]): number[] {
  const width = rows[0].length;
  let kept = Array.from({ length: width }, (_, i) => i);
  for (;;) {
    const scaled = rows.map((row, i) => kept.map((column) => row[column] / values[i]));
    const solution = solveNormal(scaled);
    const worst = solution.indexOf(Math.min(...solution));
    if (solution[worst] >= 0) return Array.from({ length: width }, (_, i) => solution[kept.indexOf(i)] ?? 0);
    kept = kept.filter((_, i) => i !== worst);
  }
}

/** Least squares of `rows · c ≈ 1` by the normal equations, scaled to unit columns. */
function solveNormal(rows: readonly (readonly number[])[]): number[] {
  const n = rows[0].length;
  const norms = Array.from({ length: n }, (_, j) => Math.hypot(...rows.map((row) => row[j])) || 1);
  const system = Array.from(
    { length: n },
    (_, i) =>
      Array.from(
        { length: n + 1 },
        (_, j) => rows.reduce((sum, row) => sum + (row[i] / norms[i]) * (j === n ? 1 : row[j] / norms[j]), 0),
      ),
  );
  for (let column = 0; column < n; column++) {
    const pivot = system.findIndex((row, i) =>
      i >= column && Math.abs(row[column]) === Math.max(...system.slice(column).map((other) => Math.abs(other[column])))
    );
    [system[column], system[pivot]] = [system[pivot], system[column]];
    for (let i = 0; i < n; i++) {
      if (i === column || system[column][column] === 0) continue;
      const factor = system[i][column] / system[column][column];
      for (let j = column; j <= n; j++) system[i][j] -= factor * system[column][j];
    }
  }
  return system.map((row, i) => row[i] === 0 ? 0 : row[n] / row[i] / norms[i]);
}
