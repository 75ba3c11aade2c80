// The rotation H: interleave (position p = b·h + i takes dimension i·blocks + b), signs, and an unnormalised Hadamard
// transform of each block of h. H·Hᵀ = h.

/** Hadamard transform in place, f32, n blocks of h ≥ 4. */
function hadamardBlocks(v: usize, h: usize, blocks: i32): void {
  for (let b = 0; b < blocks; b++, v += h << 2) {
    for (let i: usize = 0; i < h; i += 4) {
      let q = v128.load(v + (i << 2));
      q = f32x4.add(v128.shuffle<f32>(q, q, 0, 0, 2, 2), f32x4.mul(v128.shuffle<f32>(q, q, 1, 1, 3, 3), f32x4(1, -1, 1, -1)));
      q = f32x4.add(v128.shuffle<f32>(q, q, 0, 1, 0, 1), f32x4.mul(v128.shuffle<f32>(q, q, 2, 3, 2, 3), f32x4(1, 1, -1, -1)));
      v128.store(v + (i << 2), q);
    }
    for (let width: usize = 4; width < h; width <<= 1) {
      for (let from: usize = 0; from < h; from += width << 1) {
        for (let i = from; i < from + width; i += 4) {
          const p = v + (i << 2), q = p + (width << 2), low = v128.load(p), high = v128.load(q);
          v128.store(p, f32x4.add(low, high));
          v128.store(q, f32x4.sub(low, high));
        }
      }
    }
  }
}

/** The same in f64. */
function hadamardBlocks64(v: usize, h: usize, blocks: i32): void {
  for (let b = 0; b < blocks; b++, v += h << 3) {
    for (let i: usize = 0; i < h; i += 2) {
      const p = v + (i << 3), low = load<f64>(p), high = load<f64>(p, 8);
      store<f64>(p, low + high);
      store<f64>(p, low - high, 8);
    }
    for (let width: usize = 2; width < h; width <<= 1) {
      for (let from: usize = 0; from < h; from += width << 1) {
        for (let i = from; i < from + width; i += 2) {
          const p = v + (i << 3), q = p + (width << 3), low = v128.load(p), high = v128.load(q);
          v128.store(p, f64x2.add(low, high));
          v128.store(q, f64x2.sub(low, high));
        }
      }
    }
  }
}
