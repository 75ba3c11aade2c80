/**
 * The table of all latents, `latents.parquet`: one row a latent, for pandas, polars, DuckDB and whatever else reads Parquet.
 * @module
 */
import type { Table, TableColumn } from "./write_table.ts";

/** Name of the table. */
export const LATENTS_NAME = "latents.parquet";

/** What the table is made of: arrays over latents. */
export interface LatentsTableSource {
  /** `f32 [dSae]`: firing rates. */
  readonly sparsity: Float32Array;
  /** `f32 [dSae]`: mean positive activations; NaN for a latent that never fired. */
  readonly meanValues: Float32Array;
  /** `u32 [dSae]`: rows on which the latent fired. */
  readonly count: Uint32Array;
  /** `f32 [dSae]`: largest activation; 0 for a latent that never fired. */
  readonly max: Float32Array;
  /** Entries kept per latent. */
  readonly k: number;
  /** `u32 [dSae, k]`. */
  readonly topI: Uint32Array;
  /** `u32 [dSae]`: valid entries among the k. */
  readonly topCount: Uint32Array;
  /** Quantiles: which, their values `f64 [dSae, at.length]`, and their error bound. */
  readonly quantiles: { readonly at: readonly number[]; readonly values: Float64Array; readonly relativeError: number };
}

/**
 * Makes the table.
 *
 * Columns: `latent` int32; `log10_freq`, `log10_value` double, null where not finite; `freq`, `mean_value`, `max_value`
 * float, the last two null for a latent that never fired; `count` int64; a double `q…` for each quantile in percent
 * (`q50`, `q99_9`), null for a latent that never fired; `top_images` list of uint32, the images of its entries, best first;
 * then whatever `more` holds.
 *
 * @param more Further columns over latents.
 * @param facts What the file's metadata says beside `k` and the quantiles' error.
 *
 * @example
 * ```ts
 * import { latentsTable } from "./latents_table.ts";
 * const one = { sparsity: new Float32Array([0.5]), meanValues: new Float32Array([2]), count: new Uint32Array([5]) };
 * const top = { max: new Float32Array([3]), k: 1, topI: new Uint32Array([7]), topCount: new Uint32Array([1]) };
 * const quantiles = { at: [0.5], values: new Float64Array([2]), relativeError: 1 / 65 };
 * const { columns } = latentsTable({ ...one, ...top, quantiles });
 * console.assert(columns.map(({ name }) => name).includes("q50"));
 * ```
 */
export function latentsTable(
  source: LatentsTableSource,
  more: readonly TableColumn[] = [],
  facts: Readonly<Record<string, unknown>> = {},
): Table {
  const { sparsity, meanValues, count, max, k, topI, topCount, quantiles } = source;
  const ifFired = (values: ArrayLike<number>) => (j: number): number | null => count[j] > 0 ? finite(values[j]) : null;
  return {
    rows: sparsity.length,
    columns: [
      { name: "latent", type: "int32", cell: (j) => j },
      { name: "log10_freq", type: "float64", cell: (j) => finite(Math.log10(sparsity[j])) },
      { name: "log10_value", type: "float64", cell: (j) => finite(Math.log10(meanValues[j])) },
      { name: "count", type: "int64", cell: (j) => count[j] },
      { name: "freq", type: "float32", cell: (j) => finite(sparsity[j]) },
      { name: "mean_value", type: "float32", cell: ifFired(meanValues) },
      { name: "max_value", type: "float32", cell: ifFired(max) },
      ...quantiles.at.map((q, i): TableColumn => ({
        name: quantileColumn(q),
        type: "float64",
        cell: (j) => finite(quantiles.values[j * quantiles.at.length + i]),
      })),
      { name: "top_images", list: "uint32", cell: (j) => topI.subarray(j * k, j * k + topCount[j]) },
      ...more,
    ],
    facts: { k, quantiles_relative_error: quantiles.relativeError, ...facts },
  };
}

/** `q99_9` for 0.999: a name that SQL takes without quotes. */
function quantileColumn(q: number): string {
  return `q${Number((100 * q).toFixed(6)).toString().replace(".", "_")}`;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
