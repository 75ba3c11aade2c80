import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { parquetMetadata, parquetReadObjects } from "npm:hyparquet@1.31.5";
import { latentsTable } from "../../io/latents_table.ts";
import { TABLE_METADATA_KEY, writeTable } from "../../io/write_table.ts";
import { ArtifactError } from "../../compute/errors.ts";
import { inTemporary } from "./_temporary.ts";

const permissions = { read: ["tests/tmp"], write: ["tests/tmp"] };

async function read(path: string): Promise<{ rows: Record<string, unknown>[]; facts: unknown; groups: number }> {
  const { buffer } = await Deno.readFile(path);
  const metadata = parquetMetadata(buffer);
  const facts = metadata.key_value_metadata?.find(({ key }) => key === TABLE_METADATA_KEY)?.value;
  return {
    rows: await parquetReadObjects({ file: buffer }),
    facts: JSON.parse(facts!),
    groups: metadata.row_groups.length,
  };
}

Deno.test({
  name: "writeTable() writes groups of rows that read back, and the same bytes every time",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const table = {
        rows: 2049,
        columns: [
          { name: "row", type: "int32", cell: (row: number) => row },
          { name: "text", type: "text", cell: (row: number) => row % 2 === 0 ? null : `r${row}` },
          { name: "list", list: "float32", cell: (row: number) => new Float32Array(row % 3) },
        ],
        facts: { k: 3 },
      } as const;
      await writeTable(`${directory}/a.parquet`, table);
      await writeTable(`${directory}/b.parquet`, table);
      deepStrictEqual(await Deno.readFile(`${directory}/a.parquet`), await Deno.readFile(`${directory}/b.parquet`));
      const { rows, facts, groups } = await read(`${directory}/a.parquet`);
      deepStrictEqual([rows.length, groups, facts], [2049, 3, { k: 3 }]);
      for (const [i, row] of rows.entries()) {
        deepStrictEqual(row, {
          row: i,
          text: i % 2 === 0 ? null : `r${i}`,
          list: new Array(i % 3).fill(0),
        }, `row ${i}`);
      }
    }),
});

Deno.test({
  name: "writeTable() of no rows has its columns, and one that fails leaves nothing",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const columns = [{ name: "row", type: "int64", cell: () => 1 }] as const;
      await writeTable(`${directory}/empty.parquet`, { rows: 0, columns, facts: {} });
      strictEqual((await read(`${directory}/empty.parquet`)).rows.length, 0);
      await Deno.mkdir(`${directory}/taken.parquet`);
      await rejects(writeTable(`${directory}/taken.parquet`, { rows: 1, columns, facts: {} }), ArtifactError);
      deepStrictEqual([...Deno.readDirSync(directory)].map(({ name }) => name).sort(), [
        "empty.parquet",
        "taken.parquet",
      ]);
    }),
});

Deno.test({
  name: "latentsTable() has nulls where there is no number, and no entry past the count",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const table = latentsTable({
        sparsity: Float32Array.of(0.5, 0),
        meanValues: Float32Array.of(10, NaN),
        count: Uint32Array.of(5, 0),
        max: Float32Array.of(20, 0),
        k: 2,
        topI: Uint32Array.of(9, 3, 0, 0),
        topCount: Uint32Array.of(1, 0),
        quantiles: { at: [0.5, 0.999], values: Float64Array.of(10.5, 20, NaN, NaN), relativeError: 1 / 65 },
      }, [{ name: "more", type: "bool", cell: (latent) => latent === 1 }]);
      await writeTable(`${directory}/t.parquet`, table);
      const { rows, facts } = await read(`${directory}/t.parquet`);
      deepStrictEqual(facts, { k: 2, quantiles_relative_error: 1 / 65 });
      deepStrictEqual(rows, [
        {
          latent: 0,
          log10_freq: Math.log10(0.5),
          log10_value: 1,
          count: 5n,
          freq: 0.5,
          mean_value: 10,
          max_value: 20,
          q50: 10.5,
          q99_9: 20,
          top_images: [9],
          more: false,
        },
        {
          latent: 1,
          log10_freq: null,
          log10_value: null,
          count: 0n,
          freq: 0,
          mean_value: null,
          max_value: null,
          q50: null,
          q99_9: null,
          top_images: [],
          more: true,
        },
      ]);
    }),
});
