import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "npm:hyparquet@1.31.5";
import { compressors } from "npm:hyparquet-compressors@1.1.2";
import { DatasetError } from "../../compute/errors.ts";
import { type ByteSource, readBytes } from "../byte_source.ts";
import { type FileSource, openFile } from "../open_file.ts";
import { type CheckedColumn, checkLayout, checkPages, partsOf } from "./_check_parquet.ts";
import {
  IMAGE_COLUMN,
  LABEL_COLUMN,
  labelOf,
  type PictureTable,
  requireColumns,
  schemaClassNames,
} from "./_picture_table.ts";
import { readThrift } from "./_thrift.ts";

/** Bytes at a file's end: the length of its metadata, and the magic. */
const TAIL_BYTES = 8;

/**
 * Opens a Parquet file with the columns `image` and `label`.
 *
 * The labels are read now. A picture is read by its page alone when the file has an offset index (written by recent
 * versions of Hugging Face's datasets), else with its row group, of which the last one is kept.
 *
 * @throws {DatasetError} If the file is not Parquet, is damaged, or lacks a column.
 */
export async function openParquetTable(path: string): Promise<PictureTable> {
  return await readParquetTable(await openFile(path));
}

/** The same of an open source, which is closed with the table, or now if it cannot be read. */
export async function readParquetTable(source: FileSource): Promise<PictureTable> {
  const { path } = source;
  try {
    const columns: CheckedColumn[] = [];
    const file = asyncBuffer(source, columns);
    await checkFooter(source);
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    columns.push(...checkLayout(metadata, source.size));
    const top = topColumns(metadata);
    requireColumns(path, top);
    const labels = (await parquetReadObjects({ file, metadata, columns: [LABEL_COLUMN], compressors }))
      .map((row, i) => labelOf(row[LABEL_COLUMN], path, i));
    const huggingface = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
    return new ParquetTable(source, { path, labels, classNames: schemaClassNames(huggingface), file, metadata });
  } catch (cause) {
    source.close();
    if (cause instanceof DatasetError || cause instanceof Deno.errors.NotCapable) throw cause;
    throw new DatasetError(`Cannot read the Parquet file ${path}: ${messageOf(cause)}`, { path }, { cause });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
}

/** Names of the schema's top level: the root is element 0, and a group's children follow it. */
function topColumns(metadata: FileMetaData): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = (): void => {
    const children = metadata.schema[at++].num_children ?? 0;
    for (let i = 0; i < children; i++) skip();
  };
  for (let i = 0; i < (metadata.schema[0].num_children ?? 0); i++) {
    names.push(metadata.schema[at].name);
    skip();
  }
  return names;
}

/** Reads the metadata once with limits, so that the library meets none that would keep it busy for ever. */
async function checkFooter(source: ByteSource): Promise<void> {
  const tail = await readBytes(source, Math.max(0, source.size - TAIL_BYTES), TAIL_BYTES);
  if (tail.length < TAIL_BYTES) throw new Error(`it holds only ${source.size} bytes`);
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  const start = source.size - TAIL_BYTES - length;
  if (start < 0) throw new Error(`its metadata claims ${length} bytes of ${source.size}`);
  readThrift(await readBytes(source, start, length), 0);
}

/** @param columns What is read of these is looked over first. */
function asyncBuffer(source: ByteSource, columns: readonly CheckedColumn[]): AsyncBuffer {
  return {
    byteLength: source.size,
    slice: (start: number, end: number = source.size): Promise<ArrayBuffer> => {
      const read = readChecked(start, end);
      // The library fetches ahead, and forgets what it fetched when another part is damaged: that is no unhandled rejection.
      read.catch(() => {});
      return read;
    },
  };
  async function readChecked(start: number, end: number): Promise<ArrayBuffer> {
    const bytes = await readBytes(source, start, end - start);
    if (bytes.length < end - start) throw new Error(`it ends at byte ${source.size}, before byte ${end}`);
    for (const { column, from, to } of partsOf(columns, start, end)) {
      checkPages(bytes.subarray(from, to), column, compressors[column.codec as keyof typeof compressors]);
    }
    return bytes.buffer as ArrayBuffer;
  }
}

interface ParquetFacts {
  readonly path: string;
  readonly labels: readonly (number | string)[];
  readonly classNames: readonly string[] | undefined;
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
}

class ParquetTable implements PictureTable {
  readonly path: string;
  readonly labels: readonly (number | string)[];
  readonly classNames: readonly string[] | undefined;
  readonly #source: FileSource;
  readonly #facts: ParquetFacts;
  /** Rows of the row group that was read last. */
  #kept: { start: number; end: number; rows: Promise<Record<string, unknown>[]> } | undefined;

  constructor(source: FileSource, facts: ParquetFacts) {
    this.#source = source;
    this.#facts = facts;
    this.path = facts.path;
    this.labels = facts.labels;
    this.classNames = facts.classNames;
  }

  async image(row: number): Promise<unknown> {
    if (this.#kept === undefined || row < this.#kept.start || row >= this.#kept.end) {
      const { start, end, indexed } = this.#groupOf(row);
      const range = indexed ? { start: row, end: row + 1 } : { start, end };
      this.#kept = { ...range, rows: this.#read(range.start, range.end) };
    }
    const { start, rows } = this.#kept;
    return (await rows)[row - start][IMAGE_COLUMN];
  }

  #groupOf(row: number): { start: number; end: number; indexed: boolean } {
    let start = 0;
    for (const group of this.#facts.metadata.row_groups) {
      const end = start + Number(group.num_rows);
      if (row < end) {
        const parts = group.columns.filter(({ meta_data }) => meta_data?.path_in_schema[0] === IMAGE_COLUMN);
        return { start, end, indexed: parts.every(({ offset_index_offset }) => offset_index_offset !== undefined) };
      }
      start = end;
    }
    throw new RangeError(`Cannot find row ${row} of ${this.path}, which has ${start} rows`);
  }

  async #read(rowStart: number, rowEnd: number): Promise<Record<string, unknown>[]> {
    try {
      const { file, metadata } = this.#facts;
      // utf8 off: a bare byte array is a picture, not text.
      const options = { file, metadata, rowStart, rowEnd, columns: [IMAGE_COLUMN], compressors, utf8: false };
      return await parquetReadObjects({ ...options, useOffsetIndex: true });
    } catch (cause) {
      this.#kept = undefined;
      throw new DatasetError(
        `Cannot read rows ${rowStart} to ${rowEnd - 1} of the Parquet file ${this.path}: ${messageOf(cause)}`,
        { path: this.path },
        { cause },
      );
    }
  }

  close(): void {
    this.#kept = undefined;
    this.#source.close();
  }
}
