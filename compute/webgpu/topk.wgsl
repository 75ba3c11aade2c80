// TopK over each row: keeps the `sparse` largest positive values, zeroes the rest; of equal values the lower latents stay.
// One workgroup a row. A radix select over 64-bit keys (value bits, then the complement of the column), all different.
// Twin: topk.ts
@group(1) @binding(0) var<storage, read_write> f: array<u32>;   // [rowsPad, ldF], bits of f32 >= 0

var<workgroup> bins: array<atomic<u32>, 256>;
// Prefix of the key of the last kept value (high, low), how many are still to be chosen below it, whether it is found.
var<workgroup> chosen: vec4<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let at = group.x * P.ldF;
  if (thread == 0u) { chosen = vec4<u32>(0u, 0u, P.sparse, 0u); }
  for (var pass_ = 0u; pass_ < 8u; pass_++) {
    atomicStore(&bins[thread], 0u);
    let now = workgroupUniformLoad(&chosen);
    if (now.w != 0u) { break; }
    let shift = 24u - 8u * (pass_ & 3u);
    // Bits above the digit, in the word the digit is in.
    let above = select(0xffffffffu << (shift + 8u), 0u, shift == 24u);
    for (var c = thread; c < P.ldF; c += 256u) {
      let high = f[at + c];
      if (high == 0u) { continue; }
      if (pass_ < 4u) {
        if (((high ^ now.x) & above) == 0u) { atomicAdd(&bins[(high >> shift) & 255u], 1u); }
      } else if (high == now.x && ((~c ^ now.y) & above) == 0u) {
        atomicAdd(&bins[(~c >> shift) & 255u], 1u);
      }
    }
    workgroupBarrier();
    if (thread == 0u) {
      var left = now.z;
      var digit = 256u;
      var n = 0u;
      while (digit > 0u) {
        digit -= 1u;
        n = atomicLoad(&bins[digit]);
        if (n >= left) { break; }
        left -= n;
        n = 0u;
      }
      // n = 0: fewer positive values than asked for, all stay.
      let done = u32(n <= left || n == 0u);
      let high = select(now.x, now.x | (digit << shift), pass_ < 4u);
      let low = select(now.y, now.y | (digit << shift), pass_ >= 4u);
      chosen = vec4<u32>(select(high, 0u, n == 0u), select(low, 0u, n == 0u), left, done);
    }
    workgroupBarrier();
  }
  let last = workgroupUniformLoad(&chosen);
  for (var c = thread; c < P.ldF; c += 256u) {
    let high = f[at + c];
    if (high < last.x || (high == last.x && ~c < last.y)) { f[at + c] = 0u; }
  }
}
