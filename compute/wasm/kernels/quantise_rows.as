// Rows for screening: y = D(x − mu), z = y + V(t∘Vᵀy), v = Hz, q = round(v / s). docs/screening.md has the bound that the
// four terms of a row take part in.

/** The largest and smallest max|v| that squares of f32 can carry; other rows count as undecided everywhere. */
const SCREEN_MAX: f32 = 1e12;
const SCREEN_MIN: f32 = 1e-12;

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

/** Interleaves z with signs into v, rotates, quantises to one row of a panel of 6; writes the row's terms. */
function quantiseRow(z: usize, v: usize, ny: f32, r: i32, parity: usize): void {
  const d = <i32>dScreen(), h = rotation(), blocks = d / <i32>h, sign = screenSign();
  for (let b = 0; b < blocks; b++) {
    for (let i: i32 = 0; i < <i32>h; i++) {
      const p = <usize>(b * <i32>h + i) << 2;
      store<f32>(v + p, load<f32>(z + (<usize>(i * blocks + b) << 2)) * load<f32>(sign + p));
    }
  }
  hadamardBlocks(v, h, blocks);
  let peak4 = f32x4.splat(0);
  for (let i = 0; i < d; i += 4) peak4 = f32x4.max(peak4, f32x4.abs(v128.load(v + (<usize>i << 2))));
  const peak = max(
    max(f32x4.extract_lane(peak4, 0), f32x4.extract_lane(peak4, 1)),
    max(f32x4.extract_lane(peak4, 2), f32x4.extract_lane(peak4, 3)),
  );
  const panel = r / 6, lane = r - panel * 6, rows = xq() + (parity * xqRows() + <usize>panel * 6) * dScreen();
  const terms = rowTerms() + ((parity * xqRows() + <usize>panel * 6) << 4) + (<usize>lane << 2);
  const usable = peak >= SCREEN_MIN && peak <= SCREEN_MAX;
  const s = usable ? peak / 127 : 1, by = f32x4.splat(usable ? 127 / peak : 0), s4 = f32x4.splat(s);
  let squares = f32x4.splat(0), errors = f32x4.splat(0), total4 = i32x4.splat(0);
  let out = rows + (<usize>lane << 2);
  for (let i = 0; i < d; i += 4, out += 24) {
    const value = v128.load(v + (<usize>i << 2));
    const rounded = f32x4.nearest(f32x4.mul(value, by));
    const error = f32x4.sub(value, f32x4.mul(rounded, s4));
    squares = fma4(value, value, squares);
    errors = fma4(error, error, errors);
    const whole = i32x4.trunc_sat_f32x4_s(rounded);
    total4 = i32x4.add(total4, whole);
    const half = i16x8.narrow_i32x4_s(whole, whole);
    store<u32>(out, i32x4.extract_lane(i8x16.narrow_i16x8_s(half, half), 0));
  }
  const sum = i32x4.extract_lane(total4, 0) + i32x4.extract_lane(total4, 1) + i32x4.extract_lane(total4, 2) +
    i32x4.extract_lane(total4, 3);
  store<i32>(rowCorrection() + ((parity * xqRows() + <usize>r) << 2), -sum * <i32>wqOffset());
  const nx = normAbove(squares);
  store<f32>(terms, s);
  store<f32>(terms, usable ? nx : NaN, 24);
  store<f32>(terms, normAbove(errors) + nx * <f32>1.5e-7, 48);
  store<f32>(terms, ny, 72);
}

/** Quantises claimed rows of the chunk. */
function quantiseRowOf(s: usize, r: i32, parity: usize): void {
  const x0 = x() + ((parity * listCapacity() + <usize>r) * dPad() << 2);
  const y = rowSpace(s), z = y + (dScreen() << 2), v = z + (dScreen() << 2);
  const ny = balanceRow(x0, y, z);
  quantiseRow(z, v, ny, r, parity);
}
