// f = act(x' W + b) for a strip of rows and a chunk of latents: a tile of BM x BN per workgroup, 4 RM x 4 RN per thread.
// Products are added in order of k, so every tile shape gives the same bits. Twin: encode.ts
// @if FIRING
// Leaves a bit for each activation that fires, and stores only groups of four in which one does: the others are never read.
// @end
// @if HALF
enable f16;
alias Stored = vec4<f16>;
// @else
alias Stored = vec4<f32>;
// @end
@group(1) @binding(0) var<storage, read> x: array<Stored>;              // [kPad, rowsPad]
@group(1) @binding(1) var<storage, read> w: array<Stored>;              // [kPad, colsPad]
@group(1) @binding(2) var<storage, read> bias: array<vec4<f32>>;        // [2, colsPad]: bias, firing threshold
@group(1) @binding(3) var<storage, read> skip: array<u32>;              // a bit per row
@group(1) @binding(4) var<storage, read_write> f: array<vec4<u32>>;     // [rowsPad, ldF], bits of f32
// @if FIRING
@group(1) @binding(5) var<storage, read_write> bits: array<vec4<u32>>;  // [rowsPad / 32, ldF], a bit per row
// @end

// @if SHARED
// Two indices: the first is constant in the unrolled loop, so that the bounds check of the second is made once, outside it.
var<workgroup> xs: array<array<vec4<f32>, {{BM4}}>, {{BK}}>;
var<workgroup> ws: array<array<vec4<f32>, {{BN4}}>, {{BK}}>;
// @else
// @if FIRING
var<workgroup> xs: array<array<vec4<f32>, {{BM4}}>, {{PACKS}}>;
// @end
// @end

// On bits: positive, above the threshold, at most +Infinity. NaN and negative values have larger bits.
fn fires(b: vec4<u32>, threshold: vec4<f32>, keep: bool) -> vec4<bool> {
  return (b > bitcast<vec4<u32>>(threshold)) & (b <= vec4<u32>(0x7f800000u)) & vec4<bool>(keep);
}

@compute @workgroup_size({{WX}}, {{WY}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>,
        @builtin(local_invocation_index) thread: u32) {
  // @if SHARED
  // 32 threads that run together take 4 x 8 pieces of the tile, so that they read 4 + 8 different vectors of workgroup memory.
  let lx = (thread / 32u) % {{WX8}}u * 8u + thread % 8u;
  let ly = (thread / 32u) / {{WX8}}u * 4u + thread / 8u % 4u;
  // @else
  let lx = local.x;
  let ly = local.y;
  // @end
  let ldX = P.rowsPad / 4u;
  let ldW = P.colsPad / 4u;
  let m = group.y * {{BM4}}u;
  let n = group.x * {{BN4}}u;
  // @for i RM
  // @for c 4
  // @for j RN
  var a{{i}}_{{c}}_{{j}} = vec4<f32>();
  // @end
  // @end
  // @end
  // @if SHARED
  // @for s XLOADS
  let xk{{s}} = (thread + {{s}}u * {{THREADS}}u) / {{BM4}}u;
  let xm{{s}} = (thread + {{s}}u * {{THREADS}}u) % {{BM4}}u;
  var xi{{s}} = xk{{s}} * ldX + m + xm{{s}};
  // @end
  // @for s WLOADS
  let wk{{s}} = (thread + {{s}}u * {{THREADS}}u) / {{BN4}}u;
  let wn{{s}} = (thread + {{s}}u * {{THREADS}}u) % {{BN4}}u;
  var wi{{s}} = wk{{s}} * ldW + n + wn{{s}};
  // @end
  // @if AHEAD
  // @for s XLOADS
  var xa{{s}} = x[xi{{s}}];
  // @end
  // @for s WLOADS
  var wa{{s}} = w[wi{{s}}];
  // @end
  // @end
  for (var k0 = 0u; k0 < P.kPad; k0 += {{BK}}u) {
    // @if AHEAD
    // @for s XLOADS
    xs[xk{{s}}][xm{{s}}] = vec4<f32>(xa{{s}});
    // @end
    // @for s WLOADS
    ws[wk{{s}}][wn{{s}}] = vec4<f32>(wa{{s}});
    // @end
    workgroupBarrier();
    if (k0 + {{BK}}u < P.kPad) {
      // @for s XLOADS
      xi{{s}} += {{BK}}u * ldX;
      xa{{s}} = x[xi{{s}}];
      // @end
      // @for s WLOADS
      wi{{s}} += {{BK}}u * ldW;
      wa{{s}} = w[wi{{s}}];
      // @end
    }
    // @else
    // @for s XLOADS
    xs[xk{{s}}][xm{{s}}] = vec4<f32>(x[xi{{s}}]);
    xi{{s}} += {{BK}}u * ldX;
    // @end
    // @for s WLOADS
    ws[wk{{s}}][wn{{s}}] = vec4<f32>(w[wi{{s}}]);
    wi{{s}} += {{BK}}u * ldW;
    // @end
    workgroupBarrier();
    // @end
    // @for k BK
    {
      // @for i RM
      let x{{i}} = xs[{{k}}][{{i}}u * {{WY}}u + ly];
      // @end
      // @for j RN
      let w{{j}} = ws[{{k}}][{{j}}u * {{WX}}u + lx];
      // @end
      // @for i RM
      // @for c 4
      // @for j RN
      a{{i}}_{{c}}_{{j}} = fma(vec4<f32>(x{{i}}[{{c}}]), w{{j}}, a{{i}}_{{c}}_{{j}});
      // @end
      // @end
      // @end
    }
    // @end
    workgroupBarrier();
  }
  // @else
  for (var k = 0u; k < P.kPad; k++) {
    // @for i RM
    let x{{i}} = vec4<f32>(x[k * ldX + m + {{i}}u * {{WY}}u + ly]);
    // @end
    // @for j RN
    let w{{j}} = vec4<f32>(w[k * ldW + n + {{j}}u * {{WX}}u + lx]);
    // @end
    // @for i RM
    // @for c 4
    // @for j RN
    a{{i}}_{{c}}_{{j}} = fma(vec4<f32>(x{{i}}[{{c}}]), w{{j}}, a{{i}}_{{c}}_{{j}});
    // @end
    // @end
    // @end
  }
  // @end
  // @for j RN
  let col{{j}} = n + {{j}}u * {{WX}}u + lx;
  let bias{{j}} = bias[col{{j}}];
  let threshold{{j}} = bias[ldW + col{{j}}];
  // @end
  let ldF = P.ldF / 4u;
  // @if FIRING
  // Of each latent of a group of four, four rows for each i and j.
  var fired = vec4<u32>();
  // @end
  // @for i RM
  // @for c 4
  {
    let row = (m + {{i}}u * {{WY}}u + ly) * 4u + {{c}}u;
    let keep = (row < P.rows) & (((skip[row >> 5u] >> (row & 31u)) & 1u) == 0u);
    let at = row * ldF + P.colOffset / 4u;
    // @for j RN
    {
      let b = bitcast<vec4<u32>>(a{{i}}_{{c}}_{{j}} + bias{{j}});
      let some = fires(b, threshold{{j}}, keep);
      // @if FIRING
      fired |= select(vec4<u32>(), vec4<u32>(1u << (({{i}}u * {{RN}}u + {{j}}u) * 4u + {{c}}u)), some);
      if (any(some)) { f[at + col{{j}}] = select(vec4<u32>(), b, some); }
      // @else
      f[at + col{{j}}] = select(vec4<u32>(), b, some);
      // @end
    }
    // @end
  }
  // @end
  // @end
  // @if FIRING
  // Through workgroup memory, where nobody reads rows any more: eight threads hold the 32 rows of a word. As f32 from 2^23 on, which
  // are what they are.
  let own = ly * {{WX}}u + lx;
  xs[own / {{BM4}}u][own % {{BM4}}u] = bitcast<vec4<f32>>(fired | vec4<u32>(0x4b000000u));
  workgroupBarrier();
  for (var p = thread; p < {{BM4}}u / 8u * {{BN4}}u; p += {{THREADS}}u) {
    let word = p / {{BN4}}u;
    let q = p % {{BN4}}u;
    var rows = vec4<u32>();
    // @for s 8
    {
      let group4 = word * 8u + {{s}}u;
      let slot = group4 % {{WY}}u * {{WX}}u + q % {{WX}}u;
      let shift = (group4 / {{WY}}u * {{RN}}u + q / {{WX}}u) * 4u;
      let four = bitcast<vec4<u32>>(xs[slot / {{BM4}}u][slot % {{BM4}}u]) >> vec4<u32>(shift);
      rows |= (four & vec4<u32>(15u)) << vec4<u32>({{s}}u * 4u);
    }
    // @end
    bits[(m / 8u + word) * ldF + P.colOffset / 4u + n + q] = rows;
  }
  // @end
}
