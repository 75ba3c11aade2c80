/**
 * 32-bit words with the zeros left out: a mask for each 32 words, then those that are not zero. Exact for every bit pattern.
 * @module
 */

/** Words under one mask. */
const GROUP = 32;

/** Most words that packing `length` words can take. */
export function packedLimit(length: number): number {
  return length + Math.ceil(length / GROUP);
}

/** Packs `words` into `into` from `at` on and returns where it ended; there must be room for {@linkcode packedLimit}. */
export function packWords(words: Uint32Array, into: Uint32Array, at: number): number {
  const { length } = words;
  for (let start = 0; start < length; start += GROUP) {
    const end = Math.min(start + GROUP, length);
    const maskAt = at++;
    let mask = 0;
    for (let i = start; i < end; i++) {
      const word = words[i];
      if (word === 0) continue;
      mask |= 1 << (i - start);
      into[at++] = word;
    }
    into[maskAt] = mask;
  }
  return at;
}

/**
 * Fills `words` from `packed`, from `at` on, and returns where it ended; past the end of `packed` words are 0, so compare
 * the place that is returned.
 *
 * @param words Zeros where `isBlank`, which spares writing them again.
 * @param wanted How many of the words are wanted: those after them may be left as they are. All when not given.
 */
export function unpackWords(
  packed: Uint32Array,
  at: number,
  words: Uint32Array,
  { wanted = words.length, isBlank = false }: { readonly wanted?: number; readonly isBlank?: boolean } = {},
): number {
  const { length } = words;
  let start = 0;
  for (; start < wanted; start += GROUP) {
    const end = Math.min(start + GROUP, length);
    const mask = packed[at++];
    if (mask === 0) {
      if (!isBlank) words.fill(0, start, end);
      continue;
    }
    for (let i = start; i < end; i++) words[i] = (mask >>> (i - start)) & 1 ? packed[at++] : 0;
  }
  for (; start < length; start += GROUP) at += 1 + countBits(packed[at]);
  return at;
}

function countBits(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
