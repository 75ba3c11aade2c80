/**
 * Leading directions of a symmetric matrix: what screening needs of linear algebra.
 * @module
 */

/**
 * Makes the rows of `q: f64 [r, n]` orthonormal, in place, by Gram–Schmidt done `passes` times (2 for full precision). A row that depends on earlier ones
 * becomes zero.
 */
export function orthonormalise(q: Float64Array, r: number, n: number, passes: number): void {
  for (let i = 0; i < r; i++) {
    const row = q.subarray(i * n, (i + 1) * n);
    const before = Math.sqrt(dot(row, row));
    for (let pass = 0; pass < passes; pass++) {
      for (let j = 0; j < i; j++) {
        const other = q.subarray(j * n, (j + 1) * n);
        const along = dot(row, other);
        for (let k = 0; k < n; k++) row[k] -= along * other[k];
      }
    }
    const norm = Math.sqrt(dot(row, row));
    const by = norm > 1e-9 * before && norm > 0 ? 1 / norm : 0;
    for (let k = 0; k < n; k++) row[k] *= by;
  }
}

/** The dot product of two vectors of one length. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * All eigenpairs of a small symmetric matrix by Jacobi rotations.
 *
 * @param a `f64 [r, r]`, symmetric; overwritten: its diagonal becomes the eigenvalues, in no order.
 * @returns `f64 [r, r]`: row i is the eigenvector of diagonal element i.
 */
export function jacobiEigen(a: Float64Array, r: number): Float64Array {
  const vectors = new Float64Array(r * r);
  for (let i = 0; i < r; i++) vectors[i * r + i] = 1;
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < r; p++) {
      for (let q = p + 1; q < r; q++) {
        const off = a[p * r + q];
        if (Math.abs(off) < 1e-300) continue;
        const theta = (a[q * r + q] - a[p * r + p]) / (2 * off);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < r; k++) rotate(a, k * r + p, k * r + q, c, s);
        for (let k = 0; k < r; k++) rotate(a, p * r + k, q * r + k, c, s);
        for (let k = 0; k < r; k++) rotate(vectors, p * r + k, q * r + k, c, s);
      }
    }
  }
  return vectors;
}

function rotate(a: Float64Array, i: number, j: number, c: number, s: number): void {
  const x = a[i];
  const y = a[j];
  a[i] = c * x - s * y;
  a[j] = s * x + c * y;
}
