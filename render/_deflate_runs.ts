import { codeLengths, reversedCodes } from "./_huffman.ts";

/** Symbols of a block: 256 literals, the end, 29 lengths. */
const SYMBOLS = 286;
const END = 256;
/** Shortest and longest run that one symbol can repeat. */
const [MIN_RUN, MAX_RUN] = [3, 258];
/** Tokens in a block: enough to pay for its code, few enough for the code to suit them. */
const BLOCK_TOKENS = 1 << 15;
/** The order in which a block's header lists the lengths of its code-length code. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** For each run length: its symbol, the extra bits' count, and their value. Source: RFC 1951, section 3.2.5. */
const RUNS = runTable();

function runTable(): { symbol: Uint16Array; bits: Uint8Array; extra: Uint8Array } {
  const table = {
    symbol: new Uint16Array(MAX_RUN + 1),
    bits: new Uint8Array(MAX_RUN + 1),
    extra: new Uint8Array(MAX_RUN + 1),
  };
  for (let code = 0, run = MIN_RUN; code < 28; code++) {
    const bits = code < 8 ? 0 : (code >> 2) - 1;
    for (let extra = 0; extra < 1 << bits; extra++, run++) {
      table.symbol[run] = 257 + code;
      table.bits[run] = bits;
      table.extra[run] = extra;
    }
  }
  // The longest run has a symbol of its own.
  table.symbol[MAX_RUN] = 285;
  table.bits[MAX_RUN] = table.extra[MAX_RUN] = 0;
  return table;
}

/** Appends bits, lowest first. */
class BitWriter {
  #bytes: Uint8Array;
  #length = 0;
  #held = 0;
  #count = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** At most 16 bits at a time. */
  put(value: number, bits: number): void {
    this.#held |= value << this.#count;
    this.#count += bits;
    while (this.#count >= 8) {
      this.#bytes[this.#length++] = this.#held;
      this.#held >>>= 8;
      this.#count -= 8;
    }
  }

  /** Makes room for so many bytes more. */
  reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * this.#bytes.length + bytes);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  finish(): Uint8Array {
    if (this.#count > 0) this.put(0, 8 - this.#count);
    return this.#bytes.subarray(0, this.#length);
  }
}

/**
 * Deflates bytes to a zlib stream, with runs of one byte as the only repetitions.
 *
 * For filtered rows of photographs this is as small as a full search, since what repeats there are zeros, and takes a
 * fraction of its time. Any inflater reads it.
 *
 * Source: RFC 1950, RFC 1951; the strategy is zlib's `Z_RLE`.
 */
export function deflateRuns(bytes: Uint8Array): Uint8Array {
  const out = new BitWriter((bytes.length >> 1) + 1024);
  // A window of 32 KiB, deflate, the fastest level: 0x7801 is a multiple of 31, as it has to be.
  out.put(0x0178, 16);
  const tokens = new Uint16Array(BLOCK_TOKENS);
  let at = 0;
  do {
    const counts = new Uint32Array(SYMBOLS);
    let n = 0;
    while (at < bytes.length && n < BLOCK_TOKENS) {
      const byte = bytes[at];
      let run = 0;
      if (at > 0 && bytes[at - 1] === byte) {
        const most = Math.min(MAX_RUN, bytes.length - at);
        while (run < most && bytes[at + run] === byte) run++;
      }
      if (run >= MIN_RUN) {
        tokens[n++] = 256 + run;
        counts[RUNS.symbol[run]]++;
        at += run;
      } else {
        tokens[n++] = byte;
        counts[byte]++;
        at++;
      }
    }
    counts[END] = 1;
    writeBlock(out, tokens.subarray(0, n), counts, at >= bytes.length);
  } while (at < bytes.length);
  const body = out.finish();
  const file = new Uint8Array(body.length + 4);
  file.set(body);
  new DataView(file.buffer).setUint32(body.length, adler32(bytes));
  return file;
}

function writeBlock(out: BitWriter, tokens: Uint16Array, counts: Uint32Array, last: boolean): void {
  const lengths = codeLengths(counts, 15);
  const codes = reversedCodes(lengths);
  // No token takes more than 15 bits, 5 extra ones and 1 for the distance.
  out.reserve(3 * tokens.length + 1024);
  out.put(last ? 1 : 0, 1);
  out.put(2, 2);
  writeCodes(out, lengths);
  for (const token of tokens) {
    if (token < 256) {
      out.put(codes[token], lengths[token]);
    } else {
      const run = token - 256;
      const symbol = RUNS.symbol[run];
      out.put(codes[symbol], lengths[symbol]);
      // The extra bits, then the only distance code, whose one bit is 0.
      out.put(RUNS.extra[run], RUNS.bits[run] + 1);
    }
  }
  out.put(codes[END], lengths[END]);
}

/** Writes a block's header: the lengths of its codes, themselves coded. Source: RFC 1951, section 3.2.7. */
function writeCodes(out: BitWriter, lengths: Uint8Array): void {
  // After the 286 lengths comes one distance code, for distance 1, of length 1.
  const all = new Uint8Array(SYMBOLS + 1);
  all.set(lengths);
  all[SYMBOLS] = 1;
  const items: { symbol: number; extra: number; bits: number }[] = [];
  for (let i = 0; i < all.length;) {
    let run = 1;
    while (i + run < all.length && all[i + run] === all[i]) run++;
    if (all[i] === 0 && run >= 3) {
      run = Math.min(run, 138);
      items.push(run <= 10 ? { symbol: 17, extra: run - 3, bits: 3 } : { symbol: 18, extra: run - 11, bits: 7 });
    } else if (i > 0 && all[i - 1] === all[i] && run >= 3) {
      run = Math.min(run, 6);
      items.push({ symbol: 16, extra: run - 3, bits: 2 });
    } else {
      run = 1;
      items.push({ symbol: all[i], extra: 0, bits: 0 });
    }
    i += run;
  }
  const counts = new Uint32Array(19);
  for (const { symbol } of items) counts[symbol]++;
  const lengthLengths = codeLengths(counts, 7);
  const codes = reversedCodes(lengthLengths);
  let listed = LENGTH_ORDER.length;
  while (listed > 4 && lengthLengths[LENGTH_ORDER[listed - 1]] === 0) listed--;
  out.put(SYMBOLS - 257, 5);
  out.put(0, 5);
  out.put(listed - 4, 4);
  for (const symbol of LENGTH_ORDER.slice(0, listed)) out.put(lengthLengths[symbol], 3);
  for (const { symbol, extra, bits } of items) {
    out.put(codes[symbol], lengthLengths[symbol]);
    out.put(extra, bits);
  }
}

/** Source: RFC 1950, section 8.2. */
function adler32(bytes: Uint8Array): number {
  let a = 1, b = 0;
  for (let at = 0; at < bytes.length;) {
    // Sums of 3,800 bytes stay below 2^31, so the remainder can wait that long.
    const end = Math.min(bytes.length, at + 3800);
    for (; at < end; at++) {
      a += bytes[at];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}
