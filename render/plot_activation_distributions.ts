/**
 * How strongly each of the first latents fires: a grid of histograms, one panel a latent.
 * @module
 */
import { PercentileEstimator } from "../compute/percentile_estimator.ts";
import type { Tensor } from "../compute/tensor.ts";
import { formatCount } from "./_axes.ts";
import { type Mark, panelFigure } from "./_panels.ts";
import { countInBins, percentileOfSorted, positiveLogs, sharedRange } from "./_statistics.ts";

/** Percentiles that the distribution plots mark. */
export const MARKED_PERCENTILES: readonly number[] = [90, 95, 99, 100];

/** CSS colour of each of {@linkcode MARKED_PERCENTILES}. */
export const PERCENTILE_COLOURS: readonly string[] = ["red", "darkorange", "gold", "lime"];

/** Length of each line, as a share of the panel's height: the higher the percentile, the longer, so that none hides another. */
const MARK_LENGTHS: readonly number[] = [0.52, 0.68, 0.84, 1];

/** Bins that the panels share. */
export const PLOT_BINS = 100;

/** What to plot. */
export interface DistributionsInput {
  /** `f32 [m, n]`, row-major: the activation of m latents on n rows; what is not positive and finite is left out. */
  readonly distributions: Tensor;
  /** Latent of each panel; `0 … m − 1` unless told. */
  readonly latents?: readonly number[];
}

/** What a panel shows, in numbers; logarithms to base 10. */
export interface PanelNumbers {
  /** The latent. */
  readonly latent: number;
  /** Rows on which it fired. */
  readonly count: number;
  /** The log values at {@linkcode MARKED_PERCENTILES}; empty when it never fired. */
  readonly percentiles: readonly number[];
  /** The online estimator's answer for the same; empty when it never fired or when only the sketch is known. */
  readonly estimates: readonly number[];
}

/** A plot as an SVG document, and the numbers behind it. */
export interface DistributionsPlot {
  /** The SVG document. */
  readonly svg: string;
  /** One entry a panel. */
  readonly panels: readonly PanelNumbers[];
}

/**
 * Draws a histogram of `log10(f)` over the rows where f > 0, for each of m latents, on shared axes; counts on `log(1 + n)`, so
 * that a latent which fires seldom is seen beside one that fires often.
 *
 * All panels share {@linkcode PLOT_BINS} equal bins from the least to the largest log value. Solid lines mark the 90th,
 * 95th, 99th and 100th percentile of the log values (linear interpolation at rank `p/100·(n − 1)`, as numpy's default)
 * in red, dark orange, gold and lime, each longer than the one before; dashed lines what {@linkcode PercentileEstimator}
 * says after the same log values in row order. Log values are rounded to f32. Zeros, NaN and infinities are left out; a latent that never fires has
 * an empty panel, and m = 0 gives a figure that says so.
 *
 * @param input `distributions: f32 [m, n]` and, optionally, each panel's latent.
 * @returns The SVG document and the numbers it shows.
 * @throws {TypeError} If `distributions` is not two-dimensional, or `latents` is not m long.
 *
 * Source: upstream's function of the same name; all m panels are shown here, upstream shows `floor(sqrt(m))²`.
 *
 * @example
 * ```ts
 * import { tensor } from "../compute/tensor.ts";
 * import { plotActivationDistributions } from "./plot_activation_distributions.ts";
 * const distributions = tensor(new Float32Array([0, 1, 10, 0, 0, 0]), [2, 3]);
 * const plot = plotActivationDistributions({ distributions });
 * console.assert(plot.svg.startsWith("<svg") && plot.panels[0].count === 2 && plot.panels[1].count === 0);
 * ```
 */
export function plotActivationDistributions(input: DistributionsInput): DistributionsPlot {
  const { data, shape } = input.distributions;
  if (shape.length !== 2) {
    throw new TypeError(`Cannot plot distributions of shape [${shape.join(", ")}]: expected [m, n]`);
  }
  const [m, n] = shape;
  if (input.latents !== undefined && input.latents.length !== m) {
    throw new TypeError(`Cannot label ${m} distributions with ${input.latents.length} latents`);
  }
  const logs = Array.from({ length: m }, (_, i) => positiveLogs(data.subarray(i * n, (i + 1) * n)));
  const range = sharedRange(logs);
  const panels = logs.map((values, i): PanelNumbers => {
    const latent = input.latents?.[i] ?? i;
    if (values.length === 0) return { latent, count: 0, percentiles: [], estimates: [] };
    const sorted = values.toSorted();
    return {
      latent,
      count: values.length,
      percentiles: MARKED_PERCENTILES.map((percentile) => percentileOfSorted(sorted, percentile)),
      estimates: MARKED_PERCENTILES.map((percentile) => estimate(values, percentile)),
    };
  });
  const svg = panelFigure({
    title: `Distribution of the activations of ${m} latents`,
    range,
    panels: panels.map((panel, i) => ({
      title: `latent ${panel.latent}`,
      note: panel.count === 0 ? "" : `${formatCount(panel.count)} of ${formatCount(n)}`,
      counts: panel.count === 0 ? [] : countInBins(logs[i], range, PLOT_BINS),
      marks: [...marks(panel.percentiles, false), ...marks(panel.estimates, true)],
    })),
    legend: distributionLegend(true),
  });
  return { svg, panels };
}

/** Legend entries of the percentile lines. */
export function distributionLegend(withEstimates: boolean): { label: string; colour: string; dashed: boolean }[] {
  const solid = MARKED_PERCENTILES.map((percentile, i) => ({
    label: `${percentile}th percentile`,
    colour: PERCENTILE_COLOURS[i],
    dashed: false,
  }));
  return withEstimates ? [...solid, { label: "dashed: online estimate", colour: "#9aa5b1", dashed: true }] : solid;
}

/** One line a percentile. */
export function marks(values: readonly number[], dashed: boolean): Mark[] {
  return values.map((x, i) => ({ x, colour: PERCENTILE_COLOURS[i], dashed, length: MARK_LENGTHS[i] }));
}

/** The online estimate over `values`, in order. */
function estimate(values: Float32Array, percentile: number): number {
  const estimator = new PercentileEstimator(percentile, values.length);
  for (const value of values) estimator.update(value);
  return estimator.estimate.data[0];
}
