// Per latent: a heap of its best entries {~row, value, slot}, the worst at the root. Order: value descending, row ascending. As
// values are positive, the first eight bytes of an entry are one number that is the smaller, the worse the entry.
// `slot` says which of the latent's heatmaps belongs to the entry, so that heatmaps never move while rows stream by.
const ENTRY: usize = 12;

@inline function keyOf(v: f32, row: u32): u64 {
  return (<u64>reinterpret<u32>(v) << 32) | <u64>~row;
}
@inline function valueAt(entry: usize): f32 {
  return load<f32>(entry, 4);
}
@inline function rowAt(entry: usize): u32 {
  return ~load<u32>(entry);
}

@inline function putEntry(at: usize, key: u64, slot: u32): void {
  store<u64>(at, key);
  store<u32>(at, slot, 8);
}

@inline function copyEntry(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u32>(to, load<u32>(from, 8), 8);
}

/** Puts an entry where it belongs between a place of a heap and the root. */
@inline function siftUp(h: usize, from: u32, key: u64, slot: u32): void {
  let at = from;
  while (at) {
    const up = (at - 1) >> 1, p = h + <usize>up * ENTRY;
    if (load<u64>(p) <= key) break;
    copyEntry(h + <usize>at * ENTRY, p);
    at = up;
  }
  putEntry(h + <usize>at * ENTRY, key, slot);
}

/**
 * Puts an entry in the root's place, in a heap of n. The hole goes down along the worse children to the end, without a branch
 * that nobody could foretell, and the entry up from there: mostly it belongs near the end.
 */
function siftDown(h: usize, n: u32, key: u64, slot: u32): void {
  let at: u32 = 0, child: u32 = 1;
  while (child + 1 < n) {
    const c = h + <usize>child * ENTRY;
    child += u32(load<u64>(c, 12) < load<u64>(c));
    copyEntry(h + <usize>at * ENTRY, h + <usize>child * ENTRY);
    at = child;
    child = 2 * at + 1;
  }
  if (child < n) {
    copyEntry(h + <usize>at * ENTRY, h + <usize>child * ENTRY);
    at = child;
  }
  siftUp(h, at, key, slot);
}

/** What is read ahead ends here, so that engines do not leave the reading out. */
let fetched: u32 = 0;
/** The heap that was read ahead last. */
let fetchedHeap: usize = 0;

/**
 * Reads a heap from end to end. It comes from memory or the outermost cache, once a chunk: lines asked for one after the other
 * arrive side by side, while an entry on its way down would wait for each of them.
 */
@inline function fetchHeap(h: usize, k: usize): void {
  for (let at = h, end = h + k * ENTRY; at < end; at += 64) fetched ^= load<u32>(at);
  fetchedHeap = h;
}

/** Adds an entry that belongs among the best (heap not full, or better than the root); returns its slot. */
function pushEntry(j: i32, v: f32, row: u32): u32 {
  const k = topK(), h = heap() + <usize>j * k * ENTRY, counts = heapCount() + (<usize>j << 2);
  const n = load<u32>(counts), key = keyOf(v, row);
  if (n == k) {
    if (h != fetchedHeap) fetchHeap(h, k);
    const slot = load<u32>(h, 8);
    siftDown(h, n, key, slot);
    return slot;
  }
  siftUp(h, n, key, n);
  store<u32>(counts, n + 1);
  return n;
}

/** Puts a latent's entries and heatmaps in rank order, and writes the canonical arrays. The heap stays valid. */
function sealColumn(s: usize, j: i32): void {
  const k = topK(), h = heap() + <usize>j * k * ENTRY, n = load<u32>(heapCount() + (<usize>j << 2));
  const sorted = sortSpace(s), width = patches() << 2;
  for (let left = n; left > 0; left--) {
    copyEntry(sorted + <usize>(n - left) * ENTRY, h);
    const last = h + <usize>(left - 1) * ENTRY;
    siftDown(h, left - 1, load<u64>(last), load<u32>(last, 8));
  }
  const values = topValue() + (<usize>j * k << 2), images = topImage() + (<usize>j * k << 2);
  const places = topPatch() + (<usize>j * k << 2), per = perImage();
  for (let rank: u32 = 0; rank < k; rank++) {
    const at = <usize>rank << 2;
    if (rank < n) {
      const from = sorted + <usize>(n - 1 - rank) * ENTRY, row = rowAt(from);
      store<f32>(values + at, valueAt(from));
      store<u32>(images + at, row / per);
      store<u32>(places + at, row % per);
    } else {
      store<f32>(values + at, -1);
      store<u32>(images + at, 0);
      store<u32>(places + at, 0);
    }
  }
  if (width) {
    const maps = heatmap() + <usize>j * k * width;
    orderHeatmaps(maps, sorted, n, width, sorted + <usize>k * ENTRY);
    for (let at = maps + <usize>n * width; at < maps + <usize>k * width; at += 4) store<f32>(at, -1);
  }
  for (let i: u32 = 0; i < n; i++) store<u32>(sorted + <usize>i * ENTRY, n - 1 - i, 8);
  memory.copy(h, sorted, <usize>n * ENTRY); // ascending order is a heap
}

/** Moves heatmap `slot of rank r` to place r, in place, along the permutation's cycles. Slots in `sorted` are spent. */
function orderHeatmaps(maps: usize, sorted: usize, n: u32, width: usize, spare: usize): void {
  const DONE: u32 = 0xffffffff;
  for (let start: u32 = 0; start < n; start++) {
    let from = load<u32>(sorted + <usize>(n - 1 - start) * ENTRY, 8);
    if (from == DONE || from == start) continue;
    memory.copy(spare, maps + <usize>start * width, width);
    let to = start;
    while (from != start) {
      memory.copy(maps + <usize>to * width, maps + <usize>from * width, width);
      store<u32>(sorted + <usize>(n - 1 - to) * ENTRY, DONE, 8);
      to = from;
      from = load<u32>(sorted + <usize>(n - 1 - to) * ENTRY, 8);
    }
    memory.copy(maps + <usize>to * width, spare, width);
    store<u32>(sorted + <usize>(n - 1 - to) * ENTRY, DONE, 8);
  }
}

/** Seals every latent; workers share them. */
export function sealAll(worker: i32): void {
  const s = scratchOf(worker), n = <i32>dSae(), step = 16;
  barrier();
  for (let from = claim(CLAIM_COLUMNS, step); from < n; from = claim(CLAIM_COLUMNS, step)) {
    for (let j = from; j < min(from + step, n); j++) sealColumn(s, j);
  }
  barrier();
}
