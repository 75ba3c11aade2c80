// A zlib stream whose only repetitions are runs of one byte: the same bytes as `_deflate_runs.ts` gives.

const BLOCK_TOKENS: u32 = 1 << 15;
const SYMBOLS: u32 = 286;
const END: u32 = 256;
const MAX_RUN: u32 = 258;

/** Bits not yet written, lowest first, their count, and where the next byte goes. */
let held: u64 = 0;
let count: u64 = 0;
let target: usize = 0;

/** Writes whole bytes of what is held; up to 56 bits may be put between two calls. */
@inline function flush(): void {
  store<u64>(target, held);
  target += <usize>(count >>> 3);
  held >>>= count & 56;
  count &= 7;
}

@inline function put(value: u32, bits: u32): void {
  held |= <u64>value << count;
  count += bits;
  flush();
}

/** For each run length: its symbol (u16), extra bits' count (u8), their value (u8). */
export function makeRunTables(): void {
  let run: u32 = 3;
  for (let code: u32 = 0; code < 28; code++) {
    const bits: u32 = code < 8 ? 0 : (code >> 2) - 1;
    for (let extra: u32 = 0; extra < <u32>1 << bits; extra++, run++) {
      store<u32>(RUN_TABLE + (run << 2), (257 + code) | (bits << 16) | (extra << 24));
    }
  }
  store<u32>(RUN_TABLE + (MAX_RUN << 2), 285);
}

@inline function tally(table: usize, symbol: u32): void {
  const place = table + (symbol << 2);
  store<u32>(place, load<u32>(place) + 1);
}

/** Deflates `length` bytes at `source` to `out`; returns the stream's length. Reads up to 16 bytes past the end. */
export function deflate(source: usize, length: usize, out: usize): usize {
  const end = source + length;
  held = 0x0178;
  count = 16;
  target = out;
  let at = source;
  do {
    memory.fill(COUNTS, 0, COUNT_TABLES * COUNT_BYTES);
    let n: u32 = 0;
    while (at < end && n < BLOCK_TOKENS) {
      // How many of the next 16 bytes surely start no run.
      if (at > source && at + 16 <= end && n + 16 <= BLOCK_TOKENS) {
        const x = v128.load(at);
        const same = <u32>i8x16.bitmask(i8x16.eq(x, v128.load(at - 1)));
        // A run needs three in a row; whether the bytes beyond go on is not known, so say yes.
        const literals = ctz(same & ((same >> 1) | 0x8000) & ((same >> 2) | 0xc000) | 0x10000);
        v128.store(TOKENS + (n << 1), i16x8.extend_low_i8x16_u(x));
        v128.store(TOKENS + (n << 1) + 16, i16x8.extend_high_i8x16_u(x));
        if (literals == 16) {
          // Four tables, as adding twice to one place in a row is slow.
          for (let half = 0; half < 2; half++) {
            const bytes = load<u64>(at + (half << 3));
            tally(COUNTS, <u32>(bytes & 255));
            tally(COUNTS + COUNT_BYTES, <u32>(bytes >> 8 & 255));
            tally(COUNTS + 2 * COUNT_BYTES, <u32>(bytes >> 16 & 255));
            tally(COUNTS + 3 * COUNT_BYTES, <u32>(bytes >> 24 & 255));
            tally(COUNTS, <u32>(bytes >> 32 & 255));
            tally(COUNTS + COUNT_BYTES, <u32>(bytes >> 40 & 255));
            tally(COUNTS + 2 * COUNT_BYTES, <u32>(bytes >> 48 & 255));
            tally(COUNTS + 3 * COUNT_BYTES, <u32>(bytes >> 56));
          }
          at += 16;
          n += 16;
          continue;
        }
        for (let i: u32 = 0; i < literals; i++) tally(COUNTS + (i & 3) * COUNT_BYTES, load<u8>(at + i));
        at += literals;
        n += literals;
      }
      const byte = load<u8>(at);
      let run: u32 = 0;
      if (at > source && load<u8>(at - 1) == byte) {
        const most = min<u32>(MAX_RUN, <u32>(end - at));
        const pattern = i8x16.splat(byte);
        while (run < most) {
          const same = ctz(~<u32>i8x16.bitmask(i8x16.eq(v128.load(at + run), pattern)));
          run += same;
          if (same < 16) break;
        }
        run = min(run, most);
      }
      if (run >= 3) {
        store<u16>(TOKENS + (n << 1), 256 + run);
        tally(COUNTS, load<u16>(RUN_TABLE + (run << 2)));
        at += run;
      } else {
        store<u16>(TOKENS + (n << 1), byte);
        tally(COUNTS, byte);
        at++;
      }
      n++;
    }
    for (let s: u32 = 0; s < 256; s++) {
      const place = COUNTS + (s << 2);
      let sum: u32 = 0;
      for (let table: usize = 0; table < COUNT_TABLES; table++) sum += load<u32>(place + table * COUNT_BYTES);
      store<u32>(place, sum);
    }
    store<u32>(COUNTS + (END << 2), 1);
    writeBlock(n, at >= end);
  } while (at < end);
  if (count > 0) put(0, 8 - <u32>count);
  const sum = adler32(source, length);
  store<u32>(target, bswap(sum));
  return target + 4 - out;
}

function writeBlock(n: u32, last: bool): void {
  codeLengths(COUNTS, SYMBOLS, 15, LENGTHS);
  reversedCodes(LENGTHS, SYMBOLS, CODES);
  put(last ? 1 : 0, 1);
  put(2, 2);
  writeCodes();
  // Every token at once: its code, then a run's extra bits and the one bit of its distance.
  for (let byte: u32 = 0; byte < 256; byte++) {
    store<u32>(EMIT + (byte << 2), <u32>load<u16>(CODES + (byte << 1)) | (<u32>load<u8>(LENGTHS + byte) << 24));
  }
  for (let run: u32 = 3; run <= MAX_RUN; run++) {
    const entry = load<u32>(RUN_TABLE + (run << 2)), symbol = entry & 0xffff;
    const length: u32 = load<u8>(LENGTHS + symbol);
    const bits = (<u32>load<u16>(CODES + (symbol << 1))) | ((entry >>> 24) << length);
    store<u32>(EMIT + ((256 + run) << 2), bits | ((length + (entry >> 16 & 255) + 1) << 24));
  }
  let bits = held, used = count, to = target;
  let i: u32 = 0;
  for (; i + 4 <= n; i += 4) {
    const four = load<u64>(TOKENS + (i << 1));
    const a = load<u32>(EMIT + (<u32>(four & 0xffff) << 2)), b = load<u32>(EMIT + (<u32>(four >> 16 & 0xffff) << 2));
    bits |= <u64>(a & 0xffffff) << used;
    used += a >>> 24;
    bits |= <u64>(b & 0xffffff) << used;
    used += b >>> 24;
    store<u64>(to, bits);
    to += <usize>(used >>> 3);
    bits >>>= used & 56;
    used &= 7;
    const c = load<u32>(EMIT + (<u32>(four >> 32 & 0xffff) << 2)), d = load<u32>(EMIT + (<u32>(four >> 48) << 2));
    bits |= <u64>(c & 0xffffff) << used;
    used += c >>> 24;
    bits |= <u64>(d & 0xffffff) << used;
    used += d >>> 24;
    store<u64>(to, bits);
    to += <usize>(used >>> 3);
    bits >>>= used & 56;
    used &= 7;
  }
  held = bits;
  count = used;
  target = to;
  for (; i < n; i++) {
    const entry = load<u32>(EMIT + (<u32>load<u16>(TOKENS + (i << 1)) << 2));
    put(entry & 0xffffff, entry >>> 24);
  }
  put(load<u16>(CODES + (END << 1)), load<u8>(LENGTHS + END));
}

/** The order in which a header lists the lengths of its code-length code, five bits each. */
const ORDER_LOW: u64 = 16 | 17 << 5 | 18 << 10 | 0 << 15 | 8 << 20 | <u64>7 << 25 | <u64>9 << 30 | <u64>6 << 35 |
  <u64>10 << 40 | <u64>5 << 45 | <u64>11 << 50 | <u64>4 << 55;
const ORDER_HIGH: u64 = 12 | 3 << 5 | 13 << 10 | 2 << 15 | 14 << 20 | <u64>1 << 25 | <u64>15 << 30;

@inline function orderAt(i: u32): u32 {
  return <u32>((i < 12 ? ORDER_LOW >> (5 * i) : ORDER_HIGH >> (5 * (i - 12))) & 31);
}

/** Writes a block's header: the lengths of its codes, themselves coded. Source: RFC 1951, section 3.2.7. */
function writeCodes(): void {
  store<u8>(LENGTHS + SYMBOLS, 1);
  memory.fill(HEADER_COUNTS, 0, 4 * 19);
  let items: u32 = 0;
  for (let i: u32 = 0; i < SYMBOLS + 1;) {
    const length: u32 = load<u8>(LENGTHS + i);
    let run: u32 = 1;
    while (i + run < SYMBOLS + 1 && load<u8>(LENGTHS + i + run) == length) run++;
    let symbol = length, extra: u32 = 0, bits: u32 = 0;
    if (length == 0 && run >= 3) {
      run = min<u32>(run, 138);
      symbol = run <= 10 ? 17 : 18;
      extra = run <= 10 ? run - 3 : run - 11;
      bits = run <= 10 ? 3 : 7;
    } else if (i > 0 && load<u8>(LENGTHS + i - 1) == length && run >= 3) {
      run = min<u32>(run, 6);
      symbol = 16;
      extra = run - 3;
      bits = 2;
    } else {
      run = 1;
    }
    tally(HEADER_COUNTS, symbol);
    store<u32>(HEADER_ITEMS + (items++ << 2), symbol | (extra << 8) | (bits << 16));
    i += run;
  }
  codeLengths(HEADER_COUNTS, 19, 7, HEADER_LENGTHS);
  reversedCodes(HEADER_LENGTHS, 19, HEADER_CODES);
  let listed: u32 = 19;
  while (listed > 4 && load<u8>(HEADER_LENGTHS + orderAt(listed - 1)) == 0) listed--;
  put(SYMBOLS - 257, 5);
  put(0, 5);
  put(listed - 4, 4);
  for (let i: u32 = 0; i < listed; i++) put(load<u8>(HEADER_LENGTHS + orderAt(i)), 3);
  for (let i: u32 = 0; i < items; i++) {
    const item = load<u32>(HEADER_ITEMS + (i << 2)), symbol = item & 255;
    put(load<u16>(HEADER_CODES + (symbol << 1)), load<u8>(HEADER_LENGTHS + symbol));
    put(item >> 8 & 255, item >> 16);
  }
}
