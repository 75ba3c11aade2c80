import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { writeCsr } from "../../io/write_csr.ts";
import { writeTable } from "../../io/write_table.ts";
import { smallDemo } from "../visuals/_jobs.ts";
import { dumpActivations } from "../../visuals.ts";
import { inTemporary } from "../io/_temporary.ts";

// pandas' Parquet engines, polars and DuckDB are no Debian packages: `.ci/run` makes this environment with pip.
const PYTHON = ".venv/bin/python";
const SCRIPT = "tests/python/read_tables.py";

async function python(...args: string[]): Promise<{ stdout: string; error: string | undefined }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(PYTHON, { args }).output();
    const text = new TextDecoder();
    return { stdout: text.decode(stdout), error: success ? undefined : text.decode(stderr) };
  } catch (error) {
    return { stdout: "", error: String(error) };
  }
}

const missing = (await python("-c", "import duckdb, pandas, polars, pyarrow, scipy.sparse")).error;
if (missing !== undefined) {
  const reason = missing.trim().split("\n").at(-1);
  // deno-lint-ignore no-console -- a test that is left out has to say why
  console.log(`left out: ${PYTHON} with pandas, pyarrow, polars, duckdb and scipy (see .ci/run): ${reason}`);
}

const permissions: Deno.PermissionOptions = { read: ["."], write: ["tests/tmp"], run: [PYTHON] };

/** Registered where the readers are: a registry that is out of reach is no fault of the project. */
function withReaders(name: string, fn: (directory: string) => Promise<void>): void {
  if (missing === undefined) Deno.test({ name, permissions, fn: () => inTemporary(fn) });
}

interface Read {
  readonly columns: string[];
  readonly rows: unknown[][];
}

async function readers(path: string): Promise<{ pandas: Read; polars: Read; duckdb: Read; types: string[] }> {
  const { stdout, error } = await python(SCRIPT, path);
  strictEqual(error, undefined);
  return JSON.parse(stdout);
}

withReaders("pandas, polars and DuckDB read every type of cell that writeTable() writes", async (directory) => {
  const path = `${directory}/all.parquet`;
  const lists = [[], [2 ** 32 - 1], [0, 7, 7]];
  const rows = 2500;
  await writeTable(path, {
    rows,
    facts: { of: "a test" },
    columns: [
      { name: "i32", type: "int32", cell: (row) => row - 5 },
      { name: "u32", type: "uint32", cell: (row) => row % 2 === 0 ? 2 ** 32 - 1 - row : null },
      { name: "i64", type: "int64", cell: (row) => row * 2 ** 40 },
      { name: "f32", type: "float32", cell: (row) => row % 3 === 0 ? null : Math.fround(row / 7) },
      { name: "f64", type: "float64", cell: (row) => row / 7 },
      { name: "flag", type: "bool", cell: (row) => row % 5 === 0 },
      { name: "text", type: "text", cell: (row) => row % 4 === 0 ? null : `é ${row}` },
      { name: "list", list: "uint32", cell: (row) => lists[row % 3] },
      { name: "floats", list: "float32", cell: (row) => Float32Array.of(row / 3, 1) },
      { name: "wide", list: "int64", cell: (row) => [row, 2 ** 33] },
      { name: "names", list: "text", cell: (row) => row % 2 === 0 ? [] : ["a", `${row}`] },
    ],
  });
  const found = await readers(path);
  deepStrictEqual(found.types, [
    "INTEGER",
    "UINTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "BOOLEAN",
    "VARCHAR",
    "UINTEGER[]",
    "FLOAT[]",
    "BIGINT[]",
    "VARCHAR[]",
  ]);
  const expected = Array.from({ length: rows }, (_, row) => [
    row - 5,
    row % 2 === 0 ? 2 ** 32 - 1 - row : null,
    row * 2 ** 40,
    row % 3 === 0 ? null : Math.fround(row / 7),
    row / 7,
    row % 5 === 0,
    row % 4 === 0 ? null : `é ${row}`,
    lists[row % 3],
    [Math.fround(row / 3), 1],
    [row, 2 ** 33],
    row % 2 === 0 ? [] : ["a", `${row}`],
  ]);
  for (const reader of ["pandas", "polars", "duckdb"] as const) {
    strictEqual(found[reader].rows.length, rows, reader);
    deepStrictEqual(found[reader].rows, expected, reader);
  }
});

withReaders("pandas, polars and DuckDB read latents.parquet, and scipy token_acts.npz, of a job", async (directory) => {
  const config = smallDemo(directory, { export: ["npz"], nLatents: 0 });
  const { directory: artifacts } = await dumpActivations(config);
  const { pandas, polars, duckdb } = await readers(`${artifacts}/latents.parquet`);
  deepStrictEqual(polars, duckdb);
  deepStrictEqual(pandas, duckdb);
  strictEqual(duckdb.rows.length, 768);
  const { values } = JSON.parse(Deno.readTextFileSync(`${artifacts}/quantiles.json`)) as { values: unknown[][] };
  const at = (name: string): number => duckdb.columns.indexOf(name);
  deepStrictEqual(duckdb.rows.map((row) => row.slice(at("q0"), at("q100") + 1)), values);
  const variables = await readers(`${artifacts}/var.parquet`);
  deepStrictEqual(variables.polars.columns, ["feature", "log10_freq", "log10_value", "topk_example_idx"]);
  ok(variables.polars.rows.every((row) => (row[3] as number[]).length === config.topK));
  const { stdout, error } = await python(SCRIPT, `${artifacts}/token_acts.npz`);
  strictEqual(error, undefined);
  const { type, shape, dtype, sorted } = JSON.parse(stdout);
  deepStrictEqual([type, shape, dtype, sorted], ["csr_array", [15360, 768], "float32", true]);
});

withReaders("scipy reads back the matrix that writeCsr() was given, empty rows and all", async (directory) => {
  const [rows, columns] = [700, 11];
  const dense = Float32Array.from({ length: rows * columns }, (_, i) => (i * 7919) % 23 < 4 ? (i % 97) / 9 + 0.1 : 0);
  dense.fill(0, 0, 3 * columns);
  const pieces = function* (): Generator<{ counts: Uint32Array; indices: Int32Array; values: Float32Array }> {
    for (let first = 0; first < rows; first += 70) {
      const part = dense.subarray(first * columns, (first + 70) * columns);
      const where = [...part.keys()].filter((i) => part[i] > 0);
      yield {
        counts: Uint32Array.from({ length: 70 }, (_, r) => where.filter((i) => Math.floor(i / columns) === r).length),
        indices: Int32Array.from(where, (i) => i % columns),
        values: Float32Array.from(where, (i) => part[i]),
      };
    }
  };
  await writeCsr(`${directory}/m.npz`, columns, pieces());
  deepStrictEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["m.npz"]);
  const { stdout, error } = await python(SCRIPT, `${directory}/m.npz`);
  strictEqual(error, undefined);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", dense)).toHex();
  deepStrictEqual(JSON.parse(stdout), {
    type: "csr_array",
    shape: [rows, columns],
    dtype: "float32",
    index: "int32",
    sorted: true,
    dense: digest,
  });
});
