// Once per pass.

/** Transposes four by four values; strides in bytes. */
@inline function transposeQuads(read: usize, stride: usize, line: usize, ld: usize): void {
  const a = v128.load(read), b = v128.load(read + stride), c = v128.load(read + 2 * stride), e = v128.load(read + 3 * stride);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5), ce = v128.shuffle<f32>(c, e, 0, 4, 1, 5);
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7), ceHigh = v128.shuffle<f32>(c, e, 2, 6, 3, 7);
  v128.store(line, v128.shuffle<f32>(ab, ce, 0, 1, 4, 5));
  v128.store(line + ld, v128.shuffle<f32>(ab, ce, 2, 3, 6, 7));
  v128.store(line + 2 * ld, v128.shuffle<f32>(abHigh, ceHigh, 0, 1, 4, 5));
  v128.store(line + 3 * ld, v128.shuffle<f32>(abHigh, ceHigh, 2, 3, 6, 7));
}

/** Transposes rows `from … to − 1` of wEnc, f32 [to − from, dSae] at `slab`, into wt. Workers share the columns. */
export function transposeSlab(worker: i32, slab: usize, from: i32, to: i32): void {
  const n = <i32>dSae(), step = 64, stride = dSae() << 2, ld = dPad() << 2;
  barrier();
  for (let first = claim(CLAIM_COLUMNS, step); first < n; first = claim(CLAIM_COLUMNS, step)) {
    const end = min(first + step, n);
    const quads = end - (end - first) % 4;
    for (let d = from; d < to; d += 16) {
      const stop = min(d + 16, to), whole = stop - (stop - d) % 4;
      for (let j = first; j < end; j += j < quads ? 4 : 1) {
        let read = slab + ((<usize>(d - from) * dSae() + <usize>j) << 2), line = wt() + <usize>j * ld + (<usize>d << 2);
        let i = d;
        if (j < quads) for (; i < whole; i += 4, read += 4 * stride, line += 16) transposeQuads(read, stride, line, ld);
        for (; i < stop; i++, read += stride, line += 4) {
          for (let k: usize = 0; k < (j < quads ? 4 : 1); k++) store<f32>(line + k * ld, load<f32>(read + (k << 2)));
        }
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
