// TopK activation: per row the rowK largest pre-activations keep their value; ties go to the lower latent.

/** How many of some values, a multiple of 8, are at least `least` > 0. */
function countFrom(line: usize, bytes: usize, least: f32): u32 {
  const end = line + bytes, cut = f32x4.splat(least);
  let low = i32x4.splat(0), high = low;
  for (let at = line; at < end; at += 32) {
    low = i32x4.sub(low, f32x4.ge(v128.load(at), cut));
    high = i32x4.sub(high, f32x4.ge(v128.load(at, 16), cut));
  }
  const sums = i32x4.add(low, high);
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3);
}

/** Copies those of some values that are at least `least` > 0 to `to`, padded with 0; returns how many bytes, or all if there is no room. */
function gatherFrom(line: usize, bytes: usize, least: f32, to: usize, room: usize): usize {
  const cut = f32x4.splat(least), start = to, limit = to + room - 64;
  for (let at = line, end = line + bytes; at < end; at += 32) {
    const a = v128.load(at), b = v128.load(at, 16);
    let mask = i32x4.bitmask(f32x4.ge(a, cut)) | i32x4.bitmask(f32x4.ge(b, cut)) << 4;
    if (!mask) continue;
    if (to > limit) return bytes;
    for (; mask; mask &= mask - 1, to += 4) store<u32>(to, load<u32>(at + (<usize>ctz(mask) << 2)));
  }
  v128.store(to, i32x4.splat(0));
  v128.store(to, i32x4.splat(0), 16);
  return (to - start + 31) & ~31;
}

/** Bits of the k-th largest of some values that are at least 0, of which at least k are above. */
function kthLargest(line: usize, bytes: usize): u32 {
  // Bits of positive floats order like the floats: settle it bit by bit from the top.
  const k = rowK();
  let prefix: u32 = 0;
  for (let bit = 30; bit >= 0; bit--) {
    const guess = prefix | (1 << bit);
    if (countFrom(line, bytes, reinterpret<f32>(guess)) >= k) prefix = guess;
  }
  return prefix;
}

/**
 * A row's floor from its first columns: the value below the k-th largest, so that what does not exceed it is not among the k
 * largest, not even by a tie; 0 where fewer than k are positive. `known` is a floor from fewer columns.
 */
function raiseFloor(s: usize, line: usize, bytes: usize, known: f32): f32 {
  const list = rowSpace(s), found = gatherFrom(line, bytes, nextUp(known), list, rowSpaceBytes());
  const values = found < bytes ? list : line;
  if (countFrom(values, found, reinterpret<f32>(1)) < rowK()) return 0;
  return reinterpret<f32>(kthLargest(values, found) - 1);
}

/** The next larger float. */
@inline function nextUp(v: f32): f32 { return reinterpret<f32>(reinterpret<u32>(v) + 1); }

/** Finds a row's cut: latents above it fire, and of those equal to it the ones up to a last latent. The padding is 0. */
function selectRow(s: usize, r: i32): void {
  const n = <i32>dSae(), k = rowK(), line = pre() + (<usize>r * nPad() << 2), bytes = nPad() << 2;
  const cuts = rowCut() + (<usize>r << 2), lasts = rowCut() + (listCapacity() << 2) + (<usize>r << 2);
  store<f32>(cuts, 0);
  store<u32>(lasts, 0);
  const known: f32 = screening() ? load<f32>(rowFloor() + (<usize>r << 2)) : 0;
  const list = rowSpace(s), found = gatherFrom(line, bytes, nextUp(known), list, rowSpaceBytes());
  const values = found < bytes ? list : line;
  // A floor above 0 has at least k values above it.
  if (known == 0 && countFrom(values, found, reinterpret<f32>(1)) <= k) return;
  const prefix = kthLargest(values, found), cut = reinterpret<f32>(prefix);
  store<f32>(cuts, cut);
  if (countFrom(values, found, cut) == k) {
    store<u32>(lasts, <u32>n);
    return;
  }
  // Some of those equal to the cut are too many: the lower latents have it.
  let over: u32 = prefix == 0x7f800000 ? 0 : countFrom(values, found, nextUp(cut)), last: u32 = 0;
  for (let j = 0; j < n && over < k; j++) {
    if (load<f32>(line + (<usize>j << 2)) == cut) {
      over++;
      last = <u32>j + 1;
    }
  }
  store<u32>(lasts, last);
}

/** Whether a pre-activation fires under the row's cut (its last latent is stored plus one). */
@inline function fires(v: f32, j: i32, cut: f32, last: u32): bool {
  return v > cut || (v == cut && <u32>j < last);
}

/** Notes what fires among `columns` columns from j on, over the n rows of the chunk. */
function noteFiring(s: usize, j: i32, columns: i32, n: i32): void {
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
