// TopK activation: per row the rowK largest pre-activations keep their value; ties go to the lower latent.

/** How many of a row's pre-activations are at least `least` > 0. The padding is 0. */
function countFrom(line: usize, least: f32): u32 {
  const end = line + (nPad() << 2), cut = f32x4.splat(least);
  let low = i32x4.splat(0), high = low;
  for (let at = line; at < end; at += 32) {
    low = i32x4.sub(low, f32x4.ge(v128.load(at), cut));
    high = i32x4.sub(high, f32x4.ge(v128.load(at, 16), cut));
  }
  const sums = i32x4.add(low, high);
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3);
}

/** Finds a row's cut: latents above it fire, and of those equal to it the ones up to a last latent. */
function selectRow(r: i32): void {
  const n = <i32>dSae(), k = rowK(), line = pre() + (<usize>r * nPad() << 2);
  const cuts = rowCut() + (<usize>r << 2), lasts = rowCut() + (listCapacity() << 2) + (<usize>r << 2);
  store<f32>(cuts, 0);
  store<u32>(lasts, 0);
  if (countFrom(line, reinterpret<f32>(1)) <= k) return;
  // Bits of positive floats order like the floats: settle the k-th largest bit by bit from the top.
  let prefix: u32 = 0;
  for (let bit = 30; bit >= 0; bit--) {
    const guess = prefix | (1 << bit);
    if (countFrom(line, reinterpret<f32>(guess)) >= k) prefix = guess;
  }
  const cut = reinterpret<f32>(prefix);
  let above: u32 = prefix == 0x7f800000 ? 0 : countFrom(line, reinterpret<f32>(prefix + 1)), last: u32 = 0;
  for (let j = 0; j < n && above < k; j++) {
    if (load<f32>(line + (<usize>j << 2)) == cut) {
      above++;
      last = <u32>j + 1;
    }
  }
  store<f32>(cuts, cut);
  store<u32>(lasts, last);
}

/** Whether a pre-activation fires under the row's cut (its last latent is stored plus one). */
@inline function fires(v: f32, j: i32, cut: f32, last: u32): bool {
  return v > cut || (v == cut && <u32>j < last);
}

/** Lists what fires among `columns` columns from j on, over the n rows of the chunk. */
function listFiring(s: usize, j: i32, columns: i32, n: i32): void {
  memory.fill(s + COUNTS, 0, <usize>columns << 2);
  const real = min(columns, <i32>dSae() - j);
  for (let r = 0; r < n; r++) {
    const line = pre() + ((<usize>r * nPad() + <usize>j) << 2);
    const cut = load<f32>(rowCut() + (<usize>r << 2)), last = load<u32>(rowCut() + ((listCapacity() + <usize>r) << 2));
    const cut4 = f32x4.splat(cut), zero = f32x4.splat(0);
    for (let q = 0; q < columns; q += 4) {
      const four = v128.load(line + (<usize>q << 2));
      if (!v128.any_true(v128.and(f32x4.ge(four, cut4), f32x4.gt(four, zero)))) continue;
      for (let c = q; c < min(q + 4, real); c++) {
        const v = load<f32>(line + (<usize>c << 2));
        if (v > 0 && fires(v, j + c, cut, last)) append(s, c, r, v);
      }
    }
  }
}
