// CRC-32 by eight tables, and Adler-32 by vectors.

/** Fills the tables of the reflected polynomial 0xEDB88320. */
export function makeCrcTables(): void {
  for (let n: u32 = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    store<u32>(CRC_TABLES + (n << 2), c);
  }
  for (let n: u32 = 0; n < 256; n++) {
    for (let t: u32 = 1; t < 8; t++) {
      const c = load<u32>(CRC_TABLES + ((t - 1) << 10) + (n << 2));
      store<u32>(CRC_TABLES + (t << 10) + (n << 2), load<u32>(CRC_TABLES + ((c & 255) << 2)) ^ (c >>> 8));
    }
  }
}

@inline function crcTable(t: u32, byte: u32): u32 {
  return load<u32>(CRC_TABLES + (t << 10) + ((byte & 255) << 2));
}

/** CRC-32 of bytes. */
export function crc32(at: usize, length: usize): u32 {
  let crc: u32 = 0xffffffff;
  const end = at + length;
  for (; at + 8 <= end; at += 8) {
    const a = crc ^ load<u32>(at), b = load<u32>(at + 4);
    crc = crcTable(7, a) ^ crcTable(6, a >>> 8) ^ crcTable(5, a >>> 16) ^ crcTable(4, a >>> 24) ^
      crcTable(3, b) ^ crcTable(2, b >>> 8) ^ crcTable(1, b >>> 16) ^ crcTable(0, b >>> 24);
  }
  for (; at < end; at++) crc = crcTable(0, crc ^ load<u8>(at)) ^ (crc >>> 8);
  return ~crc;
}

@inline function laneSum(v: v128): u32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** Adler-32 of bytes. */
export function adler32(at: usize, length: usize): u32 {
  let a: u32 = 1, b: u32 = 0;
  const end = at + length;
  const ramp0 = i16x8(16, 15, 14, 13, 12, 11, 10, 9), ramp1 = i16x8(8, 7, 6, 5, 4, 3, 2, 1);
  while (at + 16 <= end) {
    // Sums over 3,840 bytes stay below 2^32, so the remainder can wait that long.
    const stop = min(end - 15, at + 3840), from = at;
    let sum = i32x4.splat(0), before = sum, weighted = sum;
    for (; at < stop; at += 16) {
      const x = v128.load(at);
      before = i32x4.add(before, sum);
      sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(x)));
      weighted = i32x4.add(weighted, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(x), ramp0));
      weighted = i32x4.add(weighted, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(x), ramp1));
    }
    b = (b + a * <u32>(at - from) + 16 * laneSum(before) + laneSum(weighted)) % 65521;
    a = (a + laneSum(sum)) % 65521;
  }
  for (; at < end; at++) {
    a += load<u8>(at);
    b += a;
  }
  return ((b % 65521) << 16) | (a % 65521);
}
