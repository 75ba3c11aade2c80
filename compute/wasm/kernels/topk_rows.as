// TopK activation: per row the rowK largest pre-activations keep their value; ties go to the lower latent.

/** Finds a row's cut: latents above it fire, and of those equal to it the ones up to a last latent. */
function selectRow(r: i32): void {
  const n = <i32>dSae(), k = rowK(), line = pre() + (<usize>r * nPad() << 2);
  const cuts = rowCut() + (<usize>r << 2), lasts = rowCut() + (listCapacity() << 2) + (<usize>r << 2);
  let positive: u32 = 0;
  for (let j = 0; j < n; j++) if (load<f32>(line + (<usize>j << 2)) > 0) positive++;
  if (positive <= k) {
    store<f32>(cuts, 0);
    store<u32>(lasts, 0);
    return;
  }
  // Bits of positive floats order like the floats: settle the k-th largest bit by bit from the top.
  let prefix: u32 = 0;
  for (let bit = 30; bit >= 0; bit--) {
    const guess = prefix | (1 << bit);
    let above: u32 = 0;
    for (let j = 0; j < n; j++) {
      const v = load<f32>(line + (<usize>j << 2));
      if (v > 0 && reinterpret<u32>(v) >= guess) above++;
    }
    if (above >= k) prefix = guess;
  }
  const cut = reinterpret<f32>(prefix);
  let above: u32 = 0, last: u32 = 0;
  for (let j = 0; j < n; j++) if (load<f32>(line + (<usize>j << 2)) > cut) above++;
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
    for (let c = 0; c < real; c++) {
      const v = load<f32>(line + (<usize>c << 2));
      if (!(v > 0) || !fires(v, j + c, cut, last)) continue;
      const counter = s + COUNTS + (<usize>c << 2), m = load<u32>(counter);
      store<u16>(rowList(s, c) + (<usize>m << 1), <u16>r);
      store<f32>(valueList(s, c) + (<usize>m << 2), v);
      store<u32>(counter, m + 1);
    }
  }
}
