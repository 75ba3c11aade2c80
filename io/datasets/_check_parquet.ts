/**
 * Looks a Parquet file over before the library decodes it.
 *
 * The library trusts what a file says of itself: a run of 2^31 equal values in a page of ten bytes is written out in full,
 * and a page may claim any size. What its loops and allocations depend on is checked here against the bytes that there are.
 *
 * Source: Apache Parquet's `parquet.thrift`, and "Encodings" for the runs of the RLE/bit-packing hybrid.
 * @module
 */
import { IMAGE_COLUMN, LABEL_COLUMN } from "./_picture_table.ts";
import { readThrift, type Thrift } from "./_thrift.ts";

/** Elements of a schema, root and groups included. */
const MAX_SCHEMA = 4096;
/** Rows that even the smallest file may have: pictures may be missing from all of them. */
const FREE_ROWS = 1 << 16;
/** The best that any of the codecs does, brotli and zstd: more means a bomb. */
const MAX_RATIO = 1 << 15;
/** A bit-packed run is padded, to 504 values in the largest. */
const PADDING = 512;
/** Indices into a dictionary of 16 million values. */
const MAX_INDEX_BITS = 24;
/** Page types and encodings, by number. */
const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3];
const [PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY] = [0, 2, 3, 8];

/** What is looked at of the metadata that the library parses. */
export interface CheckedMetadata {
  readonly schema: readonly {
    readonly name: string;
    readonly type?: string;
    readonly num_children?: number;
    readonly repetition_type?: string;
    readonly logical_type?: { readonly type: string };
  }[];
  readonly row_groups: readonly {
    readonly num_rows: bigint;
    readonly columns: readonly {
      readonly meta_data?: {
        readonly path_in_schema: readonly string[];
        readonly codec: string;
        readonly total_compressed_size: bigint;
        readonly data_page_offset: bigint;
        readonly dictionary_page_offset?: bigint;
      };
    }[];
  }[];
}

/** Inflates a page, as the library's own table of codecs does. */
export type Inflate = (bytes: Uint8Array, size: number) => Uint8Array;

/** A column chunk that will be read. */
export interface CheckedColumn {
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  readonly codec: string;
  /** Largest definition level: how many of its path are optional. */
  readonly levels: number;
  readonly isBoolean: boolean;
}

/**
 * Checks the metadata, and lists the chunks of the two columns.
 *
 * @throws {Error} If the columns are not of a shape that pictures and labels have, or rows or bytes are claimed that a file
 *   of `size` bytes cannot hold.
 */
export function checkLayout(metadata: CheckedMetadata, size: number): CheckedColumn[] {
  const { schema } = metadata;
  if (schema.length > MAX_SCHEMA) throw new Error(`its schema has ${schema.length} elements`);
  const leaves = leavesOf(metadata);
  let [rows, stored] = [0, 0];
  const columns: CheckedColumn[] = [];
  for (const group of metadata.row_groups) {
    rows += count(group.num_rows, "rows of a group");
    for (const column of group.columns) {
      const meta = column.meta_data;
      const leaf = leaves.get(meta?.path_in_schema.join("\0") ?? "");
      if (meta === undefined || leaf === undefined) {
        // The library throws in the middle of reading then, and leaves promises that reject with nobody waiting.
        const top = meta?.path_in_schema[0];
        if (top === IMAGE_COLUMN || top === LABEL_COLUMN) {
          throw new Error(`it has data of ${top} that is not in its schema`);
        }
        continue;
      }
      const start = count(meta.dictionary_page_offset || meta.data_page_offset, "offset of a column");
      const bytes = count(meta.total_compressed_size, "size of a column");
      if (start + bytes > size) throw new Error(`a column claims ${bytes} bytes at ${start} of ${size}`);
      stored += bytes;
      columns.push({ start, end: start + bytes, rows: Number(group.num_rows), codec: meta.codec, ...leaf });
    }
  }
  if (rows > size + FREE_ROWS) throw new Error(`it claims ${rows} rows in ${size} bytes`);
  if (stored > size) throw new Error(`its columns claim ${stored} bytes of ${size}`);
  return columns;
}

/** Leaves below the two columns: a plain column, or a struct of plain columns. */
function leavesOf({ schema }: CheckedMetadata): Map<string, { levels: number; isBoolean: boolean }> {
  const leaves = new Map<string, { levels: number; isBoolean: boolean }>();
  const walk = (at: number, path: readonly string[], levels: number): number => {
    const element = schema[at];
    if (element === undefined || path.length > 24) throw new Error("its schema is damaged");
    const isOurs = path[0] === IMAGE_COLUMN || path[0] === LABEL_COLUMN;
    if (
      isOurs && (element.repetition_type === "REPEATED" || element.logical_type?.type === "VARIANT" || path.length > 2)
    ) {
      throw new Error(`its column ${path[0]} is nested, expected bytes, or a struct of bytes and path`);
    }
    const below = levels + (path.length > 0 && element.repetition_type === "OPTIONAL" ? 1 : 0);
    const children = element.num_children ?? 0;
    if (isOurs && !(children > 0)) {
      leaves.set(path.join("\0"), { levels: below, isBoolean: element.type === "BOOLEAN" });
    }
    let next = at + 1;
    for (let i = 0; i < children; i++) next = walk(next, [...path, schema[next]?.name ?? ""], below);
    return next;
  };
  walk(0, [], 0);
  return leaves;
}

/**
 * Checks the pages in a part of a file that the library is about to decode.
 *
 * @param bytes Pages, whole ones from the first byte on.
 * @throws {Error} If a page leaves the bytes, claims values that the column cannot have, or inflates too much.
 */
export function checkPages(bytes: Uint8Array, column: CheckedColumn, inflate: Inflate | undefined): void {
  let left = column.rows;
  for (let at = 0; at < bytes.length - 1;) {
    const { fields, end } = readThrift(bytes, at);
    const [type, plainBytes, storedBytes] = [1, 2, 3].map((field) => count(fields.get(field), "size of a page"));
    at = end + storedBytes;
    if (at > bytes.length) throw new Error(`a page claims ${storedBytes} bytes, ${bytes.length - end} are left`);
    if (plainBytes > MAX_RATIO * storedBytes + MAX_RATIO) {
      throw new Error(`a page claims to inflate from ${storedBytes} bytes to ${plainBytes}`);
    }
    const stored = bytes.subarray(end, at);
    const isPlain = column.codec === "UNCOMPRESSED";
    const open = (part: Uint8Array, size: number): Uint8Array => isPlain || !inflate ? part : inflate(part, size);
    const struct = fields.get(type === DATA_PAGE ? 5 : type === DICTIONARY_PAGE ? 7 : 8) as Thrift | undefined;
    if (![DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2].includes(type) || !(struct instanceof Map)) {
      throw new Error(`a page is of type ${type}`);
    }
    const values = count(struct.get(1), "values of a page");
    if (type === DICTIONARY_PAGE) {
      // Plain values; of these a boolean is the shortest.
      if (values > 8 * plainBytes) throw new Error(`a dictionary claims ${values} values in ${plainBytes} bytes`);
      continue;
    }
    left -= values;
    if (left < 0) throw new Error(`its pages claim more than the ${column.rows} values of their row group`);
    const encoding = count(struct.get(type === DATA_PAGE ? 2 : 4), "encoding of a page");
    if (type === DATA_PAGE) {
      const page = open(stored, plainBytes);
      const runs = column.levels === 0 ? 0 : prefixedRuns(page, 0, { values, width: bits(column.levels) });
      checkValues(page, runs, { encoding, values, isBoolean: column.isBoolean });
    } else {
      const [levels, repeats] = [count(struct.get(5), "levels"), count(struct.get(6), "levels")];
      if (count(struct.get(2) ?? 0, "nulls") > values || count(struct.get(3), "rows") > column.rows || repeats !== 0) {
        throw new Error("a page has more nulls or rows than values, or repeats");
      }
      if (levels > stored.length || levels > plainBytes) throw new Error(`a page claims ${levels} bytes of levels`);
      if (column.levels > 0) checkRuns(stored, 0, { values, width: bits(column.levels) });
      const body = stored.subarray(levels);
      const isStored = struct.get(7) === 0;
      checkValues(isStored ? body : open(body, plainBytes - levels), 0, {
        encoding,
        values,
        isBoolean: column.isBoolean,
        isV2: true,
      });
    }
  }
}

function checkValues(
  page: Uint8Array,
  at: number,
  facts: { encoding: number; values: number; isBoolean: boolean; isV2?: boolean },
): void {
  const { encoding, values, isBoolean } = facts;
  if (encoding === PLAIN) return;
  if (![PLAIN_DICTIONARY, RLE, RLE_DICTIONARY].includes(encoding)) {
    throw new Error(`a page of pictures or labels has encoding ${encoding}, expected plain or dictionary`);
  }
  if (facts.isV2 ? encoding === RLE : isBoolean) return void prefixedRuns(page, at, { values, width: 1 });
  if (at >= page.length) return;
  const width = page[at];
  if (width > MAX_INDEX_BITS) throw new Error(`a page claims indices of ${width} bits`);
  // A dictionary of one value: the first version's pages hold no runs then.
  if (width === 0 && !facts.isV2) return;
  checkRuns(page, at + 1, { values, width });
}

/** Runs led by their length in bytes; returns where they end. */
function prefixedRuns(page: Uint8Array, at: number, facts: { values: number; width: number }): number {
  if (at + 4 > page.length) throw new Error("a page is cut off");
  const length = new DataView(page.buffer, page.byteOffset).getUint32(at, true);
  checkRuns(page, at + 4, facts);
  return at + 4 + length;
}

/** No run may be longer than the values there can be. */
function checkRuns(page: Uint8Array, start: number, { values, width }: { values: number; width: number }): void {
  for (let at = start, seen = 0; seen < values && at < page.length;) {
    let head = 0;
    for (let shift = 0;; shift += 7) {
      if (shift > 28) throw new Error("a run's length is overlong");
      const piece = page[at++] ?? 0;
      head += (piece & 0x7f) * 2 ** shift;
      if (piece < 0x80) break;
    }
    const packed = head % 2 === 1;
    const length = Math.floor(head / 2) * (packed ? 8 : 1);
    if (length === 0 || (packed && width === 0)) throw new Error("a run is empty");
    if (length > values + PADDING || head > 0x7fffffff) throw new Error(`a run claims ${length} of ${values} values`);
    at += packed ? length / 8 * width : Math.ceil(width / 8);
    seen += length;
  }
}

/** Bits that hold 0 … `value`. */
function bits(value: number): number {
  return 32 - Math.clz32(value);
}

function count(value: unknown, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`the ${what} is ${value}`);
  return number;
}

/** Which chunk a part of the file belongs to: pages of it begin at the part's first byte, or at its own. */
export function partsOf(
  columns: readonly CheckedColumn[],
  start: number,
  end: number,
): { column: CheckedColumn; from: number; to: number }[] {
  return columns.filter((column) => column.start < end && column.end > start).map((column) => ({
    column,
    from: Math.max(start, column.start) - start,
    to: Math.min(end, column.end) - start,
  }));
}
