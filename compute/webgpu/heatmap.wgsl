// Copies the heatmaps of entries that entered during this strip: f at every patch of the entry's image.
// One workgroup for {{LATENTS}} latents, of which it looks at those that were merged. Twin: heatmap.ts
@group(1) @binding(0) var<storage, read> latents: array<u32>;            // [10, cols], see latents.ts
@group(1) @binding(1) var<storage, read_write> top: array<u32>;          // [cols, 3, k]: value bits, row, slot
@group(1) @binding(2) var<storage, read> f: array<u32>;                  // [rowsPad, ldF], bits of f32 where it fires
@group(1) @binding(3) var<storage, read> bits: array<u32>;               // [rowsPad / 32, ldF], a bit per row
@group(1) @binding(4) var<storage, read_write> heatmaps: array<u32>;     // [cols, k, perImage], bits of f32, by slot

// Valid entries of each latent, 0 where nothing entered.
var<workgroup> ranked: array<u32, {{LATENTS}}>;
// A bit for each where that is not 0.
var<workgroup> busy: u32;
var<workgroup> fresh: atomic<u32>;
var<workgroup> rows: array<u32, 64>;
var<workgroup> slots: array<u32, 64>;

const FRESH = 0x80000000u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  if (thread < {{LATENTS}}u) {
    let j = group.x * {{LATENTS}}u + thread;
    var n = 0u;
    if (j < P.cols) { n = latents[8u * P.cols + j] * latents[9u * P.cols + j]; }
    ranked[thread] = n;
  }
  workgroupBarrier();
  if (thread == 0u) {
    // @for l LATENTS
    busy |= min(1u, ranked[{{l}}]) << {{l}}u;
    // @end
  }
  for (var left = workgroupUniformLoad(&busy); left != 0u; left &= left - 1u) {
    let l = countTrailingZeros(left);
    copyLatent(group.x * {{LATENTS}}u + l, workgroupUniformLoad(&ranked[l]), thread);
  }
}

fn copyLatent(j: u32, n: u32, thread: u32) {
  let begin = j * 3u * P.k;
  for (var start = 0u; start < n; start += 64u) {
    if (thread == 0u) { atomicStore(&fresh, 0u); }
    workgroupBarrier();
    if (start + thread < n) {
      let at = begin + 2u * P.k + start + thread;
      let slot = top[at];
      if ((slot & FRESH) != 0u) {
        let i = atomicAdd(&fresh, 1u);
        rows[i] = top[begin + P.k + start + thread];
        slots[i] = slot & ~FRESH;
        top[at] = slot & ~FRESH;
      }
    }
    workgroupBarrier();
    let found = atomicLoad(&fresh);
    for (var i = 0u; i < found; i++) {
      let first = rows[i] - rows[i] % P.perImage - P.firstRow;
      let to = (j * P.k + slots[i]) * P.perImage;
      for (var p = thread; p < P.perImage; p += 64u) {
        heatmaps[to + p] = activation(first + p, P.colOffset + j);
      }
    }
    workgroupBarrier();
  }
}
