// Screening a block of columns, then the exact pass over what survived.

/** Share of survivors above which a tile of 8 columns is cheaper computed densely, and for how many parts of chunks. */
const DENSE_ABOVE: f64 = 0.3;
const DENSE_PARTS: i32 = 48;

/** Lists the columns whose bits are set in 16 bytes, the last one three times more; returns how many there are. */
@inline function listAlive(masks: usize, list: usize): i32 {
  let m = 0;
  for (let half = 0; half < 128; half += 64, masks += 8) {
    let alive = load<u64>(masks);
    for (; alive; alive &= alive - 1, m++) store<i32>(list + (<usize>m << 2), half + <i32>ctz(alive));
  }
  if (m) {
    const last = load<i32>(list + (<usize>(m - 1) << 2));
    for (let i = m; i < m + 3; i++) store<i32>(list + (<usize>i << 2), last);
  }
  return m;
}

/** Appends what fires in a block of columns, rows first … first + n − 1 of the chunk, to the lists; they are exact. */
function screenBlock(s: usize, j: i32, columns: i32, first: i32, n: i32, parity: usize, t: f64): f64 {
  const rows = x() + (parity * listCapacity() * dPad() << 2), masks = maskSpace(s);
  memory.fill(masks, 0, <usize>n << 4);
  let pairs: f64 = 0, survivors: f64 = 0;
  for (let c = 0; c < columns; c += 8) {
    const tile = (j + c) >> 3, dense = columnDense() + (<usize>tile << 2), left = load<i32>(dense);
    if (left > 0) {
      store<i32>(dense, left - 1);
      t = lap(s, STAGE_SCREEN, t);
      denseTile(s, j + c, c, first, n, rows);
      denseTile(s, j + c + 4, c + 4, first, n, rows);
      t = lap(s, STAGE_DENSE, t);
    } else {
      const alive = <f64>screenTile(s, tile, masks + (<usize>c >> 3), first, n, parity);
      pairs += 8 * <f64>n;
      survivors += alive;
      if (alive > DENSE_ABOVE * 8 * <f64>n) store<i32>(dense, DENSE_PARTS);
    }
  }
  t = lap(s, STAGE_SCREEN, t);
  exactRows(s, j, first, n, rows);
  store<f64>(s + SCREENED, load<f64>(s + SCREENED) + pairs);
  store<f64>(s + SCREENED, load<f64>(s + SCREENED, 8) + survivors, 8);
  return lap(s, STAGE_EXACT, t);
}
