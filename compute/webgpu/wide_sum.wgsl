// Sums of positive f32 as f64 makes them, in integers: for the kernels that rank images by sum. JavaScript's numbers are the twin.

// Adds a positive f32 to a positive f64, rounding to nearest even as f64 addition does. The sum is
// (high, low, exponent + 2048) with a significand of 53 bits, all 0 for zero; exponent 0xffffffff is infinity.
fn add(sum: vec3<u32>, bits: u32) -> vec3<u32> {
  if (bits >= 0x7f800000u || sum.z == 0xffffffffu) { return vec3<u32>(0u, 0u, 0xffffffffu); }
  // The f32 as a significand of 53 bits, times 2^(e - 2048).
  var m = bits & 0x7fffffu;
  var e = bits >> 23u;
  if (e == 0u) {
    let zeros = countLeadingZeros(m) - 8u;
    m = m << zeros;
    e = 2048u + 1u - zeros - 150u;
  } else {
    m |= 0x800000u;
    e = 2048u + e - 150u;
  }
  e -= 29u;
  let addend = vec3<u32>(m >> 3u, m << 29u, e);
  if (sum.z == 0u) { return addend; }
  var x = sum;
  var y = addend;
  if (y.z > x.z) { x = addend; y = sum; }
  // Three more bits below both: guard, round, sticky.
  var xh = (x.x << 3u) | (x.y >> 29u);
  var xl = x.y << 3u;
  var yh = (y.x << 3u) | (y.y >> 29u);
  var yl = y.y << 3u;
  let d = x.z - y.z;
  if (d >= 64u) {
    yh = 0u;
    yl = 1u;
  } else if (d >= 32u) {
    let out = yl | select(0u, yh << (64u - d), d > 32u);
    yl = (yh >> (d - 32u)) | u32(out != 0u);
    yh = 0u;
  } else if (d > 0u) {
    let out = yl << (32u - d);
    yl = (yl >> d) | (yh << (32u - d)) | u32(out != 0u);
    yh = yh >> d;
  }
  xl += yl;
  xh += yh + u32(xl < yl);
  var exponent = x.z;
  if (xh >= 0x1000000u) {
    xl = (xl >> 1u) | (xh << 31u) | (xl & 1u);
    xh = xh >> 1u;
    exponent += 1u;
  }
  let tail = xl & 7u;
  xl = (xl >> 3u) | (xh << 29u);
  xh = xh >> 3u;
  if (tail > 4u || (tail == 4u && (xl & 1u) == 1u)) {
    xl += 1u;
    xh += u32(xl == 0u);
    if (xh == 0x200000u) {
      xh = 0x100000u;
      exponent += 1u;
    }
  }
  return vec3<u32>(xh, xl, exponent);
}

// The bits of the f32 nearest to such a sum, ties to even.
fn narrow(sum: vec3<u32>) -> u32 {
  if (sum.z == 0u) { return 0u; }
  if (sum.z == 0xffffffffu) { return 0x7f800000u; }
  // 24 bits, and below them 29 that round. A subnormal result has fewer bits, and then nothing is lost but zeros.
  let exponent = i32(sum.z) - 2048 + 29 + 150;
  if (exponent <= 0) { return ((sum.x << 3u) | (sum.y >> 29u)) >> u32(1 - exponent); }
  var m = (sum.x << 3u) | (sum.y >> 29u);
  let rest = sum.y & 0x1fffffffu;
  if (rest > 0x10000000u || (rest == 0x10000000u && (m & 1u) == 1u)) { m += 1u; }
  return min((u32(exponent - 1) << 23u) + m, 0x7f800000u);
}
