/**
 * Lengths of a prefix code for given frequencies, none longer than `limit` bits: Huffman's code where that fits, else
 * close to it.
 *
 * @param counts How often each symbol occurs; symbols that never occur get length 0.
 * @param limit Longest code, in bits; 2^limit must not be less than the number of symbols.
 * @returns One length per symbol. A lone symbol gets length 1.
 *
 * Source: D. Huffman, "A method for the construction of minimum-redundancy codes", 1952; RFC 1951, section 3.2.
 */
export function codeLengths(counts: Uint32Array, limit: number): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const symbols = Array.from(counts.keys()).filter((symbol) => counts[symbol] > 0)
    .sort((a, b) => counts[a] - counts[b] || a - b);
  const n = symbols.length;
  if (n < 2) {
    if (n === 1) lengths[symbols[0]] = 1;
    return lengths;
  }
  // Leaves first, then inner nodes in the order they are made, which is also the order of their weights.
  const weight = new Float64Array(2 * n - 1);
  const parent = new Int32Array(2 * n - 1);
  symbols.forEach((symbol, i) => weight[i] = counts[symbol]);
  for (let node = n, leaf = 0, inner = n; node < 2 * n - 1; node++) {
    for (let k = 0; k < 2; k++) {
      const child = leaf < n && (inner >= node || weight[leaf] <= weight[inner]) ? leaf++ : inner++;
      weight[node] += weight[child];
      parent[child] = node;
    }
  }
  const depth = new Uint8Array(2 * n - 1);
  for (let node = 2 * n - 3; node >= 0; node--) depth[node] = depth[parent[node]] + 1;
  // Codes cut to the limit take too much of the code space (Kraft's sum). The rarest of the longest others moves down a bit and
  // takes the most frequent of those cut as its brother: that gives back one code of the longest kind, so the code space is
  // filled in the end, with no gap, which inflaters refuse.
  let taken = 0;
  for (let i = 0; i < n; i++) {
    depth[i] = Math.min(depth[i], limit);
    taken += 2 ** (limit - depth[i]);
  }
  while (taken > 2 ** limit) {
    let longest = -1, cut = -1;
    for (let i = 0; i < n; i++) {
      if (depth[i] === limit) cut = i;
      else if (longest < 0 || depth[i] > depth[longest]) longest = i;
    }
    depth[cut] = ++depth[longest];
    taken--;
  }
  symbols.forEach((symbol, i) => lengths[symbol] = depth[i]);
  return lengths;
}

/** The canonical codes of some lengths, each with its bits reversed, as DEFLATE writes them. */
export function reversedCodes(lengths: Uint8Array): Uint16Array {
  const count = new Uint32Array(16);
  for (const length of lengths) if (length > 0) count[length]++;
  const next = new Uint32Array(16);
  for (let bits = 1; bits < 16; bits++) next[bits] = (next[bits - 1] + count[bits - 1]) << 1;
  const codes = new Uint16Array(lengths.length);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol];
    if (length === 0) continue;
    let code = next[length]++;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++, code >>= 1) reversed = reversed << 1 | code & 1;
    codes[symbol] = reversed;
  }
  return codes;
}
