// Raw values to encoder inputs: x' = fround(fround(clamp(x) - mean) / scalar) - bPre, transposed to k-major.
// Marks rows that hold NaN or an infinity, and finds the first such element. Twin: prepare.ts
// @if HALF
enable f16;
alias Stored = f16;
// @else
alias Stored = f32;
// @end
@group(1) @binding(0) var<storage, read> raw: array<u32>;              // [images, tokens, dVit]
@group(1) @binding(1) var<storage, read> centre: array<f32>;           // [2, kPad]: mean, bPre
@group(1) @binding(2) var<storage, read_write> x: array<Stored>;       // [kPad, rowsPad]
@group(1) @binding(3) var<storage, read_write> skip: array<atomic<u32>>;   // a bit per row of the strip, cleared before
@group(1) @binding(4) var<storage, read_write> found: array<atomic<u32>>;  // first bad element, skipped rows, first +Infinity, first -Infinity

// Read along dimensions and written along rows; the width keeps both out of each other's banks.
var<workgroup> tile: array<array<f32, 33>, 32>;

// Rounds the quotient of two finite f32 correctly, which WGSL's own division does not promise: it guesses that of the
// significands, within 2.5 units in the last place, and the remainder, exact in integers that wrap around, corrects the guess.
// Subnormal operands and results are zero.
fn quotient(a: u32, b: u32) -> f32 {
  let sign = (a ^ b) & 0x80000000u;
  let ea = (a >> 23u) & 0xffu;
  let eb = (b >> 23u) & 0xffu;
  if (ea == 0u) { return bitcast<f32>(sign); }
  let divisor = (b & 0x7fffffu) | 0x800000u;
  var rest = (a & 0x7fffffu) | 0x800000u;
  var exponent = i32(ea) - i32(eb) + 127;
  if (rest < divisor) { rest = rest << 1u; exponent -= 1; }
  // q = floor(rest · 2^24 / divisor) has 25 bits: 24 and one for rounding, with what is left as the sticky bit.
  var q = u32(f32(rest) / f32(divisor) * 16777216.0);
  var left = i32((rest << 24u) - q * divisor);
  while (left < 0) { left += i32(divisor); q -= 1u; }
  while (left >= i32(divisor)) { left -= i32(divisor); q += 1u; }
  let up = (q & 1u) & (((q >> 1u) & 1u) | u32(left != 0));
  q = (q >> 1u) + up;
  if (q == 0x1000000u) { q = 0x800000u; exponent += 1; }
  if (exponent <= 0) { return bitcast<f32>(sign); }
  if (exponent >= 255) { return bitcast<f32>(sign | 0x7f800000u); }
  return bitcast<f32>(sign | (u32(exponent) << 23u) | (q & 0x7fffffu));
}

// The encoder's input for a row and dimension; 0 outside of both and where it is not finite.
fn input(r: u32, d: u32) -> f32 {
  if (r >= P.rows || d >= P.dVit) { return 0.0; }
  let row = P.pieceRow + r;
  let image = row / P.perImage;
  let token = P.firstToken + row % P.perImage;
  let bits = raw[(image * P.tokens + token) * P.dVit + d];
  var v = bitcast<f32>(bits);
  if ((bits & 0x7f800000u) == 0x7f800000u && P.keepNonFinite == 0u) {
    let before = atomicOr(&skip[r >> 5u], 1u << (r & 31u));
    if ((before & (1u << (r & 31u))) == 0u) { atomicAdd(&found[1], 1u); }
    atomicMin(&found[0], row * P.dVit + d);
    if ((bits & 0x7fffffu) == 0u) { atomicMin(&found[2u + (bits >> 31u)], row * P.dVit + d); }
    return 0.0;
  }
  // @if CENTRE
  v = clamp(v, -P.clamp, P.clamp) - centre[d];
  // @end
  // @if SCALE
  v = quotient(bitcast<u32>(v), bitcast<u32>(P.scalar));
  // @end
  return v - centre[P.kPad + d];
}

@compute @workgroup_size(32, 8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  let firstRow = group.y * 32u;
  let firstD = group.x * 32u;
  // @for s 4
  tile[{{s}}u * 8u + local.y][local.x] = input(firstRow + {{s}}u * 8u + local.y, firstD + local.x);
  // @end
  let padding = firstRow + local.x;
  if (group.x == 0u && local.y == 0u && padding >= P.rows && padding < P.rowsPad) {
    atomicOr(&skip[padding >> 5u], 1u << (padding & 31u));
  }
  workgroupBarrier();
  // @for s 4
  {
    let d = firstD + {{s}}u * 8u + local.y;
    if (d < P.kPad && padding < P.rowsPad) { x[d * P.rowsPad + padding] = Stored(tile[local.x][{{s}}u * 8u + local.y]); }
  }
  // @end
}
