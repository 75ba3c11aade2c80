/**
 * The report of `check` as text.
 * @module
 */
import { printable } from "../compute/printable.ts";
import { formatCount } from "./format_numbers.ts";
import type { CheckReport } from "./jobs.ts";
import { twoColumns } from "./wrap_text.ts";

/** Other ways listed at most. */
const MAX_WAYS = 8;

/**
 * Says what fits what, how well the encoder explains the sample, and what other settings would give.
 *
 * @example
 * ```ts
 * import { checkText } from "./check_text.ts";
 * const way = { layer: 4, scaleMean: false, scaleNorm: false, preBias: true, inputNorm: false };
 * const found = { ...way, explainedVariance: 0.925, meanL0: 28.3 };
 * const text = checkText({
 *   checkpoint: {
 *     path: "sae.pt", kind: "saev", activation: "ReLU", convention: "act(x W_enc + b_enc)", trainedOn: undefined,
 *     dVit: 96, dSae: 768,
 *   },
 *   shards: { root: "shards", layout: "current", images: 60, patches: 64, clsToken: true, layers: [4, 5], dVit: 96 },
 *   pictures: undefined, sample: { images: 60, rows: 3840, nonFiniteRows: 0 }, found, silentLatents: 3, tried: [found],
 *   backend: { name: "wasm", reason: "no GPU" }, warnings: [], problems: [],
 * });
 * if (!text.includes("0.925 of the variance")) throw new Error(text);
 * ```
 */
export function checkText(report: CheckReport): string {
  const { checkpoint, shards, pictures, sample, found, silentLatents, tried, backend } = report;
  const { dVit, dSae } = checkpoint;
  const cls = shards.clsToken ? " and CLS" : ", no CLS";
  const rows: [string, string][] = [
    [
      "checkpoint",
      `${checkpoint.path}: ${checkpoint.kind}, ${
        formatCount(dSae)
      } latents of width ${dVit}, ${checkpoint.activation}, ` +
      checkpoint.convention,
    ],
    ...(checkpoint.trainedOn === undefined ? [] : [["trained on", checkpoint.trainedOn] as [string, string]]),
    [
      "shards",
      `${shards.root}: ${formatCount(shards.images)} images of ${shards.patches} patches${cls}, ` +
      `layers ${shards.layers.join(", ")}, width ${shards.dVit}`,
    ],
    ["pictures", pictures === undefined ? "none given" : `${pictures.root}: ${formatCount(pictures.count)}`],
    [
      "sample",
      `${formatCount(sample.rows)} rows of ${formatCount(sample.images)} images` +
      (sample.nonFiniteRows > 0 ? `, ${formatCount(sample.nonFiniteRows)} rows more hold NaN or an infinity` : "") +
      `, on ${backend.name}`,
    ],
    [
      "encoder",
      `${share(found.explainedVariance)} of the variance explained, ${number(found.meanL0)} latents fire on a row, ` +
      `${formatCount(silentLatents)} (${(100 * silentLatents / dSae).toFixed(1)} %) on none`,
    ],
  ];
  // Names and texts are those of files that others made.
  const safe = rows.map(([name, text]): [string, string] => [name, printable(text)]);
  const lines = [...twoColumns(safe, { left: 14, width: 110 })];
  if (tried.length > 1) {
    lines.push("", "The same on a part of the sample, as configured and otherwise:");
    lines.push("  explained  latents  layer     mean   norm   b_dec first  own norm");
    for (const [i, way] of tried.slice(0, MAX_WAYS + 1).entries()) {
      const cells = [
        share(way.explainedVariance).padStart(11),
        number(way.meanL0).padStart(7),
        String(way.layer).padEnd(8),
        yes(way.scaleMean).padEnd(5),
        yes(way.scaleNorm).padEnd(5),
        yes(way.preBias).padEnd(11),
        yes(way.inputNorm),
      ];
      lines.push(`${cells.join("  ")}${i === 0 ? "  (configured)" : ""}`);
    }
    if (tried.length > MAX_WAYS + 1) lines.push(`  and ${tried.length - MAX_WAYS - 1} worse`);
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

function share(value: number): string {
  return Number.isNaN(value) ? "n/a" : value.toFixed(3);
}

function number(value: number): string {
  return Number.isNaN(value) ? "n/a" : value.toFixed(1);
}

function yes(value: boolean): string {
  return value ? "yes" : "no";
}
