// Statistics, the online percentile and candidates of a strip. There is a bit for each activation that fires, 32 rows a word, so that
// only those values are read. A workgroup has {{LATENTS}} latents, a thread each. The first ones (group.y = 0) walk all rows, for what
// depends on their order: the percentile, and candidates. Each of the others counts {{ROWS}} rows: integer sums, bins and extremes are
// order-free. Nobody waits for anybody else. Twin: fold.ts
@group(1) @binding(0) var<storage, read> f: array<u32>;                         // [rowsPad, ldF], bits of f32 where it fires
@group(1) @binding(1) var<storage, read> bits: array<u32>;                      // [rowsPad / 32, ldF], a bit per row
@group(1) @binding(2) var<storage, read> skip: array<u32>;                      // a bit per row
@group(1) @binding(3) var<storage, read_write> latents: array<atomic<u32>>;     // [10, cols], see latents.ts
@group(1) @binding(4) var<storage, read_write> candidates: array<u32>;          // [cols, 2, CAPACITY]: value bits, row
@group(1) @binding(5) var<storage, read_write> histogram: array<atomic<u32>>;   // [cols, 2048]
@group(1) @binding(6) var<storage, read_write> halves: array<atomic<u32>>;      // [cols, 32, 2]

// How each of 32 rows moves an estimate: where its value lies above, below, or on it. The same for all latents. Read back from memory,
// the products cannot be fused with the addition, which would round otherwise. Two, so that one can be written while the other is read.
var<workgroup> moves: array<array<vec3<f32>, 32>, 2>;
// What a thread looks at with an index: values of 16 rows that are walked, or words of bits that are counted.
var<workgroup> shelf: array<array<u32, {{LATENTS}}>, 16>;

const NONE = 0xffffffffu;

// Bits of the rows 32·word ... that count: neither skipped nor past the end.
fn live(word: u32) -> u32 {
  let first = 32u * word;
  if (first >= P.rows) { return 0u; }
  let n = P.rows - first;
  return ~skip[word] & select(0xffffffffu, (1u << (n & 31u)) - 1u, n < 32u);
}

// Bits of the rows 32·word ... on which a latent fires; none for a thread that has no latent.
fn firing(word: u32, column: u32) -> u32 {
  if (32u * word >= P.rows || column == NONE) { return 0u; }
  return bits[word * P.ldF + column];
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

// Takes a row that fires.
fn visit(list: ptr<function, List>, b: u32, row: u32) {
  // @if GROUPED
  let image = row / P.perImage;
  if (image != (*list).image) { turn(list, image); }
  if (b > (*list).best) {
    (*list).best = b;
    (*list).bestRow = row;
  }
  // @if SUM
  (*list).sum = add((*list).sum, b);
  // @end
  // @else
  collect(list, b, row, row);
  // @end
}

// Walks the rows in order. Values come {{AHEAD}} words of rows ahead, and the bits that ask for them as much earlier.
fn walk(j: u32, column: u32, lane: u32) {
  let at = min(j, P.cols - 1u);
  var estimate = bitcast<f32>(atomicLoad(&latents[3u * P.cols + at]));
  // Rows in the estimate: the same for all latents.
  var t = atomicLoad(&latents[4u * P.cols + at]);
  var list = List();
  list.at = at * {{LIST}}u;
  list.bar = atomicLoad(&latents[5u * P.cols + at]);
  list.filled = atomicLoad(&latents[6u * P.cols + at]);
  list.stopped = NONE;
  // @if SUM
  let least = 0u;
  // @else
  let least = list.bar;
  // @end
  // @for w AHEAD
  var live{{w}} = live({{w}}u);
  var now{{w}} = firing({{w}}u, column);
  var next{{w}} = firing({{AHEAD}}u + {{w}}u, column);
  // @for h 2
  // @for r 16
  var v{{w}}_{{h}}_{{r}} = 0u;
  if ((now{{w}} & (1u << ({{h}}u * 16u + {{r}}u))) != 0u) {
    v{{w}}_{{h}}_{{r}} = f[({{w}}u * 32u + {{h}}u * 16u + {{r}}u) * P.ldF + column];
  }
  // @end
  // @end
  // @end
  for (var word = 0u; 32u * word < P.rows; word += {{AHEAD}}u) {
    // @for w AHEAD
    {
      let here = (word + {{w}}u) % 2u;
      // @for s SHARES
      {
        let i = lane + {{s}}u * {{LATENTS}}u;
        let seen = t + countOneBits(live{{w}} & (0xffffffffu >> (31u - i)));
        let step_ = P.stepScale * f32(P.total - seen);
        let move_ = vec3<f32>(step_ * (P.pull + 1.0), step_ * (P.pull - 1.0), step_ * P.pull);
        moves[here][i] = select(vec3<f32>(), move_, ((live{{w}} >> i) & 1u) != 0u);
      }
      // @end
      t += countOneBits(live{{w}});
      live{{w}} = live(word + {{AHEAD}}u + {{w}}u);
      workgroupBarrier();
      // @for h 2
      {
        var most = 0u;
        // All three outcomes are computed before it is known which one counts, so a row costs one addition and two selections.
        // @for r 16
        {
          let v = bitcast<f32>(v{{w}}_{{h}}_{{r}});
          let move_ = moves[here][{{h}}u * 16u + {{r}}u];
          estimate = select(select(estimate + move_.z, estimate + move_.x, v > estimate), estimate + move_.y, v < estimate);
          most = max(most, v{{w}}_{{h}}_{{r}});
        }
        // @end
        // Once the first rows are ranked, few exceed the k-th of them.
        if (most > least && list.stopped == NONE) {
          // @for r 16
          shelf[{{r}}][lane] = v{{w}}_{{h}}_{{r}};
          // @end
          for (var left = (now{{w}} >> ({{h}}u * 16u)) & 0xffffu; left != 0u; left &= left - 1u) {
            let i = countTrailingZeros(left);
            visit(&list, shelf[i][lane], (word + {{w}}u) * 32u + {{h}}u * 16u + i);
          }
        }
        let base = ((word + {{AHEAD}}u + {{w}}u) * 32u + {{h}}u * 16u) * P.ldF + column;
        // @for r 16
        v{{w}}_{{h}}_{{r}} = 0u;
        if ((next{{w}} & (1u << ({{h}}u * 16u + {{r}}u))) != 0u) { v{{w}}_{{h}}_{{r}} = f[base + {{r}}u * P.ldF]; }
        // @end
      }
      // @end
      now{{w}} = next{{w}};
      next{{w}} = firing(word + 2u * {{AHEAD}}u + {{w}}u, column);
    }
    // @end
  }
  if (column == NONE) { return; }
  // @if GROUPED
  turn(&list, NONE);
  // @end
  atomicStore(&latents[3u * P.cols + j], bitcast<u32>(estimate));
  atomicStore(&latents[4u * P.cols + j], t);
  atomicStore(&latents[6u * P.cols + j], list.filled);
  atomicStore(&latents[7u * P.cols + j], list.stopped);
}

// What a thread counted.
struct Tally {
  count: u32,
  least: u32,
  most: u32,
}

fn take(tally: ptr<function, Tally>, b: u32, j: u32) {
  (*tally).count += 1u;
  (*tally).least = min((*tally).least, b);
  (*tally).most = max((*tally).most, b);
  atomicAdd(&histogram[j * 2048u + clamp(b >> 18u, 2784u, 4831u) - 2784u], 1u);
  let e = b >> 23u;
  if (e < 255u) {
    let m = select((b & 0x7fffffu) | 0x800000u, (b & 0x7fffffu) << 1u, e == 0u) << (e & 7u);
    let bucket = j * 64u + (e >> 3u) * 2u;
    atomicAdd(&halves[bucket], m & 0xffffu);
    atomicAdd(&halves[bucket + 1u], m >> 16u);
  }
}

// Counts the rows of words first ... of a latent: four that fire at a time, so that their values come together. Every thread goes its
// own way through its words, so that one with little to do does not wait at each of them.
fn count(first: u32, j: u32, column: u32, lane: u32) {
  // @for w WORDS
  shelf[{{w}}][lane] = firing(first + {{w}}u, column);
  // @end
  if (column == NONE) { return; }
  var tally = Tally(0u, NONE, 0u);
  var word = 0u;
  var left = shelf[0][lane];
  loop {
    // @for s 4
    while (left == 0u && word < {{WORDS}}u - 1u) {
      word += 1u;
      left = shelf[word][lane];
    }
    let some{{s}} = left != 0u;
    let row{{s}} = (first + word) * 32u + countTrailingZeros(left);
    left &= left - 1u;
    // @end
    if (!some0) { break; }
    // @for s 4
    var b{{s}} = 0u;
    if (some{{s}}) { b{{s}} = f[row{{s}} * P.ldF + column]; }
    // @end
    // @for s 4
    if (some{{s}}) { take(&tally, b{{s}}, j); }
    // @end
  }
  if (tally.count == 0u) { return; }
  atomicAdd(&latents[j], tally.count);
  atomicMin(&latents[P.cols + j], tally.least);
  atomicMax(&latents[2u * P.cols + j], tally.most);
}

@compute @workgroup_size({{LATENTS}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let j = group.x * {{LATENTS}}u + lane;
  let column = select(NONE, P.colOffset + j, j < P.cols);
  if (group.y == 0u) {
    walk(j, column, lane);
  } else {
    count((group.y - 1u) * {{WORDS}}u, j, column, lane);
  }
}
