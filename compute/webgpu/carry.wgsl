// Moves the running halves of the exact sums into 64-bit totals. Twin: carry.ts
@group(1) @binding(0) var<storage, read_write> halves: array<u32>;   // [cols, 32, 2]: low 16 bits and the rest, each summed
@group(1) @binding(1) var<storage, read_write> totals: array<u32>;   // [cols, 32, 2]: low and high word

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x * 2u;
  if (id.x >= P.cols * 32u) { return; }
  let low = halves[i];
  let high = halves[i + 1u];
  if ((low | high) == 0u) { return; }
  let shifted = high << 16u;
  let sum = low + shifted;
  let before = totals[i];
  let after = before + sum;
  totals[i] = after;
  totals[i + 1u] += (high >> 16u) + u32(sum < shifted) + u32(after < before);
  halves[i] = 0u;
  halves[i + 1u] = 0u;
}
