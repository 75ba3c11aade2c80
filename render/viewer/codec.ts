/**
 * Numbers to text and back: base64, varints, heatmaps, histograms.
 * @module
 */

/** A typed array that is stored as it is. */
export type Numbers = Uint16Array | Uint32Array | Float32Array | Uint8Array;

/** Base64 of an array's bytes. */
export function toBase64(values: Numbers): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = "";
  // A call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 0x2000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  }
  return btoa(text);
}

/** Bytes of base64 text. @throws {Error} If it is not base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** `f32` array of base64 text. */
export function floats(text: string): Float32Array {
  return new Float32Array(fromBase64(text).buffer);
}

/** `u32` array of base64 text. */
export function words(text: string): Uint32Array {
  return new Uint32Array(fromBase64(text).buffer);
}

/** `u16` array of base64 text. */
export function shorts(text: string): Uint16Array {
  return new Uint16Array(fromBase64(text).buffer);
}

/** Appends an integer from 0 to 2^32 − 1, seven bits a byte, low ones first. */
export function pushVarint(into: number[], value: number): void {
  for (; value >= 128; value = Math.floor(value / 128)) into.push(value % 128 + 128);
  into.push(value);
}

/** Reads varints one after another. */
export class VarintReader {
  #at = 0;
  readonly #bytes: Uint8Array;
  /** Starts at the first byte. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  /** The next integer; 0 past the end. */
  next(): number {
    let value = 0;
    for (let unit = 1; this.#at < this.#bytes.length; unit *= 128) {
      const byte = this.#bytes[this.#at++];
      value += (byte % 128) * unit;
      if (byte < 128) break;
    }
    return value;
  }
  /** Whether all bytes were read. */
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }
}

/**
 * Appends a heatmap: how many patches have a level, then for each the gap since the last one and the level.
 *
 * The level of a value v is `round(255·v/upper)`, so what is read back, `upper·level/255`, is off by at most upper/510;
 * level 0 is left out.
 *
 * @param into Bytes so far.
 * @param values `f32 [patches]`.
 * @param upper Largest value; no level is higher than 255.
 */
export function encodeHeatmap(into: number[], values: Float32Array, upper: number): void {
  const found: number[] = [];
  let last = -1;
  let count = 0;
  for (let patch = 0; patch < values.length; patch++) {
    const level = Math.min(255, Math.round(255 * values[patch] / upper));
    if (!(level > 0)) continue;
    pushVarint(found, patch - last - 1);
    found.push(level);
    last = patch;
    count += 1;
  }
  pushVarint(into, count);
  for (const byte of found) into.push(byte);
}

/** Reads `entries` heatmaps back as levels: `u8 [entries, patches]`. */
export function decodeHeatmaps(bytes: Uint8Array, entries: number, patches: number): Uint8Array {
  const levels = new Uint8Array(entries * patches);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    return value;
  };
  for (let entry = 0; entry < entries; entry++) {
    let patch = -1;
    for (let left = varint(); left > 0 && at < bytes.length; left--) {
      patch += varint() + 1;
      if (patch < patches) levels[entry * patches + patch] = bytes[at];
      at += 1;
    }
  }
  return levels;
}

/** A histogram's bars: `counts[i]` values in `[lowerBound(first + i), lowerBound(first + i + 1))`. */
export interface Bars {
  /** Index of the first bar. */
  readonly first: number;
  /** Values in each bar, exact. */
  readonly counts: readonly number[];
}

/** Where a bar begins: four bars an octave, linear within it, from 2^-40. */
export function lowerBound(bar: number): number {
  return 2 ** (Math.floor(bar / 4) - 40) * (1 + (bar % 4) / 4);
}

/** Packs a sketch, `u32 [offset + 2048]`, into bars of 8 bins; empty when nothing was counted. */
export function encodeHistogram(histogram: Uint32Array, offset = 0): string {
  const counts: number[] = [];
  for (let bin = 0; bin < 2048; bin += 8) {
    let sum = 0;
    for (let i = 0; i < 8; i++) sum += histogram[offset + bin + i];
    counts.push(sum);
  }
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return "";
  const last = counts.findLastIndex((count) => count > 0);
  const bytes: number[] = [];
  pushVarint(bytes, first);
  for (let bar = first; bar <= last; bar++) pushVarint(bytes, counts[bar]);
  return toBase64(Uint8Array.from(bytes));
}

/** Reads a histogram back. */
export function decodeHistogram(text: string): Bars | undefined {
  if (text === "") return undefined;
  const reader = new VarintReader(fromBase64(text));
  const first = reader.next();
  const counts: number[] = [];
  while (!reader.done) counts.push(reader.next());
  return { first, counts };
}
