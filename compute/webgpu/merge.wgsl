// Merges a latent's candidates, which come in row order, into its sorted ranking: one workgroup a latent.
// Order: value descending, then row ascending; entries already ranked come from earlier rows. Values compare as bits.
// An entry keeps a slot of the latent's heatmaps; a new entry takes a free one, or that of an entry it displaces, and is
// marked for heatmap.wgsl. Twin: merge.ts
@group(1) @binding(0) var<storage, read_write> latents: array<u32>;      // [9, cols], see latents.ts
@group(1) @binding(1) var<storage, read> candidates: array<u32>;         // [cols, 2, CAPACITY]: value bits, row
@group(1) @binding(2) var<storage, read_write> top: array<u32>;          // [cols, 3, k]: value bits, row, slot

var<workgroup> values: array<u32, {{CAPACITY}}>;
// First the rank among candidates, then the slot.
var<workgroup> slots: array<u32, {{CAPACITY}}>;
var<workgroup> places: array<u32, {{CAPACITY}}>;
var<workgroup> counts: vec2<u32>;
var<workgroup> entered: atomic<u32>;

const FRESH = 0x80000000u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let j = group.x;
  if (thread == 0u) { counts = vec2<u32>(latents[6u * P.cols + j], latents[8u * P.cols + j]); }
  let known = workgroupUniformLoad(&counts);
  let n = known.x;
  let ranked = known.y;
  if (n == 0u) { return; }
  let list = j * {{LIST}}u;
  let begin = j * 3u * P.k;
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
    latents[8u * P.cols + j] = kept;
    latents[6u * P.cols + j] = 0u;
    if (kept == P.k) { latents[5u * P.cols + j] = top[begin + P.k - 1u]; }
  }
}
