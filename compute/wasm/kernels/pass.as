// A batch, chunk by chunk: rows are made together, then columns are claimed in blocks. Rows of the next chunk go to the
// other half of `x`, so one barrier per chunk is enough.

/** Notes what fires in a block of columns. */
function noteBlock(s: usize, j: i32, columns: i32, n: i32, parity: usize, t: f64): f64 {
  store<u32>(s + FIRED_END, firedSpace(s));
  if (rowK()) {
    noteFiring(s, j, columns, n);
    return lap(s, STAGE_DENSE, t);
  }
  const step = <i32>partRows(), rows = x() + (parity * listCapacity() * dPad() << 2);
  if (screening()) beginBlock(j, columns);
  for (let first = 0; first < n; first += step) {
    const part = min(step, n - first);
    if (screening()) {
      t = screenBlock(s, j, columns, first, part, parity, t);
    } else {
      for (let c = 0; c < columns; c += 4) denseTile(s, j + c, c, first, part, rows);
      t = lap(s, STAGE_DENSE, t);
    }
  }
  return t;
}

/**
 * Makes lists, one a column, of what fires in a block. Until then it lies as it came: all columns are written at one place,
 * not at places of their own all over the caches.
 */
function sortFired(s: usize, columns: i32): void {
  const from = firedSpace(s), end = load<u32>(s + FIRED_END), counts = s + COUNTS, starts = s + STARTS;
  memory.fill(counts, 0, <usize>columns << 2);
  for (let at = from; at < end; at += 8) {
    const counter = counts + (<usize>load<u16>(at, 2) << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  let start: u32 = 0;
  for (let c: usize = 0; c < <usize>columns << 2; c += 4) {
    const m = load<u32>(counts + c);
    store<u32>(starts + c, start);
    store<u32>(counts + c, start);
    start += m;
  }
  const rows = rowList(s, 0), values = valueList(s, 0);
  for (let at = from; at < end; at += 8) {
    const counter = counts + (<usize>load<u16>(at, 2) << 2), place = load<u32>(counter);
    store<u16>(rows + (<usize>place << 1), load<u16>(at));
    store<u32>(values + (<usize>place << 2), load<u32>(at, 4));
    store<u32>(counter, place + 1);
  }
  for (let c: usize = 0; c < <usize>columns << 2; c += 4) store<u32>(counts + c, load<u32>(counts + c) - load<u32>(starts + c));
}

/** Folds a block of columns into their state. */
function foldBlock(s: usize, j: i32, columns: i32, n: i32, parity: usize, firstRow: u32, holes: u32, t: f64): f64 {
  sortFired(s, columns);
  const real = min(columns, <i32>dSae() - j);
  for (let c = 0; c < real; c++) {
    const rows = rowList(s, c), values = valueList(s, c), counter = s + COUNTS + (<usize>c << 2);
    if (holes) {
      store<u32>(counter, dropSkipped(rows, values, load<u32>(counter), parity));
      if (<u32>(j + c) < nDistributions()) markSkipped(j + c, n, parity, firstRow);
    }
    const m = <i32>load<u32>(counter);
    if (m) foldStatistics(s, j + c, rows, values, m, firstRow);
  }
  rankedFrom = lap(s, STAGE_STATISTICS, t);
  const byImage = sumMode() || dedupe();
  for (let c = 0; c < real; c++) {
    const m = <i32>load<u32>(s + COUNTS + (<usize>c << 2));
    if (!m) continue;
    if (byImage) foldImages(s, j + c, c, m, firstRow);
    else foldRows(s, j + c, c, m, firstRow);
  }
  rankedFrom = lap(s, STAGE_RANK, rankedFrom);
  captureHeatmaps(s, j);
  return rankedFrom;
}

/**
 * TopK only: the pre-activations of a chunk that decide it, then every row's cut.
 *
 * Without screening these are all. With it, some columns are computed for every row; the k-th largest of these is a floor: a
 * pair whose bound is below it is not among the row's k largest, whatever else there is. As many columns again are screened
 * against that, which gives a higher floor for the next, and so on. What is dropped stays 0.
 */
function cutRows(s: usize, n: i32, parity: usize): void {
  const all = <i32>nPad();
  if (screening()) {
    beginScreening(n, parity);
    let from = wholeBlocks(max(all / FLOOR_SHARE, FLOOR_TIMES * <i32>rowK()));
    storeColumns(s, 0, from, n, parity, false);
    for (let first = true; from < all; first = false) {
      floorRows(s, from, n, first);
      screenFloors(rowFloor(), <usize>n << 2);
      const to = wholeBlocks(2 * from);
      storeColumns(s, from, to, n, parity, true);
      from = to;
    }
  } else {
    storeColumns(s, 0, all, n, parity, false);
  }
  let t = now();
  for (let r = claim(CLAIM_SELECT, 4); r < n; r = claim(CLAIM_SELECT, 4)) {
    for (let i = r; i < min(r + 4, n); i++) selectRow(s, i);
  }
  t = lap(s, STAGE_RANK, t);
  barrier();
  lap(s, STAGE_WAIT, t);
}

/** Columns that are computed for every row before there is a floor: one in so many, but at least so many times k. */
const FLOOR_SHARE: i32 = 24, FLOOR_TIMES: i32 = 8;

/** Columns rounded up to blocks, at most all. */
@inline function wholeBlocks(columns: i32): i32 {
  const step = <i32>blockColumns();
  return min(<i32>nPad(), (columns + step - 1) / step * step);
}

/** Writes pre-activations of columns from … to − 1 to `pre`: all, or what the screen leaves. Workers share the columns. */
function storeColumns(s: usize, from: i32, to: i32, n: i32, parity: usize, screened: bool): void {
  const step = <i32>blockColumns(), rows = x() + (parity * listCapacity() * dPad() << 2), part = <i32>partRows();
  let t = now();
  for (let j = from + claim(CLAIM_COLUMNS, step); j < to; j = from + claim(CLAIM_COLUMNS, step)) {
    const columns = min(step, to - j);
    if (screened) {
      beginBlock(j, columns);
      for (let first = 0; first < n; first += part) t = screenBlock(s, j, columns, first, min(part, n - first), parity, t);
    } else {
      for (let c = 0; c < columns; c += 4) storeTile(j + c, 0, n, rows);
      t = lap(s, STAGE_DENSE, t);
    }
  }
  barrier();
  lap(s, STAGE_WAIT, t);
}

/** Every row's floor from its first columns; the first time, the others are cleared. Workers share the rows. */
function floorRows(s: usize, columns: i32, n: i32, first: bool): void {
  let t = now();
  const width = <usize>columns << 2;
  for (let r = claim(CLAIM_SELECT, 4); r < n; r = claim(CLAIM_SELECT, 4)) {
    for (let i = r; i < min(r + 4, n); i++) {
      const line = pre() + (<usize>i * nPad() << 2);
      const floor = rowFloor() + (<usize>i << 2);
      if (first) {
        store<f32>(floor, 0);
        memory.fill(line + width, 0, (nPad() << 2) - width);
      }
      store<f32>(floor, raiseFloor(s, line, width, load<f32>(floor)));
    }
  }
  t = lap(s, STAGE_RANK, t);
  barrier();
  lap(s, STAGE_WAIT, t);
}

/** One chunk of n rows; `raw` is its first image. Returns false when a row was refused. */
function foldChunk(s: usize, raw: usize, n: i32, parity: usize, firstRow: u32): bool {
  let t = now();
  prepareChunk(s, raw, n, parity, firstRow);
  t = lap(s, STAGE_PREPARE, t);
  barrier();
  t = lap(s, STAGE_WAIT, t);
  const failed = atomic.load<u32>(FAILED);
  if (failed && failed <= load<u32>(s + CHUNKS_SO_FAR)) return false;
  const holes = countSkipped(s, n, parity);
  if (rowK()) cutRows(s, n, parity);
  const step = <i32>blockColumns();
  t = now();
  if (screening() && !rowK()) beginScreening(n, parity);
  for (let j = claim(CLAIM_COLUMNS, step); j < <i32>nPad(); j = claim(CLAIM_COLUMNS, step)) {
    const columns = min(step, <i32>nPad() - j);
    t = noteBlock(s, j, columns, n, parity, t);
    t = foldBlock(s, j, columns, n, parity, firstRow, holes, t);
  }
  store<u32>(s + FOLDED_SO_FAR, load<u32>(s + FOLDED_SO_FAR) + <u32>n - holes);
  store<u32>(s + SKIPPED_SO_FAR, load<u32>(s + SKIPPED_SO_FAR) + holes);
  return true;
}

/** Folds a batch. Every worker calls this with the same arguments but its own number. Returns 1 when a row was refused. */
export function foldBatch(worker: i32, raw: usize, firstImage: u32, images: i32): i32 {
  const s = scratchOf(worker), step = <i32>chunkImages(), stride = (layers() * tokens() * dVit()) << 2;
  for (let i = 0; i < images; i += step) {
    const n = min(step, images - i) * <i32>perImage();
    const parity = <usize>(load<u32>(s + CHUNKS_SO_FAR) & 1);
    store<u32>(s + CHUNKS_SO_FAR, load<u32>(s + CHUNKS_SO_FAR) + 1);
    const firstRow = (firstImage + <u32>i) * perImage();
    if (!foldChunk(s, raw + <usize>i * stride, n, parity, firstRow)) return 1;
  }
  return 0;
}
