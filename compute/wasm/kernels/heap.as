// Per latent: a heap of its best entries {value, row, slot}, the worst at the root. Order: value descending, row ascending.
// `slot` says which of the latent's heatmaps belongs to the entry, so that heatmaps never move while rows stream by.
const ENTRY: usize = 12;

@inline function worse(v: f32, row: u32, thanV: f32, thanRow: u32): bool {
  return v < thanV || (v == thanV && row > thanRow);
}

@inline function putEntry(at: usize, v: f32, row: u32, slot: u32): void {
  store<f32>(at, v);
  store<u32>(at, row, 4);
  store<u32>(at, slot, 8);
}

/** Moves an entry down from the root of a heap of n until no child is worse. */
function siftDown(h: usize, n: u32, v: f32, row: u32, slot: u32): void {
  let at: u32 = 0;
  for (;;) {
    let child: u32 = 2 * at + 1;
    if (child >= n) break;
    let c = h + <usize>child * ENTRY;
    if (child + 1 < n && worse(load<f32>(c, 12), load<u32>(c, 16), load<f32>(c), load<u32>(c, 4))) {
      child++;
      c += ENTRY;
    }
    if (!worse(load<f32>(c), load<u32>(c, 4), v, row)) break;
    putEntry(h + <usize>at * ENTRY, load<f32>(c), load<u32>(c, 4), load<u32>(c, 8));
    at = child;
  }
  putEntry(h + <usize>at * ENTRY, v, row, slot);
}

/** Adds an entry that belongs among the best (heap not full, or better than the root); returns its slot. */
function pushEntry(j: i32, v: f32, row: u32): u32 {
  const k = topK(), h = heap() + <usize>j * k * ENTRY, counts = heapCount() + (<usize>j << 2);
  const n = load<u32>(counts);
  if (n == k) {
    const slot = load<u32>(h, 8);
    siftDown(h, n, v, row, slot);
    return slot;
  }
  let at = n;
  while (at) {
    const up = (at - 1) >> 1, p = h + <usize>up * ENTRY;
    if (!worse(v, row, load<f32>(p), load<u32>(p, 4))) break;
    putEntry(h + <usize>at * ENTRY, load<f32>(p), load<u32>(p, 4), load<u32>(p, 8));
    at = up;
  }
  putEntry(h + <usize>at * ENTRY, v, row, n);
  store<u32>(counts, n + 1);
  return n;
}

/** Puts a latent's entries and heatmaps in rank order, and writes the canonical arrays. The heap stays valid. */
function sealColumn(s: usize, j: i32): void {
  const k = topK(), h = heap() + <usize>j * k * ENTRY, n = load<u32>(heapCount() + (<usize>j << 2));
  const sorted = sortSpace(s), width = patches() << 2;
  for (let left = n; left > 0; left--) {
    memory.copy(sorted + <usize>(n - left) * ENTRY, h, ENTRY);
    const last = h + <usize>(left - 1) * ENTRY;
    siftDown(h, left - 1, load<f32>(last), load<u32>(last, 4), load<u32>(last, 8));
  }
  const values = topValue() + (<usize>j * k << 2), images = topImage() + (<usize>j * k << 2);
  const places = topPatch() + (<usize>j * k << 2), per = perImage();
  for (let rank: u32 = 0; rank < k; rank++) {
    const at = <usize>rank << 2;
    if (rank < n) {
      const from = sorted + <usize>(n - 1 - rank) * ENTRY, row = load<u32>(from, 4);
      store<f32>(values + at, load<f32>(from));
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
