/**
 * Lists the members of a zip whose members are stored, as torch writes them. Knows ZIP64; inflates nothing.
 * @module
 */
import { TorchFileError } from "../compute/errors.ts";
import { type ByteSource, readBytes } from "./byte_source.ts";

const END_SIGNATURE = 0x06054b50;
const END64_SIGNATURE = 0x06064b50;
const END64_LOCATOR_SIGNATURE = 0x07064b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
/** The end record may be followed by a comment of at most 65,535 bytes. */
const END_SEARCH_BYTES = 22 + 0xffff + 20;
/** A directory larger than this is not a tensor file's. */
const MAX_DIRECTORY_BYTES = 64 << 20;

/** One stored member. */
export interface ZipMember {
  /** Path within the zip. */
  readonly name: string;
  /** Bytes it holds. */
  readonly size: number;
  /** CRC-32 the directory states. */
  readonly crc32: number;
  /** Where its local header begins. */
  readonly headerOffset: number;
}

/**
 * Reads a zip's central directory.
 *
 * Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.12–4.3.16 and 4.5.3.
 *
 * @returns Members by name, in directory order.
 * @throws {TorchFileError} If there is no directory (not a zip, or truncated), it runs past the file, a member is
 *   compressed or encrypted, or two have the same name.
 *
 * @example
 * ```ts
 * import { openFile } from "./open_file.ts";
 * import { zipDirectory } from "./zip_directory.ts";
 * const file = await openFile("fixtures/golden/torch-files/f32.pt");
 * console.assert((await zipDirectory(file)).get("f32/data/0")?.size === 96);
 * file.close();
 * ```
 */
export async function zipDirectory(source: ByteSource): Promise<Map<string, ZipMember>> {
  const { count, size, offset } = await findDirectory(source);
  if (offset + size > source.size || size > MAX_DIRECTORY_BYTES || count * 46 > size) {
    fail(source, `its directory claims ${count} members in ${size} bytes at ${offset} of ${source.size}`);
  }
  const bytes = await readBytes(source, offset, size);
  if (bytes.length < size) fail(source, `only ${bytes.length} of its directory's ${size} bytes could be read`);
  const view = viewOf(bytes);
  const members = new Map<string, ZipMember>();
  for (let at = 0, i = 0; i < count; i++) {
    if (at + 46 > size || view.getUint32(at, true) !== CENTRAL_SIGNATURE) {
      fail(source, `directory entry ${i} is damaged`);
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > size) fail(source, `directory entry ${i} runs past the directory`);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const sizes = { stored: view.getUint32(at + 20, true), plain: view.getUint32(at + 24, true) };
    let headerOffset = view.getUint32(at + 42, true);
    const extra = zip64Extra(view, at + 46 + nameLength, extraLength);
    const take = (value: number): number =>
      value === 0xffffffff ? extra() ?? fail(source, `${name} has no size`) : value;
    sizes.plain = take(sizes.plain);
    sizes.stored = take(sizes.stored);
    headerOffset = take(headerOffset);
    if ((view.getUint16(at + 8, true) & 1) !== 0) fail(source, `member ${name} is encrypted`);
    const method = view.getUint16(at + 10, true);
    if (method !== 0 || sizes.plain !== sizes.stored) {
      fail(source, `member ${name} is compressed (method ${method}), where torch stores members as they are`);
    }
    if (headerOffset + 30 + sizes.plain > source.size) {
      fail(source, `member ${name} claims ${sizes.plain} bytes at ${headerOffset} of ${source.size}`);
    }
    if (members.has(name)) fail(source, `two members are named ${name}`);
    members.set(name, { name, size: sizes.plain, crc32: view.getUint32(at + 16, true), headerOffset });
    at = next;
  }
  return members;
}

/**
 * Where a member's bytes begin: its local header states how long name and extra fields are.
 *
 * @throws {TorchFileError} If there is no local header or the bytes run past the file.
 */
export async function memberOffset(source: ByteSource, member: ZipMember): Promise<number> {
  const header = await readBytes(source, member.headerOffset, 30);
  const view = viewOf(header);
  if (header.length < 30 || view.getUint32(0, true) !== LOCAL_SIGNATURE) {
    fail(source, `member ${member.name} has no header at byte ${member.headerOffset}`);
  }
  const offset = member.headerOffset + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (offset + member.size > source.size) {
    fail(source, `member ${member.name} claims ${member.size} bytes at ${offset} of ${source.size}`);
  }
  return offset;
}

async function findDirectory(source: ByteSource): Promise<{ count: number; size: number; offset: number }> {
  const start = Math.max(0, source.size - END_SEARCH_BYTES);
  const tail = await readBytes(source, start, END_SEARCH_BYTES);
  const view = viewOf(tail);
  for (let at = tail.length - 22; at >= 0; at--) {
    if (view.getUint32(at, true) !== END_SIGNATURE) continue;
    const end = {
      count: view.getUint16(at + 10, true),
      size: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
    const locator = at - 20;
    if (locator < 0 || view.getUint32(locator, true) !== END64_LOCATOR_SIGNATURE) return end;
    const end64Offset = Number(view.getBigUint64(locator + 8, true));
    const end64 = viewOf(await readBytes(source, end64Offset, 56));
    if (end64.byteLength < 56 || end64.getUint32(0, true) !== END64_SIGNATURE) {
      fail(source, `its ZIP64 end record is not at byte ${end64Offset}`);
    }
    return {
      count: Number(end64.getBigUint64(32, true)),
      size: Number(end64.getBigUint64(40, true)),
      offset: Number(end64.getBigUint64(48, true)),
    };
  }
  return fail(source, `no zip directory was found in its ${source.size} bytes; it is truncated or not a torch file`);
}

/** Yields the 64-bit values of the ZIP64 extra field one by one, undefined when there are no more. */
function zip64Extra(view: DataView, start: number, length: number): () => number | undefined {
  let [at, end] = [0, 0];
  for (let field = start; field + 4 <= start + length; field += 4 + view.getUint16(field + 2, true)) {
    if (view.getUint16(field, true) !== 1) continue;
    at = field + 4;
    end = Math.min(at + view.getUint16(field + 2, true), start + length);
  }
  return () => {
    if (at + 8 > end) return undefined;
    at += 8;
    return Number(view.getBigUint64(at - 8, true));
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fail(source: ByteSource, what: string): never {
  throw new TorchFileError(`Cannot read ${source.path} as a torch file: ${what}`, { path: source.path });
}
