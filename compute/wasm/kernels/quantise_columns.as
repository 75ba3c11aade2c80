// Columns for screening, in f64; docs/screening.md has the formulas and why each term is there.
const U: f64 = 5.9604644775390625e-8; // 2^-24

@inline function gamma(n: f64): f64 { return n * U / (1 - n * U); }

/** Two values of a direction, which are f32; half the bytes are half the time, as all of them pass by for every column. */
@inline function wide(at: usize): v128 { return f64x2.promote_low_f32x4(v128.load64_zero(at)); }

/** out_i = v_i · a, i < rank; f64. Four directions at a time in two sums each, so that additions need not wait for each other. */
function alongDirections(a: usize, out: usize): void {
  const d = dScreen() << 2, r = <i32>rank();
  for (let i = 0; i < r; i += 4) {
    const v0 = screenV() + <usize>i * d, v1 = v0 + d, v2 = v1 + d, v3 = v2 + d;
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
    for (let at: usize = 0; at < d; at += 16) {
      const from = a + (at << 1), x = v128.load(from), y = v128.load(from, 16);
      s0 = fma2(wide(v0 + at), x, s0);
      s1 = fma2(wide(v1 + at), x, s1);
      s2 = fma2(wide(v2 + at), x, s2);
      s3 = fma2(wide(v3 + at), x, s3);
      t0 = fma2(wide(v0 + at + 8), y, t0);
      t1 = fma2(wide(v1 + at + 8), y, t1);
      t2 = fma2(wide(v2 + at + 8), y, t2);
      t3 = fma2(wide(v3 + at + 8), y, t3);
    }
    s0 = f64x2.add(s0, t0);
    s1 = f64x2.add(s1, t1);
    s2 = f64x2.add(s2, t2);
    s3 = f64x2.add(s3, t3);
    const to = out + (<usize>i << 3);
    v128.store(to, f64x2.add(v128.shuffle<f64>(s0, s1, 0, 2), v128.shuffle<f64>(s0, s1, 1, 3)));
    v128.store(to, f64x2.add(v128.shuffle<f64>(s2, s3, 0, 2), v128.shuffle<f64>(s2, s3, 1, 3)), 16);
  }
}

/** a += Σ_i c_i·v_i; f64. */
function addDirections(a: usize, c: usize): void {
  const d = dScreen() << 2, r = rank() << 3;
  for (let at: usize = 0; at < d; at += 64) {
    const to = a + (at << 1);
    let s0 = v128.load(to), s1 = v128.load(to, 16), s2 = v128.load(to, 32), s3 = v128.load(to, 48);
    let s4 = v128.load(to, 64), s5 = v128.load(to, 80), s6 = v128.load(to, 96), s7 = v128.load(to, 112);
    let v = screenV() + at;
    for (let i: usize = 0; i < r; i += 8, v += d) {
      const by = v128.load64_splat(c + i);
      s0 = fma2(by, wide(v), s0);
      s1 = fma2(by, wide(v + 8), s1);
      s2 = fma2(by, wide(v + 16), s2);
      s3 = fma2(by, wide(v + 24), s3);
      s4 = fma2(by, wide(v + 32), s4);
      s5 = fma2(by, wide(v + 40), s5);
      s6 = fma2(by, wide(v + 48), s6);
      s7 = fma2(by, wide(v + 56), s7);
    }
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
    v128.store(to, s4, 64);
    v128.store(to, s5, 80);
    v128.store(to, s6, 96);
    v128.store(to, s7, 112);
  }
}

function norm64(a: usize): f64 {
  const d = dScreen() << 3;
  let even = f64x2.splat(0), odd = even;
  for (let at: usize = 0; at < d; at += 32) {
    const x = v128.load(a + at), y = v128.load(a + at, 16);
    even = fma2(x, x, even);
    odd = fma2(y, y, odd);
  }
  const sum = f64x2.add(even, odd);
  return Math.sqrt(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
}

/** Rounded up to f32, with room for the rounding of the four multiply-adds that use it. */
@inline function above(v: f64): f32 { return <f32>(v * (1 + 4e-6)); }

/** 1 / v rounded down, with the same room; within the range of normal f32, beyond which it is less than that too. */
@inline function inverseBelow(v: f64): f32 {
  const inverse = Math.min(1 / v * (1 - 4e-6), 3e38);
  return inverse < 1e-37 ? 0 : <f32>inverse;
}

/** g = D⁻¹w, exactly; returns the centre's share of the pre-activation, and of its rounding. Padding gives 0. */
function scaleColumn(j: i32, g: usize): v128 {
  const line = wt() + (<usize>j * dPad() << 2);
  let sums = f64x2.splat(0), sizes = sums;
  for (let at: usize = 0; at < dPad() << 2; at += 8) {
    const w = f64x2.promote_low_f32x4(v128.load64_zero(line + at)), scale = f64x2.promote_low_f32x4(v128.load64_zero(screenScale() + at));
    const share = f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(screenMean() + at)));
    sums = f64x2.add(sums, share);
    sizes = f64x2.add(sizes, f64x2.abs(share));
    v128.store(g + (at << 1), v128.and(f64x2.div(w, scale), f64x2.ne(scale, f64x2.splat(0))));
  }
  memory.fill(g + (dPad() << 3), 0, (dScreen() - dPad()) << 3);
  return f64x2.add(v128.shuffle<f64>(sums, sizes, 0, 2), v128.shuffle<f64>(sums, sizes, 1, 3));
}

/** Quantises column j and writes its terms. */
function quantiseColumn(s: usize, j: i32): void {
  const r = rank() << 3;
  const g = rowSpace(s), k = g + (dScreen() << 3), w = k + (dScreen() << 3), p = w + (dScreen() << 3), c = p + 1024;
  const shares = scaleColumn(j, g);
  // k = B⁻¹g, B = I + V diag(t) Vᵀ, but for what V lacks to be orthonormal: rho is what that leaves over.
  alongDirections(g, p);
  let squares: f64 = 0, bent: f64 = 0;
  for (let i: usize = 0; i < r; i += 8) {
    const t = <f64>load<f32>(screenT() + (i >> 1)), along = load<f64>(p + i), by = -t / (1 + t) * along;
    store<f64>(c + i, by);
    squares += by * by;
    bent += Math.abs(t * (along + by));
  }
  const skewed = skew() * Math.sqrt(squares);
  memory.copy(k, g, dScreen() << 3);
  addDirections(k, c);
  const normG = norm64(g), normK = norm64(k);
  const rho = 1.01 * skewed + 1e-12 * (normG + 2 * normK);
  quantiseValues(s, j, k, w);
  writeTerms(s, j, rho, normG, normK, bent + Math.sqrt(<f64>rank()) * skewed, f64x2.extract_lane(shares, 0), f64x2.extract_lane(shares, 1));
}

/** Largest factor: a column's sum is of four lanes a segment, each below 2^15, and stays below 2^31. */
@inline function mostFactor(): f64 { return sums16() ? Math.min(63, Math.floor(16383 / <f64>segments())) : 1; }

/** The least step for what a lane has of a segment; its first value is at w. */
@inline function stepOf(w: usize): f64 {
  let peaks = f64x2.splat(0), sums = peaks;
  for (let q: usize = 0; q < <usize>SEGMENT << 3; q += 64) {
    const pair = v128.load(w + q);
    peaks = f64x2.max(peaks, f64x2.abs(pair));
    sums = f64x2.add(sums, f64x2.mul(pair, pair));
  }
  const peak = Math.max(f64x2.extract_lane(peaks, 0), f64x2.extract_lane(peaks, 1)) / <f64>wqLevels();
  if (!sums16()) return peak;
  const crowd = Math.sqrt(f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1));
  return Math.max(peak, crowd / (columnCrowd() - Math.sqrt(<f64>LANE_DIMENSIONS) / 2) * (1 + 1e-9));
}

/**
 * w = H k / h, then its quantised values into wq: a lane has a step of its own in every segment, `factor` times the column's.
 * The latter and the norms are left among the worker's numbers.
 */
function quantiseValues(s: usize, j: i32, k: usize, w: usize): void {
  const d = <i32>dScreen(), h = rotation(), blocks = d / <i32>h;
  for (let b = 0; b < blocks; b++) {
    for (let i: i32 = 0; i < <i32>h; i++) {
      const p = <usize>(b * <i32>h + i);
      store<f64>(w + (p << 3), load<f64>(k + (<usize>(i * blocks + b) << 3)) * <f64>load<f32>(screenSign() + (p << 2)));
    }
  }
  hadamardBlocks64(w, h, blocks);
  // h is a power of two, so its reciprocal is exact.
  const by = f64x2.splat(1 / <f64>h);
  let widest: f64 = 0;
  for (let i = 0; i < d; i += SEGMENT) {
    for (let lane = 0; lane < 8; lane += 2) {
      for (let q = i + lane; q < i + SEGMENT; q += 8) {
        const at = w + (<usize>q << 3);
        v128.store(at, f64x2.mul(v128.load(at), by));
      }
      widest = Math.max(widest, stepOf(w + (<usize>(i + lane) << 3)));
    }
  }
  const most = mostFactor(), offset = <i32>wqOffset();
  let scale = widest / most;
  if (!(scale > 0)) scale = 1;
  const top = f64x2.splat(<f64>wqLevels()), bottom = f64x2.splat(-<f64>wqLevels());
  let errors = f64x2.splat(0), squares = errors;
  let to = wq() + (<usize>(j >> 3) * tileBytes() + (<usize>(j & 7) << 3));
  for (let i = 0; i < d; i += SEGMENT, to += SEGMENT_BYTES) {
    for (let lane = 0; lane < 8; lane += 2) {
      const from = w + (<usize>(i + lane) << 3), at = to + <usize>lane, wanted = Math.ceil(stepOf(from) / scale);
      const factor = wanted >= 1 ? Math.min(wanted, most) : 1;
      const step = f64x2.splat(scale * factor), per = f64x2.splat(1 / (scale * factor)), factors = f64x2.splat(factor);
      for (let q: usize = 0; q < <usize>SEGMENT << 3; q += 64) {
        const v = v128.load(from + q), n = f64x2.min(top, f64x2.max(bottom, f64x2.nearest(f64x2.mul(v, per))));
        const e = f64x2.sub(v, f64x2.mul(step, n)), p = f64x2.mul(factors, n);
        errors = f64x2.add(errors, f64x2.mul(e, e));
        squares = f64x2.add(squares, f64x2.mul(p, p));
        const whole = i32x4.trunc_sat_f64x2_s_zero(n);
        store<u8>(at + q, <u8>(i32x4.extract_lane(whole, 0) + offset));
        store<u8>(at + q, <u8>(i32x4.extract_lane(whole, 1) + offset), 1);
      }
      store<u16>(at, <u16>factor, FACTORS_AT);
    }
  }
  store<f64>(s + COLUMN_SCALE, scale);
  store<f64>(s + COLUMN_SCALE, Math.sqrt(f64x2.extract_lane(errors, 0) + f64x2.extract_lane(errors, 1)), 8);
  store<f64>(s + COLUMN_SCALE, Math.sqrt(f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1)), 16);
}

/** P, Q, T and beta of column j. */
function writeTerms(s: usize, j: i32, rho: f64, normG: f64, normK: f64, bent: f64, centre: f64, centreAbs: f64): void {
  const scale = load<f64>(s + COLUMN_SCALE), normDw = load<f64>(s + COLUMN_SCALE, 8), normQ = load<f64>(s + COLUMN_SCALE, 16);
  const steps = <f64>dPad() / 4 + 5, r = <f64>rank();
  let stages: f64 = 0;
  for (let h = rotation(); h > 1; h >>= 1) stages += 1;
  const bias64 = <f64>load<f32>(bias() + (<usize>j << 2)), cut = <f64>load<f32>(threshold() + (<usize>j << 2));
  const tau = rho + 1.02 * U * normG + // y rounded once
    1.03 * gamma(steps) * bent + // Vᵀy
    1.03 * gamma(r + 2) * (1 + 1.03 * Math.sqrt(r)) * normK + // y + V(t∘Vᵀy)
    1.03 * stages * U * normK + // Hz
    1.03 * gamma(steps) * normG; // the exact pass itself
  const beta = bias64 - cut + centre;
  const kappa = gamma(steps) * centreAbs + 2 * U * Math.abs(bias64) +
    1e-12 * (Math.abs(bias64) + Math.abs(cut) + centreAbs) + 1e-30 * (1 + normG);
  const shift = (beta + kappa) / scale;
  const terms = columnTerms() + (<usize>(j >> 3) << 7) + (<usize>(j & 7) << 2);
  store<f32>(terms, above(normDw / scale + 16 * U * normQ));
  store<f32>(terms, above(normQ), 32);
  if (rowK()) store<f32>(columnInverse() + (<usize>j << 2), inverseBelow(scale));
  store<f32>(terms, above(tau / scale), 64);
  store<f32>(terms, <f32>(shift + 16 * U * Math.abs(shift)), 96);
}

/** Quantises all columns; workers share them. Padding columns are never alive. */
export function quantiseColumns(worker: i32): void {
  barrier();
  const s = scratchOf(worker), n = <i32>nPad(), step = 16;
  for (let j = claim(CLAIM_COLUMNS, step); j < n; j = claim(CLAIM_COLUMNS, step)) {
    for (let i = j; i < min(j + step, n); i++) {
      quantiseColumn(s, i);
      if (i < <i32>dSae()) continue;
      const terms = columnTerms() + (<usize>(i >> 3) << 7) + (<usize>(i & 7) << 2);
      store<f32>(terms, 0);
      store<f32>(terms, 0, 32);
      store<f32>(terms, 0, 64);
      store<f32>(terms, -1, 96);
    }
  }
  barrier();
}
