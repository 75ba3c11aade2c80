// Screening a block of columns, then the exact pass over what survived.

/** Share of survivors above which a tile of 8 columns is cheaper computed densely, and for how many chunks. */
const DENSE_ABOVE: f64 = 0.25;
const DENSE_CHUNKS: i32 = 24;

/** Lists what fires in a block of columns; the lists are exact. */
function screenBlock(s: usize, j: i32, columns: i32, n: i32, parity: usize, t: f64): f64 {
  const rows = x() + (parity * listCapacity() * dPad() << 2);
  let screened: u32 = 0;
  memory.fill(s + COUNTS, 0, <usize>columns << 2);
  for (let c = 0; c < columns; c += 8) {
    const dense = columnDense() + (<usize>((j + c) >> 3) << 2), left = load<i32>(dense);
    if (left > 0) {
      store<i32>(dense, left - 1);
      t = lap(s, STAGE_SCREEN, t);
      denseTile(s, j + c, c, n, rows);
      denseTile(s, j + c + 4, c + 4, n, rows);
      t = lap(s, STAGE_DENSE, t);
    } else {
      screenTile(s, (j + c) >> 3, c, 0, n, parity);
      screened |= 1 << (c >> 3);
    }
  }
  t = lap(s, STAGE_SCREEN, t);
  for (let c = 0; c < columns; c += 8) {
    if (!(screened & (1 << (c >> 3)))) continue;
    let alive: u32 = 0;
    for (let i = c; i < c + 8; i++) {
      const counter = s + COUNTS + (<usize>i << 2), m = load<u32>(counter);
      alive += m;
      store<u32>(counter, exactColumn(j + i, rowList(s, i), valueList(s, i), m, rows));
    }
    store<f64>(s + SCREENED, load<f64>(s + SCREENED) + 8 * <f64>n);
    store<f64>(s + SCREENED, load<f64>(s + SCREENED, 8) + <f64>alive, 8);
    if (<f64>alive > DENSE_ABOVE * 8 * <f64>n) store<i32>(columnDense() + (<usize>((j + c) >> 3) << 2), DENSE_CHUNKS);
  }
  return lap(s, STAGE_EXACT, t);
}
