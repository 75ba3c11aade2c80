// What happens to the positives of one latent in one chunk: m rows (ascending) with their values.

/** Counts, exact sum, sketch, extremes, percentile, distributions. */
function foldStatistics(s: usize, j: i32, rows: usize, values: usize, m: i32, firstRow: u32): void {
  const counts = count() + (<usize>j << 2), bins = sumBins() + (<usize>j << 8), sketch = histogram() + (<usize>j << 13);
  const folded = load<u32>(s + FOLDED_SO_FAR), holes = skipNonFinite() != 0, table = skippedBefore(s);
  let low = load<f32>(least() + (<usize>j << 2)), high = load<f32>(largest() + (<usize>j << 2));
  store<u32>(counts, load<u32>(counts) + <u32>m);
  for (let i = 0; i < m; i++) {
    const v = load<f32>(values + (<usize>i << 2)), bits = reinterpret<u32>(v);
    low = v < low ? v : low;
    high = v > high ? v : high;
    const bin = min(max(<i32>(bits >> 18) - 2784, 0), 2047);
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
  for (let i = 0; i < m; i++) {
    const v = load<f32>(values + (<usize>i << 2)), r = <u32>load<u16>(rows + (<usize>i << 1));
    const row = <f64>(folded + r - (holes ? load<u32>(table + (<usize>r << 2)) : 0));
    if (row > t) e = advanceZeros(e, t, row - t);
    e = updateEstimate(e, row, <f64>v);
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

/** NaN at every skipped row of the chunk, for one of the first latents. */
function markSkipped(j: i32, n: i32, parity: usize, firstRow: u32): void {
  const line = distributions() + ((<usize>j * nRows() + firstRow) << 2), flags = skipped() + parity * listCapacity();
  for (let r = 0; r < n; r++) if (load<u8>(flags + <usize>r)) store<f32>(line + (<usize>r << 2), NaN);
}

/** Offers the rows of each image to the ranking, with their heatmaps. */
function foldRanking(j: i32, rows: usize, values: usize, m: i32, firstRow: u32): void {
  const per = perImage(), k = topK(), whole = sumMode() != 0, best = whole || dedupe() != 0;
  const counts = heapCount() + (<usize>j << 2), root = heap() + <usize>j * k * ENTRY;
  let cut: f32 = load<u32>(counts) == k ? load<f32>(root) : 0;
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
      const stop = best ? top + 1 : end;
      for (let q = best ? top : i; q < stop; q++) {
        if (!best) v = load<f32>(values + (<usize>q << 2));
        if (!(v > cut)) continue;
        const slot = pushEntry(j, v, firstRow + <u32>load<u16>(rows + (<usize>q << 1)));
        if (patches()) captureHeatmap(j, slot, image * per, rows + (<usize>i << 1), values + (<usize>i << 2), end - i);
        if (load<u32>(counts) == k) cut = load<f32>(root);
      }
    }
    i = end;
  }
}

/** Writes the values of one image's patches to a slot. */
function captureHeatmap(j: i32, slot: u32, imageRow: u32, rows: usize, values: usize, m: i32): void {
  const width = patches() << 2, map = heatmap() + (<usize>j * topK() + slot) * width;
  memory.fill(map, 0, width);
  for (let i = 0; i < m; i++) {
    const patch = <u32>load<u16>(rows + (<usize>i << 1)) - imageRow;
    store<f32>(map + (<usize>patch << 2), load<f32>(values + (<usize>i << 2)));
  }
}
