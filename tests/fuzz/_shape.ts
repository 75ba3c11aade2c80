/**
 * Gives hostile inputs the right outside, so that what lies within is reached.
 * @module
 */
import { crc32 } from "../../render/_crc32.ts";
import type { Random } from "./_random.ts";

/** Opcodes with how many bytes follow them; those that take a line or a counted text are made by hand. */
const OPCODES: readonly (readonly [opcode: number, operand: number])[] = [
  ...[0x28, 0x30, 0x4e, 0x88, 0x89, 0x5d, 0x7d, 0x29, 0x85, 0x86, 0x87, 0x74, 0x61, 0x65, 0x73, 0x75, 0x94, 0x93, 0x51]
    .map((opcode) => [opcode, 0] as const),
  ...[0x52, 0x62, 0x2e, 0x52, 0x51, 0x81, 0x92, 0x6f, 0x69, 0x32].map((opcode) => [opcode, 0] as const),
  ...[[0x4b, 1], [0x4d, 2], [0x4a, 4], [0x47, 8], [0x71, 1], [0x68, 1], [0x72, 4], [0x6a, 4], [0x80, 1], [0x82, 1]]
    .map(([opcode, operand]) => [opcode, operand] as const),
];

const GLOBALS = [
  ..."collections\nOrderedDict torch._utils\n_rebuild_tensor_v2 torch._utils\n_rebuild_parameter torch\nSize".split(
    " ",
  ),
  ..."torch\nFloatStorage torch\nLongStorage torch\ndevice torch\nfloat32 _codecs\nencode builtins\nbytes".split(" "),
  ..."os\nsystem builtins\neval builtins\ngetattr torch\nload numpy.core.multiarray\n_reconstruct".split(" "),
];
const TEXTS = ["storage", "0", "cpu", "latin1", "", "__class__", "\x1b[2J", "\u202e", "x".repeat(300)];

/** The pickle within a torch file: up to the next zip member, whose header begins with PK and two small numbers. */
export function stripToPickle(bytes: Uint8Array): Uint8Array {
  const at = bytes.findIndex((byte, i) => byte === 0x80 && bytes[i + 1] === 2);
  if (at < 0) return bytes;
  const end = bytes.findIndex((byte, i) => i > at && byte === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] < 10);
  return bytes.slice(at, end < 0 ? undefined : end);
}

/** Every other time, replaces a pickle by opcodes that mostly make sense one by one, or puts some into it. */
export function pickleSoup(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.below(2) === 0) return bytes;
  const soup: number[] = random.below(2) === 0 ? [0x80, 2] : [...bytes.subarray(0, random.below(bytes.length))];
  for (let left = 1 + random.below(60); left > 0; left--) soup.push(...step(random));
  return Uint8Array.from(random.below(4) === 0 ? soup : [...soup, 0x2e]);
}

function step(random: Random): number[] {
  const encoder = new TextEncoder();
  switch (random.below(8)) {
    case 0:
      return [0x63, ...encoder.encode(`${random.pick(GLOBALS)}\n`)];
    case 1: {
      const text = encoder.encode(random.pick(TEXTS));
      return random.below(8) === 0
        ? [0x58, 0xff, 0xff, 0xff, 0x7f]
        : [0x58, text.length & 255, text.length >> 8, 0, 0, ...text];
    }
    case 2:
      return [0x8a, 8, ...Array.from({ length: 8 }, () => random.below(3) === 0 ? 0 : random.below(256))];
    default: {
      const [opcode, operand] = random.pick(OPCODES);
      return [opcode, ...Array.from({ length: operand }, () => random.below(random.below(2) === 0 ? 4 : 256))];
    }
  }
}

/** Sets the checksums of most PNGs right: without that hardly any would be looked into. */
export function repairPng(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes[0] !== 0x89 || bytes[1] !== 0x50 || random.below(8) === 0) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

/** Sets the length of a safetensors file's header right, three times out of four: that of the JSON it begins with. */
export function repairSafetensors(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length < 9 || random.below(4) === 0) return bytes;
  let [depth, isText] = [0, false];
  for (let at = 8; at < bytes.length; at++) {
    const letter = String.fromCharCode(bytes[at]);
    if (isText && letter === "\\") at++;
    else if (letter === '"') isText = !isText;
    else if (!isText && letter === "{") depth++;
    else if (!isText && letter === "}" && --depth <= 0) {
      new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(0, BigInt(at + 1 - 8), true);
      break;
    }
  }
  return bytes;
}
