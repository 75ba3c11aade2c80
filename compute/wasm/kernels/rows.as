// From raw blocks to rows x' = (clamp(x) − mean) / scalar − bPre, each operation rounded to f32; see rows.ts and
// prepare_rows.ts, whose order of operations this follows.

/** Puts token and layer means, or the token itself, at `to`. `image` is the image's first byte. */
function gatherRow(image: usize, token: i32, to: usize): void {
  const d = <i32>dVit(), pooled = <i32>poolTokens(), nLayers = <i32>layers();
  if (pooled == 1 && nLayers == 1) {
    memory.copy(to, image + (<usize>token * dVit() << 2), dVit() << 2);
    return;
  }
  const width = dVit() << 2;
  for (let i = 0; i < d; i++) {
    let overLayers: f64 = 0;
    for (let layer = 0; layer < nLayers; layer++) {
      let overTokens: f64 = 0;
      let at = image + <usize>(layer * <i32>tokens() + token) * width + (<usize>i << 2);
      for (let t = 0; t < pooled; t++, at += width) overTokens += <f64>load<f32>(at);
      overLayers += overTokens / <f64>pooled;
    }
    store<f32>(to + (<usize>i << 2), <f32>(overLayers / <f64>nLayers));
  }
}

/** The first dimension that is NaN or infinite, or −1. */
function firstBad(row: usize): i32 {
  const d = <i32>dVit(), quads = d & ~3;
  let any = i32x4.splat(0);
  for (let i = 0; i < quads; i += 4) {
    const v = v128.load(row + (<usize>i << 2));
    any = v128.or(any, f32x4.ne(f32x4.sub(v, v), f32x4.splat(0)));
  }
  for (let i = v128.any_true(any) ? 0 : quads; i < d; i++) {
    const v = load<f32>(row + (<usize>i << 2));
    if (v - v != 0) return i;
  }
  return -1;
}

/** Clamp, centre, scale, and take off bPre; in place. */
function normaliseRow(row: usize): void {
  const d = <i32>dVit(), quads = d & ~3;
  const high = <f32>clamp(), low = -high, by = <f32>scalar();
  const high4 = f32x4.splat(high), low4 = f32x4.splat(low), by4 = f32x4.splat(by);
  const m = mean(), b = bPre();
  for (let i = 0; i < quads; i += 4) {
    const at = <usize>i << 2;
    let v = f32x4.pmax(f32x4.pmin(v128.load(row + at), high4), low4);
    v = f32x4.div(f32x4.sub(v, v128.load(m + at)), by4);
    v128.store(row + at, f32x4.sub(v, v128.load(b + at)));
  }
  for (let i = quads; i < d; i++) {
    const at = <usize>i << 2;
    let v = load<f32>(row + at);
    v = v > high ? high : v < low ? low : v;
    store<f32>(row + at, (v - load<f32>(m + at)) / by - load<f32>(b + at));
  }
}

/** Makes one row of the chunk. `raw` is the chunk's first image. A refused one stops the pass. */
function prepareRow(s: usize, raw: usize, r: i32, parity: usize, firstRow: u32): void {
  const per = <i32>perImage(), image = r / per, patch = r - image * per;
  const to = x() + ((parity * listCapacity() + <usize>r) * dPad() << 2);
  const stride = (layers() * tokens() * dVit()) << 2;
  gatherRow(raw + <usize>image * stride, <i32>fromToken() + (poolTokens() == 1 ? patch : 0), to);
  const bad = firstBad(to);
  const flag = skipped() + parity * listCapacity() + <usize>r;
  if (bad < 0) {
    store<u8>(flag, 0);
    normaliseRow(to);
  } else if (skipNonFinite()) {
    store<u8>(flag, 1);
    memory.fill(to, 0, dVit() << 2);
  } else if (load<u32>(s + BAD_ROW) == 0) {
    store<f32>(s + BAD_ROW, load<f32>(to + (<usize>bad << 2)), 8);
    store<u32>(s + BAD_ROW, <u32>bad, 4);
    store<u32>(s + BAD_ROW, firstRow + <u32>r + 1);
    atomic.store<u32>(FAILED, load<u32>(s + CHUNKS_SO_FAR));
  }
}

/** Claims and makes rows until none is left. */
function prepareChunk(s: usize, raw: usize, n: i32, parity: usize, firstRow: u32): void {
  const step = 8;
  for (let from = claim(CLAIM_ROWS, step); from < n; from = claim(CLAIM_ROWS, step)) {
    const to = min(from + step, n);
    for (let r = from; r < to; r++) prepareRow(s, raw, r, parity, firstRow);
    if (screening()) for (let r = from; r < to; r += 2) quantiseRows(s, r, min(r + 1, to - 1), parity);
  }
}

/** Counts skipped rows before each row of the chunk into the worker's own table; returns how many in all. */
function countSkipped(s: usize, n: i32, parity: usize): u32 {
  if (!skipNonFinite()) return 0;
  const flags = skipped() + parity * listCapacity(), table = skippedBefore(s);
  let before: u32 = 0;
  for (let r = 0; r < n; r++) {
    store<u32>(table + (<usize>r << 2), before);
    before += load<u8>(flags + <usize>r);
  }
  return before;
}

/** Takes skipped rows out of a list; returns its new length. */
function dropSkipped(rows: usize, values: usize, m: i32, parity: usize): i32 {
  const flags = skipped() + parity * listCapacity();
  let kept = 0;
  for (let i = 0; i < m; i++) {
    const r = load<u16>(rows + (<usize>i << 1));
    if (load<u8>(flags + <usize>r)) continue;
    store<u16>(rows + (<usize>kept << 1), r);
    store<f32>(values + (<usize>kept << 2), load<f32>(values + (<usize>i << 2)));
    kept++;
  }
  return kept;
}
