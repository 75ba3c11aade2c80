/**
 * What a study found of the latents that were shown, `study.json`: columns over those latents.
 * @module
 */
import { ArtifactError } from "../compute/errors.ts";
import { readSmallFile } from "./open_file.ts";

/** Its name, and that of the table of classes. */
export const STUDY_NAME = "study.json";
/** One row for a latent and a class. */
export const LABELS_NAME = "labels.parquet";

const STUDY_FORMAT = 1;
const MAX_STUDY_BYTES = 256 << 20;
const NUMBERS = [
  "labelEntropy",
  "bestLabelAuroc",
  "bestLabelLow",
  "bestLabelHigh",
  "bestLabelLift",
  "positionConcentration",
  "borderOdds",
  "highNormShare",
  "highNormLift",
] as const;

/** Columns of numbers; see docs/insight.md. */
export type StudyNumber = typeof NUMBERS[number];

/** The contents. Columns have an entry for each of `latents`, in their order; null where there is no number. */
export type Study = Readonly<Record<StudyNumber, readonly (number | null)[]>> & {
  /** Version of the layout. */
  readonly format: number;
  /** Digest of what was asked: another study is never taken for this one. */
  readonly request: string;
  /** The latents. */
  readonly latents: readonly number[];
  /** The class whose interval begins highest, by name; null where there is none. */
  readonly bestLabel: readonly (string | null)[];
  /** The listed classes with their areas, largest first: name, area, ends of the interval. */
  readonly classes: readonly (readonly (readonly [label: string, auroc: number, low: number, high: number])[])[];
  /** What a latent tracks: `position`, `border`, `norm`. */
  readonly flags: readonly (readonly string[])[];
};

/**
 * The text of a study.
 *
 * @example
 * ```ts
 * import { studyText } from "./study_file.ts";
 * const none = { labelEntropy: [], bestLabelAuroc: [], bestLabelLow: [], bestLabelHigh: [], bestLabelLift: [] };
 * const audit = { positionConcentration: [], borderOdds: [], highNormShare: [], highNormLift: [], classes: [], flags: [] };
 * console.assert(studyText({ request: "", latents: [], bestLabel: [], ...none, ...audit }).includes('"format":1'));
 * ```
 */
export function studyText(study: Omit<Study, "format">): string {
  return `${JSON.stringify({ format: STUDY_FORMAT, ...study })}\n`;
}

/**
 * Reads the study among artifacts; undefined when there is none.
 *
 * @throws {ArtifactError} If it is damaged.
 *
 * @example
 * ```ts
 * import { readStudy } from "./study_file.ts";
 * console.assert(await readStudy("fixtures/golden/emoji-sort_by_patch", 768) === undefined);
 * ```
 */
export async function readStudy(directory: string, dSae: number): Promise<Study | undefined> {
  const path = `${directory}/${STUDY_NAME}`;
  const bytes = await readSmallFile(path, MAX_STUDY_BYTES);
  if (bytes === undefined) return undefined;
  let value: Partial<Study> | null;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = null;
  }
  const n = Array.isArray(value?.latents) ? value.latents.length : -1;
  const isColumn = (column: unknown, isRight: (cell: unknown) => boolean): boolean =>
    Array.isArray(column) && column.length === n && column.every(isRight);
  const isNumber = (cell: unknown): boolean => cell === null || typeof cell === "number";
  const isText = (cell: unknown): boolean => typeof cell === "string";
  const isArea = (cell: unknown): boolean =>
    Array.isArray(cell) && cell.length === 4 && isText(cell[0]) &&
    cell.slice(1).every((part) => typeof part === "number");
  const isRight = value?.format === STUDY_FORMAT && isText(value.request) &&
    isColumn(value.latents, (cell) => Number.isInteger(cell) && (cell as number) >= 0 && (cell as number) < dSae) &&
    NUMBERS.every((name) => isColumn(value[name], isNumber)) &&
    isColumn(value.bestLabel, (cell) => cell === null || isText(cell)) &&
    isColumn(value.classes, (cell) => Array.isArray(cell) && cell.every(isArea)) &&
    isColumn(value.flags, (cell) => Array.isArray(cell) && cell.every(isText));
  if (isRight) return value as Study;
  throw new ArtifactError(`Cannot use ${path}: it is no study of these artifacts; make it again with study --force`, {
    path,
  });
}
