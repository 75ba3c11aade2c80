// Pillow's alpha_composite over an opaque ground, in 16 bits: with S = colour·alpha + ground·(255 − alpha) + 128 ≤ 65,153
// its shifts come to (S + (S >> 8)) >> 8, exactly.

@inline function blend16(ground: v128, low: v128, high: v128, keep: v128): v128 {
  let a = i16x8.add(i16x8.mul(i16x8.extend_low_i8x16_u(ground), keep), low);
  let b = i16x8.add(i16x8.mul(i16x8.extend_high_i8x16_u(ground), keep), high);
  a = i16x8.shr_u(i16x8.add(a, i16x8.shr_u(a, 8)), 8);
  b = i16x8.shr_u(i16x8.add(b, i16x8.shr_u(b, 8)), 8);
  return i8x16.narrow_i16x8_u(a, b);
}

/** Covers a rectangle of RGB pixels: `at` its first byte, `bytes` a row of it, r, g and b the colour, opacity alpha/255. */
export function cover(at: usize, pitch: usize, bytes: usize, rows: i32, r: u32, g: u32, b: u32, alpha: u32): void {
  const keep = i16x8.splat(<i16>(255 - alpha));
  const x = r * alpha + 128, y = g * alpha + 128, z = b * alpha + 128;
  // 48 bytes hold the colour 16 times: six vectors of eight, of which three differ.
  const c0 = i16x8(<i16>x, <i16>y, <i16>z, <i16>x, <i16>y, <i16>z, <i16>x, <i16>y);
  const c1 = i16x8(<i16>z, <i16>x, <i16>y, <i16>z, <i16>x, <i16>y, <i16>z, <i16>x);
  const c2 = i16x8(<i16>y, <i16>z, <i16>x, <i16>y, <i16>z, <i16>x, <i16>y, <i16>z);
  for (; rows > 0; rows--, at += pitch) {
    let p = at;
    const end = at + bytes;
    for (; p + 48 <= end; p += 48) {
      v128.store(p, blend16(v128.load(p), c0, c1, keep));
      v128.store(p + 16, blend16(v128.load(p + 16), c2, c0, keep));
      v128.store(p + 32, blend16(v128.load(p + 32), c1, c2, keep));
    }
    for (; p < end; p += 3) {
      const s0 = x + <u32>load<u8>(p) * (255 - alpha), s1 = y + <u32>load<u8>(p + 1) * (255 - alpha);
      const s2 = z + <u32>load<u8>(p + 2) * (255 - alpha);
      store<u8>(p, (s0 + (s0 >> 8)) >> 8);
      store<u8>(p + 1, (s1 + (s1 >> 8)) >> 8);
      store<u8>(p + 2, (s2 + (s2 >> 8)) >> 8);
    }
  }
}
