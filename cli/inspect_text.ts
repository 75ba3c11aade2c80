/**
 * The report of `inspect` as text.
 * @module
 */
import { printable } from "../compute/printable.ts";
import { formatBytes, formatCount } from "./format_numbers.ts";
import type { Inspection } from "./jobs.ts";
import { twoColumns } from "./wrap_text.ts";

/** Five numbers: least, quartiles, most. */
type Spread = readonly number[];

/**
 * Says what lies at a path.
 *
 * @example
 * ```ts
 * import { inspectText } from "./inspect_text.ts";
 * const text = inspectText({ what: "pictures", kind: "image-folder", root: "cats", count: 3, labels: 1, first: ["a.jpg"] });
 * if (!text.startsWith("Pictures: cats")) throw new Error(text);
 * ```
 */
export function inspectText(found: Inspection): string {
  const [title, rows] = describe(found);
  // Names and texts are those of files that others made.
  const known = rows.flatMap(([name, text]): [string, string][] => text === undefined ? [] : [[name, printable(text)]]);
  const lines = [printable(title), ...twoColumns(known, { left: 18, width: 110 })];
  return lines.map((line) => `${line}\n`).join("");
}

function describe(found: Inspection): [title: string, rows: [string, string | undefined][]] {
  switch (found.what) {
    case "checkpoint": {
      const { norms, inputNorm, schema } = found;
      return [`Checkpoint: ${found.files[0]}`, [
        ["format", `${found.kind}${schema === 0 ? "" : ` ${schema}`}`],
        ["config", found.files[1]],
        ["sha256", found.sha256],
        ["shape", `${formatCount(found.dSae)} latents, width ${found.dVit}`],
        ["activation", found.activation],
        ["encoder", found.convention],
        [
          "rows first",
          inputNorm === undefined
            ? undefined
            : inputNorm.kind === "layer_norm"
            ? `layer norm, epsilon ${inputNorm.epsilon}`
            : `scaled to norm ${inputNorm.norm.toPrecision(4)}`,
        ],
        ["trained on", found.trainedOn],
        ["", "least, quartiles, most:"],
        ["encoder norms", spread(norms.encoder)],
        ["decoder norms", spread(norms.decoder)],
        ["encoder biases", spread(norms.encoderBias)],
        ["thresholds", norms.threshold === undefined ? undefined : spread(norms.threshold)],
        ["b_dec", `norm ${short(norms.decoderBias)}${norms.preBias > 0 ? ", subtracted first" : ", not subtracted"}`],
      ]];
    }
    case "shards":
      return [`Shards: ${found.root}`, [
        ["layout", found.layout],
        ["model", found.model],
        ["images", formatCount(found.images)],
        ["tokens", `${found.patches} patches${found.clsToken ? " and CLS" : ", no CLS"}`],
        ["layers", found.layers.join(", ")],
        ["width", String(found.dVit)],
        ["files", `${formatCount(found.files)}, ${formatBytes(found.bytes)}`],
      ]];
    case "artifacts":
      return [`Artifacts: ${found.directory}`, [
        [
          "made by",
          found.madeBy === undefined
            ? "upstream, or unfinished: there is no manifest"
            : `${found.madeBy.backend} at ${found.madeBy.startedAt}, of ${formatCount(found.madeBy.rows)} rows`,
        ],
        [
          "entries",
          `${found.k} of each of ${formatCount(found.dSae)} latents, ${found.kind === "img" ? "images" : "patches"}`,
        ],
        ["heatmaps", found.patches === 0 ? "none" : `${found.patches} patches`],
        ["latents a row", found.meanL0.toFixed(1)],
        ["dead latents", formatCount(found.deadLatents)],
        ["log10 firing", `${spread(found.logFrequency)} (least, quartiles, most)`],
      ]];
    case "pictures":
      return [`Pictures: ${found.root}`, [
        ["kind", found.kind],
        ["pictures", formatCount(found.count)],
        ["labels", formatCount(found.labels)],
        ["first", found.first.join(", ")],
      ]];
  }
}

function spread(values: Spread): string {
  return values.map(short).join("  ");
}

function short(value: number): string {
  return Number.isNaN(value) ? "n/a" : Number(value.toPrecision(4)).toString();
}
