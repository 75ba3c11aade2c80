// Small dense products for setting screening up; workers share the rows.

/** c[i, j] = a[i] · b[j], i < m, j < n: rows of `depth` f32 (a multiple of 16), c of n; n a multiple of 4. */
export function productNT(worker: i32, a: usize, b: usize, c: usize, m: i32, n: i32, depth: i32): void {
  barrier();
  const step = 16;
  for (let i = claim(CLAIM_ROWS, step); i < m; i = claim(CLAIM_ROWS, step)) {
    const rows = min(step, m - i);
    for (let j = 0; j < n; j += 4) {
      productTile(a + (<usize>i * depth << 2), b + (<usize>j * depth << 2), c + ((<usize>i * n + j) << 2), rows, <usize>depth << 2, <usize>n << 2);
    }
  }
  barrier();
}

/** Odd, so that any first part of a sample of 2^n rows is spread over the block as well. */
const SPREAD: i32 = 389;

/** Prepares up to `want` rows spread over a raw block into f32 [want, dPad] at `to`, less bPre; bad rows become 0. */
export function sampleRows(worker: i32, raw: usize, rows: i32, want: i32, to: usize): void {
  barrier();
  const per = <i32>perImage(), stride = (layers() * tokens() * dVit()) << 2, step = 16;
  for (let i = claim(CLAIM_ROWS, step); i < want; i = claim(CLAIM_ROWS, step)) {
    for (let r = i; r < min(i + step, want); r++) {
      const row = <i32>(<i64>(r * SPREAD % want) * rows / want), image = row / per, at = to + (<usize>r * dPad() << 2);
      gatherRow(raw + <usize>image * stride, <i32>fromToken() + (poolTokens() == 1 ? row - image * per : 0), at);
      if (firstBad(at) < 0) normaliseRow(at);
      else memory.fill(at, 0, dVit() << 2);
    }
  }
  barrier();
}
