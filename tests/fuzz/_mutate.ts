import type { Random } from "./_random.ts";

/** Numbers that length fields are often wrong by: zeros, ones, signs, and sizes that no file holds. */
const WORDS: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  10n ** 12n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Bytes that mean something in one format or another. */
const BYTES = [0x00, 0x01, 0x0a, 0x22, 0x28, 0x2e, 0x30, 0x39, 0x5b, 0x7b, 0x7f, 0x80, 0xd8, 0xd9, 0xda, 0xfe, 0xff];

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const flip: Mutation = (bytes, random) => {
  bytes[random.below(bytes.length)] ^= 1 << random.below(8);
  return bytes;
};

const replace: Mutation = (bytes, random) => {
  bytes[random.below(bytes.length)] = random.below(2) === 0 ? random.pick(BYTES) : random.below(256);
  return bytes;
};

const nudge: Mutation = (bytes, random) => {
  bytes[random.below(bytes.length)] += random.below(2) === 0 ? 1 : -1;
  return bytes;
};

/** Overwrites a little- or big-endian word: what tampering with a length, count or offset looks like. */
const word: Mutation = (bytes, random) => {
  const width = random.pick([1, 2, 4, 4, 8]);
  if (bytes.length < width) return bytes;
  const at = random.below(bytes.length - width + 1);
  const value = random.pick(WORDS);
  const little = random.below(3) > 0;
  for (let i = 0; i < width; i++) {
    bytes[at + (little ? i : width - 1 - i)] = Number(value >> BigInt(8 * i) & 0xffn);
  }
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const cut: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  return join(bytes.subarray(0, from), bytes.subarray(from + 1 + random.below(Math.min(64, bytes.length))));
};

const duplicate: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  const part = bytes.subarray(from, from + 1 + random.below(Math.min(256, bytes.length)));
  const times = random.below(8) === 0 ? 64 : 1;
  return join(bytes.subarray(0, from), ...Array.from({ length: times }, () => part), bytes.subarray(from));
};

const splice: Mutation = (bytes, random, other) => {
  const from = random.below(other.length);
  const part = other.subarray(from, from + 1 + random.below(Math.min(512, other.length)));
  const at = random.below(bytes.length);
  return join(bytes.subarray(0, at), part, bytes.subarray(random.below(2) === 0 ? at : at + part.length));
};

const crossover: Mutation = (bytes, random, other) =>
  join(bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length)));

const fill: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  return bytes.fill(random.pick(BYTES), from, from + 1 + random.below(32));
};

const digits: Mutation = (bytes, random) => {
  // A number in text: JSON, PNM and TOML state their sizes so.
  const starts: number[] = [];
  for (let i = 0; i < bytes.length && starts.length < 64; i++) if (bytes[i] >= 0x30 && bytes[i] <= 0x39) starts.push(i);
  if (starts.length === 0) return bytes;
  const at = random.pick(starts);
  const text = random.pick(["-1", "0", "1e999", "1000000000000", "4294967296", "9007199254740993", "0.5", "null"]);
  return join(bytes.subarray(0, at), new TextEncoder().encode(text), bytes.subarray(at + 1));
};

const MUTATIONS: readonly Mutation[] = [
  ...[flip, flip, replace, replace, nudge, word, word, word],
  ...[truncate, cut, duplicate, splice, crossover, fill, digits],
];

/** A copy of `seed` with one to eight things wrong with it. */
export function mutate(seed: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = seed.slice();
  for (let left = 1 + random.below(random.below(4) === 0 ? 8 : 3); left > 0 && bytes.length > 0; left--) {
    bytes = random.pick(MUTATIONS)(bytes, random, other.length === 0 ? bytes : other);
  }
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
