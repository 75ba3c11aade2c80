// Once per pass.

/** Transposes rows `from … to − 1` of wEnc, f32 [to − from, dSae] at `slab`, into wt. Workers share the columns. */
export function transposeSlab(worker: i32, slab: usize, from: i32, to: i32): void {
  const n = <i32>dSae(), step = 64;
  barrier();
  for (let first = claim(CLAIM_COLUMNS, step); first < n; first = claim(CLAIM_COLUMNS, step)) {
    const end = min(first + step, n);
    for (let d = from; d < to; d += 16) {
      for (let j = first; j < end; j++) {
        let read = slab + ((<usize>(d - from) * dSae() + <usize>j) << 2);
        const line = wt() + (<usize>j * dPad() << 2);
        for (let i = d; i < min(d + 16, to); i++, read += dSae() << 2) store<f32>(line + (<usize>i << 2), load<f32>(read));
      }
    }
  }
  barrier();
}

/** Activations of n prepared rows into `pre`, with TopK's cuts in `rowCut`; one thread. */
export function encodeRows(n: i32): void {
  for (let j = 0; j < <i32>nPad(); j += 4) storeTile(j, 0, n, x());
  if (rowK()) for (let r = 0; r < n; r++) selectRow(scratchOf(0), r);
}
