// Prefix codes: the same lengths and codes as `_huffman.ts` gives, which says what they are.

/** Lengths of a code for `n` counts (u32), each below 2^16, none longer than `limit`, into `lengths` (u8). */
function codeLengths(counts: usize, n: u32, limit: u32, lengths: usize): void {
  memory.fill(lengths, 0, n);
  // Symbols by count, then by number: two passes of a stable sort by bytes of the count.
  let found: u32 = 0;
  for (let s: u32 = 0; s < n; s++) {
    if (load<u32>(counts + (s << 2)) > 0) store<u16>(SORT_A + (found++ << 1), s);
  }
  if (found < 2) {
    if (found == 1) store<u8>(lengths + load<u16>(SORT_A), 1);
    return;
  }
  sortByByte(SORT_A, SORT_B, found, counts, 0);
  sortByByte(SORT_B, SORT_A, found, counts, 8);
  const nodes: u32 = 2 * found - 1;
  for (let i: u32 = 0; i < found; i++) {
    store<u32>(NODE_WEIGHT + (i << 2), load<u32>(counts + (<u32>load<u16>(SORT_A + (i << 1)) << 2)));
  }
  // Inner nodes are made in the order of their weights.
  for (let node: u32 = found, leaf: u32 = 0, inner: u32 = found; node < nodes; node++) {
    let weight: u32 = 0;
    for (let k = 0; k < 2; k++) {
      let child: u32;
      if (
        leaf < found &&
        (inner >= node || load<u32>(NODE_WEIGHT + (leaf << 2)) <= load<u32>(NODE_WEIGHT + (inner << 2)))
      ) child = leaf++;
      else child = inner++;
      weight += load<u32>(NODE_WEIGHT + (child << 2));
      store<u16>(NODE_PARENT + (child << 1), node);
    }
    store<u32>(NODE_WEIGHT + (node << 2), weight);
  }
  store<u16>(NODE_DEPTH + ((nodes - 1) << 1), 0);
  for (let node: i32 = nodes - 2; node >= 0; node--) {
    store<u16>(NODE_DEPTH + (node << 1), load<u16>(NODE_DEPTH + (<u32>load<u16>(NODE_PARENT + (node << 1)) << 1)) + 1);
  }
  let taken: u32 = 0;
  for (let i: u32 = 0; i < found; i++) {
    const depth = min<u32>(load<u16>(NODE_DEPTH + (i << 1)), limit);
    store<u16>(NODE_DEPTH + (i << 1), depth);
    taken += 1 << (limit - depth);
  }
  while (taken > <u32>1 << limit) {
    let longest: i32 = -1, cut: i32 = -1;
    let most: u32 = 0;
    for (let i: u32 = 0; i < found; i++) {
      const depth: u32 = load<u16>(NODE_DEPTH + (i << 1));
      if (depth == limit) {
        cut = i;
      } else if (longest < 0 || depth > most) {
        longest = i;
        most = depth;
      }
    }
    store<u16>(NODE_DEPTH + (longest << 1), most + 1);
    store<u16>(NODE_DEPTH + (cut << 1), most + 1);
    taken--;
  }
  for (let i: u32 = 0; i < found; i++) {
    store<u8>(lengths + load<u16>(SORT_A + (i << 1)), load<u16>(NODE_DEPTH + (i << 1)));
  }
}

/** Sorts symbols (u16) by 8 bits of their counts; stable. */
function sortByByte(from: usize, to: usize, n: u32, counts: usize, shift: u32): void {
  memory.fill(SORT_PLACES, 0, 1028);
  for (let i: u32 = 0; i < n; i++) {
    const byte = (load<u32>(counts + (<u32>load<u16>(from + (i << 1)) << 2)) >>> shift) & 255;
    const place = SORT_PLACES + ((byte + 1) << 2);
    store<u32>(place, load<u32>(place) + 1);
  }
  for (let byte: u32 = 1; byte < 256; byte++) {
    const place = SORT_PLACES + (byte << 2);
    store<u32>(place, load<u32>(place) + load<u32>(place - 4));
  }
  for (let i: u32 = 0; i < n; i++) {
    const symbol = load<u16>(from + (i << 1));
    const place = SORT_PLACES + (((load<u32>(counts + (<u32>symbol << 2)) >>> shift) & 255) << 2);
    const at = load<u32>(place);
    store<u16>(to + (at << 1), symbol);
    store<u32>(place, at + 1);
  }
}

/** Canonical codes of `n` lengths, bits reversed, into `codes` (u16). */
function reversedCodes(lengths: usize, n: u32, codes: usize): void {
  memory.fill(SORT_PLACES, 0, 128);
  for (let s: u32 = 0; s < n; s++) {
    const place = SORT_PLACES + (<u32>load<u8>(lengths + s) << 2);
    store<u32>(place, load<u32>(place) + 1);
  }
  store<u32>(SORT_PLACES, 0);
  for (let bits: u32 = 1, next: u32 = 0; bits < 16; bits++) {
    next = (next + load<u32>(SORT_PLACES + ((bits - 1) << 2))) << 1;
    store<u32>(SORT_PLACES + 64 + (bits << 2), next);
  }
  for (let s: u32 = 0; s < n; s++) {
    const length: u32 = load<u8>(lengths + s);
    if (length == 0) continue;
    const place = SORT_PLACES + 64 + (length << 2);
    let code = load<u32>(place), reversed: u32 = 0;
    store<u32>(place, code + 1);
    for (let bit: u32 = 0; bit < length; bit++, code >>= 1) reversed = (reversed << 1) | (code & 1);
    store<u16>(codes + (s << 1), reversed);
  }
}
