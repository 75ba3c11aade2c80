import { crc32 } from "../../render/_crc32.ts";

/** A zip of stored members, as torch writes it. */
export function zipOf(members: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const [body, directory]: [number[], number[]] = [[], []];
  const u16 = (value: number): number[] => [value & 255, value >> 8 & 255];
  const u32 = (value: number): number[] => [...u16(value), ...u16(value >>> 16)];
  for (const [name, bytes] of Object.entries(members)) {
    const [path, at] = [new TextEncoder().encode(name), body.length];
    const facts = [...u32(crc32(bytes)), ...u32(bytes.length), ...u32(bytes.length), ...u16(path.length), ...u16(0)];
    const shared = [...u16(20), ...u16(0), ...u16(0), ...u32(0)];
    body.push(...u32(0x04034b50), ...shared, ...facts, ...path, ...bytes);
    directory.push(
      ...u32(0x02014b50),
      ...u16(20),
      ...shared,
      ...facts,
      ...u16(0),
      ...u16(0),
      ...u16(0),
      ...u32(0),
      ...u32(at),
      ...path,
    );
  }
  const count = u16(Object.keys(members).length);
  const end = [
    ...u32(0x06054b50),
    ...u32(0),
    ...count,
    ...count,
    ...u32(directory.length),
    ...u32(body.length),
    ...u16(0),
  ];
  return Uint8Array.from([...body, ...directory, ...end]);
}
