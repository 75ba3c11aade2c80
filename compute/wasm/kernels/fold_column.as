// What happens to the positives of one latent in one chunk: m rows (ascending) with their values.

/** A bin of the sketch is what a value's upper bits say, less those of the first bin; as `sketchBin` of quantile_sketch.ts. */
const BIN_BITS: i32 = 18, FIRST_BIN: i32 = 2784, LAST_BIN: i32 = 2047;

/** Counts, exact sum, sketch, extremes, percentile, distributions. */
function foldStatistics(s: usize, j: i32, rows: usize, values: usize, m: i32, firstRow: u32): void {
  const counts = count() + (<usize>j << 2), bins = sumBins() + (<usize>j << 8), sketch = histogram() + (<usize>j << 13);
  const folded = load<u32>(s + FOLDED_SO_FAR), holes = skipNonFinite() != 0, table = skippedBefore(s);
  let low = load<f32>(least() + (<usize>j << 2)), high = load<f32>(largest() + (<usize>j << 2));
  const before = load<u32>(counts);
  // Zero they are; but a page that is written before it is read costs a system one fault instead of two, and no word to all
  // cores. Values from 2^-24 to 2^8 have one page (see plan_memory.ts); those beyond are few.
  if (!before) memory.fill(sketch + 2048, 0, 4096);
  store<u32>(counts, before + <u32>m);
  fetchCells(sketch, values, m);
  for (let i = 0; i < m; i++) {
    const v = load<f32>(values + (<usize>i << 2)), bits = reinterpret<u32>(v);
    low = v < low ? v : low;
    high = v > high ? v : high;
    const bin = min(max(<i32>(bits >> BIN_BITS) - FIRST_BIN, 0), LAST_BIN);
    const cell = sketch + (<usize>bin << 2);
    store<u32>(cell, load<u32>(cell) + 1);
    const exponent = bits >> 23;
    if (exponent != 255) {
      const fraction = bits & 0x7fffff, significand = exponent ? fraction | 0x800000 : fraction << 1;
      const sum = bins + (<usize>(exponent >> 3) << 3);
      store<u64>(sum, load<u64>(sum) + <u64>(significand << (exponent & 7)));
    }
  }
  store<f32>(least() + (<usize>j << 2), low);
  store<f32>(largest() + (<usize>j << 2), high);
  // Apart from the above: one update waits for the one before, the memory accesses above need not wait for anything.
  let e = load<f64>(estimate() + (<usize>j << 3)), t = load<f64>(estimateRow() + (<usize>j << 3));
  const lr = rate(), n = total(), c = pull(), share = rowShare(), fall = c - 1;
  for (let i = 0; i < m; i++) {
    const v = load<f32>(values + (<usize>i << 2)), r = <u32>load<u16>(rows + (<usize>i << 1));
    const row = <f64>(folded + r - (holes ? load<u32>(table + (<usize>r << 2)) : 0));
    // What mostly happens is tried here: the estimate is above zero and stays there. No rows in between take nothing from it.
    const end = e + fall * stepSum(lr, share, t, row - t);
    if (e > 0 && end > 0) e = end;
    else if (row > t) e = advanceZeros(e, t, row - t);
    e = updateEstimate(e, row, <f64>v, lr, n, share, c);
    t = row + 1;
  }
  store<f64>(estimate() + (<usize>j << 3), e);
  store<f64>(estimateRow() + (<usize>j << 3), t);
  if (<u32>j < nDistributions()) {
    const line = distributions() + ((<usize>j * nRows() + firstRow) << 2);
    for (let i = 0; i < m; i++) {
      store<f32>(line + (<usize>load<u16>(rows + (<usize>i << 1)) << 2), load<f32>(values + (<usize>i << 2)));
    }
  }
}

/** Reads the cells of a histogram that m values fall in, so that they are on their way side by side; as `fetchHeap`. */
@inline function fetchCells(sketch: usize, values: usize, m: i32): void {
  for (let i = 0; i < m; i += 4) {
    const v = v128.load(values + (<usize>i << 2));
    const from = i32x4.sub(i32x4.shr_u(v, BIN_BITS), i32x4.splat(FIRST_BIN));
    const bins = i32x4.shl(i32x4.min_s(i32x4.max_s(from, i32x4.splat(0)), i32x4.splat(LAST_BIN)), 2);
    fetched ^= load<u32>(sketch + <usize>i32x4.extract_lane(bins, 0)) ^ load<u32>(sketch + <usize>i32x4.extract_lane(bins, 1)) ^
      load<u32>(sketch + <usize>i32x4.extract_lane(bins, 2)) ^ load<u32>(sketch + <usize>i32x4.extract_lane(bins, 3));
  }
}

/** NaN at every skipped row of the chunk, for one of the first latents. */
function markSkipped(j: i32, n: i32, parity: usize, firstRow: u32): void {
  const line = distributions() + ((<usize>j * nRows() + firstRow) << 2), flags = skipped() + parity * listCapacity();
  for (let r = 0; r < n; r++) if (load<u8>(flags + <usize>r)) store<f32>(line + (<usize>r << 2), NaN);
}

/** Heatmaps of the block noted so far, and the time since which ranking counts. */
let captured: usize = 0;
let rankedFrom: f64 = 0;

/** Offers each row of the block's column c, latent j, to the ranking, and notes what heatmaps that takes. */
function foldRows(s: usize, j: i32, c: i32, m: i32, firstRow: u32): void {
  const rows = rowList(s, c), values = valueList(s, c), per = perImage(), k = topK(), noting = patches() != 0;
  const counts = heapCount() + (<usize>j << 2), root = heap() + <usize>j * k * ENTRY;
  let cut: f32 = load<u32>(counts) == k ? valueAt(root) : 0, from = 0, end = 0;
  for (let i = 0; i < m; i++) {
    // Most are below the k-th value; what lies past the end of a list is anything.
    while (i < m && !v128.any_true(f32x4.gt(v128.load(values + (<usize>i << 2)), f32x4.splat(cut)))) i += 4;
    if (i >= m) break;
    const v = load<f32>(values + (<usize>i << 2));
    if (!(v > cut)) continue;
    const row = <u32>load<u16>(rows + (<usize>i << 1)), slot = pushEntry(j, v, firstRow + row);
    if (noting) {
      const first = row / per * per;
      if (i >= end) {
        // The image's entries in the list.
        from = i;
        end = i + 1;
        while (from > 0 && <u32>load<u16>(rows + (<usize>(from - 1) << 1)) >= first) from--;
        while (end < m && <u32>load<u16>(rows + (<usize>end << 1)) < first + per) end++;
      }
      noteHeatmap(s, j - c, c, slot, first, from, end);
    }
    if (load<u32>(counts) == k) cut = valueAt(root);
  }
}

/** Offers each image of the block's column c, latent j: its best row, or its sum. */
function foldImages(s: usize, j: i32, c: i32, m: i32, firstRow: u32): void {
  const rows = rowList(s, c), values = valueList(s, c), per = perImage(), k = topK(), whole = sumMode() != 0;
  const counts = heapCount() + (<usize>j << 2), root = heap() + <usize>j * k * ENTRY;
  let cut: f32 = load<u32>(counts) == k ? valueAt(root) : 0;
  let i = 0;
  while (i < m) {
    const image = <u32>load<u16>(rows + (<usize>i << 1)) / per, next = (image + 1) * per;
    let end = i, sum: f64 = 0, top = i, v: f32 = 0;
    do {
      const value = load<f32>(values + (<usize>end << 2));
      sum += <f64>value;
      if (value > v) {
        v = value;
        top = end;
      }
      end++;
    } while (end < m && <u32>load<u16>(rows + (<usize>end << 1)) < next);
    if (whole) v = <f32>sum;
    if (v > cut) {
      const slot = pushEntry(j, v, firstRow + <u32>load<u16>(rows + (<usize>top << 1)));
      if (patches()) noteHeatmap(s, j - c, c, slot, image * per, i, end);
      if (load<u32>(counts) == k) cut = valueAt(root);
    }
    i = end;
  }
}

/** Notes that a slot takes the heatmap of one image: entries i … end − 1 of a column's list. */
@inline function noteHeatmap(s: usize, j: i32, c: i32, slot: u32, imageRow: u32, i: i32, end: i32): void {
  if (captured == captureBytes()) {
    rankedFrom = lap(s, STAGE_RANK, rankedFrom);
    captureHeatmaps(s, j);
  }
  const at = captureSpace(s) + captured;
  store<u32>(at, c);
  store<u32>(at, slot, 4);
  store<u32>(at, imageRow, 8);
  store<u32>(at, i, 12);
  store<u32>(at, end, 16);
  captured += 20;
}

/** Writes what was noted, in that order: a slot may be taken twice. j is the block's first latent. */
function captureHeatmaps(s: usize, j: i32): void {
  const width = patches() << 2;
  for (let at = captureSpace(s), stop = at + captured; at < stop; at += 20) {
    const c = load<i32>(at), imageRow = load<u32>(at, 8), end = load<i32>(at, 16);
    const rows = rowList(s, c), values = valueList(s, c);
    const map = heatmap() + (<usize>(j + c) * topK() + load<u32>(at, 4)) * width;
    // Not memory.fill: so little is done before it would have begun.
    let empty = map;
    const last = map + width;
    for (; empty + 16 <= last; empty += 16) v128.store(empty, i32x4.splat(0));
    for (; empty < last; empty += 4) store<f32>(empty, 0);
    for (let i = load<i32>(at, 12); i < end; i++) {
      const patch = <u32>load<u16>(rows + (<usize>i << 1)) - imageRow;
      store<f32>(map + (<usize>patch << 2), load<f32>(values + (<usize>i << 2)));
    }
  }
  captured = 0;
  rankedFrom = lap(s, STAGE_HEATMAPS, rankedFrom);
}
