/**
 * A study as tables and columns.
 * @module
 */
import { SKETCH_RELATIVE_ERROR, sketchQuantile } from "../compute/quantile_sketch.ts";
import { latentsTable } from "../io/latents_table.ts";
import type { StoredArtifacts } from "../io/read_artifacts.ts";
import type { Study, StudyNumber } from "../io/study_file.ts";
import type { Table, TableColumn } from "../io/write_table.ts";
import type { LabelStatistic } from "../compute/label_statistics.ts";
import { QUANTILES } from "./dump.ts";
import type { StudiedLatent } from "./study.ts";

/** Classes of fewer images are never a latent's best: their interval says nothing. */
const MIN_IMAGES = 2;

type Names = (label: number) => string;

/** The class whose interval begins highest, which a class of few images rarely is; undefined when there is none. */
function bestOf({ labels }: StudiedLatent, nameOf: Names): LabelStatistic | undefined {
  const possible = labels.filter(({ label, images, low }) => images >= MIN_IMAGES && low >= 0 && nameOf(label) !== "");
  return possible.reduce<LabelStatistic | undefined>(
    (best, one) => best === undefined || one.low > best.low ? one : best,
    undefined,
  );
}

/** The columns of `study.json`. */
export function studyColumns(found: readonly StudiedLatent[], nameOf: Names): Omit<Study, "format" | "request"> {
  const numbers = (of: (one: StudiedLatent) => number | undefined): (number | null)[] =>
    found.map((one) => finite(of(one)));
  const best = (one: StudiedLatent): LabelStatistic | undefined => bestOf(one, nameOf);
  return {
    latents: found.map(({ latent }) => latent),
    labelEntropy: numbers(({ entropy }) => entropy),
    bestLabel: found.map((one) => {
      const label = best(one);
      return label === undefined ? null : nameOf(label.label);
    }),
    bestLabelAuroc: numbers((one) => best(one)?.auroc),
    bestLabelLow: numbers((one) => best(one)?.low),
    bestLabelHigh: numbers((one) => best(one)?.high),
    bestLabelLift: numbers((one) => best(one)?.lift),
    positionConcentration: numbers((one) => one.positionConcentration),
    borderOdds: numbers((one) => one.borderOdds),
    highNormShare: numbers((one) => one.highNormShare),
    highNormLift: numbers((one) => one.highNormLift),
    classes: found.map(({ labels }) =>
      labels.filter(({ auroc }) => !Number.isNaN(auroc)).map(({ label, auroc, low, high }) =>
        [nameOf(label), auroc, low, high] as const
      )
    ),
    flags: found.map(({ flags }) => flags),
  };
}

/** One row for a latent and a class. */
export function labelsTable(found: readonly StudiedLatent[], nameOf: Names): Table {
  const rows = found.flatMap(({ latent, labels }) => labels.map((label) => ({ latent, ...label })));
  const number = (name: string, of: (row: LabelStatistic) => number): TableColumn => ({
    name,
    type: "float64",
    cell: (i) => finite(of(rows[i])),
  });
  return {
    rows: rows.length,
    columns: [
      { name: "latent", type: "int32", cell: (i) => rows[i].latent },
      { name: "label", type: "text", cell: (i) => nameOf(rows[i].label) },
      { name: "images", type: "uint32", cell: (i) => rows[i].images },
      { name: "ranked", type: "uint32", cell: (i) => rows[i].ranked },
      number("lift", ({ lift }) => lift),
      number("auroc", ({ auroc }) => auroc),
      number("auroc_low", ({ low }) => low),
      number("auroc_high", ({ high }) => high),
    ],
    facts: { interval: 0.95 },
  };
}

const COLUMN_NAMES: Readonly<Record<StudyNumber, string>> = {
  labelEntropy: "label_entropy",
  bestLabelAuroc: "best_label_auroc",
  bestLabelLow: "best_label_auroc_low",
  bestLabelHigh: "best_label_auroc_high",
  bestLabelLift: "best_label_lift",
  positionConcentration: "position_concentration",
  borderOdds: "border_odds",
  highNormShare: "high_norm_share",
  highNormLift: "high_norm_lift",
};

/** `latents.parquet` with what was found: null, and no flags, for latents that were not studied. */
export async function studiedLatents(
  artifacts: StoredArtifacts,
  found: readonly StudiedLatent[],
  nameOf: Names,
): Promise<Table> {
  const { dSae, sparsity, meanValues, k, topI, topCount } = artifacts;
  const columns = studyColumns(found, nameOf);
  const place = new Map(columns.latents.map((latent, i) => [latent, i]));
  const cell = <T>(column: readonly T[], none: T) => (latent: number): T => {
    const i = place.get(latent);
    return i === undefined ? none : column[i];
  };
  const names = Object.keys(COLUMN_NAMES) as StudyNumber[];
  const more: TableColumn[] = [
    { name: "studied", type: "bool", cell: (latent) => place.has(latent) },
    { name: "best_label", type: "text", cell: cell<string | null>(columns.bestLabel, null) },
    ...names.map((name): TableColumn => ({
      name: COLUMN_NAMES[name],
      type: "float64",
      cell: cell<number | null>(columns[name], null),
    })),
    { name: "flags", list: "text", cell: cell<readonly string[]>(columns.flags, []) },
  ];
  const count = new Uint32Array(dSae);
  const max = new Float32Array(dSae);
  const values = new Float64Array(dSae * QUANTILES.length);
  for (let latent = 0; latent < dSae; latent++) {
    const sketch = (await artifacts.readSketch(latent))!;
    count[latent] = sketch.histogram.reduce((sum, n) => sum + n, 0);
    max[latent] = sketch.max;
    QUANTILES.forEach((q, i) => {
      const value = sketchQuantile(sketch.histogram, 0, count[latent], q, sketch.min, sketch.max);
      values[latent * QUANTILES.length + i] = value;
    });
  }
  const quantiles = { at: QUANTILES, values, relativeError: SKETCH_RELATIVE_ERROR };
  return latentsTable({ sparsity, meanValues, count, max, k, topI, topCount, quantiles }, more);
}

/** Infinite odds have no number in JSON either; the flag says it. */
function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
