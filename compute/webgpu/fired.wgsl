// Bits of an activation, 0 where it does not fire: then f is not read, which holds anything there. For the kernels that bind both.
fn activation(r: u32, column: u32) -> u32 {
  if (((bits[(r >> 5u) * P.ldF + column] >> (r & 31u)) & 1u) == 0u) { return 0u; }
  return f[r * P.ldF + column];
}

