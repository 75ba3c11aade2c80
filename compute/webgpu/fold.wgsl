// Statistics, the online percentile and candidates of a strip: a workgroup owns {{LATENTS}} latents and reads their columns of F
// once, {{ROWS}} rows at a time, {{GROUPS}} rows side by side. All threads count: integer sums, bins and extremes are order-free.
// What depends on the order of rows is walked by two groups of threads, one thread a latent, in workgroup memory: the
// percentile by one, candidates above the latent's k-th value by the other, while the next rows are on their way. Twin: fold.ts
@group(1) @binding(0) var<storage, read> f: array<u32>;                     // [rowsPad, ldF], bits of f32 >= 0
@group(1) @binding(1) var<storage, read> skip: array<u32>;                  // a bit per row
@group(1) @binding(2) var<storage, read_write> latents: array<u32>;         // [9, cols], see latents.ts
@group(1) @binding(3) var<storage, read_write> candidates: array<u32>;      // [cols, 2, CAPACITY]: value bits, row
@group(1) @binding(4) var<storage, read_write> histogram: array<atomic<u32>>;   // [cols, 2048]
@group(1) @binding(5) var<storage, read_write> halves: array<atomic<u32>>;      // [cols, 32, 2]

var<workgroup> tile: array<array<u32, {{LATENTS}}>, {{ROWS}}>;
// How each row moves an estimate: where its value lies above, below, or on it. The same for all latents. Read back from memory,
// the products cannot be fused with the addition, which would round otherwise.
var<workgroup> moves: array<vec3<f32>, {{ROWS}}>;
var<workgroup> counts: array<atomic<u32>, {{LATENTS}}>;
var<workgroup> leasts: array<atomic<u32>, {{LATENTS}}>;
var<workgroup> mosts: array<atomic<u32>, {{LATENTS}}>;

// Bits of the rows 32·word ... that count: neither skipped nor past the end.
fn live(word: u32) -> u32 {
  let first = 32u * word;
  if (first >= P.rows) { return 0u; }
  let n = P.rows - first;
  return ~skip[word] & select(0xffffffffu, (1u << (n & 31u)) - 1u, n < 32u);
}

fn load(r: u32, column: u32) -> u32 {
  if (r >= P.rows) { return 0u; }
  return f[r * P.ldF + column];
}

@compute @workgroup_size({{LATENTS}}, {{GROUPS}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>,
        @builtin(local_invocation_index) thread: u32) {
  let lane = local.x;
  let inside = group.x * {{LATENTS}}u + lane < P.cols;
  let j = min(group.x * {{LATENTS}}u + lane, P.cols - 1u);
  let column = P.colOffset + j;
  if (local.y == 0u) {
    atomicStore(&counts[lane], 0u);
    atomicStore(&leasts[lane], 0xffffffffu);
    atomicStore(&mosts[lane], 0u);
  }
  var count = 0u;
  var least = 0xffffffffu;
  var most = 0u;
  var estimate = bitcast<f32>(latents[3u * P.cols + j]);
  // Rows in the estimate: the same for all latents.
  var t = latents[4u * P.cols + j];
  let tau = select(0xffffffffu, latents[5u * P.cols + j], inside);
  var filled = latents[6u * P.cols + j];
  var stopped = 0xffffffffu;
  let list = j * {{LIST}}u;
  // @if GROUPED
  var patch_ = 0u;
  var best = 0u;
  var bestRow = 0u;
  // @end
  // @if SUM
  var sum = vec3<u32>();
  // @end
  // @for u PER
  var b{{u}} = load({{u}}u * {{GROUPS}}u + local.y, column);
  // @end
  for (var start = 0u; start < P.rows; start += {{ROWS}}u) {
    // @for u PER
    tile[{{u}}u * {{GROUPS}}u + local.y][lane] = b{{u}};
    // @end
    if (thread < {{ROWS}}u) {
      let word = (start + thread) >> 5u;
      var seen = t;
      for (var w = start >> 5u; w < word; w++) { seen += countOneBits(live(w)); }
      let alive = live(word);
      seen += countOneBits(alive & (0xffffffffu >> (31u - (thread & 31u))));
      let step_ = P.stepScale * f32(P.total - seen);
      let move_ = vec3<f32>(step_ * (P.pull + 1.0), step_ * (P.pull - 1.0), step_ * P.pull);
      moves[thread] = select(vec3<f32>(), move_, ((alive >> (thread & 31u)) & 1u) != 0u);
    }
    for (var w = 0u; w < {{WORDS}}u; w++) { t += countOneBits(live((start >> 5u) + w)); }
    // @for u PER
    if (b{{u}} != 0u && inside) {
      let b = b{{u}};
      count += 1u;
      least = min(least, b);
      most = max(most, b);
      atomicAdd(&histogram[j * 2048u + clamp(b >> 18u, 2784u, 4831u) - 2784u], 1u);
      let e = b >> 23u;
      if (e < 255u) {
        let m = select((b & 0x7fffffu) | 0x800000u, (b & 0x7fffffu) << 1u, e == 0u) << (e & 7u);
        let bucket = j * 64u + (e >> 3u) * 2u;
        atomicAdd(&halves[bucket], m & 0xffffu);
        atomicAdd(&halves[bucket + 1u], m >> 16u);
      }
    }
    // @end
    workgroupBarrier();
    // @for u PER
    b{{u}} = load(start + {{ROWS}}u + {{u}}u * {{GROUPS}}u + local.y, column);
    // @end
    if (local.y == 0u) {
      // All three outcomes are computed before it is known which one counts, so a row costs one addition and two selections.
      // @for r ROWS
      {
        let v = bitcast<f32>(tile[{{r}}][lane]);
        let move_ = moves[{{r}}];
        estimate = select(select(estimate + move_.z, estimate + move_.x, v > estimate), estimate + move_.y, v < estimate);
      }
      // @end
    }
    if (local.y == {{WALKER}}u) {
      let end = min({{ROWS}}u, P.rows - start);
      for (var i = 0u; i < end; i++) {
        let b = tile[i][lane];
        // @if GROUPED
        if (b > best) {
          best = b;
          bestRow = start + i;
        }
        // @if SUM
        if (b != 0u) { sum = add(sum, b); }
        // @end
        patch_ += 1u;
        if (patch_ == P.perImage) {
          // @if SUM
          let value = narrow(sum);
          sum = vec3<u32>();
          // @else
          let value = best;
          // @end
          if (best != 0u && value > tau) {
            if (filled < {{CAPACITY}}u) {
              candidates[list + filled] = value;
              candidates[list + {{CAPACITY}}u + filled] = P.firstRow + bestRow;
              filled += 1u;
            } else if (stopped == 0xffffffffu) {
              stopped = start + i + 1u - P.perImage;
            }
          }
          best = 0u;
          patch_ = 0u;
        }
        // @else
        if (b > tau) {
          if (filled < {{CAPACITY}}u) {
            candidates[list + filled] = b;
            candidates[list + {{CAPACITY}}u + filled] = P.firstRow + start + i;
            filled += 1u;
          } else if (stopped == 0xffffffffu) {
            stopped = start + i;
          }
        }
        // @end
      }
    }
    workgroupBarrier();
  }
  if (count != 0u) {
    atomicAdd(&counts[lane], count);
    atomicMin(&leasts[lane], least);
    atomicMax(&mosts[lane], most);
  }
  workgroupBarrier();
  if (!inside) { return; }
  if (local.y == 0u) {
    latents[j] += atomicLoad(&counts[lane]);
    latents[P.cols + j] = min(latents[P.cols + j], atomicLoad(&leasts[lane]));
    latents[2u * P.cols + j] = max(latents[2u * P.cols + j], atomicLoad(&mosts[lane]));
    latents[3u * P.cols + j] = bitcast<u32>(estimate);
    latents[4u * P.cols + j] = t;
  }
  if (local.y == {{WALKER}}u) {
    latents[6u * P.cols + j] = filled;
    latents[7u * P.cols + j] = stopped;
  }
}
