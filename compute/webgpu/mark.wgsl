// Marks what fires in a strip of which everything is stored: a thread has 32 rows of a column. Twin: mark.ts
@group(1) @binding(0) var<storage, read> f: array<u32>;             // [rowsPad, ldF], bits of f32 >= 0
@group(1) @binding(1) var<storage, read_write> bits: array<u32>;    // [rowsPad / 32, ldF], a bit per row

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= P.ldF) { return; }
  let first = id.y * 32u;
  let n = min(32u, P.rows - first);
  var word = 0u;
  for (var r = 0u; r < n; r++) {
    word |= u32(f[(first + r) * P.ldF + id.x] != 0u) << r;
  }
  bits[id.y * P.ldF + id.x] = word;
}
