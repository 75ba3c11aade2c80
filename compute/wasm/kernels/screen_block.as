// Screening a block of columns, then the exact pass over what survived. The screen itself is a module of its own over private
// memory (screen_tiles.ts); the host copies what it works on (kernel_host.ts).

/** Makes the screen's memory, once. */
@external("env", "screenOpen") declare function screenOpen(
  bytes: usize, rows: usize, part: usize, width: usize, segments: usize, narrow: usize, floored: usize,
): void;
/** Takes a chunk's rows with where their sums begin and their terms, each an address and bytes. */
@external("env", "screenRows") declare function screenRows(
  x: usize, xBytes: usize, begin: usize, beginBytes: usize, terms: usize, termBytes: usize,
): void;
/** Takes tiles of 8 columns with their terms. */
@external("env", "screenColumns") declare function screenColumns(
  w: usize, wBytes: usize, terms: usize, termBytes: usize,
): void;
/** Takes floors of a chunk's rows; for TopK. */
@external("env", "screenFloors") declare function screenFloors(floors: usize, bytes: usize): void;
/** Takes the reciprocal scales of the columns held; for TopK. */
@external("env", "screenInverses") declare function screenInverses(inverses: usize, bytes: usize): void;
/**
 * Screens n rows against these tiles: bits [n, 128] to `masks`, pairs alive in each tile, u32, to `alive`. Returns how many
 * were screened as large tiles.
 */
@external("env", "screenPart") declare function screenPart(
  first: i32, n: i32, tiles: i32, skipped: u32, masks: usize, alive: usize,
): i32;

/** Share of survivors above which a tile of 8 columns is cheaper computed densely, and for how many parts of chunks. */
const DENSE_ABOVE: f64 = 0.45;
const DENSE_PARTS: i32 = 48;

/** Lists the columns whose bits are set in 16 bytes; returns how many there are. */
@inline function listAlive(masks: usize, list: usize): i32 {
  let m = 0;
  for (let half = 0; half < 128; half += 64, masks += 8) {
    let alive = load<u64>(masks);
    for (; alive; alive &= alive - 1, m++) store<i32>(list + (<usize>m << 2), half + <i32>ctz(alive));
  }
  return m;
}

/** Before the first block of a chunk of n rows. */
@inline function beginScreening(n: i32, parity: usize): void {
  const row = parity * xqRows(), begins = segments() * xqRows() << 3;
  screenOpen(screenBytes(), xqRows(), partRows(), dScreen(), segments(), sums16(), rowK() ? 1 : 0);
  screenRows(
    xq() + row * dScreen(), ((n + 3) & ~3) * dScreen(), rowBegin() + parity * begins, begins, rowTerms() + (row << 4), n << 4,
  );
}

/** Before the first part of a block. */
@inline function beginBlock(j: i32, columns: i32): void {
  screenColumns(
    wq() + (<usize>j >> 3) * tileBytes(), (<usize>columns >> 3) * tileBytes(), columnTerms() + (<usize>j << 4), <usize>columns << 4,
  );
  if (rowK()) screenInverses(columnInverse() + (<usize>j << 2), <usize>columns << 2);
}

/**
 * Notes what fires in a block of columns, rows first … first + n − 1 of the chunk; values are exact. For TopK it writes what may
 * exceed its row's floor to `pre` instead.
 */
function screenBlock(s: usize, j: i32, columns: i32, first: i32, n: i32, parity: usize, t: f64): f64 {
  const rows = x() + (parity * listCapacity() * dPad() << 2), tiles = columns >> 3;
  let skipped: u32 = 0, pairs: f64 = 0, survivors: f64 = 0;
  for (let tile = 0; tile < tiles; tile++) {
    const dense = columnDense() + (<usize>((j >> 3) + tile) << 2), left = load<i32>(dense);
    if (left <= 0) continue;
    store<i32>(dense, left - 1);
    skipped |= 1 << tile;
  }
  const large = <f64>(8 * n) * <f64>screenPart(first, n, tiles, skipped, maskSpace(s), s + ALIVE);
  t = lap(s, STAGE_SCREEN, t);
  for (let tile = 0; tile < tiles; tile++) {
    if ((skipped >> tile) & 1) {
      for (let c = tile << 3; c < (tile << 3) + 8; c += 4) {
        if (rowK()) storeTile(j + c, first, n, rows);
        else denseTile(s, j + c, c, first, n, rows);
      }
      continue;
    }
    const alive = <f64>load<u32>(s + ALIVE + (<usize>tile << 2));
    pairs += 8 * <f64>n;
    survivors += alive;
    if (alive > DENSE_ABOVE * 8 * <f64>n) store<i32>(columnDense() + (<usize>((j >> 3) + tile) << 2), DENSE_PARTS);
  }
  t = lap(s, STAGE_DENSE, t);
  if (rowK()) storeExact(s, j, first, n, rows);
  else exactRows(s, j, first, n, rows);
  store<f64>(s + SCREENED, load<f64>(s + SCREENED) + pairs);
  store<f64>(s + SCREENED, load<f64>(s + SCREENED, 8) + survivors, 8);
  store<f64>(s + SCREENED, load<f64>(s + SCREENED, 16) + large, 16);
  return lap(s, STAGE_EXACT, t);
}
