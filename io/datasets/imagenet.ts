/**
 * Pictures in tables on disk, as Hugging Face's datasets library downloads or saves them.
 * @module
 */
import { DatasetError } from "../../compute/errors.ts";
import { isDirectory, readSmallFile } from "../open_file.ts";
import { classNamesOf, imageBytes, type PictureTable } from "./_picture_table.ts";
import { checkWithin, listEntries, requireDirectory } from "./_walk_files.ts";
import { checkIndex, type PictureSource } from "./picture_source.ts";

/** A dataset_info.json lists at most some thousand class names. */
const MAX_INFO_BYTES = 64 << 20;

/**
 * Opens Parquet or Arrow tables with the columns `image` (`{bytes, path}`, or bytes) and `label`.
 *
 * Tables are looked for in `root/<split>`, in `root` and in `root/data`, in this order. In the last two a table is of
 * the split that its name carries (`train-00000-of-00010.parquet`, `imagenet-1k-train-00000-of-00257.arrow`); tables
 * whose name carries no split at all (`data-00000-of-00002.arrow`) are taken when there is nothing else. Their order
 * is their names' code-point order; the rows' order is the tables'. A label is its class name if the schema, or a
 * `dataset_info.json` beside the tables, has the names; else the number itself.
 *
 * @param root The directory.
 * @param split The split's name, for example `train` or `validation`.
 * @returns The pictures. Labels are in memory; pictures are read when asked for.
 * @throws {DatasetError} If the root or the split is missing, or a table is damaged or lacks a column.
 *
 * Source: the file names of Hugging Face's datasets library and Hub (`builder.py`, `data_files.py`).
 */
export async function openImagenet(root: string, split: string): Promise<PictureSource> {
  await requireDirectory(root, "the picture tables");
  const { directory, files } = await findTables(root, split);
  const tables: PictureTable[] = [];
  try {
    for (const file of files) tables.push(await openTable(`${directory}/${file}`));
    const names = tables.find(({ classNames }) => classNames)?.classNames ?? await infoClassNames(root, directory);
    return tableSource(root, tables, names);
  } catch (error) {
    for (const table of tables) table.close();
    throw error;
  }
}

/** Loads a format's reader only when a file of that format is there. */
async function openTable(path: string): Promise<PictureTable> {
  if (path.endsWith(".parquet")) {
    const { openParquetTable } = await import("./_parquet_table.ts");
    return await openParquetTable(path);
  }
  const { openArrowTable } = await import("./_arrow_table.ts");
  return await openArrowTable(path);
}

/** The directory and the table names of a split. */
async function findTables(root: string, split: string): Promise<{ directory: string; files: string[] }> {
  const seen: string[] = [];
  for (const [directory, named] of [[`${root}/${split}`, false], [root, true], [`${root}/data`, true]] as const) {
    if (!await isDirectory(directory)) continue;
    const tables = oneFormat((await listEntries(directory, root)).files);
    const files = named ? ofSplit(tables, split) : tables;
    if (files.length > 0) return { directory, files };
    seen.push(...tables);
  }
  throw new DatasetError(
    `Cannot find tables of the split "${split}" in ${root}: expected files such as ${split}-00000-of-00001.parquet, ` +
      (seen.length > 0 ? `found ${seen.slice(0, 3).join(", ")}` : "found no .parquet or .arrow file"),
    { path: root },
  );
}

/** Parquet files, or Arrow files when there are none; the library's cache and temporary files are no data. */
function oneFormat(files: readonly string[]): string[] {
  const data = files.filter((file) => !/^(cache-|tmp|\.)/.test(file));
  const parquet = data.filter((file) => file.endsWith(".parquet"));
  return parquet.length > 0 ? parquet : data.filter((file) => file.endsWith(".arrow"));
}

/** Files whose name carries the split; or all of them, when no name carries any. */
function ofSplit(files: readonly string[], split: string): string[] {
  const named = files.filter((file) => splitOf(file)?.split(/[-_.]/).includes(split) || splitOf(file) === split);
  if (named.length > 0) return named;
  return files.every((file) => ["", "data"].includes(splitOf(file) ?? "")) ? [...files] : [];
}

/** A table's name without its number and extension: `imagenet-1k-train` of `imagenet-1k-train-00000-of-00257.arrow`. */
function splitOf(file: string): string | undefined {
  return /^(.*?)[-_.]?(?:\d+-of-\d+(?:-[0-9a-f]+)?)?\.(?:parquet|arrow)$/.exec(file)?.[1];
}

async function infoClassNames(root: string, directory: string): Promise<readonly string[] | undefined> {
  await checkWithin(root, `${directory}/dataset_info.json`);
  const bytes = await readSmallFile(`${directory}/dataset_info.json`, MAX_INFO_BYTES, DatasetError);
  if (bytes === undefined) return undefined;
  try {
    return classNamesOf(JSON.parse(new TextDecoder().decode(bytes)).features);
  } catch (cause) {
    const path = `${directory}/dataset_info.json`;
    throw new DatasetError(`Cannot read the class names: ${path} is not JSON`, { path }, { cause });
  }
}

/** Tables end to end as one list of pictures. */
function tableSource(root: string, tables: PictureTable[], names: readonly string[] | undefined): PictureSource {
  const starts: number[] = [];
  let length = 0;
  for (const { labels } of tables) {
    starts.push(length);
    length += labels.length;
  }
  if (length === 0) throw new DatasetError(`Cannot find pictures in ${root}: its tables have no rows`, { path: root });
  const find = (i: number): { table: PictureTable; row: number } => {
    checkIndex(i, length);
    // A table without rows starts where the next one does, so the last start at or below i is a table that holds it.
    const at = starts.findLastIndex((start) => start <= i);
    return { table: tables[at], row: i - starts[at] };
  };
  const name = (i: number): string => {
    const { table, row } = find(i);
    return `${table.path.slice(root.length + 1)}#${row}`;
  };
  return {
    length,
    name,
    label: (i: number): string => {
      const { table, row } = find(i);
      const label = table.labels[row];
      return typeof label === "string" ? label : names?.[label] ?? String(label);
    },
    bytes: async (i: number): Promise<Uint8Array> => {
      const { table, row } = find(i);
      return imageBytes(await table.image(row), name(i));
    },
    close: (): void => {
      for (const table of tables) table.close();
    },
  };
}
