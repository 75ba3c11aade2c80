// Rows for screening: y = D(x − mu), z = y + V(t∘Vᵀy), v = Hz, q = round(v / s). docs/screening.md has the bound that the
// four terms of a row take part in.

/** The largest and smallest max|v| that squares of f32 can carry; other rows count as undecided everywhere. */
const SCREEN_MAX: f32 = 1e12;
const SCREEN_MIN: f32 = 1e-12;

// Lane l of a 16-bit sum takes dimensions 2l and 2l + 1 of every 8 of a segment. It cannot overflow when the norm of the
// row's share of it is at most rowCrowd() and that of the column's at most columnCrowd(): by Cauchy and Schwarz it stays within
// their product, which is below 2^15.
@inline function eightBits(): bool { return wqLevels() > 63; }
@inline function rowCrowd(): f32 { return eightBits() ? 190 : 256; }
@inline function columnCrowd(): f64 { return eightBits() ? 172.4 : 127.9; }
/** Dimensions of a segment, and of a lane in it; see screen_tiles.ts. */
const SEGMENT: i32 = 64, LANE_DIMENSIONS: i32 = 16;
/** Bytes of a segment of eight columns, and where among them the factors begin. */
const SEGMENT_BYTES: usize = 576, FACTORS_AT: usize = 512;
/**
 * Size of the sum of two neighbours, before they are rounded (164 after): two products with columns of 8 bits then fit 16 bits, see
 * probe.ts. (Neighbours of unlike signs take from each other, so neither of their products can be too large.)
 */
const ROW_PAIR: f32 = 163.99;

/** Sums of the first and of the second two lanes, each twice. */
@inline function pairSums(a: v128): v128 { return f32x4.add(a, v128.shuffle<f32>(a, a, 1, 0, 3, 2)); }

/** Squares summed in four lanes, then one rounding up: at least the true norm of the computed vector. */
@inline function normAbove(sums: v128): f32 {
  const sum = (f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 2)) + (f32x4.extract_lane(sums, 1) + f32x4.extract_lane(sums, 3));
  return f32.sqrt(sum) * <f32>inflate();
}

/** y of a row at x; returns an upper bound of ‖y‖. */
function centreRow(x: usize, y: usize): f32 {
  const d = dScreen() << 2, known = dPad() << 2, m = screenMean(), scale = screenScale();
  let squares = f32x4.splat(0);
  for (let i: usize = 0; i < d; i += 16) {
    // Past dPad, x belongs to the next row: the scale there is 0, and so is what is loaded.
    const from = i < known ? v128.load(x + i) : f32x4.splat(0);
    const v = f32x4.mul(f32x4.sub(from, v128.load(m + i)), v128.load(scale + i));
    squares = fma4(v, v, squares);
    v128.store(y + i, v);
  }
  return normAbove(squares);
}

/** Interleaves z with signs into v, rotates, quantises to a row of bytes; writes the row's terms. */
function quantiseRow(z: usize, v: usize, ny: f32, r: i32, parity: usize): void {
  const d = <i32>dScreen(), h = rotation(), blocks = d / <i32>h, sign = screenSign();
  for (let b = 0; b < blocks; b++) {
    for (let i: i32 = 0; i < <i32>h; i++) {
      const p = <usize>(b * <i32>h + i) << 2;
      store<f32>(v + p, load<f32>(z + (<usize>(i * blocks + b) << 2)) * load<f32>(sign + p));
    }
  }
  hadamardBlocks(v, h, blocks);
  const narrow = sums16() != 0;
  let peak4 = f32x4.splat(0), crowd4 = f32x4.splat(0), pair4 = f32x4.splat(0);
  for (let i = 0; i < d;) {
    let q0 = f32x4.splat(0), q1 = q0;
    for (const end = i + SEGMENT; i < end; i += 16) {
      const at = v + (<usize>i << 2);
      const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), e = v128.load(at, 48);
      const sizeA = f32x4.abs(a), sizeB = f32x4.abs(b), sizeC = f32x4.abs(c), sizeE = f32x4.abs(e);
      peak4 = f32x4.max(peak4, f32x4.max(f32x4.max(sizeA, sizeB), f32x4.max(sizeC, sizeE)));
      pair4 = f32x4.max(
        pair4,
        f32x4.max(
          f32x4.max(f32x4.abs(pairSums(a)), f32x4.abs(pairSums(b))),
          f32x4.max(f32x4.abs(pairSums(c)), f32x4.abs(pairSums(e))),
        ),
      );
      q0 = fma4(c, c, fma4(a, a, q0));
      q1 = fma4(e, e, fma4(b, b, q1));
    }
    crowd4 = f32x4.max(crowd4, f32x4.max(pairSums(q0), pairSums(q1)));
  }
  const peak = max(
    max(f32x4.extract_lane(peak4, 0), f32x4.extract_lane(peak4, 1)),
    max(f32x4.extract_lane(peak4, 2), f32x4.extract_lane(peak4, 3)),
  );
  const usable = peak >= SCREEN_MIN && peak <= SCREEN_MAX;
  let s: f32 = usable ? peak / 127 : 1;
  if (narrow && usable) {
    const crowd = f32.sqrt(max(f32x4.extract_lane(crowd4, 0), f32x4.extract_lane(crowd4, 2))) * <f32>inflate();
    s = max(s, crowd / (rowCrowd() - f32.sqrt(<f32>LANE_DIMENSIONS) / 2) * <f32>1.00001);
    const pair = max(f32x4.extract_lane(pair4, 0), f32x4.extract_lane(pair4, 2));
    if (eightBits()) s = max(s, pair / ROW_PAIR * <f32>1.00001);
  }
  const row = parity * xqRows() + <usize>r, line = xqRows() << 3, offset = -<i32>wqOffset();
  const by = f32x4.splat(usable ? 1 / s : 0), s4 = f32x4.splat(s);
  let squares = f32x4.splat(0), errors = f32x4.splat(0);
  let out = xq() + (row & ~3) * dScreen() + ((row & 3) << 6), begin = rowBegin() + ((parity * segments() * xqRows() + <usize>r) << 3);
  for (let i = 0; i < d; begin += line, out += 192) {
    let sums = i16x8.splat(0);
    for (const end = i + SEGMENT; i < end; i += 16, out += 16) {
      for (let q = 0; q < 16; q += 4) {
        const value = v128.load(v + (<usize>(i + q) << 2));
        const rounded = f32x4.max(f32x4.min(f32x4.nearest(f32x4.mul(value, by)), f32x4.splat(127)), f32x4.splat(-127));
        const error = f32x4.sub(value, f32x4.mul(rounded, s4));
        squares = fma4(value, value, squares);
        errors = fma4(error, error, errors);
        const half = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(rounded), i32x4.splat(0));
        store<u32>(out + <usize>q, i32x4.extract_lane(i8x16.narrow_i16x8_s(half, half), 0));
      }
      sums = i16x8.add(sums, i16x8.extadd_pairwise_i8x16_s(v128.load(out)));
    }
    // Columns are stored plus an offset, to be unsigned: begin with what that adds, negated, in every lane. The first four
    // lanes hold the first eight dimensions of 16, the others the second.
    const lanes = i16x8.add(sums, v128.shuffle<i64>(sums, sums, 1, 0));
    v128.store64_lane(
      begin,
      narrow
        ? i16x8.mul(lanes, i16x8.splat(<i16>offset))
        : i32x4.mul(i32x4.extadd_pairwise_i16x8_s(lanes), i32x4.splat(offset)),
      0,
    );
  }
  const nx = normAbove(squares), terms = rowTerms() + (row << 4);
  store<f32>(terms, s);
  store<f32>(terms, usable ? nx : NaN, 4);
  store<f32>(terms, normAbove(errors) + nx * <f32>1.5e-7, 8);
  store<f32>(terms, ny, 12);
}

/** Quantises rows r and q of the chunk, which may be the same. */
function quantiseRows(s: usize, r: i32, q: i32, parity: usize): void {
  const rows = x() + (parity * listCapacity() * dPad() << 2), line = dPad() << 2, ld = dScreen() << 2;
  const y0 = rowSpace(s), z0 = y0 + ld, v0 = z0 + ld, y1 = v0 + ld, z1 = y1 + ld, v1 = z1 + ld;
  const n0 = centreRow(rows + <usize>r * line, y0), n1 = centreRow(rows + <usize>q * line, y1);
  shrinkDirections(y0, z0, y1, z1);
  quantiseRow(z0, v0, n0, r, parity);
  if (q != r) quantiseRow(z1, v1, n1, q, parity);
}
