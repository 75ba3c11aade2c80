// Merges latents' candidates, which come in row order, into their sorted rankings: one workgroup for {{LATENTS}} latents, one after
// the other; most strips bring candidates for few.
// Order: value descending, then row ascending; entries already ranked come from earlier rows. Values compare as bits.
// An entry keeps a slot of the latent's heatmaps; a new entry takes a free one, or that of an entry it displaces, and is
// marked for heatmap.wgsl. Where a full list made fold.wgsl stop collecting, this goes on from there, with the higher bar that the
// merge gave, as often as it takes. Twin: merge.ts
@group(1) @binding(0) var<storage, read_write> latents: array<u32>;      // [10, cols], see latents.ts
@group(1) @binding(1) var<storage, read_write> candidates: array<u32>;   // [cols, 2, CAPACITY]: value bits, row
@group(1) @binding(2) var<storage, read_write> top: array<u32>;          // [cols, 3, k]: value bits, row, slot
@group(1) @binding(3) var<storage, read> f: array<u32>;                  // [rowsPad, ldF], bits of f32 where it fires
@group(1) @binding(4) var<storage, read> bits: array<u32>;               // [rowsPad / 32, ldF], a bit per row

// Whether each latent has candidates, and a bit for each that has.
var<workgroup> filled: array<u32, {{LATENTS}}>;
var<workgroup> busy: u32;
var<workgroup> values: array<u32, {{CAPACITY}}>;
// First the rank among candidates, then the slot.
var<workgroup> slots: array<u32, {{CAPACITY}}>;
var<workgroup> places: array<u32, {{CAPACITY}}>;
// Candidates, entries ranked, the bar, and where collecting stopped.
var<workgroup> known: vec4<u32>;
var<workgroup> entered: atomic<u32>;
var<workgroup> above: array<u32, {{CHUNK}}>;
// Where collecting goes on (0xffffffff: nowhere), candidates so far, whether the list is full.
var<workgroup> walk: vec3<u32>;

const FRESH = 0x80000000u;
const NONE = 0xffffffffu;

// Value and row of what one unit, a row or an image, offers.
fn offer(first: u32, column: u32) -> vec2<u32> {
  // @if GROUPED
  var best = 0u;
  var row = first;
  // @if SUM
  var sum = vec3<u32>();
  // @end
  for (var r = first; r < first + P.perImage; r++) {
    let b = activation(r, column);
    if (b > best) {
      best = b;
      row = r;
    }
    // @if SUM
    if (b != 0u) { sum = add(sum, b); }
    // @end
  }
  // @if SUM
  return vec2<u32>(select(narrow(sum), 0u, best == 0u), row);
  // @else
  return vec2<u32>(best, row);
  // @end
  // @else
  return vec2<u32>(activation(first, column), first);
  // @end
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  if (thread < {{LATENTS}}u) {
    let j = group.x * {{LATENTS}}u + thread;
    var some = 0u;
    if (j < P.cols) {
      some = min(1u, latents[6u * P.cols + j]);
      latents[9u * P.cols + j] = some;
    }
    filled[thread] = some;
  }
  workgroupBarrier();
  if (thread == 0u) {
    // @for l LATENTS
    busy |= filled[{{l}}] << {{l}}u;
    // @end
  }
  for (var left = workgroupUniformLoad(&busy); left != 0u; left &= left - 1u) {
    mergeLatent(group.x * {{LATENTS}}u + countTrailingZeros(left), thread);
  }
}

fn mergeLatent(j: u32, thread: u32) {
  if (thread == 0u) {
    known = vec4<u32>(latents[6u * P.cols + j], latents[8u * P.cols + j], latents[5u * P.cols + j], latents[7u * P.cols + j]);
  }
  let list = j * {{LIST}}u;
  let begin = j * 3u * P.k;
  loop {
    let now = workgroupUniformLoad(&known);
    let n = now.x;
    let ranked = now.y;
    if (n == 0u) { break; }
    if (thread == 0u) { atomicStore(&entered, 0u); }
    for (var i = thread; i < n; i += 64u) { values[i] = candidates[list + i]; }
    workgroupBarrier();
    for (var i = thread; i < n; i += 64u) {
      let v = values[i];
      var rank = 0u;
      for (var q = 0u; q < n; q++) {
        let other = values[q];
        rank += u32(other > v || (other == v && q < i));
      }
      var low = 0u;
      var high = ranked;
      while (low < high) {
        let middle = (low + high) / 2u;
        if (top[begin + middle] >= v) { low = middle + 1u; } else { high = middle; }
      }
      slots[i] = rank;
      places[i] = rank + low;
      if (rank + low < P.k) { atomicAdd(&entered, 1u); }
    }
    workgroupBarrier();
    let coming = atomicLoad(&entered);
    let free = min(coming, P.k - ranked);
    let leaving = coming - free;
    for (var i = thread; i < n; i += 64u) {
      if (places[i] < P.k) {
        let rank = slots[i];
        if (rank < free) {
          slots[i] = ranked + rank;
        } else {
          slots[i] = top[begin + 2u * P.k + ranked - leaving + rank - free] & ~FRESH;
        }
      }
    }
    // Ranked entries move down, last ones first: all of 64 are read before any is written.
    for (var end = (ranked + 63u) / 64u; end > 0u; end--) {
      let at = (end - 1u) * 64u + thread;
      var value = 0u;
      var row = 0u;
      var slot = 0u;
      var place = P.k;
      if (at < ranked) {
        value = top[begin + at];
        row = top[begin + P.k + at];
        slot = top[begin + 2u * P.k + at];
        place = at;
        for (var q = 0u; q < n; q++) { place += u32(values[q] > value); }
      }
      storageBarrier();
      workgroupBarrier();
      if (place < P.k) {
        top[begin + place] = value;
        top[begin + P.k + place] = row;
        top[begin + 2u * P.k + place] = slot;
      }
    }
    for (var i = thread; i < n; i += 64u) {
      let place = places[i];
      if (place < P.k) {
        top[begin + place] = values[i];
        top[begin + P.k + place] = candidates[list + {{CAPACITY}}u + i];
        top[begin + 2u * P.k + place] = slots[i] | FRESH;
      }
    }
    storageBarrier();
    workgroupBarrier();
    if (thread == 0u) {
      let kept = ranked + free;
      known = vec4<u32>(0u, kept, select(now.z, top[begin + P.k - 1u], kept == P.k), NONE);
      walk = vec3<u32>(now.w, 0u, 0u);
    }
    // Units from where the list was full, {{CHUNK}} at a time, a thread each, until it is full again.
    loop {
      let at = workgroupUniformLoad(&walk);
      if (at.x == NONE || at.z != 0u) { break; }
      let bar = workgroupUniformLoad(&known).z;
      let first = at.x + thread * {{UNIT}};
      var offered = vec2<u32>();
      if (thread < {{CHUNK}}u && first < P.rows) { offered = offer(first, P.colOffset + j); }
      if (thread < {{CHUNK}}u) { above[thread] = u32(offered.x > bar); }
      workgroupBarrier();
      var before = at.y;
      var total = at.y;
      for (var q = 0u; q < {{CHUNK}}u; q++) {
        before += select(0u, above[q], q < thread);
        total += above[q];
      }
      let fits = total <= {{CAPACITY}}u;
      if (fits && offered.x > bar) {
        candidates[list + before] = offered.x;
        candidates[list + {{CAPACITY}}u + before] = P.firstRow + offered.y;
      }
      storageBarrier();
      workgroupBarrier();
      if (thread == 0u) {
        let next = at.x + {{CHUNK}}u * {{UNIT}};
        if (fits) {
          walk = vec3<u32>(select(next, NONE, next >= P.rows), total, 0u);
        } else {
          walk.z = 1u;
        }
        known.x = walk.y;
        known.w = walk.x;
      }
    }
  }
  if (thread == 0u) {
    latents[5u * P.cols + j] = known.z;
    latents[6u * P.cols + j] = 0u;
    latents[7u * P.cols + j] = NONE;
    latents[8u * P.cols + j] = known.y;
  }
}
