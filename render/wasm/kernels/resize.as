// Pillow's two resampling passes. A weight of 22 fraction bits is split as high · 2^11 + low, so that two dot products of
// 16-bit pairs take the place of 32-bit multiplications; sums are the same modulo 2^32.

const WEIGHT_BITS: i32 = 22;
const LOW_BITS: i32 = 11;

/** Sums as samples: shifted down and clipped, four lanes. */
@inline function samples(high: v128, low: v128): v128 {
  const sum = i32x4.add(i32x4.add(i32x4.shl(high, LOW_BITS), low), i32x4.splat(1 << (WEIGHT_BITS - 1)));
  return i32x4.shr_s(sum, WEIGHT_BITS);
}

/**
 * Resizes rows along x. Column j takes `taps[j]` pixels from pixel `first[j]` on, a multiple of four; its weights are at
 * `weights + 4·starts[j]`: for every two taps the pair of high parts, then the pair of low parts. Reads up to 12 bytes past
 * the last row, writes 1 past its own.
 */
export function resizeRows(
  source: usize, pitch: usize, rows: i32, out: usize, columns: i32,
  first: usize, taps: usize, weights: usize, stride: usize,
): void {
  for (; rows >= 2; rows -= 2, source += 2 * pitch, out += 6 * columns) {
    const out2 = out + 3 * columns;
    for (let j = 0; j < columns; j++) {
      let at = source + 3 * <usize>load<u32>(first + (j << 2));
      let w = weights + j * stride;
      let high = i32x4.splat(0), low = high, high2 = high, low2 = high;
      for (let tap = load<u32>(taps + (j << 2)); tap > 0; tap -= 4, at += 12, w += 16) {
        const four = v128.load(w);
        const h0 = v128.shuffle<i32>(four, four, 0, 0, 0, 0), l0 = v128.shuffle<i32>(four, four, 1, 1, 1, 1);
        const h1 = v128.shuffle<i32>(four, four, 2, 2, 2, 2), l1 = v128.shuffle<i32>(four, four, 3, 3, 3, 3);
        const a = v128.load(at), b = v128.load(at + pitch);
        const a0 = v128.swizzle(a, i8x16(0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 16, 16, 16, 16));
        const a1 = v128.swizzle(a, i8x16(6, 16, 9, 16, 7, 16, 10, 16, 8, 16, 11, 16, 16, 16, 16, 16));
        const b0 = v128.swizzle(b, i8x16(0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 16, 16, 16, 16));
        const b1 = v128.swizzle(b, i8x16(6, 16, 9, 16, 7, 16, 10, 16, 8, 16, 11, 16, 16, 16, 16, 16));
        high = i32x4.add(high, i32x4.add(i32x4.dot_i16x8_s(a0, h0), i32x4.dot_i16x8_s(a1, h1)));
        low = i32x4.add(low, i32x4.add(i32x4.dot_i16x8_s(a0, l0), i32x4.dot_i16x8_s(a1, l1)));
        high2 = i32x4.add(high2, i32x4.add(i32x4.dot_i16x8_s(b0, h0), i32x4.dot_i16x8_s(b1, h1)));
        low2 = i32x4.add(low2, i32x4.add(i32x4.dot_i16x8_s(b0, l0), i32x4.dot_i16x8_s(b1, l1)));
      }
      const narrow = i16x8.narrow_i32x4_s(samples(high, low), samples(high2, low2));
      const bytes = i8x16.narrow_i16x8_u(narrow, narrow);
      // The fourth byte of a pixel is the next one's first, written later; but the pair's second row has begun already.
      if (j < columns - 1) {
        v128.store32_lane(out + 3 * j, bytes, 0);
      } else {
        v128.store16_lane(out + 3 * j, bytes, 0);
        v128.store8_lane(out + 3 * j + 2, bytes, 2);
      }
      v128.store32_lane(out2 + 3 * j, bytes, 1);
    }
  }
  if (rows > 0) resizeRow(source, out, columns, first, taps, weights, stride);
}

/** One row of the same. */
function resizeRow(
  source: usize, out: usize, columns: i32, first: usize, taps: usize, weights: usize, stride: usize,
): void {
  for (let j = 0; j < columns; j++) {
    let at = source + 3 * <usize>load<u32>(first + (j << 2));
    let w = weights + j * stride;
    let high = i32x4.splat(0), low = high;
    for (let tap = load<u32>(taps + (j << 2)); tap > 0; tap -= 4, at += 12, w += 16) {
      const four = v128.load(w), a = v128.load(at);
      const a0 = v128.swizzle(a, i8x16(0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 16, 16, 16, 16));
      const a1 = v128.swizzle(a, i8x16(6, 16, 9, 16, 7, 16, 10, 16, 8, 16, 11, 16, 16, 16, 16, 16));
      high = i32x4.add(high, i32x4.dot_i16x8_s(a0, v128.shuffle<i32>(four, four, 0, 0, 0, 0)));
      low = i32x4.add(low, i32x4.dot_i16x8_s(a0, v128.shuffle<i32>(four, four, 1, 1, 1, 1)));
      high = i32x4.add(high, i32x4.dot_i16x8_s(a1, v128.shuffle<i32>(four, four, 2, 2, 2, 2)));
      low = i32x4.add(low, i32x4.dot_i16x8_s(a1, v128.shuffle<i32>(four, four, 3, 3, 3, 3)));
    }
    const narrow = i16x8.narrow_i32x4_s(samples(high, low), high);
    v128.store32_lane(out + 3 * j, i8x16.narrow_i16x8_u(narrow, narrow), 0);
  }
}

/**
 * Resizes along y: row j is the weighted sum of `taps[j]` rows, an even number, from row `first[j]` on; for every two taps its
 * weights, at `weights + j·stride`, are a pair of high parts and a pair of low parts. Reads and writes up to 15 bytes past
 * the ends.
 */
export function resizeColumns(
  source: usize, pitch: usize, rows: i32, out: usize, first: usize, taps: usize, weights: usize, stride: usize,
): void {
  for (let j = 0; j < rows; j++, out += pitch) {
    const top = source + <usize>load<u32>(first + (j << 2)) * pitch;
    const pairs = load<u32>(taps + (j << 2)) >> 1;
    for (let x: usize = 0; x < pitch; x += 16) {
      let at = top + x, w = weights + j * stride;
      let h0 = i32x4.splat(0), h1 = h0, h2 = h0, h3 = h0, l0 = h0, l1 = h0, l2 = h0, l3 = h0;
      for (let pair = pairs; pair > 0; pair--, at += 2 * pitch, w += 8) {
        const high = v128.load32_splat(w), low = v128.load32_splat(w + 4);
        const a = v128.load(at), b = v128.load(at + pitch);
        const left = v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const p0 = i16x8.extend_low_i8x16_u(left), p1 = i16x8.extend_high_i8x16_u(left);
        const p2 = i16x8.extend_low_i8x16_u(right), p3 = i16x8.extend_high_i8x16_u(right);
        h0 = i32x4.add(h0, i32x4.dot_i16x8_s(p0, high));
        h1 = i32x4.add(h1, i32x4.dot_i16x8_s(p1, high));
        h2 = i32x4.add(h2, i32x4.dot_i16x8_s(p2, high));
        h3 = i32x4.add(h3, i32x4.dot_i16x8_s(p3, high));
        l0 = i32x4.add(l0, i32x4.dot_i16x8_s(p0, low));
        l1 = i32x4.add(l1, i32x4.dot_i16x8_s(p1, low));
        l2 = i32x4.add(l2, i32x4.dot_i16x8_s(p2, low));
        l3 = i32x4.add(l3, i32x4.dot_i16x8_s(p3, low));
      }
      v128.store(
        out + x,
        i8x16.narrow_i16x8_u(
          i16x8.narrow_i32x4_s(samples(h0, l0), samples(h1, l1)),
          i16x8.narrow_i32x4_s(samples(h2, l2), samples(h3, l3)),
        ),
      );
    }
  }
}
