/**
 * A reader of Thrift's compact protocol with limits, for looking a Parquet file over before the library decodes it.
 *
 * Source: Apache Thrift, "Thrift compact protocol encoding".
 * @module
 */

const [STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, , , STRUCT] = Array(13).keys();
/** Parquet's own structures nest less than ten deep. */
const MAX_DEPTH = 24;
/** An integer of 64 bits in pieces of seven. */
const MAX_VARINT_BYTES = 10;

/** Fields by number; only what a check asks for is kept: integers, lists and structs. */
export type Thrift = ReadonlyMap<number, number | bigint | Thrift | undefined>;

/**
 * Reads the struct at `start`.
 *
 * @returns Its fields, and where it ends.
 * @throws {Error} If it leaves the bytes, nests too deeply, or holds an integer of more than 64 bits.
 */
export function readThrift(bytes: Uint8Array, start: number): { fields: Thrift; end: number } {
  let at = start;
  const byte = (): number => {
    if (at >= bytes.length) throw new Error(`its metadata is cut off at byte ${at}`);
    return bytes[at++];
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const piece = byte();
      value |= BigInt(piece & 0x7f) << BigInt(7 * i);
      if (piece < 0x80) return value;
    }
    throw new Error(`its metadata holds an overlong integer at byte ${at}`);
  };
  const zigzag = (): number => {
    const value = varint();
    return Number(value >> 1n ^ -(value & 1n));
  };
  const skip = (length: number): void => {
    if (length > bytes.length - at) throw new Error(`its metadata claims ${length} bytes at byte ${at}`);
    at += length;
  };
  const element = (type: number, depth: number): number | Thrift | undefined => {
    if (type === BYTE) return byte();
    if (type === I16 || type === I32 || type === I64) return zigzag();
    if (type === STRUCT) return struct(depth + 1);
    if (type === DOUBLE) skip(8);
    else if (type === BINARY) skip(Number(varint()));
    else if (type === LIST) {
      const head = byte();
      const length = head >> 4 === 15 ? Number(varint()) : head >> 4;
      const itemType = head & 15;
      // Every item takes a byte or more, so a list that claims more than there are ends at the last byte.
      for (let i = 0; i < length; i++) element(itemType === TRUE || itemType === FALSE ? BYTE : itemType, depth + 1);
    } else throw new Error(`its metadata holds type ${type} at byte ${at}`);
    return undefined;
  };
  const struct = (depth: number): Thrift => {
    if (depth > MAX_DEPTH) throw new Error("its metadata nests too deeply");
    const fields = new Map<number, number | Thrift | undefined>();
    for (let id = 0;;) {
      const head = byte();
      const type = head & 15;
      if (type === STOP) return fields;
      id = head >> 4 === 0 ? zigzag() : id + (head >> 4);
      fields.set(id, type === TRUE ? 1 : type === FALSE ? 0 : element(type, depth));
    }
  };
  return { fields: struct(0), end: at };
}
