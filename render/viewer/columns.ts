/**
 * The numbers of every latent: those that each run has, and those that a run adds.
 * @module
 */
import { floats, shorts } from "./codec.ts";
import { percent, short, three } from "./dom.ts";
import type { RunData } from "./format.ts";
import type { Column } from "./list_latents.ts";
import type { ColumnKey, RangeKey } from "./state.ts";

/** Columns in the order in which they are shown. */
export function tableColumns(
  data: RunData,
  { frequency, mean }: { readonly frequency: Float32Array; readonly mean: Float32Array },
): ReadonlyMap<RangeKey, Column> {
  const sum = data.sortBy === "sum";
  const columns: Column[] = [
    {
      key: "frequency",
      name: "Firing rate",
      about: "Share of rows on which the latent fires",
      unit: "",
      log: true,
      values: frequency,
    },
    { key: "mean", name: "Mean", about: "Mean of its positive activations", unit: "", log: true, values: mean },
    {
      key: "top",
      name: sum ? "Top sum" : "Max",
      about: sum ? "Largest sum over a picture's patches" : "Largest activation",
      unit: "",
      log: true,
      values: floats(data.top).map((value) => value > 0 ? value : NaN),
    },
    {
      key: "distinct",
      name: "Pictures",
      about: "Distinct pictures among its entries",
      unit: "",
      log: false,
      values: shorts(data.distinct),
    },
    {
      key: "entropy",
      name: "Label entropy",
      about: "Entropy of the labels of those pictures",
      unit: "bits",
      log: false,
      values: Float32Array.from(shorts(data.entropy), (value) => value * data.entropyUnit),
    },
    ...(data.columns ?? []).map(({ key, values, ...rest }) => ({
      ...rest,
      key: `c.${key}` as ColumnKey,
      values: floats(values),
    })),
  ];
  return new Map(columns.map((column) => [column.key, column]));
}

/** A latent's number in words; a dash when there is none. */
export function columnText({ key, values, unit }: Column, latent: number, options: { unit?: boolean } = {}): string {
  const value = values[latent];
  if (key === "frequency") return percent(value);
  const text = key === "entropy"
    ? value.toFixed(2)
    : key === "distinct"
    ? String(value)
    : options.unit
    ? short(value)
    : three(value);
  return options.unit && unit !== "" && Number.isFinite(value) ? `${text} ${unit}` : text;
}
