/**
 * The distribution plot for runs too long to keep every activation: drawn from the quantile sketch.
 * @module
 */
import { SKETCH_BINS } from "../compute/latent_state.ts";
import { sketchQuantile } from "../compute/quantile_sketch.ts";
import { formatCount } from "./_axes.ts";
import { panelFigure } from "./_panels.ts";
import { rebinSketch, type Sketch, sketchRange } from "./_sketch_bins.ts";
import { sharedRange } from "./_statistics.ts";
import {
  distributionLegend,
  type DistributionsPlot,
  MARKED_PERCENTILES,
  marks,
  type PanelNumbers,
  PLOT_BINS,
} from "./plot_activation_distributions.ts";

/** The sketches to plot; the arrays may be longer than m latents, as those of a whole state are. */
export interface SketchDistributionsInput {
  /** `u32 [≥ m, SKETCH_BINS]`. */
  readonly histogram: Uint32Array;
  /** `u32 [≥ m]`: rows on which each latent fired. */
  readonly count: Uint32Array;
  /** `f32 [≥ m]`: least activation; +Infinity when it never fired. */
  readonly min: Float32Array;
  /** `f32 [≥ m]`: largest activation. */
  readonly max: Float32Array;
  /** Rows in the run. */
  readonly rows: number;
  /** The latents to show, in order. */
  readonly latents: readonly number[];
}

/**
 * Draws what {@linkcode plotActivationDistributions} draws, from the quantile sketch instead of every activation.
 *
 * Histograms are the sketch's counts spread over {@linkcode PLOT_BINS} shared bins of log10; the lines are at
 * `log10(sketchQuantile(p/100))`, within the sketch's relative error, the 100th percentile exact. There is no dashed
 * line: the online estimator needs the values in order.
 *
 * @param input The state's sketch, counts and extremes, and which latents to show.
 * @returns The SVG document and the numbers it shows.
 * @throws {RangeError} If a latent lies outside the arrays.
 *
 * Source: this system's specification, section 6.
 *
 * @example
 * ```ts
 * import { sketchBin } from "../compute/quantile_sketch.ts";
 * import { plotSketchDistributions } from "./plot_sketch_distributions.ts";
 * const histogram = new Uint32Array(2048);
 * histogram[sketchBin(1)] = 2;
 * const one = new Float32Array([1]);
 * const plot = plotSketchDistributions({
 *   histogram, count: new Uint32Array([2]), min: one, max: one, rows: 5, latents: [0],
 * });
 * console.assert(plot.panels[0].percentiles.every((value) => value === 0));
 * ```
 */
export function plotSketchDistributions(input: SketchDistributionsInput): DistributionsPlot {
  const { histogram, count, min, max, latents, rows } = input;
  for (const latent of latents) {
    if (!Number.isInteger(latent) || latent < 0 || latent >= count.length) {
      throw new RangeError(`Cannot plot latent ${latent}: expected an integer from 0 to ${count.length - 1}`);
    }
  }
  const sketches = latents.map((latent): Sketch => ({
    histogram,
    offset: latent * SKETCH_BINS,
    min: min[latent],
    max: max[latent],
  }));
  const range = sharedRange(sketches.map((sketch) => sketchRange(sketch) ?? []));
  const panels = sketches.map((sketch, i): PanelNumbers => {
    const latent = latents[i];
    const fired = count[latent];
    if (fired === 0) return { latent, count: 0, percentiles: [], estimates: [] };
    const percentiles = MARKED_PERCENTILES.map((percentile) =>
      Math.log10(sketchQuantile(histogram, sketch.offset, fired, percentile / 100, sketch.min, sketch.max))
    );
    return { latent, count: fired, percentiles, estimates: [] };
  });
  const svg = panelFigure({
    title: `Distribution of the activations of ${latents.length} latents, from the quantile sketch`,
    range,
    panels: panels.map((panel, i) => ({
      title: `latent ${panel.latent}`,
      note: panel.count === 0 ? "" : `${formatCount(panel.count)} of ${formatCount(rows)}`,
      counts: panel.count === 0 ? [] : rebinSketch(sketches[i], range, PLOT_BINS),
      marks: marks(panel.percentiles, false).filter(({ x }) => Number.isFinite(x)),
    })),
    legend: distributionLegend(false),
  });
  return { svg, panels };
}
