/**
 * Whether checkpoint, shards and pictures belong together, told from a sample before hours are spent.
 * @module
 */
import { chooseBackend } from "../compute/choose_backend.ts";
import { AbnormalRowsError } from "../compute/row_statistics.ts";
import { rowsPerImage } from "../compute/rows.ts";
import type { Decoder } from "../compute/sae.ts";
import type { VisualsConfig } from "../config/types.ts";
import { openPictures } from "../io/datasets/open_pictures.ts";
import { isDirectory } from "../io/open_file.ts";
import { gridNotes } from "./grid_notes.ts";
import { type JobHooks, withDefaults } from "./hooks.ts";
import { type Inputs, openInputs } from "./open_inputs.ts";
import { planSample, type SampledRows, sampleRows, someOf } from "./sample_rows.ts";
import { type Outcome, tryEncoder, type Way } from "./try_encoder.ts";

/** Rows in the sample at most, images they come from, and multiplications that may be spent on them. */
const SAMPLE_ROWS = 4096;
const SAMPLE_IMAGES = 64;
const SAMPLE_BUDGET = 8e9;
/** The same for all other ways together; and the least worth looking at. */
const OTHERS_BUDGET = 8e9;
const OTHERS_MAX_ROWS = 256;
const MIN_ROWS = 48;

/** Another way has to explain this much more to be worth a warning; ways within `NEARLY` of the best are as good. */
const WORTH_SAYING = 0.05;
const NEARLY = 0.02;
/** Or it explains no less with far fewer latents: rows of another layer are given back by many that mean little there. */
const NO_WORSE = 0.02;
const FAR_FEWER = 0.6;
/** Below this an autoencoder says little about its input. */
const POOR = 0.5;

/** What a check found. Plain data. */
export interface CheckReport {
  /** The checkpoint. */
  readonly checkpoint: {
    readonly path: string;
    readonly kind: string;
    readonly activation: string;
    readonly convention: string;
    readonly trainedOn: string | undefined;
    readonly dVit: number;
    readonly dSae: number;
  };
  /** The shards. */
  readonly shards: {
    readonly root: string;
    readonly layout: string;
    readonly images: number;
    readonly patches: number;
    readonly clsToken: boolean;
    readonly layers: readonly number[];
    readonly dVit: number;
  };
  /** The pictures; undefined when there are none at `--images.root`. */
  readonly pictures: { readonly root: string; readonly count: number } | undefined;
  /** What was read. */
  readonly sample: { readonly images: number; readonly rows: number; readonly nonFiniteRows: number };
  /** The configured way. */
  readonly found: Outcome;
  /** Latents that fired on no row of the sample. */
  readonly silentLatents: number;
  /** Every way that was tried on a part of the sample, the configured one first, the others by explained variance. */
  readonly tried: readonly Outcome[];
  /** What encoded the sample. */
  readonly backend: { readonly name: string; readonly reason: string };
  /** What may be wrong, one line each. */
  readonly warnings: readonly string[];
  /** What makes the job impossible or wrong, one line each. */
  readonly problems: readonly string[];
}

/**
 * Joins checkpoint, shards and pictures and tries the encoder on a sample.
 *
 * Beside the configured way it tries every recorded layer, with and without the decoder's bias subtracted first, with and
 * without the checkpoint's own normalisation, and other scalings of rows; where one explains the rows better, a warning
 * names the settings. Mean and norm are measured on the sample.
 *
 * @param config As for `main`; pictures are left out when `images.root` does not exist.
 * @throws {ConfigError | CheckpointError | ShardFormatError} If checkpoint and shards cannot be joined at all.
 *
 * @example
 * ```ts
 * import { parseConfig } from "../config.ts";
 * import { checkInputs } from "./check_inputs.ts";
 * const demo = "fixtures/demo/emoji";
 * const { found, warnings } = await checkInputs(parseConfig({
 *   ckpt: `${demo}/sae.pt`, device: "reference", images: { kind: "image-folder", root: `${demo}/images` },
 *   data: { shardRoot: `${demo}/shards`, scaleMean: false, scaleNorm: false },
 * }));
 * console.assert(found.explainedVariance > 0.9 && warnings.length === 0);
 * ```
 */
export async function checkInputs(config: VisualsConfig, hooks?: Partial<JobHooks>): Promise<CheckReport> {
  const { signal, progress } = withDefaults(hooks);
  const inputs = await openInputs(config, { decoder: true });
  const { sae, saeInfo, shards, layout } = inputs;
  const decoder = inputs.decoder!;
  const problems: string[] = [];
  const warnings = [...inputs.warnings, ...gridNotes(shards)];
  const pictures = await countPictures(config);
  if (pictures !== undefined && pictures.count !== shards.nImages) {
    problems.push(
      `${pictures.root} holds ${pictures.count} pictures, but ${shards.root} was recorded from ${shards.nImages}`,
    );
  }
  const wanted = Math.max(MIN_ROWS, Math.min(SAMPLE_ROWS, Math.floor(SAMPLE_BUDGET / (sae.dVit * sae.dSae))));
  const plan = planSample(shards.nImages, rowsPerImage(layout), { wanted, maxImages: SAMPLE_IMAGES });
  const configured: Way = {
    layer: inputs.layer === "all" ? "meanpool" : shards.layers[inputs.layer],
    scaleMean: config.data.scaleMean,
    scaleNorm: config.data.scaleNorm,
    preBias: sae.bPre.some((bias) => bias !== 0),
    inputNorm: sae.inputNorm !== undefined,
  };
  const ways = otherWays(configured, inputs, decoder);
  const total = ways.length + 2;
  const { backend, reason } = await chooseBackend(config.device, {
    precision: config.precision,
    workerPermissions: hooks?.workerPermissions,
  });
  try {
    progress({ stage: "check", done: 0, total, unit: "ways" });
    const sample = await sampleRows(shards, inputs.layer, { layout, plan });
    warnings.push(...nonFiniteNotes(sample, config));
    const encoder = { sae, decoder, backend };
    const { outcome: found, silentLatents } = await tryEncoder(sample.rows, configured, encoder);
    const tried: Outcome[] = [];
    let layerRows: { layer: Way["layer"]; rows: Float32Array } | undefined;
    for (const way of [configured, ...ways]) {
      signal?.throwIfAborted();
      progress({ stage: "check", done: tried.length + 1, total, unit: "ways" });
      if (layerRows?.layer !== way.layer) {
        const index = way.layer === "meanpool" ? "all" : shards.layers.indexOf(way.layer);
        const { rows } = way.layer === configured.layer ? sample : await sampleRows(shards, index, { layout, plan });
        layerRows = { layer: way.layer, rows: thinned(rows, sae.dVit, othersRows(ways.length, sae)) };
      }
      tried.push(await outcomeOf(layerRows.rows, way, encoder));
    }
    progress({ stage: "check", done: total, total, unit: "ways" });
    warnings.push(...adviceFor(tried));
    const [first, ...others] = tried;
    return {
      checkpoint: {
        path: config.ckpt,
        kind: saeInfo.kind,
        activation: saeInfo.activation,
        convention: saeInfo.convention,
        trainedOn: saeInfo.trainedOn,
        dVit: sae.dVit,
        dSae: sae.dSae,
      },
      shards: {
        root: shards.root,
        layout: shards.layout,
        images: shards.nImages,
        patches: shards.patches,
        clsToken: shards.clsToken,
        layers: shards.layers,
        dVit: shards.dVit,
      },
      pictures,
      sample: { images: plan.images.length, rows: sample.rows.length / sae.dVit, nonFiniteRows: sample.nonFinite },
      found,
      silentLatents,
      tried: [first, ...others.sort((a, b) => rank(b) - rank(a))],
      backend: { name: backend.name, reason },
      warnings,
      problems,
    };
  } finally {
    await backend.close();
  }
}

async function countPictures(config: VisualsConfig): Promise<CheckReport["pictures"]> {
  if (!await isDirectory(config.images.root)) return undefined;
  const pictures = await openPictures(config.images);
  pictures.close();
  return { root: config.images.root, count: pictures.length };
}

/** Every other combination that makes a difference, one layer after the other so that each is read once. */
function otherWays(configured: Way, { sae, shards }: Inputs, decoder: Decoder): Way[] {
  const layers: Way["layer"][] = [configured.layer, ...shards.layers.filter((layer) => layer !== configured.layer)];
  const hasBias = decoder.bDec.some((bias) => bias !== 0);
  const scalings = [[configured.scaleMean, configured.scaleNorm], [false, false], [true, true], [false, true]];
  const ways = layers.flatMap((layer) =>
    scalings.flatMap(([scaleMean, scaleNorm]) =>
      (hasBias ? [true, false] : [configured.preBias]).flatMap((preBias) =>
        (sae.inputNorm === undefined ? [false] : [true, false]).map((inputNorm) => (
          { layer, scaleMean, scaleNorm, preBias, inputNorm }
        ))
      )
    )
  );
  const seen = new Set([keyOf(configured)]);
  return ways.filter((way) => !seen.has(keyOf(way)) && seen.add(keyOf(way)));
}

function keyOf({ layer, scaleMean, scaleNorm, preBias, inputNorm }: Way): string {
  return [layer, scaleMean, scaleNorm, preBias, inputNorm].join();
}

function othersRows(ways: number, { dVit, dSae }: Inputs["sae"]): number {
  const affordable = Math.floor(OTHERS_BUDGET / ((ways + 1) * dVit * dSae));
  return Math.max(MIN_ROWS, Math.min(OTHERS_MAX_ROWS, affordable));
}

/** At most `most` of the rows, spread over them. */
function thinned(rows: Float32Array, dVit: number, most: number): Float32Array {
  const n = rows.length / dVit;
  if (n <= most) return rows;
  const out = new Float32Array(most * dVit);
  someOf(n, most).forEach((row, i) => out.set(rows.subarray(row * dVit, (row + 1) * dVit), i * dVit));
  return out;
}

/** A way that cannot be taken, as rows are abnormal, explains nothing. */
async function outcomeOf(
  rows: Float32Array,
  way: Way,
  encoder: Parameters<typeof tryEncoder>[2],
): Promise<Outcome> {
  try {
    return (await tryEncoder(rows, way, encoder)).outcome;
  } catch (error) {
    if (!(error instanceof AbnormalRowsError)) throw error;
    return { ...way, explainedVariance: NaN, meanL0: NaN };
  }
}

function rank({ explainedVariance }: Outcome): number {
  return Number.isNaN(explainedVariance) ? -Infinity : explainedVariance;
}

function nonFiniteNotes({ nonFinite, firstNonFinite }: SampledRows, config: VisualsConfig): string[] {
  if (firstNonFinite === undefined) return [];
  const { image, patch } = firstNonFinite;
  const todo = config.nonFinite === "skip" ? "they will be skipped" : "leave such rows out with --non-finite=skip";
  return [
    `${nonFinite} rows of the sample hold NaN or an infinity, the first is image ${image}, patch ${patch}; ${todo}`,
  ];
}

/**
 * What to change, if another way explains clearly more, or as much with far fewer latents; of those about as good as the
 * best the one with the fewest changes.
 */
function adviceFor([found, ...others]: readonly Outcome[]): string[] {
  const share = (value: number): string => value.toFixed(3);
  const better = others.filter((way) =>
    rank(way) >= rank(found) + WORTH_SAYING ||
    (rank(way) >= rank(found) - NO_WORSE && way.meanL0 <= found.meanL0 * FAR_FEWER)
  );
  const best = Math.max(...better.map(rank), -Infinity);
  const most = Math.max(rank(found), ...others.map(rank));
  if (most === -Infinity) return ["The sample's rows do not vary, so nothing can be said about the encoder"];
  if (most < POOR) {
    const asConfigured = share(found.explainedVariance);
    return [
      `The encoder explains ${asConfigured} of the sample's variance as configured, and no recorded layer, scaling or ` +
      `convention more than ${share(most)}: the checkpoint was probably trained on other activations`,
    ];
  }
  if (better.length === 0) return [];
  const changes = (way: Way): number => changesOf(way, found).length;
  const advised = better.filter((way) => rank(way) >= best - NEARLY).sort((a, b) => changes(a) - changes(b))[0];
  const flags = changesOf(advised, found).join(", ");
  const layer = found.layer === "meanpool" ? "the mean over layers" : `layer ${found.layer}`;
  return [
    `At ${layer} as configured the encoder explains ${share(found.explainedVariance)} of the sample's variance with ` +
    `${found.meanL0.toFixed(1)} latents a row, and ${share(advised.explainedVariance)} with ` +
    `${advised.meanL0.toFixed(1)} if you give ${flags}`,
  ];
}

/** What differs, as flags where there is one. */
function changesOf(way: Way, from: Way): string[] {
  const changes: string[] = [];
  if (way.layer !== from.layer) changes.push(`--data.layer ${way.layer}`);
  if (way.scaleMean !== from.scaleMean) changes.push(way.scaleMean ? "--data.scale-mean" : "--data.no-scale-mean");
  if (way.scaleNorm !== from.scaleNorm) changes.push(way.scaleNorm ? "--data.scale-norm" : "--data.no-scale-norm");
  if (way.preBias !== from.preBias) {
    changes.push(
      `b_dec ${way.preBias ? "subtracted" : "not subtracted"} first (the checkpoint's convention is in doubt)`,
    );
  }
  if (way.inputNorm !== from.inputNorm) changes.push("the checkpoint's own normalisation left out");
  return changes;
}
