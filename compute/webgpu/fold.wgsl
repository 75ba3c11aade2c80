// Statistics, the online percentile and candidates of a strip: a workgroup owns {{LATENTS}} latents and reads their columns of F
// once, {{ROWS}} rows at a time. {{GROUPS}} groups of threads, one thread a latent, load and count: integer sums, bins and extremes
// are order-free. One more group walks the percentile, which depends on the order of rows, through workgroup memory meanwhile.
// Rows above the latent's k-th value are marked as they are counted, so that whoever collects them visits only those. Twin: fold.ts
@group(1) @binding(0) var<storage, read> f: array<u32>;                     // [rowsPad, ldF], bits of f32 >= 0
@group(1) @binding(1) var<storage, read> skip: array<u32>;                  // a bit per row
@group(1) @binding(2) var<storage, read_write> latents: array<u32>;         // [10, cols], see latents.ts
@group(1) @binding(3) var<storage, read_write> candidates: array<u32>;      // [cols, 2, CAPACITY]: value bits, row
@group(1) @binding(4) var<storage, read_write> histogram: array<atomic<u32>>;   // [cols, 2048]
@group(1) @binding(5) var<storage, read_write> halves: array<atomic<u32>>;      // [cols, 32, 2]

// Rows lie in blocks of {{BLOCK}}, which are walked without a loop.
var<workgroup> tile: array<array<array<u32, {{LATENTS}}>, {{BLOCK}}>, {{BLOCKS}}>;
// How each row moves an estimate: where its value lies above, below, or on it. The same for all latents. Read back from memory,
// the products cannot be fused with the addition, which would round otherwise.
var<workgroup> moves: array<array<vec3<f32>, {{BLOCK}}>, {{BLOCKS}}>;
// A bit for each row that may be a candidate.
var<workgroup> marks: array<array<atomic<u32>, {{LATENTS}}>, {{WORDS}}>;
var<workgroup> counts: array<atomic<u32>, {{LATENTS}}>;
var<workgroup> leasts: array<atomic<u32>, {{LATENTS}}>;
var<workgroup> mosts: array<atomic<u32>, {{LATENTS}}>;

const NONE = 0xffffffffu;

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

// A latent's candidates.
struct List {
  // Where the list begins.
  at: u32,
  // What a candidate must exceed.
  bar: u32,
  filled: u32,
  // Where the list was full.
  stopped: u32,
  // @if GROUPED
  // The image under way, and its best row so far.
  image: u32,
  best: u32,
  bestRow: u32,
  // @if SUM
  sum: vec3<u32>,
  // @end
  // @end
}

// Takes what a row, or the image that begins there, offers.
fn collect(list: ptr<function, List>, value: u32, row: u32, first: u32) {
  if (value <= (*list).bar) { return; }
  let filled = (*list).filled;
  if (filled < {{CAPACITY}}u) {
    candidates[(*list).at + filled] = value;
    candidates[(*list).at + {{CAPACITY}}u + filled] = P.firstRow + row;
    (*list).filled = filled + 1u;
  } else if ((*list).stopped == NONE) {
    (*list).stopped = first;
  }
}
// @if GROUPED

// Takes what the image under way offers, and goes on to another one.
fn turn(list: ptr<function, List>, image: u32) {
  if ((*list).best != 0u) {
    // @if SUM
    let value = narrow((*list).sum);
    // @else
    let value = (*list).best;
    // @end
    collect(list, value, (*list).bestRow, (*list).image * P.perImage);
  }
  (*list).image = image;
  (*list).best = 0u;
  // @if SUM
  (*list).sum = vec3<u32>();
  // @end
}
// @end

@compute @workgroup_size({{LATENTS}}, {{THREADS}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>,
        @builtin(local_invocation_index) thread: u32) {
  let lane = local.x;
  let walks = local.y == {{GROUPS}}u;
  let inside = group.x * {{LATENTS}}u + lane < P.cols;
  let j = min(group.x * {{LATENTS}}u + lane, P.cols - 1u);
  let column = P.colOffset + j;
  // A row that is past the end for those who walk, so that they load nothing.
  let mine = select(local.y, 0x40000000u, walks);
  if (local.y == 0u) {
    atomicStore(&counts[lane], 0u);
    atomicStore(&leasts[lane], NONE);
    atomicStore(&mosts[lane], 0u);
    // @for w WORDS
    atomicStore(&marks[{{w}}][lane], 0u);
    // @end
  }
  var count = 0u;
  var least = NONE;
  var most = 0u;
  var estimate = bitcast<f32>(latents[3u * P.cols + j]);
  // Rows in the estimate: the same for all latents.
  var t = latents[4u * P.cols + j];
  var list = List();
  list.at = j * {{LIST}}u;
  list.bar = latents[5u * P.cols + j];
  list.filled = latents[6u * P.cols + j];
  list.stopped = NONE;
  // @if SUM
  let marked = 0u;
  // @else
  let marked = list.bar;
  // @end
  // @for w WORDS
  var live{{w}} = live({{w}}u);
  // @end
  // Rows come two steps ahead: what is stored in the next step, and what is stored in the one after.
  // @for u PER
  var b{{u}} = load({{u}}u * {{GROUPS}}u + mine, column);
  var a{{u}} = load({{ROWS}}u + {{u}}u * {{GROUPS}}u + mine, column);
  // @end
  workgroupBarrier();
  for (var start = 0u; start < P.rows; start += {{ROWS}}u) {
    // This thread's rows that fire, and those that may be candidates.
    var fires = 0u;
    var wanted = 0u;
    if (!walks) {
      // @for u PER
      {
        let i = {{u}}u * {{GROUPS}}u + local.y;
        tile[i / {{BLOCK}}u][i % {{BLOCK}}u][lane] = b{{u}};
        fires |= u32(b{{u}} != 0u) << {{u}}u;
        wanted |= u32(b{{u}} > marked) << {{u}}u;
      }
      // @end
    }
    if (!inside) {
      fires = 0u;
      wanted = 0u;
    }
    for (; wanted != 0u; wanted &= wanted - 1u) {
      let i = countTrailingZeros(wanted) * {{GROUPS}}u + local.y;
      atomicOr(&marks[i / 32u][lane], 1u << (i % 32u));
    }
    // @for u PER
    b{{u}} = a{{u}};
    a{{u}} = load(start + 2u * {{ROWS}}u + {{u}}u * {{GROUPS}}u + mine, column);
    // @end
    if (thread < {{ROWS}}u) {
      var seen = t;
      var alive = live0;
      // @for w WORDS
      if (thread / 32u == {{w}}u) { alive = live{{w}}; }
      if (thread / 32u > {{w}}u) { seen += countOneBits(live{{w}}); }
      // @end
      seen += countOneBits(alive & (0xffffffffu >> (31u - thread % 32u)));
      let step_ = P.stepScale * f32(P.total - seen);
      let move_ = vec3<f32>(step_ * (P.pull + 1.0), step_ * (P.pull - 1.0), step_ * P.pull);
      moves[thread / {{BLOCK}}u][thread % {{BLOCK}}u] = select(vec3<f32>(), move_, ((alive >> (thread % 32u)) & 1u) != 0u);
    }
    // @for w WORDS
    t += countOneBits(live{{w}});
    live{{w}} = live((start + {{ROWS}}u) / 32u + {{w}}u);
    // @end
    workgroupBarrier();
    if (walks) {
      for (var q = 0u; q < {{BLOCKS}}u; q++) {
        // All three outcomes are computed before it is known which one counts, so a row costs one addition and two selections.
        // @for r BLOCK
        {
          let v = bitcast<f32>(tile[q][{{r}}][lane]);
          let move_ = moves[q][{{r}}];
          estimate = select(select(estimate + move_.z, estimate + move_.x, v > estimate), estimate + move_.y, v < estimate);
        }
        // @end
      }
    }
    // Few rows fire, so they are counted one by one, and not in a branch for each row, which some thread would take almost always.
    for (; fires != 0u; fires &= fires - 1u) {
      let i = countTrailingZeros(fires) * {{GROUPS}}u + local.y;
      let b = tile[i / {{BLOCK}}u][i % {{BLOCK}}u][lane];
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
    if (local.y == 0u) {
      // @for w WORDS
      {
        var bits = atomicLoad(&marks[{{w}}][lane]);
        if (bits != 0u) { atomicStore(&marks[{{w}}][lane], 0u); }
        while (bits != 0u) {
          let i = {{w}}u * 32u + countTrailingZeros(bits);
          bits &= bits - 1u;
          let b = tile[i / {{BLOCK}}u][i % {{BLOCK}}u][lane];
          // @if GROUPED
          let image = (start + i) / P.perImage;
          if (image != list.image) { turn(&list, image); }
          if (b > list.best) {
            list.best = b;
            list.bestRow = start + i;
          }
          // @if SUM
          list.sum = add(list.sum, b);
          // @end
          // @else
          collect(&list, b, start + i, start + i);
          // @end
        }
      }
      // @end
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
  if (walks) {
    latents[3u * P.cols + j] = bitcast<u32>(estimate);
    latents[4u * P.cols + j] = t;
  }
  if (local.y == 0u) {
    latents[j] += atomicLoad(&counts[lane]);
    latents[P.cols + j] = min(latents[P.cols + j], atomicLoad(&leasts[lane]));
    latents[2u * P.cols + j] = max(latents[2u * P.cols + j], atomicLoad(&mosts[lane]));
    // @if GROUPED
    turn(&list, NONE);
    // @end
    latents[6u * P.cols + j] = list.filled;
    latents[7u * P.cols + j] = list.stopped;
  }
}
