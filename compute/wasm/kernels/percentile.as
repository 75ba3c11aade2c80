// advanceZeros and updateEstimate of percentile_estimator.ts, with the same f64 bits: what decides them is computed in the same
// order. Where a crossing is looked for first decides nothing, so it is looked up more cheaply here.

/** The sum of the j step sizes after t rows, share one row's share of all. */
@inline function stepSum(lr: f64, share: f64, t: f64, j: f64): f64 {
  return lr * j * (1 - (t + 0.5 * (j + 1)) * share);
}

/** The estimate after m more rows of value 0. */
function advanceZeros(e: f64, t: f64, m: f64): f64 {
  const lr = rate(), n = total(), c = pull(), share = rowShare();
  while (m > 0) {
    if (e > 0 || e < 0) {
      const down = e > 0;
      const slope = down ? c - 1 : c + 1;
      if (slope == 0) return e;
      const end = e + slope * stepSum(lr, share, t, m);
      if (down ? end > 0 : end < 0) return end;
      if (!down) {
        const first = e + slope * stepSum(lr, share, t, 1);
        if (first >= 0) {
          e = first;
          t += 1;
          m -= 1;
          continue;
        }
      }
      const q = -e * (rowsPerStep() / slope), b = n - t - 0.5, inverse = 1 / b, straight = q * inverse;
      // The root of j·b − j²/2 = q, as a series as long as its next term is below one.
      let j = straight + 0.5 * straight * straight * inverse;
      if (!(straight * straight * straight < b * b)) {
        const root = b * b - 2 * q;
        j = (2 * q) / (b + Math.sqrt(root > 0 ? root : 0));
      }
      j = Math.ceil(j);
      if (!(j >= 1)) j = 1;
      if (j > m) j = m;
      let next = e + slope * stepSum(lr, share, t, j);
      while (j < m && (down ? next > 0 : next < 0)) {
        j += 1;
        next = e + slope * stepSum(lr, share, t, j);
      }
      while (j > 1) {
        const before = e + slope * stepSum(lr, share, t, j - 1);
        if (down ? before > 0 : before < 0) break;
        j -= 1;
        next = before;
      }
      e = next;
      t += j;
      m -= j;
    } else {
      if (c == 0 || e != e) return e;
      e += lr * (n - (t + 1)) * share * c;
      t += 1;
      m -= 1;
    }
  }
  return e;
}

/** One update by a value x, as row number t + 1. All three outcomes are made beforehand: which one it is, nobody can foretell. */
@inline function updateEstimate(e: f64, t: f64, x: f64, lr: f64, n: f64, share: f64, c: f64): f64 {
  const step = lr * (n - (t + 1)) * share, at = f64x2.splat(e), value = f64x2.splat(x);
  const moves = v128.bitselect(
    f64x2.splat(step * (1 + c)),
    v128.bitselect(f64x2.splat(step * (-1 + c)), f64x2.splat(step * c), f64x2.lt(value, at)),
    f64x2.gt(value, at),
  );
  return e + f64x2.extract_lane(moves, 0);
}
