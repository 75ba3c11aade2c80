// Copies the first latents' activations of every row; NaN where a row was skipped. Twin: distribution.ts
@group(1) @binding(0) var<storage, read> f: array<u32>;             // [rowsPad, ldF], bits of f32 where it fires
@group(1) @binding(1) var<storage, read> bits: array<u32>;          // [rowsPad / 32, ldF], a bit per row
@group(1) @binding(2) var<storage, read> skip: array<u32>;          // a bit per row
@group(1) @binding(3) var<storage, read_write> kept: array<u32>;    // [pieceRows, all kept latents], bits of f32

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= P.kept || id.y >= P.rows) { return; }
  let skipped = ((skip[id.y >> 5u] >> (id.y & 31u)) & 1u) != 0u;
  kept[(P.pieceRow + id.y) * P.keptAll + P.keptFrom + id.x] =
    select(activation(id.y, P.colOffset + id.x), 0x7fc00000u, skipped);
}
