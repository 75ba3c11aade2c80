// Rows for screening: y = D(x − mu), z = y + V(t∘Vᵀy), v = Hz, q = round(v / s). docs/screening.md has the bound that the
// four terms of a row take part in.

/** The largest and smallest max|v| that squares of f32 can carry; other rows count as undecided everywhere. */
const SCREEN_MAX: f32 = 1e12;
const SCREEN_MIN: f32 = 1e-12;

// 16-bit sums of a segment cannot overflow when the norm of the row's share of it is at most ROW_CROWD and that of the
// column's at most COLUMN_CROWD: by Cauchy and Schwarz they stay within ROW_CROWD · COLUMN_CROWD < 2^15.
const ROW_CROWD: f32 = 256;
const COLUMN_CROWD: f64 = 127.9;

/** Squares summed in four lanes, then one rounding up: at least the true norm of the computed vector. */
@inline function normAbove(sums: v128): f32 {
  const sum = (f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 2)) + (f32x4.extract_lane(sums, 1) + f32x4.extract_lane(sums, 3));
  return f32.sqrt(sum) * <f32>inflate();
}

/** y and z of a row at x, into the worker's space; returns an upper bound of ‖y‖. */
function balanceRow(x: usize, y: usize, z: usize): f32 {
  const d = dScreen() << 2, known = dPad() << 2, m = screenMean(), scale = screenScale();
  let squares = f32x4.splat(0);
  for (let i: usize = 0; i < d; i += 16) {
    // Past dPad, x belongs to the next row: the scale there is 0, and so is what is loaded.
    const from = i < known ? v128.load(x + i) : f32x4.splat(0);
    const v = f32x4.mul(f32x4.sub(from, v128.load(m + i)), v128.load(scale + i));
    squares = fma4(v, v, squares);
    v128.store(y + i, v);
  }
  shrinkDirections(y, z);
  return normAbove(squares);
}

/** Interleaves z with signs into v, rotates, quantises to one row of a panel; writes the row's terms. */
function quantiseRow(z: usize, v: usize, ny: f32, r: i32, parity: usize): void {
  const d = <i32>dScreen(), h = rotation(), blocks = d / <i32>h, sign = screenSign();
  for (let b = 0; b < blocks; b++) {
    for (let i: i32 = 0; i < <i32>h; i++) {
      const p = <usize>(b * <i32>h + i) << 2;
      store<f32>(v + p, load<f32>(z + (<usize>(i * blocks + b) << 2)) * load<f32>(sign + p));
    }
  }
  hadamardBlocks(v, h, blocks);
  const inSegment = <i32>segment(), narrow = inSegment < d;
  let peak4 = f32x4.splat(0), crowd4 = f32x4.splat(0);
  for (let i = 0; i < d; i += inSegment) {
    let squares = f32x4.splat(0);
    for (let q = i; q < i + inSegment; q += 4) {
      const value = v128.load(v + (<usize>q << 2));
      peak4 = f32x4.max(peak4, f32x4.abs(value));
      squares = fma4(value, value, squares);
    }
    crowd4 = f32x4.max(crowd4, f32x4.add(squares, v128.shuffle<f32>(squares, squares, 1, 0, 3, 2)));
  }
  const peak = max(
    max(f32x4.extract_lane(peak4, 0), f32x4.extract_lane(peak4, 1)),
    max(f32x4.extract_lane(peak4, 2), f32x4.extract_lane(peak4, 3)),
  );
  const usable = peak >= SCREEN_MIN && peak <= SCREEN_MAX;
  let s: f32 = usable ? peak / 127 : 1;
  if (narrow && usable) {
    const crowd = f32.sqrt(max(f32x4.extract_lane(crowd4, 0), f32x4.extract_lane(crowd4, 2))) * <f32>inflate();
    s = max(s, crowd / (ROW_CROWD - f32.sqrt(<f32>inSegment / 2) / 2) * <f32>1.00001);
  }
  const high = panelRows(), panel = <usize>r / high, lane = (<usize>r % high) << 2, first = parity * xqRows() + panel * high;
  const terms = rowTerms() + (first << 4) + lane, line = high << 2, segments = <usize>(d / inSegment);
  let correction = rowCorrection() + first * segments * 4 + lane;
  const by = f32x4.splat(usable ? 1 / s : 0), s4 = f32x4.splat(s);
  let squares = f32x4.splat(0), errors = f32x4.splat(0);
  let out = xq() + first * dScreen() + lane;
  for (let i = 0; i < d; i += inSegment, correction += line) {
    let sums = i32x4.splat(0);
    for (let q = i; q < i + inSegment; q += 4, out += line) {
      const value = v128.load(v + (<usize>q << 2));
      const rounded = f32x4.max(f32x4.min(f32x4.nearest(f32x4.mul(value, by)), f32x4.splat(127)), f32x4.splat(-127));
      const error = f32x4.sub(value, f32x4.mul(rounded, s4));
      squares = fma4(value, value, squares);
      errors = fma4(error, error, errors);
      const whole = i32x4.trunc_sat_f32x4_s(rounded);
      sums = i32x4.add(sums, whole);
      const half = i16x8.narrow_i32x4_s(whole, whole);
      store<u32>(out, i32x4.extract_lane(i8x16.narrow_i16x8_s(half, half), 0));
    }
    // Columns are stored plus an offset, to be unsigned: begin with what that adds, negated. In 16 bits, per half of four.
    const low = -(i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1)) * <i32>wqOffset();
    const top = -(i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)) * <i32>wqOffset();
    store<i32>(correction, narrow ? (low & 0xffff) | (top << 16) : low + top);
  }
  const nx = normAbove(squares);
  store<f32>(terms, s);
  store<f32>(terms + line, usable ? nx : NaN);
  store<f32>(terms + 2 * line, normAbove(errors) + nx * <f32>1.5e-7);
  store<f32>(terms + 3 * line, ny);
}

/** Quantises claimed rows of the chunk. */
function quantiseRowOf(s: usize, r: i32, parity: usize): void {
  const x0 = x() + ((parity * listCapacity() + <usize>r) * dPad() << 2);
  const y = rowSpace(s), z = y + (dScreen() << 2), v = z + (dScreen() << 2);
  const ny = balanceRow(x0, y, z);
  quantiseRow(z, v, ny, r, parity);
}
