// Walks each latent's column of F down the strip, one thread a latent, rows in order: statistics, the online percentile,
// and candidates above the latent's k-th value. Integer sums and bins are order-free; nothing is rounded but the estimate.
// With STATISTICS 0 it only goes on collecting candidates where a full list had made it stop. Twin: fold.ts
@group(1) @binding(0) var<storage, read> f: array<u32>;                     // [rowsPad, ldF], bits of f32 >= 0
@group(1) @binding(1) var<storage, read> skip: array<u32>;                  // a bit per row
@group(1) @binding(2) var<storage, read_write> latents: array<u32>;         // [9, cols], see latents.ts
@group(1) @binding(3) var<storage, read_write> candidates: array<u32>;      // [cols, 2, CAPACITY]: value bits, row
@group(1) @binding(4) var<storage, read_write> histogram: array<atomic<u32>>;   // [cols, 2048]
@group(1) @binding(5) var<storage, read_write> halves: array<atomic<u32>>;      // [cols, 32, 2]

// @if SUM
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
// @end

@compute @workgroup_size({{WG}})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let j = id.x;
  if (j >= P.cols) { return; }
  let tau = latents[5u * P.cols + j];
  var filled = latents[6u * P.cols + j];
  var stopped = 0xffffffffu;
  let column = P.colOffset + j;
  let list = j * {{LIST}}u;
  // @if STATISTICS
  var count = latents[j];
  var least = latents[P.cols + j];
  var most = latents[2u * P.cols + j];
  var estimate = bitcast<f32>(latents[3u * P.cols + j]);
  var t = latents[4u * P.cols + j];
  let rise = P.pull + 1.0;
  let fall = P.pull - 1.0;
  let start = 0u;
  // @else
  let start = latents[7u * P.cols + j];
  if (start == 0xffffffffu) { return; }
  // @end
  // @if GROUPED
  var patch_ = (start & ~{{MASK}}u) % P.perImage;
  var best = 0u;
  var bestRow = 0u;
  // @end
  // @if SUM
  var sum = vec3<u32>();
  // @end
  for (var r = start & ~{{MASK}}u; r < P.rows; r += {{UNROLL}}u) {
    let skipped = skip[r >> 5u] >> (r & 31u);
    // @for u UNROLL
    // @if STATISTICS
    let b{{u}} = f[(r + {{u}}u) * P.ldF + column];
    // @else
    let b{{u}} = select(0u, f[(r + {{u}}u) * P.ldF + column], r + {{u}}u >= start);
    // @end
    // @end
    // @for u UNROLL
    {
      let b = b{{u}};
      // @if STATISTICS
      if (b != 0u) {
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
      if (((skipped >> {{u}}u) & 1u) == 0u) {
        t += 1u;
        let v = bitcast<f32>(b);
        let step_ = P.stepScale * f32(P.total - t);
        // The three moves do not wait for the last estimate: only the choice and one addition do.
        estimate += select(select(step_ * P.pull, step_ * rise, v > estimate), step_ * fall, v < estimate);
      }
      // @end
      // @if GROUPED
      if (b > best) {
        best = b;
        bestRow = r + {{u}}u;
      }
      // @if SUM
      if (b != 0u) { sum = add(sum, b); }
      // @end
      patch_ += 1u;
      if (patch_ == P.perImage) {
        if (best != 0u) {
          // @if SUM
          let value = narrow(sum);
          sum = vec3<u32>();
          // @else
          let value = best;
          // @end
          if (value > tau) {
            if (filled < {{CAPACITY}}u) {
              candidates[list + filled] = value;
              candidates[list + {{CAPACITY}}u + filled] = P.firstRow + bestRow;
              filled += 1u;
            } else if (stopped == 0xffffffffu) {
              stopped = r + {{u}}u + 1u - P.perImage;
            }
          }
        }
        best = 0u;
        patch_ = 0u;
      }
      // @else
      if (b > tau) {
        if (filled < {{CAPACITY}}u) {
          candidates[list + filled] = b;
          candidates[list + {{CAPACITY}}u + filled] = P.firstRow + r + {{u}}u;
          filled += 1u;
        } else if (stopped == 0xffffffffu) {
          stopped = r + {{u}}u;
        }
      }
      // @end
    }
    // @end
  }
  latents[6u * P.cols + j] = filled;
  latents[7u * P.cols + j] = stopped;
  // @if STATISTICS
  latents[j] = count;
  latents[P.cols + j] = least;
  latents[2u * P.cols + j] = most;
  latents[3u * P.cols + j] = bitcast<u32>(estimate);
  latents[4u * P.cols + j] = t;
  // @end
}
