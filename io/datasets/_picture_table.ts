import { DatasetError, PictureError } from "../../compute/errors.ts";

/** One table file: labels in memory, pictures read row by row. */
export interface PictureTable {
  /** The file. */
  readonly path: string;
  /** Each row's label: an index into the class names, or a word. */
  readonly labels: readonly (number | string)[];
  /** Class names from the file's own schema, when it has them. */
  readonly classNames: readonly string[] | undefined;
  /** The `image` cell of a row, as the file's reader gives it. */
  image(row: number): Promise<unknown>;
  /** Closes the file. Idempotent. */
  close(): void;
}

/** Columns that a picture table must have. */
export const IMAGE_COLUMN = "image";
/** See {@linkcode IMAGE_COLUMN}. */
export const LABEL_COLUMN = "label";

/** Refuses a table without the two columns. */
export function requireColumns(path: string, columns: readonly string[]): void {
  for (const column of [IMAGE_COLUMN, LABEL_COLUMN]) {
    if (!columns.includes(column)) {
      throw new DatasetError(
        `Cannot read pictures from ${path}: it has no column "${column}", its columns are ${columns.join(", ")}`,
        { path },
      );
    }
  }
}

/** A label cell as a number or a word; whole numbers may come as BigInt. */
export function labelOf(cell: unknown, path: string, row: number): number | string {
  if (typeof cell === "bigint") return Number(cell);
  if (typeof cell === "number" || typeof cell === "string") return cell;
  // Test splits may have no labels at all.
  if (cell === null || cell === undefined) return -1;
  throw new DatasetError(`Cannot read the label in row ${row} of ${path}: found a ${typeof cell}`, { path });
}

/** The encoded picture in an `image` cell: a struct with `bytes`, or the bytes themselves. */
export function imageBytes(cell: unknown, name: string): Uint8Array {
  const found = cell instanceof Uint8Array ? cell : fieldOf(cell, "bytes");
  // A copy: the caller may hand its buffer to a worker, and the table's own serves other rows too.
  if (found instanceof Uint8Array && found.length > 0) return found.slice();
  const path = fieldOf(cell, "path");
  throw new PictureError(
    `Cannot read picture ${name}: its row holds no bytes` + (typeof path === "string" ? `, only the path ${path}` : ""),
    { path: name },
  );
}

function fieldOf(cell: unknown, field: string): unknown {
  return typeof cell === "object" && cell !== null ? (cell as Record<string, unknown>)[field] : undefined;
}

/**
 * Class names in the `features` that Hugging Face's datasets library stores as JSON: `label.names` of a ClassLabel.
 *
 * Undefined when there are none, or the text is not what the library writes: labels then stay numbers.
 */
export function classNamesOf(features: unknown): readonly string[] | undefined {
  const label = fieldOf(features, LABEL_COLUMN);
  const names = fieldOf(label, "names");
  return Array.isArray(names) && names.every((name) => typeof name === "string") ? names : undefined;
}

/** {@linkcode classNamesOf} the value of a schema's `huggingface` entry. */
export function schemaClassNames(json: string | undefined): readonly string[] | undefined {
  if (json === undefined) return undefined;
  try {
    return classNamesOf(fieldOf(fieldOf(JSON.parse(json), "info"), "features"));
  } catch {
    return undefined;
  }
}
