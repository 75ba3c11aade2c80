import { joinBytes } from "../_join_bytes.ts";
import { DataType, type Field, Message, type Table, tableFromIPC } from "npm:apache-arrow@21.2.0";
import { DatasetError } from "../../compute/errors.ts";
import { type ByteSource, readBytes } from "../byte_source.ts";
import { type FileSource, openFile } from "../open_file.ts";
import { checkArrowMessage } from "./_check_arrow.ts";
import {
  IMAGE_COLUMN,
  LABEL_COLUMN,
  labelOf,
  type PictureTable,
  requireColumns,
  schemaClassNames,
} from "./_picture_table.ts";

/** Starts an Arrow IPC file; a stream starts with its first message. */
const FILE_MAGIC = "ARROW1";
/** Bytes before a file's first message: the magic, padded. */
const FILE_START = 8;
/** Comes before a message's length, since format version 0.15. */
const CONTINUATION = 0xffffffff;
/** More than any schema of a picture table; guards the allocation against a damaged length. */
const MAX_MESSAGE_BYTES = 64 << 20;

/** Rows that a byte of a record batch may hold. */
const MAX_ROWS_PER_BYTE = 8;

/** Where a record batch lies in the file, and which rows it holds. */
interface Batch {
  readonly offset: number;
  readonly bytes: number;
  /** Bytes from `offset` that come before the body. */
  readonly head: number;
  /** The label column's part of the body; undefined when only the whole batch can be read (compressed buffers). */
  readonly label: { readonly from: number; readonly to: number } | undefined;
  readonly start: number;
  readonly rows: number;
}

/** What comes before the batches, and the batches' places. */
interface ArrowIndex {
  readonly preamble: Uint8Array;
  readonly batches: readonly Batch[];
}

/**
 * Opens an Arrow IPC file or stream with the columns `image` and `label`.
 *
 * The messages' headers and the labels are read now; a picture is read with its record batch, of which the last one is
 * kept.
 *
 * @throws {DatasetError} If the file is not Arrow, is damaged or cut off, or lacks a column.
 */
export async function openArrowTable(path: string): Promise<PictureTable> {
  return await readArrowTable(await openFile(path));
}

/** The same of an open source, which is closed with the table, or now if it cannot be read. */
export async function readArrowTable(source: FileSource): Promise<PictureTable> {
  const { path } = source;
  try {
    const index = await indexBatches(source);
    const schema = tableFromIPC(index.preamble).schema;
    requireColumns(path, schema.fields.map(({ name }) => name));
    const table = new ArrowTable(source, index, schemaClassNames(schema.metadata.get("huggingface")));
    await table.readLabels();
    return table;
  } catch (cause) {
    source.close();
    if (cause instanceof DatasetError || cause instanceof Deno.errors.NotCapable) throw cause;
    const message = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new DatasetError(`Cannot read the Arrow file ${path}: ${message}`, { path }, { cause });
  }
}

/**
 * Walks the messages: length, metadata, body. Files hold the same messages as streams, between a magic and a footer.
 *
 * Source: Apache Arrow columnar format, "Encapsulated message format" and "IPC file format".
 */
async function indexBatches(source: ByteSource): Promise<ArrowIndex> {
  const magic = new TextDecoder("latin1").decode(await readBytes(source, 0, FILE_MAGIC.length));
  const isFile = magic === FILE_MAGIC;
  const preamble: Uint8Array[] = [];
  const batches: Batch[] = [];
  let fields: readonly Field[] | undefined;
  let start = 0;
  for (let offset = isFile ? FILE_START : 0; offset < source.size;) {
    const prefix = await readBytes(source, offset, 8);
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    if (prefix.length >= 4 && view.getUint32(0, true) === 0) break;
    if (prefix.length < 8 || view.getUint32(0, true) !== CONTINUATION) {
      throw new Error(`no message starts at byte ${offset}, expected an Arrow stream or file of version 0.15 or later`);
    }
    const length = view.getUint32(4, true);
    // A length of 0 ends the stream.
    if (length === 0) break;
    if (length > MAX_MESSAGE_BYTES) throw new Error(`the message at byte ${offset} claims ${length} bytes of metadata`);
    const metadata = await readBytes(source, offset + 8, length);
    checkArrowMessage(metadata);
    const message = Message.decode(metadata);
    // A negative length would lead back to messages that were read, for ever.
    if (!(Number.isSafeInteger(message.bodyLength) && message.bodyLength >= 0)) {
      throw new Error(`the message at byte ${offset} claims a body of ${message.bodyLength} bytes`);
    }
    const bytes = 8 + length + message.bodyLength;
    if (offset + bytes > source.size) {
      throw new Error(
        `it is cut off: the message at byte ${offset} needs ${bytes} bytes, ${source.size - offset} are left`,
      );
    }
    if (preamble.length === 0 && !message.isSchema()) throw new Error("it has no schema before its record batches");
    if (message.isRecordBatch()) {
      const { length: rows, buffers, compression } = message.header();
      // A row takes a bit at least of any column; pictures, which do not compress, take far more.
      if (!(rows >= 0 && rows <= MAX_ROWS_PER_BYTE * message.bodyLength)) {
        throw new Error(`the record batch at byte ${offset} claims ${rows} rows in ${message.bodyLength} bytes`);
      }
      const own = compression === null ? buffers.slice(...labelBuffers(fields ??= fieldsOf(preamble))) : [];
      const label = own.length === 0 ? undefined : {
        from: Math.min(...own.map(({ offset }) => offset)),
        to: Math.max(...own.map(({ offset, length }) => offset + length)),
      };
      batches.push({ offset, bytes, head: 8 + length, label, start, rows });
      start += rows;
    } else {
      preamble.push(await readBytes(source, offset, bytes));
    }
    offset += bytes;
  }
  if (preamble.length === 0) throw new Error("it holds no schema");
  return { preamble: joinBytes(preamble), batches };
}

function fieldsOf(preamble: readonly Uint8Array[]): readonly Field[] {
  return tableFromIPC(joinBytes(preamble)).schema.fields;
}

/** Which of a batch's buffers are the label column's: buffers come column by column, depth first. */
function labelBuffers(fields: readonly Field[]): [number, number] {
  let from = 0;
  for (const field of fields) {
    const to = from + buffersOf(field);
    if (field.name === LABEL_COLUMN) return [from, to];
    from = to;
  }
  return [0, 0];
}

/** How many buffers a column has, its children's included. Source: Apache Arrow columnar format, "Buffer listing". */
function buffersOf({ type }: Field): number {
  const children: readonly Field[] = DataType.isDictionary(type) ? [] : type.children ?? [];
  const own = DataType.isNull(type)
    ? 0
    : DataType.isStruct(type) || DataType.isFixedSizeList(type)
    ? 1
    : DataType.isBinary(type) || DataType.isUtf8(type) || DataType.isLargeBinary(type) || DataType.isLargeUtf8(type)
    ? 3
    : 2;
  return children.reduce((sum, child) => sum + buffersOf(child), own);
}

class ArrowTable implements PictureTable {
  readonly path: string;
  readonly labels: (number | string)[] = [];
  readonly classNames: readonly string[] | undefined;
  readonly #source: FileSource;
  readonly #index: ArrowIndex;
  /** The record batch that was read last. */
  #kept: { batch: Batch; table: Promise<Table> } | undefined;

  constructor(source: FileSource, index: ArrowIndex, classNames: readonly string[] | undefined) {
    this.path = source.path;
    this.classNames = classNames;
    this.#source = source;
    this.#index = index;
  }

  /** Reads every batch's labels, and of the pictures nothing: they are most of the file. */
  async readLabels(): Promise<void> {
    for (const batch of this.#index.batches) {
      const column = (await this.#read(batch, batch.label)).getChild(LABEL_COLUMN);
      for (let row = 0; row < batch.rows; row++) {
        this.labels.push(labelOf(column?.get(row), this.path, batch.start + row));
      }
    }
  }

  async image(row: number): Promise<unknown> {
    let kept = this.#kept;
    if (kept === undefined || row < kept.batch.start || row >= kept.batch.start + kept.batch.rows) {
      const batch = this.#index.batches.find(({ start, rows }) => row < start + rows);
      if (batch === undefined) throw new RangeError(`Cannot find row ${row} of ${this.path}`);
      kept = this.#kept = { batch, table: this.#read(batch) };
    }
    try {
      const cell = (await kept.table).getChild(IMAGE_COLUMN)?.get(row - kept.batch.start);
      return cell instanceof Uint8Array || cell === null ? cell : cell?.toJSON();
    } catch (cause) {
      this.#kept = undefined;
      const { start, rows } = kept.batch;
      throw new DatasetError(
        `Cannot read rows ${start} to ${start + rows - 1} of the Arrow file ${this.path}`,
        { path: this.path },
        { cause },
      );
    }
  }

  /** Reads a batch; with `part`, only that part of its body, the rest staying zero. */
  async #read(batch: Batch, part = { from: 0, to: batch.bytes - batch.head }): Promise<Table> {
    const { preamble } = this.#index;
    const bytes = new Uint8Array(preamble.length + batch.bytes);
    bytes.set(preamble);
    await this.#source.readInto(bytes.subarray(preamble.length, preamble.length + batch.head), batch.offset);
    const body = preamble.length + batch.head;
    await this.#source.readInto(
      bytes.subarray(body + part.from, body + part.to),
      batch.offset + batch.head + part.from,
    );
    return tableFromIPC(bytes);
  }

  close(): void {
    this.#kept = undefined;
    this.#source.close();
  }
}
