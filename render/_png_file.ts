import { crc32 } from "./_crc32.ts";

/** Bytes of a file before and after its compressed rows: signature, header, one data chunk, the end. */
export const [PNG_HEAD_BYTES, PNG_TAIL_BYTES]: readonly [number, number] = [8 + 25 + 8, 4 + 12];

/** What comes before the compressed rows of an 8-bit RGB PNG; their length is 0 here, to be filled in at byte 33. */
export function pngHead(size: { readonly width: number; readonly height: number }): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(PNG_HEAD_BYTES);
  head.set([137, 80, 78, 71, 13, 10, 26, 10]);
  writeText(head, 12, "IHDR");
  const view = new DataView(head.buffer);
  view.setUint32(8, 13);
  view.setUint32(16, size.width);
  view.setUint32(20, size.height);
  head.set([8, 2, 0, 0, 0], 24);
  view.setUint32(29, crc32(head.subarray(12, 29)));
  writeText(head, 37, "IDAT");
  return head;
}

/** What follows the compressed rows, given the CRC-32 of their chunk's name and content. */
export function pngTail(crc: number): Uint8Array<ArrayBuffer> {
  const tail = new Uint8Array(PNG_TAIL_BYTES);
  const view = new DataView(tail.buffer);
  view.setUint32(0, crc);
  writeText(tail, 8, "IEND");
  view.setUint32(12, crc32(tail.subarray(8, 12)));
  return tail;
}

/** Wraps compressed rows as a file. */
export function pngFile(
  size: { readonly width: number; readonly height: number },
  rows: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(PNG_HEAD_BYTES + rows.length + PNG_TAIL_BYTES);
  file.set(pngHead(size));
  file.set(rows, PNG_HEAD_BYTES);
  new DataView(file.buffer).setUint32(PNG_HEAD_BYTES - 8, rows.length);
  const end = PNG_HEAD_BYTES + rows.length;
  file.set(pngTail(crc32(file.subarray(PNG_HEAD_BYTES - 4, end))), end);
  return file;
}

function writeText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
