/**
 * Writes tables as Parquet, a group of rows at a time. The only file that names the package that encodes them.
 * @module
 */
import {
  ByteWriter,
  type ColumnSource,
  parquetWriteBuffer,
  ParquetWriter,
  type SchemaElement,
} from "npm:hyparquet-writer@0.17.0";
import { atomicWrite, type FileOutput } from "./atomic_write.ts";

export { type ColumnSource, parquetWriteBuffer };

/** Rows of a group: readers skip and load by group, and no more than one is in memory here. */
const GROUP_ROWS = 1024;

/** Name of the entry in a file's metadata that says, as JSON, what the table was made from. */
export const TABLE_METADATA_KEY = "saev-visuals";

/** A cell's type: `int64` and lists of it are read from numbers, `uint32` holds image and patch indices. */
export type CellType = "int32" | "uint32" | "int64" | "float32" | "float64" | "bool" | "text";

/** One column. A cell that is `null` is absent: NaN and infinities are `null` to the caller, as SQL has no use for them. */
export type TableColumn =
  | {
    readonly name: string;
    readonly type: CellType;
    readonly cell: (row: number) => number | boolean | string | null;
  }
  | {
    readonly name: string;
    readonly list: Exclude<CellType, "text" | "bool">;
    readonly cell: (row: number) => ArrayLike<number>;
  }
  | { readonly name: string; readonly list: "text"; readonly cell: (row: number) => readonly string[] };

/** A table. */
export interface Table {
  /** How many rows. */
  readonly rows: number;
  /** Its columns, in order. */
  readonly columns: readonly TableColumn[];
  /** What it was made from; goes into the file's metadata as JSON under {@linkcode TABLE_METADATA_KEY}. */
  readonly facts: Readonly<Record<string, unknown>>;
}

type Element = Omit<SchemaElement, "name">;

const ELEMENTS: Readonly<Record<CellType, Element>> = {
  int32: { type: "INT32" },
  uint32: { type: "INT32", converted_type: "UINT_32" },
  int64: { type: "INT64" },
  float32: { type: "FLOAT" },
  float64: { type: "DOUBLE" },
  bool: { type: "BOOLEAN" },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
};

/**
 * Writes a table atomically, in groups of 1,024 rows: memory stays flat however many rows there are. Text and booleans are
 * compressed (Snappy).
 *
 * Plain columns are optional (`null` cells), lists and their elements required. The bytes depend on the cells alone.
 *
 * @param flushes See `atomicWrite`.
 * @throws {ArtifactError} If the file cannot be written.
 *
 * @example
 * ```ts
 * import { writeTable } from "./write_table.ts";
 * const columns = [{ name: "square", type: "int64", cell: (row: number) => row * row }] as const;
 * await writeTable("tests/tmp/example.parquet", { rows: 10, columns, facts: {} });
 * await Deno.remove("tests/tmp/example.parquet");
 * ```
 */
export async function writeTable(path: string, table: Table, flushes?: Promise<void>[]): Promise<void> {
  await atomicWrite(path, (output) => streamTable(output, table), flushes);
}

async function streamTable(output: FileOutput, { rows, columns, facts }: Table): Promise<void> {
  const bytes = new ByteWriter(1 << 16);
  const flush = async (): Promise<void> => {
    await output.write(bytes.getBytes());
    bytes.index = 0;
  };
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns),
    createdBy: "saev-visuals",
    kvMetadata: [{ key: TABLE_METADATA_KEY, value: JSON.stringify(facts) }],
  });
  for (let first = 0; first < rows; first += GROUP_ROWS) {
    const count = Math.min(GROUP_ROWS, rows - first);
    writer.write({ columnData: columns.map((column) => dataOf(column, first, count)), rowGroupSize: count });
    await flush();
  }
  writer.finish();
  await flush();
}

function schemaOf(columns: readonly TableColumn[]): SchemaElement[] {
  const schema: SchemaElement[] = [{ name: "table", num_children: columns.length }];
  for (const column of columns) {
    const { name } = column;
    if ("type" in column) schema.push({ name, ...ELEMENTS[column.type], repetition_type: "OPTIONAL" });
    else {
      schema.push(
        { name, repetition_type: "REQUIRED", converted_type: "LIST", num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", ...ELEMENTS[column.list], repetition_type: "REQUIRED" },
      );
    }
  }
  return schema;
}

function dataOf(column: TableColumn, first: number, count: number): ColumnSource {
  const type = "type" in column ? column.type : column.list;
  const data: unknown[] = new Array(count);
  for (let i = 0; i < count; i++) {
    const cell = column.cell(first + i);
    if ("list" in column) data[i] = listOf(cell as ArrayLike<unknown>, type === "int64");
    else data[i] = type === "int64" && cell !== null ? BigInt(cell as number) : cell;
  }
  if (type === "text" || type === "bool") return { name: column.name, data };
  // Dictionaries and compression of numbers take a twelfth off a table of latents, and a third of its time.
  const plain = { name: column.name, data, encoding: "PLAIN", codec: "UNCOMPRESSED" } as const;
  return "type" in column ? plain : { ...plain, statistics: false, offsetIndex: false };
}

/** A plain array of the elements; a loop, as `Array.from` takes ten times as long for typed arrays. */
function listOf(cell: ArrayLike<unknown>, isWide: boolean): unknown[] {
  const list: unknown[] = new Array(cell.length);
  for (let i = 0; i < cell.length; i++) list[i] = isWide ? BigInt(cell[i] as number) : cell[i];
  return list;
}
