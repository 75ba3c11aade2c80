// advanceZeros and updateEstimate of percentile_estimator.ts, operation for operation, so that the f64 bits agree.

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
      const first = e + slope * stepSum(lr, share, t, 1);
      if (down ? first <= 0 : first >= 0) {
        e = first;
        t += 1;
        m -= 1;
        continue;
      }
      const q = (-e / slope) * rowsPerStep();
      const b = n - t - 0.5;
      const root = b * b - 2 * q;
      let j = Math.ceil((2 * q) / (b + Math.sqrt(root > 0 ? root : 0)));
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

/** One update by a value x, as row number t + 1. */
@inline function updateEstimate(e: f64, t: f64, x: f64): f64 {
  const sign: f64 = x > e ? 1 : x < e ? -1 : 0;
  return e + rate() * (total() - (t + 1)) * rowShare() * (sign + pull());
}
